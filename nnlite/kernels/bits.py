"""Sets of lanes as the bits of an integer, to walk through those that count and leave out the others."""

from typing import Any

from llvmlite import ir
from numba.core import types

from nnlite.kernels.blocks import load_valid
from nnlite.runtime.simd import Vector, data_pointer, emit_splat, intrinsic, ir_vector, literal


@intrinsic(prefer_literal=True)
def nonzero_bits(typing, a, i, valid, count):
    """Return bits: bit k says whether a[i + k] is not zero (NaN is not).

    k is below `valid` and `count`, which is at most 64.
    """
    lanes = literal(count)
    signature = types.uint64(a, types.intp, types.intp, count)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(Vector(signature.args[0].dtype, lanes))
        value = load_valid(builder, pointer, arguments[1], vector, arguments[2])
        return _bits(builder, builder.fcmp_unordered("!=", value, ir.Constant(vector, [0.0] * lanes)))

    return signature, generate


@intrinsic(prefer_literal=True)
def equal_bits(typing, a, i, valid, value, count):
    """Return bits: bit k says whether a[i + k] is `value`, for k below `count`, which is at most 64; a holds bytes."""
    lanes = literal(count)
    signature = types.uint64(a, types.intp, types.intp, types.intp, count)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(Vector(signature.args[0].dtype, lanes))
        values = load_valid(builder, pointer, arguments[1], vector, arguments[2])
        wanted = emit_splat(builder, builder.trunc(arguments[3], ir.IntType(8)), lanes)
        return _bits(builder, builder.icmp_unsigned("==", values, wanted))

    return signature, generate


def _bits(builder: Any, mask: Any) -> Any:
    bits = builder.bitcast(mask, ir.IntType(mask.type.count))
    return bits if mask.type.count == 64 else builder.zext(bits, ir.IntType(64))


@intrinsic
def lowest_bit(typing, bits):
    """Return the place of the lowest bit that is set; there has to be one."""
    signature = types.intp(types.uint64)

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate
