"""Arithmetic on the vectors of :mod:`nnlite.runtime.simd`: the four operations, maxima, exponentials, transposition.

As there, functions without ``emit_`` are numba intrinsics, which work in compiled kernels only.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from nnlite.runtime.simd import (
    INT32,
    Vector,
    bytes_of,
    data_pointer,
    emit_load,
    emit_store,
    intrinsic,
    ir_vector,
    literal,
    llvm_function,
    suffix_of,
)


def emit_fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z with one rounding."""
    return builder.call(llvm_function(builder, f"llvm.fma.{suffix_of(x.type)}", x.type, [x.type] * 3), [x, y, z])


@intrinsic
def fma(typing, x, y, z):
    """Return x * y + z with one rounding."""

    def generate(context, builder, signature, arguments):
        return emit_fma(builder, *arguments)

    return x(x, x, x), generate


def _binary(operation: str, summary: str) -> Callable[..., Any]:
    def define(typing, x, y):
        def generate(context, builder, signature, arguments):
            integer = isinstance(signature.return_type.dtype, types.Integer)
            name = {"fadd": "add", "fsub": "sub", "fmul": "mul"}[operation] if integer else operation
            return getattr(builder, name)(*arguments)

        return x(x, y), generate

    define.__doc__ = summary
    define.__name__ = operation
    return intrinsic(define)


add = _binary("fadd", "x + y")
sub = _binary("fsub", "x - y")
mul = _binary("fmul", "x * y")
div = _binary("fdiv", "x / y")


@intrinsic
def neg(typing, x):
    """Return -x."""

    def generate(context, builder, signature, arguments):
        return builder.fneg(arguments[0])

    return x(x), generate


@intrinsic
def sqrt(typing, x):
    """Return the square root of each lane."""

    def generate(context, builder, signature, arguments):
        (value,) = arguments
        return builder.call(
            llvm_function(builder, f"llvm.sqrt.{suffix_of(value.type)}", value.type, [value.type]), [value]
        )

    return x(x), generate


def emit_maximum(builder: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return (mask of lanes in which y replaces x, the larger): NaN wins, the first of equals stays."""
    replaces = builder.or_(builder.fcmp_ordered(">", y, x), builder.fcmp_unordered("uno", y, y))
    return replaces, builder.select(replaces, y, x)


@intrinsic
def maximum(typing, x, y):
    """Return the larger of each lane; NaN where either is NaN."""

    def generate(context, builder, signature, arguments):
        return emit_maximum(builder, *arguments)[1]

    return x(x, x), generate


@intrinsic
def minimum(typing, x, y):
    """Return the smaller of each lane; x where y is NaN or equal."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered("<", y, x), y, x)

    return x(x, y), generate


@intrinsic
def select_positive(typing, x, y):
    """Return y where x > 0, else 0."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        zero = _constant(x.type, 0.0)
        return builder.select(builder.fcmp_ordered(">", x, zero), y, zero)

    return x(x, y), generate


def _constant(vector: ir.VectorType, value: float | int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


# By bytes of an element: mantissa bits; degree of the series of exp on [-ln(2) / 2, ln(2) / 2] that leaves less than
# half an ulp; largest |x| for which 2**n is normal; rounding to the type.
_EXP: dict[int, tuple[int, int, float, Any]] = {4: (23, 7, 87.0, np.float32), 8: (52, 13, 708.0, np.float64)}


def emit_exp(builder: Any, x: Any, minus_one: bool = False) -> Any:
    """Return exp(x) or exp(x) - 1, to about one ulp; |x| is cut at 87 (float32) or 708 (float64); NaN stays NaN.

    x = n ln 2 + r with n an integer: adding 1.5 * 2**mantissa rounds, and leaves n in the low bits, from where a shift
    makes it an exponent. exp(r) - 1 is a Taylor polynomial, so that small x keep their relative precision.
    """
    vector = x.type
    mantissa, degree, limit, kind = _EXP[bytes_of(vector)]
    bits = ir.VectorType(ir.IntType(8 * bytes_of(vector)), vector.count)
    x = builder.select(builder.fcmp_ordered(">", x, _constant(vector, limit)), _constant(vector, limit), x)
    x = builder.select(builder.fcmp_ordered("<", x, _constant(vector, -limit)), _constant(vector, -limit), x)
    rounder = 1.5 * 2.0**mantissa
    shifted = emit_fma(builder, x, _constant(vector, float(kind(1 / np.log(2)))), _constant(vector, rounder))
    n = builder.fsub(shifted, _constant(vector, rounder))
    # ln 2 in two parts: the first has so few bits that n times it is exact.
    scale = 2.0**9 if kind is np.float32 else 2.0**32
    high = float(np.round(np.log(2) * scale) / scale)
    low = float(kind(np.float64(np.longdouble("0.693147180559945309417232121458176568") - np.longdouble(high))))
    r = emit_fma(builder, n, _constant(vector, -high), x)
    r = emit_fma(builder, n, _constant(vector, -low), r)
    polynomial = _constant(vector, float(kind(1 / math.factorial(degree))))
    for k in range(degree - 1, 0, -1):
        polynomial = emit_fma(builder, polynomial, r, _constant(vector, float(kind(1 / math.factorial(k)))))
    polynomial = builder.fmul(polynomial, r)
    exponent = builder.shl(builder.bitcast(shifted, bits), _constant(bits, mantissa))
    one = _constant(vector, 1.0)
    power = builder.bitcast(builder.add(exponent, builder.bitcast(one, bits)), vector)
    return emit_fma(builder, power, polynomial, builder.fsub(power, one) if minus_one else power)


@intrinsic
def exp(typing, x):
    """Return exp(x) of each lane, to about one ulp; |x| is cut at 87 (float32) or 708 (float64)."""

    def generate(context, builder, signature, arguments):
        return emit_exp(builder, arguments[0])

    return x(x), generate


@intrinsic
def expm1(typing, x):
    """Return exp(x) - 1 of each lane, precise near zero; |x| is cut as in :func:`exp`."""

    def generate(context, builder, signature, arguments):
        return emit_exp(builder, arguments[0], minus_one=True)

    return x(x), generate


@intrinsic(prefer_literal=True)
def transpose(typing, source, i, stride, target, j, lanes):
    """Transpose a square: row l is source[i + l * stride :][:lanes]; column k goes to target[j + k * lanes :]."""
    n = literal(lanes)
    if n & (n - 1):
        raise TypeError(f"transpose: lanes: expected a power of two, got {n}")
    signature = types.void(source, types.intp, types.intp, target, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        out = data_pointer(context, builder, signature.args[3], arguments[3])
        vector = ir_vector(Vector(signature.args[0].dtype, n))
        rows, index = [], arguments[1]
        for _ in range(n):
            rows.append(emit_load(builder, pointer, index, vector))
            index = builder.add(index, arguments[2])
        for k, column in enumerate(emit_transpose(builder, rows)):
            emit_store(builder, out, builder.add(arguments[4], ir.Constant(arguments[4].type, k * n)), column)
        return context.get_dummy_value()

    return signature, generate


def emit_transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square of vectors, by log2(n) rounds in which half-blocks change places."""
    n = len(rows)
    half = n // 2
    while half:
        shuffled = list(rows)
        for k in range(n):
            if not k & half:
                low = [m if not m & half else n + (m ^ half) for m in range(n)]
                high = [m | half if not m & half else n + m for m in range(n)]
                shuffled[k] = _shuffle(builder, rows[k], rows[k | half], low)
                shuffled[k | half] = _shuffle(builder, rows[k], rows[k | half], high)
        rows = shuffled
        half //= 2
    return rows


def _shuffle(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(INT32, len(lanes)), lanes))
