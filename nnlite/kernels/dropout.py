"""Dropout masks from a counter: no stored mask, no state, the same in forward and backward.

A value is dropped where the hash of its position and a key falls below a threshold. The hash is C. Wellons' lowbias32
with the second word of the key between its rounds, computed in as many lanes as the values have.
"""

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from nnlite.runtime.jit import kernel
from nnlite.runtime.simd import (
    INT32,
    Vector,
    data_pointer,
    emit_splat,
    intrinsic,
    ir_vector,
    lanes_of,
    load,
    load_first,
    store,
    store_first,
)
from nnlite.runtime.simd_math import emit_fma


def threshold(rate: float) -> np.uint32:
    """Return the number below which hashes are dropped; exact to 2**-32."""
    return np.uint32(min(round(rate * 2**32), 2**32 - 1))


def dropout(x, key, threshold, scale, rest, y):
    """Compute y = rest + (x - rest) * scale where the hash of the position reaches the threshold, else rest.

    The arrays are flat.
    """
    _dropout_kernel(lanes_of(x.dtype))(x, key, threshold, scale, rest, y)


@functools.cache
def _dropout_kernel(L):
    @kernel
    def dropout_forward(x, key, threshold, scale, rest, y):
        whole = x.size // L * L
        for i in range(0, whole, L):
            store(y, i, drop(load(x, i, L), i, key, threshold, scale, rest))
        if whole < x.size:
            n = x.size - whole
            store_first(y, whole, drop(load_first(x, whole, L, n), whole, key, threshold, scale, rest), n)

    return dropout_forward


@intrinsic
def drop(typing, v, i, key, threshold, scale, rest):
    """Return the values `v` of the positions from i after dropout; `key` is an array of two uint32. NaN stays."""
    if not isinstance(v, Vector):
        raise TypeError(f"drop: v: expected a vector, got {v}")
    signature = v(v, types.intp, key, types.uint32, v.dtype, v.dtype)

    def generate(context, builder, signature, arguments):
        value, i, key, threshold, scale, rest = arguments
        vector = ir_vector(signature.return_type)
        words = data_pointer(context, builder, signature.args[2], key)
        first, second = (builder.load(builder.gep(words, [ir.Constant(i.type, k)])) for k in range(2))
        kept = builder.icmp_unsigned(
            ">=", _hash(builder, i, first, second, vector.count), emit_splat(builder, threshold, vector.count)
        )
        kept = builder.or_(kept, builder.fcmp_unordered("uno", value, value))
        scale, rest = emit_splat(builder, scale, vector.count), emit_splat(builder, rest, vector.count)
        return builder.select(kept, emit_fma(builder, builder.fsub(value, rest), scale, rest), rest)

    return signature, generate


def _hash(builder: Any, i: Any, first: Any, second: Any, lanes: int) -> Any:
    """Return 32 well-mixed bits for each of the counters i, i + 1, ..."""
    words = ir.VectorType(INT32, lanes)

    def constant(value: int) -> ir.Constant:
        return ir.Constant(words, [value] * lanes)

    def fold(h: Any, bits: int) -> Any:
        return builder.xor(h, builder.lshr(h, constant(bits)))

    counters = builder.add(emit_splat(builder, builder.trunc(i, INT32), lanes), ir.Constant(words, list(range(lanes))))
    h = builder.xor(counters, emit_splat(builder, first, lanes))
    h = builder.mul(fold(h, 16), constant(0x7FEB352D))
    h = builder.add(fold(h, 15), emit_splat(builder, second, lanes))
    h = builder.mul(fold(h, 16), constant(0x846CA68B))
    return fold(h, 16)
