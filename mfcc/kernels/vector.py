"""Steps of the chain on whole vectors, as LLVM code: windowed transposition, logarithm, floors."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from nnlite.runtime.simd import Vector, data_pointer, emit_load, emit_splat, emit_store, intrinsic, ir_vector, literal
from nnlite.runtime.simd_math import emit_fma, emit_transpose

# Bits of the mantissa, and how many terms of the series leave less than half a unit in the last place.
_FORMAT = {"float": (32, 23, 4), "double": (64, 52, 11)}


def _constant(vector: ir.Type, value: float) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def emit_log(builder: Any, x: Any) -> Any:
    """Return the natural logarithm of positive finite vectors, subnormal too, to about one unit in the last place.

    x = 2^e m with sqrt(1/2) <= m < sqrt(2), f = m - 1, s = f / (2 + f), log m = 2 artanh s
    = f - f^2 / 2 + s (f^2 / 2 + R), R = 2 (s^2 / 3 + s^4 / 5 + ...): after the C library of FreeBSD (e_log.c), with the
    plain series for R.
    """
    vector = x.type
    width, mantissa, terms = _FORMAT[str(vector.element)]
    bits = ir.VectorType(ir.IntType(width), vector.count)
    kind = np.float32 if width == 32 else np.float64
    small = builder.fcmp_ordered("<", x, _constant(vector, float(np.finfo(kind).tiny)))
    x = builder.select(small, builder.fmul(x, _constant(vector, 2.0 ** (mantissa + 2))), x)
    root = int(np.array(np.sqrt(0.5), kind).view(f"i{width // 8}"))
    pattern = builder.bitcast(x, bits)
    exponent = builder.ashr(builder.sub(pattern, _constant(bits, root)), _constant(bits, mantissa))
    m = builder.bitcast(builder.sub(pattern, builder.shl(exponent, _constant(bits, mantissa))), vector)
    e = builder.sitofp(exponent, vector)
    e = builder.select(small, builder.fsub(e, _constant(vector, mantissa + 2.0)), e)
    f = builder.fsub(m, _constant(vector, 1.0))
    s = builder.fdiv(f, builder.fadd(f, _constant(vector, 2.0)))
    z = builder.fmul(s, s)
    series = _constant(vector, 2.0 / (2 * terms + 1))
    for i in range(terms - 1, 0, -1):
        series = emit_fma(builder, series, z, _constant(vector, 2.0 / (2 * i + 1)))
    half = builder.fmul(builder.fmul(f, f), _constant(vector, 0.5))
    inner = emit_fma(builder, series, z, half)
    # ln 2 in two parts, the first short enough for its product with e to be exact
    scale = 2.0 ** (mantissa - 12)
    high = float(np.round(np.log(2.0) * scale) / scale)
    low = float(np.longdouble("0.693147180559945309417232121458176568") - np.longdouble(high))
    result = emit_fma(builder, s, inner, builder.fmul(e, _constant(vector, low)))
    result = builder.fadd(builder.fsub(result, half), f)
    return emit_fma(builder, e, _constant(vector, high), result)


@intrinsic
def log(typing, x):
    """Return the natural logarithm of positive finite lanes, to about one unit in the last place."""

    def generate(context, builder, signature, arguments):
        return emit_log(builder, arguments[0])

    return x(x), generate


@intrinsic
def fill_zeros(typing, x, y):
    """Return x, or y where x is zero."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered("==", x, _constant(x.type, 0.0)), y, x)

    return x(x, y), generate


@intrinsic(prefer_literal=True)
def transpose_windowed(typing, x, i, stride, window, t, z, j, step, lanes):
    """Transpose a square, row l x[i + l * stride :], and store column k times window[t + k] at z[j + k * step]."""
    n = literal(lanes)
    signature = types.void(x, types.intp, types.intp, window, types.intp, z, types.intp, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        pointers = [data_pointer(context, builder, signature.args[k], arguments[k]) for k in (0, 3, 5)]
        source, factors, target = pointers
        vector = ir_vector(Vector(signature.args[0].dtype, n))
        _, i, stride, _, t, _, j, step, _ = arguments
        rows = []
        for _ in range(n):
            rows.append(emit_load(builder, source, i, vector))
            i = builder.add(i, stride)
        for k, column in enumerate(emit_transpose(builder, rows)):
            factor = builder.load(builder.gep(factors, [builder.add(t, t.type(k))]))
            emit_store(builder, target, j, builder.fmul(column, emit_splat(builder, factor, n)))
            j = builder.add(j, step)
        return context.get_dummy_value()

    return signature, generate
