"""Fourier transforms of as many signals at once as a vector has lanes, in place.

Letters: W lanes, n complex elements, element k of all lanes at z[2 * k * W:] (W real parts, then W imaginary parts).
Decimation in frequency leaves frequency f at position[f]; who reads the result looks it up, so no pass is spent on
putting it in order. A length n with other prime factors than 2, 3 and 5 is a convolution with a chirp, made of two
transforms of a length m of at least 2 n - 1: L. Bluestein, IEEE Trans. AU-18 (1970).
"""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numba.core import types

from mfcc.kernels.dft import radix_pass
from mfcc.kernels.real import merge_end, merge_pair, split_columns, split_end, split_pair
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import (
    REGISTERS,
    Vector,
    broadcast,
    data_pointer,
    emit_load,
    emit_store,
    fence,
    intrinsic,
    ir_vector,
    lanes_of,
    literal,
    load,
    splat,
    store,
    store_streaming,
)
from nnlite.runtime.simd_math import emit_transpose, fma, mul, transpose

# A block that fits the first-level cache goes through all of its passes before the next block is touched.
_BLOCK_BYTES = 16384


class Plan(NamedTuple):
    """The tables of a transform of one length, computed once in float64."""

    n: int
    m: int  # length that the passes are of: n itself, unless that has other prime factors
    n_outer: int  # passes over the whole array, before it falls into blocks
    radices: np.ndarray
    offsets: np.ndarray  # of each pass in twiddles
    twiddles: np.ndarray  # interleaved complex numbers
    position: np.ndarray  # of frequency f, shape (n + 1,): n itself is a free place for the transforms of real signals
    inverse: np.ndarray  # the same for frequency -f: reading there makes it the inverse transform
    halves: np.ndarray  # exp(-i pi k / n), k = 0 .. n // 2, interleaved: what a real transform of 2 n needs
    order: np.ndarray  # of frequency f behind the passes
    chirp: np.ndarray  # exp(-i pi k^2 / n), interleaved; empty if m is n
    response: np.ndarray  # transform of the conjugate chirp, over m, interleaved


def factorize(n: int) -> list[int]:
    """Return the radices of a length 2^a 3^b 5^c, in the order of the passes.

    Measured: with 32 registers few passes win; with 16, where a butterfly of 8 spills half of its numbers, those of 4
    do. One of 16 is worth it only as the last one, where its loads are neighbours and need no factors.
    """
    odd: list[int] = []
    for prime in (5, 3):
        while n % prime == 0:
            odd.append(prime)
            n //= prime
    twos = n.bit_length() - 1
    if REGISTERS < 32:
        end = min(twos, 4 - twos % 2)
        return [*odd, *[4] * ((twos - end) // 2), *([1 << end] if end else [])]
    last = [16] if twos >= 4 and twos != 6 else [8] if twos in (3, 6) else [2**twos] if twos else []
    twos -= sum(r.bit_length() - 1 for r in last)
    front: list[int] = [[], [2], [4]][twos % 3] + [8] * (twos // 3)
    if front[:2] == [2, 8]:
        front[:2] = [4, 4]
    return odd + front + last


@functools.cache
def passes_length(n: int) -> int:
    """Return the length of the passes for a length n: n itself, or of those that serve a chirp the one with least work.

    Work is measured by passes: of 3 and of 5 they are more and slower ones.
    """
    if _is_smooth(n):
        return n
    power = 1 << (2 * n - 2).bit_length()
    odd = (3**b * 5**c for b in range(4) for c in range(4))
    lengths = [m for factor in odd for a in range(1, 40) if 2 * n - 1 <= (m := factor << a) <= power]
    return min(lengths, key=lambda m: m * (len(radices := factorize(m)) + radices.count(5)))


def _is_smooth(n: int) -> bool:
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n == 1


def _spectrum(x: np.ndarray) -> np.ndarray:
    """Transform the numbers of a table, in float64: the definition, for each factor of their count."""
    n = len(x)
    if n <= 32:
        return np.exp(-2j * np.pi / n * (np.outer(np.arange(n), np.arange(n)) % n)) @ x
    radix = next(r for r in (2, 3, 5) if n % r == 0)
    parts = np.stack([_spectrum(x[i::radix]) for i in range(radix)])
    parts *= np.exp(-2j * np.pi / n * np.outer(np.arange(radix), np.arange(n // radix)))
    turns = np.exp(-2j * np.pi / radix * np.outer(np.arange(radix), np.arange(radix)))
    return (turns @ parts).ravel()


def chirp_of(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the chirp of a length, and its conjugate at both ends of m numbers, of which the transform is needed."""
    k = np.arange(n)
    chirp = np.exp(-1j * np.pi / n * (k * k % (2 * n)))
    both = np.zeros(m, complex)
    both[:n] = chirp.conj()
    both[m - n + 1 :] = chirp[:0:-1].conj()
    return chirp, both


@functools.lru_cache(maxsize=32)
def plan(n: int, dtype: str) -> Plan:
    """Return the plan of n complex elements of a real type ("float32", "float64")."""
    m_all = passes_length(n)
    radices = factorize(m_all)
    frequency, rest, factor = np.zeros(m_all, np.int64), np.arange(m_all), 1
    tables, offsets, length, n_outer = [np.zeros(1, complex)], [], m_all, 0
    offset = 2
    for radix in radices:
        if length * 2 * lanes_of(dtype) * np.dtype(dtype).itemsize > _BLOCK_BYTES and length > radix:
            n_outer += 1
        m = length // radix
        table = np.exp(-2j * np.pi / length * np.outer(np.arange(m), np.arange(1, radix))).ravel()
        offsets.append(offset)
        tables.append(table)
        offset += 2 * table.size
        frequency += factor * (rest // m)
        rest, factor, length = rest % m, factor * radix, m
    order = np.empty(m_all, np.int64)
    order[frequency] = np.arange(m_all)
    # The result of a chirp lies in the second half of the memory.
    position = np.append(order[:n] + (m_all if m_all != n else 0), n)
    chirp = response = np.empty(0, complex)
    if m_all != n:
        chirp, both = chirp_of(n, m_all)
        response = _spectrum(both) / m_all
    inverse = np.append(position[-np.arange(n) % n], n)
    halves = np.exp(-1j * np.pi / n * np.arange(n // 2 + 1))
    return Plan(
        n,
        m_all,
        n_outer,
        np.array(radices, np.int64),
        np.array(offsets, np.int64),
        np.concatenate(tables).view(np.float64).astype(dtype),
        position,
        inverse,
        halves.view(np.float64).astype(dtype),
        order,
        chirp.view(np.float64).astype(dtype),
        response.view(np.float64).astype(dtype),
    )


def workspace(n: int, dtype: str) -> np.ndarray:
    """Return memory for n complex elements and the free place behind them, or for the two halves of a chirp."""
    m = passes_length(n)
    return aligned_empty(2 * (n + 1 if m == n else 2 * m) * lanes_of(dtype), dtype)


@intrinsic(prefer_literal=True)
def store_columns(typing, z, position, k, out, o, stride, lanes):
    """Transpose lanes / 2 complex vectors from number k on, by position, to interleaved rows out[o + l * stride :]."""
    n = literal(lanes)
    signature = types.void(z, position, types.intp, out, types.intp, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        source = data_pointer(context, builder, signature.args[0], arguments[0])
        places = data_pointer(context, builder, signature.args[1], arguments[1])
        target = data_pointer(context, builder, signature.args[3], arguments[3])
        vector = ir_vector(Vector(signature.args[0].dtype, n))
        k, o = arguments[2], arguments[4]
        rows = []
        for i in range(n // 2):
            place = builder.load(builder.gep(places, [builder.add(k, k.type(i))]))
            index = builder.mul(place, k.type(2 * n))
            rows += [emit_load(builder, source, builder.add(index, k.type(part * n)), vector) for part in (0, 1)]
        for row in emit_transpose(builder, rows):
            emit_store(builder, target, o, row)
            o = builder.add(o, arguments[5])
        return context.get_dummy_value()

    return signature, generate


@functools.cache
def fft_kernels(dtype: str) -> SimpleNamespace:
    """Return the kernels for one real type."""
    W = lanes_of(dtype)

    @kernel
    def passes(z, start, plan):
        """Transform plan.m elements from number `start` on in place; frequency f comes to plan.order[f]."""
        size = block_size = plan.m
        for level in range(plan.n_outer):
            block_size //= plan.radices[level]
        for phase in range(2):
            first, last = (0, plan.n_outer) if phase == 0 else (plan.n_outer, len(plan.radices))
            whole = plan.m if phase == 0 else block_size
            for block in range(start, start + plan.m, whole):
                size = whole
                for level in range(first, last):
                    radix = plan.radices[level]
                    m = size // radix
                    radix_pass(z, block, whole // size, radix, m, plan.twiddles, plan.offsets[level], W)
                    size = m

    @kernel
    def turn(z, source, target, factors, k, before, after):
        """Store element `source` times number k of the factors as element `target`.

        Imaginary parts count `before` times before and `after` times behind: -1 is the conjugate.
        """
        i, o = 2 * W * source, 2 * W * target
        a, b = load(z, i, W), mul(load(z, i + W, W), splat(z, z.dtype.type(before), W))
        c, d = broadcast(factors, 2 * k, W), broadcast(factors, 2 * k + 1, W)
        store(z, o, fma(mul(b, splat(z, z.dtype.type(-1), W)), d, mul(a, c)))
        store(z, o + W, mul(fma(b, c, mul(a, d)), splat(z, z.dtype.type(after), W)))

    @kernel
    def transform(z, plan):
        """Transform the lanes of z in place; frequency f comes to plan.position[f]."""
        chirps = plan.m != plan.n
        for half in range(1 + chirps):  # one place that calls, since LLVM copies the passes to each
            if chirps and half == 0:
                for k in range(plan.n):
                    turn(z, k, k, plan.chirp, k, 1, 1)
                z[2 * W * plan.n : 2 * W * plan.m] = 0
            elif half == 1:
                for f in range(plan.m):  # with conjugates before and behind, the passes are those of the inverse
                    turn(z, plan.order[f], plan.m + f, plan.response, f, 1, -1)
            passes(z, half * plan.m, plan)
        if chirps:
            for k in range(plan.n):
                turn(z, plan.position[k], plan.position[k], plan.chirp, k, -1, 1)

    @kernel
    def load_rows(x, i, stride, length, z):
        """Transpose W rows of `length` numbers, row l at x[i + l * stride:], to vectors z[0], z[W], ..."""
        if length >= W:
            for t in range(0, length - W + 1, W):
                transpose(x, i + t, stride, z, t * W, W)
            transpose(x, i + length - W, stride, z, (length - W) * W, W)
        else:
            for t in range(length):
                for lane in range(W):
                    z[t * W + lane] = x[i + lane * stride + t]

    @kernel
    def store_rows(z, position, length, out, o, stride):
        """Transpose `length` complex vectors, number k at position[k], to W interleaved rows, out[o + l * stride:]."""
        half = W // 2
        if length >= half:
            for k in range(0, length - half + 1, half):
                store_columns(z, position, k, out, o + 2 * k, stride, W)
            store_columns(z, position, length - half, out, o + 2 * (length - half), stride, W)
        else:
            for k in range(length):
                for lane in range(W):
                    out[o + lane * stride + 2 * k] = z[2 * W * position[k] + lane]
                    out[o + lane * stride + 2 * k + 1] = z[2 * W * position[k] + W + lane]

    @kernel
    def split_real(z, plan, scale):
        """Turn the transform of a real signal's even and odd samples into its own, times scale: frequencies 0 to n."""
        for k in range(1, plan.n // 2 + 1):
            i, j = 2 * W * plan.position[k], 2 * W * plan.position[plan.n - k]
            split_pair(z, i, j, plan.halves, k, z.dtype.type(0.5) * scale, W)
        split_end(z, 2 * W * plan.position[0], 2 * W * plan.n, scale, W)

    @kernel
    def split_rows(z, plan, out, o, stride):
        """Do the same into W interleaved rows of n + 1 numbers, out[o + l * stride:]; n is at least W."""
        n, half = plan.n, W // 2
        first = 2 * W * plan.position[0]
        for lane in range(W):
            a, b = z[first + lane], z[first + W + lane]
            row = o + lane * stride
            out[row], out[row + 1] = a + b, 0
            out[row + 2 * n], out[row + 2 * n + 1] = a - b, 0
        for k in range(1, n // 2 - half + 2, half):
            split_columns(z, plan.position, n, k, plan.halves, out, o, stride, W)
        split_columns(z, plan.position, n, n // 2 - half + 1, plan.halves, out, o, stride, W)

    @kernel
    def merge_real(z, plan, scale):
        """Undo `split_real`, from frequencies 0 to n in order."""
        half = z.dtype.type(0.5) * scale
        for k in range(1, plan.n // 2 + 1):
            merge_pair(z, 2 * W * k, 2 * W * (plan.n - k), plan.halves, k, half, W)
        merge_end(z, 0, 2 * W * plan.n, half, W)

    @kernel
    def fft_rows(x, out, rows, plan, position, z):
        """Transform complex rows, a multiple of W, of n interleaved numbers; forward or inverse by `position`."""
        width = 2 * plan.n
        for row in range(0, rows, W):
            load_rows(x, row * width, width, width, z)
            transform(z, plan)
            store_rows(z, position, plan.n, out, row * width, width)

    @kernel
    def stream_to(source, i, out, o, count):
        """Store out[o : o + count] = source[i : i + count] past the caches."""
        aligned = -(np.intp(out.ctypes.data) // out.itemsize + o) % W
        for k in range(aligned):
            out[o + k] = source[i + k]
        end = aligned + (count - aligned) // W * W
        for k in range(aligned, end, W):
            store_streaming(out, o + k, load(source, i + k, W))
        for k in range(end, count):
            out[o + k] = source[i + k]

    @kernel
    def rfft_rows(x, out, rows, plan, z, group):
        """Transform real to complex: rows of 2 n numbers to rows of n + 1 interleaved ones.

        `group`, unless it is empty, is memory for W rows of the result, from where they go past the caches: whatever
        does not fit there is a third faster if the processor need not read it before.
        """
        width = 2 * plan.n
        for row in range(0, rows, W):
            load_rows(x, row * width, width, width, z)
            transform(z, plan)
            if group.size:
                split_rows(z, plan, group, 0, width + 2)
                stream_to(group, 0, out, row * (width + 2), W * (width + 2))
            elif plan.n >= W:
                split_rows(z, plan, out, row * (width + 2), width + 2)
            else:
                split_real(z, plan, z.dtype.type(1))
                store_rows(z, plan.position, plan.n + 1, out, row * (width + 2), width + 2)
        if group.size:
            fence()

    @kernel
    def irfft_rows(x, out, rows, plan, z):
        """Transform complex to real: rows of n + 1 interleaved numbers to rows of 2 n."""
        width = 2 * plan.n
        for row in range(0, rows, W):
            load_rows(x, row * (width + 2), width + 2, width + 2, z)
            merge_real(z, plan, z.dtype.type(1 / plan.n))
            transform(z, plan)
            store_rows(z, plan.inverse, plan.n, out, row * width, width)

    return SimpleNamespace(
        split_real=split_real,
        store_rows=store_rows,
        load_rows=load_rows,
        transform=transform,
        fft_rows=fft_rows,
        rfft_rows=rfft_rows,
        irfft_rows=irfft_rows,
    )
