"""Gradients of large weights: products that add up over a batch, block by block of rows.

BLAS packs both factors, which takes a large share of the time if a batch is short. Here a panel of a few columns of the
second factor is packed, and stays in the first-level cache. The columns of the first factor lie a page of memory apart
from sample to sample: they are gathered, and the next ones are fetched meanwhile.

Letters: R rows and V vectors of a register tile, L lanes, K samples. Every number is one chain of multiply-adds in the
order of the samples: it has the same bits however a gradient is cut into blocks.
"""

import functools

import numpy as np

from nnlite.kernels.blocks import add_outer, zeros
from nnlite.kernels.patches import store_rows
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import VECTOR_BYTES, lanes_of, load, load_first, prefetch, store

_ROWS, _VECTORS = 4, 3

_PANEL_BYTES = 32 * 1024
"""What a panel may take: the smallest first-level cache of processors with AVX2. The result depends on it."""

_SAMPLES_AHEAD = 8
"""How far ahead of gathering memory is asked for."""


def pays(samples: int, n: int) -> bool:
    """Return whether this is faster than BLAS: with 16 registers of 32 bytes it was, if a panel fits into the cache."""
    return VECTOR_BYTES == 32 and n >= 32 and samples * _VECTORS * VECTOR_BYTES <= _PANEL_BYTES


def multiply(x, dz, rows, fetched, out):
    """Compute out (rows, n) = x[:, rows].T @ dz for x (samples, m) and dz (samples, n).

    `fetched`, a tuple of arrays of the shape of `out`, are in the second-level cache afterwards, too.
    """
    lanes = lanes_of(out.dtype)
    gathered = np.empty(len(out) * len(x), out.dtype)
    panel = aligned_empty(len(x) * _VECTORS * lanes, out.dtype)
    _kernel(_ROWS, _VECTORS, lanes)(x, dz, rows.start, rows.stop, fetched, gathered, panel, out)


@functools.cache
def _kernel(R, V, L):
    gather = _gather_kernel(R, 64 * L // VECTOR_BYTES)  # numbers of a cache line
    wide, narrow = _panel_kernel(R, V, L), _panel_kernel(R, V - 1, L)

    @kernel
    def weight_gradient(x, dz, first_row, end_row, fetched, gathered, panel, out):
        N = dz.shape[1]
        gather(x, first_row, end_row, gathered)
        n = 0
        while n < N:
            vectors = (N - n + L - 1) // L
            if vectors == V or vectors > 2 * (V - 1):
                wide(gathered, dz, n, panel, fetched, out)
                n += V * L
            else:
                narrow(gathered, dz, n, panel, fetched, out)
                n += (V - 1) * L

    return weight_gradient


@functools.cache
def _gather_kernel(R, line):
    @kernel
    def weight_gradient_gather(x, first_row, end_row, gathered):
        """Gather tiles (tiles, samples, R), and after them row by row what fills no tile."""
        K, M = x.shape
        whole = end_row - (end_row - first_row) % R
        for k in range(K):
            for m in range(first_row, end_row, line):
                prefetch(x, (k + _SAMPLES_AHEAD) * M + m)
            i = k * R
            for m in range(first_row, whole, R):
                store(gathered, i, load(x, k * M + m, R))
                i += K * R
            for m in range(whole, end_row):
                gathered[(m - first_row) * K + k] = x[k, m]

    return weight_gradient_gather


@functools.cache
def _tile_kernel(T, V, L):
    count = T * V

    @kernel(inline="always")
    def tile(gathered, i, panel, K, out, o, valid):
        """Compute T rows of the gradient from o on, their lanes below `valid`."""
        block = zeros(out, L, count)
        j = 0
        for _ in range(K):
            block = add_outer(block, gathered, i, 1, 0, panel, j, T, 1, V)
            i += T
            j += V * L
        store_rows(out, o, out.shape[1], valid, block, T, V)

    return tile


@functools.cache
def _panel_kernel(R, V, L):
    tile, row = _tile_kernel(R, V, L), _tile_kernel(1, V, L)

    @kernel
    def weight_gradient_panel(gathered, dz, n, panel, fetched, out):
        K, N = dz.shape
        valid = N - n
        for k in range(K):
            for v in range(0, V * L, L):
                i, left = k * N + n + v, max(0, valid - v)
                store(panel, k * V * L + v, load(dz, i, L) if left >= L else load_first(dz, i, L, left))
        M = len(out)
        whole = M - M % R
        for m in range(0, whole, R):
            for array in fetched:
                for r in range(R):
                    i = (m + r) * N + n
                    prefetch(array, i)
                    prefetch(array, i + V * L - 1)
            tile(gathered, m * K, panel, K, out, m * N + n, valid)
        for m in range(whole, M):
            row(gathered, m * K, panel, K, out, m * N + n, valid)

    return weight_gradient_panel
