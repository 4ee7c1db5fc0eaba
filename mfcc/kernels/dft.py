"""Small Fourier transforms in vector registers, as code that Python writes for LLVM.

A lane holds a transform of its own, so a complex number is a pair of vectors and no butterfly shuffles anything. In
memory, element k of the transforms in the lanes is `lanes` real parts at 2 * k * lanes and as many imaginary parts.
"""

import cmath
import math
from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from nnlite.runtime.simd import Vector, data_pointer, emit_load, emit_splat, emit_store, intrinsic, ir_vector, literal
from nnlite.runtime.simd_math import emit_fma

Complex = tuple[Any, Any]  # real and imaginary part, LLVM vectors


def constant(like: Any, value: float) -> Any:
    return ir.Constant(like.type, [value] * like.type.count)


def add(builder: Any, x: Complex, y: Complex) -> Complex:
    return builder.fadd(x[0], y[0]), builder.fadd(x[1], y[1])


def sub(builder: Any, x: Complex, y: Complex) -> Complex:
    return builder.fsub(x[0], y[0]), builder.fsub(x[1], y[1])


def times(builder: Any, x: Complex, w: Complex) -> Complex:
    """Return x * w for a vector w: two products and two fused multiply-adds."""
    (a, b), (c, d) = x, w
    return (
        emit_fma(builder, builder.fneg(b), d, builder.fmul(a, c)),
        emit_fma(builder, b, c, builder.fmul(a, d)),
    )


def times_constant(builder: Any, x: Complex, w: complex) -> Complex:
    """Return x * w for a number w on the unit circle; multiples of an eighth of a turn are cheaper."""
    a, b = x
    eighths = round(cmath.phase(w) / (math.pi / 4)) % 8
    if abs(w - cmath.exp(0.25j * math.pi * eighths)) > 1e-12:
        return times(builder, x, (constant(a, w.real), constant(a, w.imag)))
    if eighths % 2:
        root = constant(a, math.sqrt(0.5))
        a, b = builder.fmul(builder.fsub(a, b), root), builder.fmul(builder.fadd(a, b), root)
        eighths -= 1
    for _ in range(eighths // 2):
        a, b = builder.fneg(b), a
    return a, b


def emit_dft(builder: Any, x: list[Complex]) -> list[Complex]:
    """Return sum_k x[k] exp(-2 pi i j k / n) of n complex vectors; n is a product of twos, threes and fives."""
    n = len(x)
    if n == 1:
        return x
    if n == 2:
        return [add(builder, *x), sub(builder, *x)]
    if n == 4:
        return _dft4(builder, x)
    if n in (3, 5):
        return _odd_dft(builder, x)
    y: list[Any] = [None] * n
    for j, output in emit_outputs(builder, x):
        y[j] = output
    return y


def emit_outputs(builder: Any, x: list[Complex]) -> Iterator[tuple[int, Complex]]:
    """Yield number and value of each output of `emit_dft` as it is ready: stored at once it takes no register."""
    n = len(x)
    inner = next((r for r in (4, 2, 3, 5) if n % r == 0), n)
    outer = n // inner
    if outer == 1:
        yield from enumerate(emit_dft(builder, x))
        return
    columns = [emit_dft(builder, x[q::outer]) for q in range(outer)]
    for j in range(inner):
        row = [
            times_constant(builder, column[j], cmath.exp(-2j * math.pi * j * q / n)) for q, column in enumerate(columns)
        ]
        yield from zip(range(j, n, inner), emit_dft(builder, row), strict=True)


def _dft4(builder: Any, x: list[Complex]) -> list[Complex]:
    even, difference = add(builder, x[0], x[2]), sub(builder, x[0], x[2])
    odd, (c, d) = add(builder, x[1], x[3]), sub(builder, x[1], x[3])
    a, b = difference
    return [
        add(builder, even, odd),
        (builder.fadd(a, d), builder.fsub(b, c)),
        sub(builder, even, odd),
        (builder.fsub(a, d), builder.fadd(b, c)),
    ]


def _odd_dft(builder: Any, x: list[Complex]) -> list[Complex]:
    """Transform a prime length: outputs j and n - j share the sums and the differences of inputs k and n - k."""
    n = len(x)
    half = range(1, (n + 1) // 2)
    sums = [add(builder, x[k], x[n - k]) for k in half]
    differences = [sub(builder, x[k], x[n - k]) for k in half]
    first = x[0]
    for pair in sums:
        first = add(builder, first, pair)
    y: list[Any] = [first] + [None] * (n - 1)
    for j in half:
        re, im = x[0]
        sine_re: Any = None
        for k, (a, b), (c, d) in zip(half, sums, differences, strict=True):
            cosine = constant(a, math.cos(2 * math.pi * j * k / n))
            sine = constant(a, math.sin(2 * math.pi * j * k / n))
            re, im = emit_fma(builder, a, cosine, re), emit_fma(builder, b, cosine, im)
            if sine_re is None:
                sine_re, sine_im = builder.fmul(c, sine), builder.fmul(d, sine)
            else:
                sine_re, sine_im = emit_fma(builder, c, sine, sine_re), emit_fma(builder, d, sine, sine_im)
        y[j] = builder.fadd(re, sine_im), builder.fsub(im, sine_re)
        y[n - j] = builder.fsub(re, sine_im), builder.fadd(im, sine_re)
    return y


class Memory:
    """An array argument of an intrinsic, addressed by complex vectors."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any, vector: ir.VectorType) -> None:
        self.builder, self.vector = builder, vector
        self.pointer = data_pointer(context, builder, array_type, array)

    def _offset(self, index: Any, elements: int) -> Any:
        return self.builder.add(index, ir.Constant(index.type, elements))

    def load(self, index: Any) -> Complex:
        imaginary = self._offset(index, self.vector.count)
        return (
            emit_load(self.builder, self.pointer, index, self.vector),
            emit_load(self.builder, self.pointer, imaginary, self.vector),
        )

    def store(self, index: Any, z: Complex) -> None:
        emit_store(self.builder, self.pointer, index, z[0])
        emit_store(self.builder, self.pointer, self._offset(index, self.vector.count), z[1])

    def broadcast(self, index: Any, k: int) -> Complex:
        """Return number k of the interleaved complex numbers from `index` on, in every lane."""
        return tuple(
            emit_splat(
                self.builder,
                self.builder.load(self.builder.gep(self.pointer, [self._offset(index, 2 * k + part)])),
                self.vector.count,
            )
            for part in (0, 1)
        )


def _emit_butterfly(builder: Any, z: Memory, i: Any, step: Any, radix: int, twiddles: Memory | None, t: Any) -> None:
    """Transform `radix` elements that lie `step` apart, in place; output j times number j - 1 of twiddles."""
    places = [i]
    for _ in range(radix - 1):
        places.append(builder.add(places[-1], step))
    for j, output in emit_outputs(builder, [z.load(place) for place in places]):
        if j and twiddles is not None:
            output = times(builder, output, twiddles.broadcast(t, j - 1))
        z.store(places[j], output)


RADICES = (2, 3, 4, 5, 8, 16)
"""Lengths of the butterflies that a pass may consist of."""


@intrinsic(prefer_literal=True)
def radix_pass(typing, z, start, count, radix, m, twiddles, t, lanes):
    """Run butterflies over `count` blocks of radix * m elements from `start` on; the factors begin at twiddles[t].

    One function with a case for each radix, loops and all: numba takes a third of a second for each function.
    """
    kind = Vector(z.dtype, literal(lanes))
    signature = types.void(z, *[types.intp] * 4, twiddles, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        vector = ir_vector(kind)
        z = Memory(context, builder, signature.args[0], arguments[0], vector)
        twiddles = Memory(context, builder, signature.args[5], arguments[5], vector)
        _, start, count, radix, m, _, t, _ = arguments
        number = start.type
        width = number(2 * kind.lanes)
        done = builder.append_basic_block("done")
        switch = builder.switch(radix, done)
        for n in RADICES:
            switch.add_case(number(n), block := builder.append_basic_block(f"radix{n}"))
            builder.position_at_end(block)
            with builder.if_else(builder.icmp_signed("==", m, number(1))) as (last, inner):
                with last, cgutils.for_range(builder, count) as loop:
                    element = builder.add(start, builder.mul(loop.index, number(n)))
                    _emit_butterfly(builder, z, builder.mul(element, width), width, n, None, None)
                with inner, cgutils.for_range(builder, count) as blocks:
                    first = builder.add(start, builder.mul(blocks.index, builder.mul(m, number(n))))
                    with cgutils.for_range(builder, m) as loop:
                        i = builder.mul(builder.add(first, loop.index), width)
                        factors = builder.add(t, builder.mul(loop.index, number(2 * (n - 1))))
                        _emit_butterfly(builder, z, i, builder.mul(m, width), n, twiddles, factors)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, generate
