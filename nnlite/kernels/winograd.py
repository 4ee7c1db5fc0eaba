"""Convolution and 2 x 2 max-pooling with fewer multiplications: Winograd's minimal filtering.

Letters as in :mod:`nnlite.kernels.conv`; m outputs and r taps of an axis of a tile, a = m + r - 1 points, T tiles, G
channels of a group. A tile is one window of the pooling (m = 2) or four (m = 4). Each of its a * a points is a matrix
product, (T, C) by (C, O).

Where tiles of m = 4 meet an odd number of windows, the last tile begins one window earlier and does that one again, so
that nothing outside of the input is ever read.

In float32 the result differs from that of the direct sum by about 1e-6 of the largest value, and NaN in the input
reaches every window of a tile.
"""
# ruff: noqa: E741 (I and O are the letters above)

import functools

import numpy as np

from nnlite.kernels.blocks import add_outer, store_block, zeros
from nnlite.kernels.minimal_filters import transform_input, transform_output, transform_weight
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty, aligned_zeros
from nnlite.runtime.processor import cache_bytes
from nnlite.runtime.simd import REGISTERS, lanes_of

_TILES = {2: 2, 3: 4}
"""Taps -> m."""

_VECTORS = 2
"""Vectors of output channels in the register tile of the products."""

_LEAST_CHANNELS = 8
"""With fewer the transforms cost more than the multiplications that they save."""


@functools.cache
def tile(
    kernel_size: tuple[int, int], stride: tuple[int, int], pool: tuple[int, int], channels: int, filters: int
) -> int:
    """Return m, or 0 where the direct sum is the better way or the only one.

    >>> tile((3, 3), (1, 1), (2, 2), 32, 64), tile((5, 5), (1, 1), (2, 2), 32, 64)
    (4, 0)
    """
    if (
        kernel_size[0] != kernel_size[1]
        or stride != (1, 1)
        or pool != (2, 2)
        or min(channels, filters) < _LEAST_CHANNELS
    ):
        return 0
    return _TILES.get(kernel_size[0], 0)


def pack(weight: np.ndarray, m: int) -> np.ndarray:
    """Pack a weight (r, r, C, O) to (groups, a * a, C, G), transformed.

    A group is the output channels of one register tile.
    """
    r, _, C, O = weight.shape
    lanes = lanes_of(weight.dtype)
    group = _VECTORS * lanes
    packed = aligned_empty((-(-O // group), (m + r - 1) ** 2, C, group), weight.dtype)
    _pack_kernel(m, r, lanes)(weight, packed)
    return packed


@functools.cache
def _pack_kernel(m, r, L):
    @kernel
    def winograd_pack(weight, packed):
        _, _, C, O = weight.shape
        groups, points, _, G = packed.shape
        for k in range(groups):
            for c in range(C):
                for g in range(0, G, L):
                    o = k * G + g
                    transform_weight(
                        weight, c * O + o, C * O, O - o, packed, (k * points * C + c) * G + g, C * G, m, r, L
                    )

    return winograd_pack


def conv_pool(x, packed, bias, y, argmax, m, r):
    """Compute y = max over each 2 x 2 window of (x * weight) + bias.

    Arguments as in :func:`nnlite.kernels.conv.conv_pool`.
    """
    if m == 4 and min(y.shape[1:3]) < 2:
        _conv_pool_narrow(x, packed, bias, y, argmax, m, r)
        return
    N, _, _, C = x.shape
    _, I, J, _ = y.shape
    lanes = lanes_of(x.dtype)
    points, group = packed.shape[1], packed.shape[3]
    padded = -(-C // lanes) * lanes
    wide = -(-2 * I // m) * -(-2 * J // m)
    columns = 6 if REGISTERS == 16 or N * wide <= 6 else 12
    # The transformed tiles stay in the second-level cache beside a group's weights.
    blocks = cache_bytes(2) // 4 // (points * (padded + group) * x.itemsize * columns)
    tiles = max(1, min(blocks, -(-N * wide // columns))) * columns
    inputs = aligned_empty((points, tiles, padded), x.dtype)
    products = aligned_empty((points, tiles, group), x.dtype)
    _forward_kernel(m, r, columns, _VECTORS, lanes)(x, packed, bias, inputs, products, y, argmax)


def _conv_pool_narrow(x, packed, bias, y, argmax, m, r):
    """Convolve an image of less than two windows down or across, with zeros where the others would be."""
    N, H, W, C = x.shape
    I, J = y.shape[1:3]
    wide = aligned_zeros((N, max(H, 4 + r - 1), max(W, 4 + r - 1), C), x.dtype)
    wide[:, :H, :W] = x
    shape = (N, max(I, 2), max(J, 2), y.shape[3])
    wide_y, wide_argmax = aligned_empty(shape, y.dtype), aligned_empty(shape, np.uint8)
    conv_pool(wide, packed, bias, wide_y, wide_argmax, m, r)
    y[...] = wide_y[:, :I, :J]
    if argmax is not None:
        argmax[...] = wide_argmax[:, :I, :J]


@functools.cache
def _forward_kernel(m, r, S, V, L):
    windows = m // 2
    count = S * V

    @kernel
    def winograd_forward(x, packed, bias, inputs, products, y, argmax):
        N, H, W, C = x.shape
        _, I, J, O = y.shape
        groups, points, _, G = packed.shape
        _, T, padded = inputs.shape
        down, across = (I + windows - 1) // windows, (J + windows - 1) // windows
        tiles = N * down * across
        whole = C // L * L
        for first in range(0, tiles, T):
            here = min(T, tiles - first)
            for t in range(here):
                rest, b = divmod(first + t, across)
                n, a = divmod(rest, down)
                row, column = 2 * min(a * windows, I - windows), 2 * min(b * windows, J - windows)
                source = ((n * H + row) * W + column) * C
                for c in range(0, whole, L):
                    j = t * padded + c
                    transform_input(x, source + c, W * C, C, L, inputs, j, T * padded, m, r, L, 1)
                if whole < C:
                    j = t * padded + whole
                    transform_input(x, source + whole, W * C, C, C - whole, inputs, j, T * padded, m, r, L, 0)
            for k in range(groups):
                for p in range(points):
                    for t in range(0, here, S):
                        block = zeros(x, L, count)
                        source = (p * T + t) * padded
                        w = (k * points + p) * C * G
                        for c in range(C):
                            block = add_outer(block, inputs, source + c, 0, padded, packed, w, 1, S, V)
                            w += G
                        store_block(products, (p * T + t) * G, block)
                for t in range(here):
                    rest, b = divmod(first + t, across)
                    n, a = divmod(rest, down)
                    i, j = min(a * windows, I - windows), min(b * windows, J - windows)
                    for v in range(V):
                        o = k * G + v * L
                        if o < O:
                            q = ((n * I + i) * J + j) * O + o
                            transform_output(
                                products, t * G + v * L, T * G, bias, o, O - o, y, q, J * O, O, argmax, m, r, L
                            )

    return winograd_forward
