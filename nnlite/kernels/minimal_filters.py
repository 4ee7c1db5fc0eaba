"""Transforms of Winograd's minimal filtering on vectors of channels, the inner loops of :mod:`nnlite.kernels.winograd`.

A tile of m x m outputs of a convolution with r x r taps costs (m + r - 1)**2 multiplications for each pair of channels
instead of (m r)**2: y = A' [(G g G') * (B' d B)] A, with g the taps, d the input and * element by element. The matrices
below are those of Lavin and Gray (2016), for polynomials through 0, 1, -1, 2, -2 and infinity; for 2 outputs of 2 taps
through 0, 1 and infinity. All but F(4, 3) are exact in small integers.

Each function takes and returns lists of LLVM vectors.
"""

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir
from numba.core import types

from nnlite.kernels.blocks import load_valid, loader, offset, optional_pointer, store_maximum
from nnlite.runtime.simd import Vector, data_pointer, emit_load, emit_store, intrinsic, ir_vector, literal
from nnlite.runtime.simd_math import emit_fma

_Transform = Callable[[Any, list[Any]], list[Any]]


def _times(builder: Any, factor: float, x: Any, plus: Any) -> Any:
    """Return factor * x + plus."""
    return emit_fma(builder, ir.Constant(x.type, [factor] * x.type.count), x, plus)


def _scaled(builder: Any, factor: float, x: Any) -> Any:
    return builder.fmul(ir.Constant(x.type, [factor] * x.type.count), x)


def _input_2_2(b: Any, d: list[Any]) -> list[Any]:
    return [b.fsub(d[0], d[1]), d[1], b.fsub(d[2], d[1])]


def _weight_2_2(b: Any, g: list[Any]) -> list[Any]:
    return [g[0], b.fadd(g[0], g[1]), g[1]]


def _output_2_2(b: Any, m: list[Any]) -> list[Any]:
    return [b.fadd(m[0], m[1]), b.fadd(m[1], m[2])]


def _input_2_3(b: Any, d: list[Any]) -> list[Any]:
    return [b.fsub(d[0], d[2]), b.fadd(d[1], d[2]), b.fsub(d[2], d[1]), b.fsub(d[1], d[3])]


def _weight_2_3(b: Any, g: list[Any]) -> list[Any]:
    ends = b.fadd(g[0], g[2])
    return [g[0], _scaled(b, 0.5, b.fadd(ends, g[1])), _scaled(b, 0.5, b.fsub(ends, g[1])), g[2]]


def _output_2_3(b: Any, m: list[Any]) -> list[Any]:
    return [b.fadd(b.fadd(m[0], m[1]), m[2]), b.fsub(b.fsub(m[1], m[2]), m[3])]


def _input_4_3(b: Any, d: list[Any]) -> list[Any]:
    even, odd = _times(b, -4.0, d[2], d[4]), _times(b, -4.0, d[1], d[3])
    far_even, far_odd = b.fsub(d[4], d[2]), b.fsub(d[3], d[1])
    return [
        _times(b, 4.0, d[0], _times(b, -5.0, d[2], d[4])),
        b.fadd(even, odd),
        b.fsub(even, odd),
        _times(b, 2.0, far_odd, far_even),
        _times(b, -2.0, far_odd, far_even),
        _times(b, 4.0, d[1], _times(b, -5.0, d[3], d[5])),
    ]


def _weight_4_3(b: Any, g: list[Any]) -> list[Any]:
    near = b.fadd(g[0], g[2])
    far = _times(b, 4.0, g[2], g[0])
    return [
        _scaled(b, 1 / 4, g[0]),
        _scaled(b, -1 / 6, b.fadd(near, g[1])),
        _scaled(b, -1 / 6, b.fsub(near, g[1])),
        _scaled(b, 1 / 24, _times(b, 2.0, g[1], far)),
        _scaled(b, 1 / 24, _times(b, -2.0, g[1], far)),
        g[2],
    ]


def _output_4_3(b: Any, m: list[Any]) -> list[Any]:
    near, far = b.fadd(m[1], m[2]), b.fadd(m[3], m[4])
    near_odd, far_odd = b.fsub(m[1], m[2]), b.fsub(m[3], m[4])
    return [
        b.fadd(b.fadd(m[0], near), far),
        _times(b, 2.0, far_odd, near_odd),
        _times(b, 4.0, far, near),
        b.fadd(_times(b, 8.0, far_odd, near_odd), m[5]),
    ]


TRANSFORMS: dict[tuple[int, int], tuple[_Transform, _Transform, _Transform]] = {
    (2, 2): (_input_2_2, _weight_2_2, _output_2_2),
    (2, 3): (_input_2_3, _weight_2_3, _output_2_3),
    (4, 3): (_input_4_3, _weight_4_3, _output_4_3),
}
"""(outputs, taps) of one axis -> transforms of input, weights and output."""


def _both_axes(
    builder: Any, transform: _Transform, length: int, value: Callable[[int, int], Any]
) -> Iterator[list[Any]]:
    """Yield the rows of a square of vectors after `transform` down its columns, then along its rows.

    A column is transformed as soon as it is loaded: few registers are taken at a time.
    """
    columns = [transform(builder, [value(row, column) for row in range(length)]) for column in range(length)]
    for row in zip(*columns, strict=True):
        yield transform(builder, list(row))


@intrinsic(prefer_literal=True)
def transform_input(typing, x, i, row_step, column_step, valid, out, j, point_step, m, r, L, whole):
    """Store out[j + p * point_step :][:L] = (B' d B)[p] for the (m + r - 1)**2 vectors d of x from i.

    Only lanes below `valid` count.
    """
    outputs, taps = literal(m), literal(r)
    vector = ir_vector(Vector(x.dtype, literal(L)))
    places = [types.intp] * 7
    signature = types.void(x, *places[:4], out, *places[:2], m, r, L, whole)

    load = loader(whole)

    def generate(context, builder, signature, arguments):
        _, i, row_step, column_step, valid, _, j, point_step, *_ = arguments
        source = data_pointer(context, builder, signature.args[0], arguments[0])
        target = data_pointer(context, builder, signature.args[5], arguments[5])

        def value(row: int, column: int) -> Any:
            index = offset(builder, offset(builder, i, row_step, row), column_step, column)
            return load(builder, source, index, vector, valid)

        for row in _both_axes(builder, TRANSFORMS[outputs, taps][0], outputs + taps - 1, value):
            for value in row:
                emit_store(builder, target, j, value)
                j = builder.add(j, point_step)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def transform_weight(typing, weight, i, tap_step, valid, out, j, point_step, m, r, L):
    """Store out[j + p * point_step :][:L] = (G g G')[p] for the r**2 vectors g of `weight` from i.

    Only lanes below `valid` count.
    """
    outputs, taps = literal(m), literal(r)
    vector = ir_vector(Vector(weight.dtype, literal(L)))
    places = [types.intp] * 5
    signature = types.void(weight, *places[:3], out, *places[:2], m, r, L)

    def generate(context, builder, signature, arguments):
        _, i, tap_step, valid, _, j, point_step, *_ = arguments
        source = data_pointer(context, builder, signature.args[0], arguments[0])
        target = data_pointer(context, builder, signature.args[4], arguments[4])

        def value(row: int, column: int) -> Any:
            return load_valid(builder, source, offset(builder, i, tap_step, row * taps + column), vector, valid)

        for row in _both_axes(builder, TRANSFORMS[outputs, taps][1], taps, value):
            for value in row:
                emit_store(builder, target, j, value)
                j = builder.add(j, point_step)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def transform_output(typing, a, i, point_step, bias, o, valid, y, q, row_step, column_step, argmax, m, r, L):
    """Store the outputs of a tile, from its (m + r - 1)**2 vectors of a, to y.

    Each is the maximum of a 2 x 2, plus bias[o :].

    Window (s, t) goes to y[q + s * row_step + t * column_step :], its lanes below `valid` only; `argmax` (an array, or
    None) gets the place of the first maximum in its window. NaN is larger than everything.
    """
    outputs, taps = literal(m), literal(r)
    vector = ir_vector(Vector(a.dtype, literal(L)))
    places = [types.intp] * 3
    signature = types.void(a, *places[:2], bias, *places[:2], y, *places[:3], argmax, m, r, L)

    def generate(context, builder, signature, arguments):
        _, i, point_step, _, o, valid, _, q, row_step, column_step, *_ = arguments
        source = data_pointer(context, builder, signature.args[0], arguments[0])
        biases = data_pointer(context, builder, signature.args[3], arguments[3])
        target = data_pointer(context, builder, signature.args[6], arguments[6])
        winners = optional_pointer(context, builder, signature.args[10], arguments[10])
        points = outputs + taps - 1

        def value(row: int, column: int) -> Any:
            return emit_load(builder, source, offset(builder, i, point_step, row * points + column), vector)

        square = list(_both_axes(builder, TRANSFORMS[outputs, taps][2], points, value))
        b = emit_load(builder, biases, o, vector)
        for s in range(0, outputs, 2):
            index = q
            for t in range(0, outputs, 2):
                window = [square[s][t], square[s][t + 1], square[s + 1][t], square[s + 1][t + 1]]
                store_maximum(builder, window, b, target, winners, index, valid)
                index = builder.add(index, column_step)
            q = builder.add(q, row_step)
        return context.get_dummy_value()

    return signature, generate
