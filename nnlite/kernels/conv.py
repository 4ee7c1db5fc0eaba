"""Convolution, together with the max-pooling of its output.

Letters: N samples, H x W positions, C input and O output channels, K x M kernel, P x Q pooling window (1 x 1: no
pooling), I x J pooled positions, L lanes. Arrays are channels-last and flat indices count elements: a patch of the
input is K rows of M * C adjacent numbers, which is also how the weights lie (K, M, C, O).

Factories make the kernels: their arguments become compile-time constants, since register blocks have fixed sizes.
"""
# ruff: noqa: E741 (I and O are the letters above)

import functools

import numpy as np

from nnlite.kernels import winograd
from nnlite.kernels.blocks import add_outer, store_maxima, zeros
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import REGISTERS, lanes_of


@functools.cache
def forward_tile(channels: int, pool: tuple[int, int], lanes: int) -> tuple[int, int]:
    """Return (windows, vectors) of the register tile: room is left for the weights of a tap and one broadcast input.

    >>> forward_tile(32, (2, 2), 16) if REGISTERS == 32 else (3, 2)
    (3, 2)
    """
    positions = pool[0] * pool[1]
    for vectors in (2, 1):
        if vectors == 2 and channels <= lanes:
            continue
        windows = (REGISTERS - 1 - vectors) // (positions * vectors)
        if windows:
            return min(windows, max(1, 12 // pool[1])), vectors
    raise ValueError(f"forward_tile: pool: expected at most {REGISTERS - 2} positions in a window, got {pool}")


def max_pool_positions() -> int:
    """Return how many positions of a pooling window the forward kernel can hold in registers."""
    return REGISTERS - 3


def pack_forward(weight: np.ndarray, stride: tuple[int, int], pool: tuple[int, int]) -> np.ndarray:
    """Pack a weight (K, M, C, O) to (groups, ..., group).

    A group is the output channels of one register tile, zero-padded.

    Between them lie K * M * C taps, or what :mod:`nnlite.kernels.winograd` makes of these.
    """
    if m := winograd.tile(weight.shape[:2], stride, pool, *weight.shape[2:]):
        return winograd.pack(weight, m)
    lanes = lanes_of(weight.dtype)
    channels = weight.shape[-1]
    group = forward_tile(channels, pool, lanes)[1] * lanes
    n_groups = -(-channels // group)
    taps = weight.size // channels
    flat = weight.reshape(taps, channels)
    packed = aligned_empty((n_groups, taps, group), weight.dtype)
    if channels % group:
        packed[-1] = 0
    for k in range(n_groups):
        part = flat[:, k * group : (k + 1) * group]
        packed[k, :, : part.shape[1]] = part
    return packed


def conv_pool(x, packed, bias, y, argmax, kernel_size, stride, pool):
    """Compute y = max over each window of (x * weight) + bias.

    argmax (or None) gets each maximum's place in its window.

    x (N, H, W, C); packed from `pack_forward`; bias (groups * group,) zero-padded; y and argmax (N, I, J, O).
    """
    if m := winograd.tile(kernel_size, stride, pool, x.shape[3], y.shape[3]):
        winograd.conv_pool(x, packed, bias, y, argmax, m, kernel_size[0])
        return
    lanes = lanes_of(x.dtype)
    windows, vectors = forward_tile(y.shape[3], pool, lanes)
    windows = min(windows, y.shape[2])
    run = _forward_kernel(*pool, windows, y.shape[2] % windows, vectors, lanes)
    run(x, packed, bias, kernel_size[0], kernel_size[1] * x.shape[3], stride[0], stride[1], y, argmax)


@functools.cache
def _forward_kernel(P, Q, S, rest, V, L):
    count, count_rest = P * Q * S * V, P * Q * rest * V
    columns, columns_rest = Q * S, Q * rest

    @kernel
    def conv_pool_forward(x, packed, bias, kernel_rows, row_taps, row_stride, column_stride, y, argmax):
        N, H, W, C = x.shape
        _, I, J, O = y.shape
        groups, _, group = packed.shape
        line = W * C
        row_step = row_stride * line
        column_step = column_stride * C
        for n in range(N):
            for k in range(groups):
                o = k * group
                first_tap = k * packed.shape[1] * group
                for i in range(I):
                    for j in range(0, J - rest, S):
                        block = zeros(x, L, count)
                        tap = first_tap
                        source = n * H * line + i * P * row_step + j * Q * column_step
                        for _ in range(kernel_rows):
                            for t in range(row_taps):
                                block = add_outer(
                                    block, x, source + t, row_step, column_step, packed, tap, P, columns, V
                                )
                                tap += group
                            source += line
                        q = ((n * I + i) * J + j) * O + o
                        store_maxima(block, bias, o, y, q, O, O - o, P, Q, S, V, argmax)
                    if rest > 0:
                        j = J - rest
                        last = zeros(x, L, count_rest)
                        tap = first_tap
                        source = n * H * line + i * P * row_step + j * Q * column_step
                        for _ in range(kernel_rows):
                            for t in range(row_taps):
                                last = add_outer(
                                    last, x, source + t, row_step, column_step, packed, tap, P, columns_rest, V
                                )
                                tap += group
                            source += line
                        q = ((n * I + i) * J + j) * O + o
                        store_maxima(last, bias, o, y, q, O, O - o, P, Q, rest, V, argmax)

    return conv_pool_forward
