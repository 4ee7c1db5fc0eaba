"""Real signals as complex ones of half the length: the butterflies before and after, as LLVM code.

A real signal of 2 n samples is transformed as n complex numbers, of which even samples are the real and odd samples the
imaginary parts. With E and O the transforms of even and odd samples and w = exp(-i pi k / n), the complex transform is
Z[k] = E + i O, and that of the real signal X[k] = E + w O, conj X[n - k] = E - w O. (Elements as in kernels_dft.)
"""

from typing import Any

from numba.core import types

from mfcc.kernels.dft import Complex, Memory, add, constant, sub, times
from nnlite.runtime.simd import Vector, data_pointer, emit_splat, emit_store, intrinsic, ir_vector, literal
from nnlite.runtime.simd_math import emit_fma, emit_transpose


def _conjugate(builder: Any, z: Complex) -> Complex:
    return z[0], builder.fneg(z[1])


def _halves(builder: Any, a: Complex, b: Complex) -> tuple[Complex, Complex]:
    """Return a + conj b and a - conj b."""
    b = _conjugate(builder, b)
    return add(builder, a, b), sub(builder, a, b)


def _split(builder: Any, a: Complex, b: Complex, w: Complex) -> tuple[Complex, Complex]:
    """Return 2 X[k] and 2 conj X[n - k] from Z[k], Z[n - k]."""
    even, (c, d) = _halves(builder, a, b)
    odd = times(builder, (d, builder.fneg(c)), w)
    return add(builder, even, odd), sub(builder, even, odd)


def _merge(builder: Any, a: Complex, b: Complex, w: Complex) -> tuple[Complex, Complex]:
    """Return 2 Z[k] and 2 Z[n - k] from X[k], X[n - k]."""
    even, odd = _halves(builder, a, b)
    c, d = times(builder, odd, _conjugate(builder, w))
    forward = add(builder, even, (builder.fneg(d), c))
    backward = sub(builder, even, (builder.fneg(d), c))
    return forward, _conjugate(builder, backward)


def _scaled(builder: Any, z: Complex, factor: Any) -> Complex:
    return builder.fmul(z[0], factor), builder.fmul(z[1], factor)


def _in_place(combine: Any, summary: str) -> Any:
    def define(typing, z, i, j, factors, k, scale, lanes):
        kind = Vector(z.dtype, literal(lanes))
        signature = types.void(z, types.intp, types.intp, factors, types.intp, z.dtype, lanes)

        def generate(context, builder, signature, arguments):
            z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
            factors = Memory(context, builder, signature.args[3], arguments[3], ir_vector(kind))
            _, i, j, _, k, scale, _ = arguments
            results = combine(builder, z.load(i), z.load(j), factors.broadcast(builder.mul(k, k.type(2)), 0))
            factor = emit_splat(builder, scale, kind.lanes)
            z.store(j, _scaled(builder, results[1], factor))
            z.store(i, _scaled(builder, results[0], factor))
            return context.get_dummy_value()

        return signature, generate

    define.__doc__ = summary
    return intrinsic(prefer_literal=True)(define)


def _split_in_place(builder: Any, a: Complex, b: Complex, w: Complex) -> tuple[Complex, Complex]:
    forward, mirrored = _split(builder, a, b, w)
    return forward, _conjugate(builder, mirrored)


split_pair = _in_place(
    _split_in_place, "2 scale X[k] and 2 scale X[n - k] in place of Z[k] at z[i] and Z[n - k] at z[j]; w is factors[k]."
)
merge_pair = _in_place(
    _merge, "2 scale Z[k] and 2 scale Z[n - k] in place of X[k] at z[i] and X[n - k] at z[j]; w is factors[k]."
)


def _end_in_place(keep_real: bool, summary: str) -> Any:
    def define(typing, z, i, j, scale, lanes):
        kind = Vector(z.dtype, literal(lanes))
        signature = types.void(z, types.intp, types.intp, z.dtype, lanes)

        def generate(context, builder, signature, arguments):
            z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
            _, i, j, scale, _ = arguments
            factor = emit_splat(builder, scale, kind.lanes)
            a, b = z.load(i)
            if keep_real:
                b = z.load(j)[0]
            total = builder.fmul(builder.fadd(a, b), factor)
            difference = builder.fmul(builder.fsub(a, b), factor)
            if keep_real:
                z.store(i, (total, difference))
            else:
                zero = constant(a, 0.0)
                z.store(i, (total, zero))
                z.store(j, (difference, zero))
            return context.get_dummy_value()

        return signature, generate

    define.__doc__ = summary
    return intrinsic(prefer_literal=True)(define)


split_end = _end_in_place(False, "scale X[0] at z[i] and scale X[n] at z[j] in place of Z[0] at z[i].")
merge_end = _end_in_place(
    True, "2 scale Z[0] at z[i] in place of X[0] at z[i] and X[n] at z[j], of which the real parts count."
)


@intrinsic(prefer_literal=True)
def split_columns(typing, z, position, n, k, factors, out, o, stride, lanes):
    """Store X[k], X[k + 1], ... and their mirror images, lanes / 2 of each, in interleaved rows out[o + l * stride :].

    Z[f] is element position[f] of z, which stays as it is; 0 < k, and k + lanes / 2 - 1 <= n / 2.
    """
    W = literal(lanes)
    kind = Vector(z.dtype, W)
    index = types.intp
    signature = types.void(z, position, index, index, factors, out, index, index, lanes)

    def generate(context, builder, signature, arguments):
        z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
        places = data_pointer(context, builder, signature.args[1], arguments[1])
        factors = Memory(context, builder, signature.args[4], arguments[4], ir_vector(kind))
        out = data_pointer(context, builder, signature.args[5], arguments[5])
        _, _, n, k, _, _, o, stride, _ = arguments
        half = constant(z.load(n.type(0))[0], 0.5)

        def load(f: Any) -> Complex:
            return z.load(builder.mul(builder.load(builder.gep(places, [f])), n.type(2 * W)))

        rows: list[Any] = []
        mirrored: list[Any] = []
        for i in range(W // 2):
            f = builder.add(k, k.type(i))
            w = factors.broadcast(builder.mul(f, k.type(2)), 0)
            forward, backward = _split(builder, load(f), load(builder.sub(n, f)), w)
            rows += _scaled(builder, forward, half)
            mirrored = [*_scaled(builder, _conjugate(builder, backward), half), *mirrored]
        last = builder.sub(builder.sub(n, k), k.type(W // 2 - 1))
        for first, columns in ((k, rows), (last, mirrored)):
            place = builder.add(o, builder.mul(first, k.type(2)))
            for row in emit_transpose(builder, columns):
                emit_store(builder, out, place, row)
                place = builder.add(place, stride)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def power_pair(typing, z, i, j, factors, k, out, o, p, lanes):
    """Store |2 X[k]|^2 in out[o], |2 X[n - k]|^2 in out[p] from Z[k] at z[i], Z[n - k] at z[j]; w is factors[k]."""
    kind = Vector(z.dtype, literal(lanes))
    signature = types.void(z, types.intp, types.intp, factors, types.intp, out, types.intp, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
        factors = Memory(context, builder, signature.args[3], arguments[3], ir_vector(kind))
        out = data_pointer(context, builder, signature.args[5], arguments[5])
        _, i, j, _, k, _, o, p, _ = arguments
        results = _split(builder, z.load(i), z.load(j), factors.broadcast(builder.mul(k, k.type(2)), 0))
        for index, (a, b) in zip((o, p), results, strict=True):
            emit_store(builder, out, index, emit_fma(builder, a, a, builder.fmul(b, b)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def power_one(typing, z, i, out, o, lanes):
    """Store |Z|^2 of the element at z[i] in out[o]."""
    kind = Vector(z.dtype, literal(lanes))
    signature = types.void(z, types.intp, out, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
        out = data_pointer(context, builder, signature.args[2], arguments[2])
        a, b = z.load(arguments[1])
        emit_store(builder, out, arguments[3], emit_fma(builder, a, a, builder.fmul(b, b)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def power_end(typing, z, i, out, o, p, lanes):
    """Store |2 X[0]|^2 in out[o] and |2 X[n]|^2 in out[p] from Z[0] at z[i]."""
    kind = Vector(z.dtype, literal(lanes))
    signature = types.void(z, types.intp, out, types.intp, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        z = Memory(context, builder, signature.args[0], arguments[0], ir_vector(kind))
        out = data_pointer(context, builder, signature.args[2], arguments[2])
        a, b = z.load(arguments[1])
        for index, x in ((arguments[3], builder.fadd(a, b)), (arguments[4], builder.fsub(a, b))):
            double = builder.fadd(x, x)
            emit_store(builder, out, index, builder.fmul(double, double))
        return context.get_dummy_value()

    return signature, generate
