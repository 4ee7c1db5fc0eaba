"""Gradients of a convolution and the max-pooling of its output; letters as in :mod:`nnlite.kernels.conv`.

Only the position in P * Q of each window that was the maximum has a gradient, and only where dropout and activation let
one through: a quarter of the dense work at 2 x 2, or less. Both gradients keep a block of a patch in registers.
"""
# ruff: noqa: E741 (I and O are letters)

import functools
import itertools
from collections.abc import Iterator

import numpy as np

from nnlite.kernels import conv_thin
from nnlite.kernels.bits import equal_bits, lowest_bit, nonzero_bits
from nnlite.kernels.blocks import load_block, store_block
from nnlite.kernels.patches import add_patch, add_scaled, load_patch, store_patch
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty, aligned_zeros
from nnlite.runtime.processor import cache_bytes
from nnlite.runtime.simd import REGISTERS, lanes_of


class PatchBlocks:
    """The blocks, fit for the registers, into which a patch (K rows of M * C numbers) is cut.

    A block is `rows` rows of `vectors` vectors. All are equal: the last one of a row begins earlier where it would not
    fit, and repeats numbers that do not count in it. Where a row is shorter than one block, `tail` lanes of its last
    vector are valid.
    """

    def __init__(self, kernel_rows: int, row_taps: int, lanes: int) -> None:
        budget = REGISTERS - (12 if REGISTERS == 32 else 4)
        per_row = -(-row_taps // lanes)
        self.lanes = lanes
        self.rows = kernel_rows if kernel_rows <= budget else 1
        fitting = min(budget // self.rows, per_row)
        # Without repetition where the width divides.
        self.vectors = next((v for v in range(fitting, fitting // 2, -1) if per_row % v == 0), fitting)
        self.row_groups = kernel_rows // self.rows
        self.tail = min(row_taps - (self.vectors - 1) * lanes, lanes)
        width = self.width
        self.starts = [min(c * width, max(row_taps - width, 0)) for c in range(-(-per_row // self.vectors))]

    @property
    def width(self) -> int:
        """The numbers of a row of a block."""
        return self.vectors * self.lanes

    @property
    def size(self) -> int:
        """The elements of one block in memory."""
        return self.rows * self.width

    @property
    def groups(self) -> int:
        """The number of blocks of a patch."""
        return self.row_groups * len(self.starts)

    def offsets(self, line: int) -> np.ndarray:
        """Return the offset of each block in an image with rows of `line` numbers."""
        return np.array(
            [r * self.rows * line + start for r in range(self.row_groups) for start in self.starts], np.intp
        )


def pack_patches(weight: np.ndarray) -> np.ndarray:
    """Pack a weight (K, M, C, O) to (groups, O, block): each output channel's patch in blocks, zero-padded."""
    K, M, C, O = weight.shape
    blocks = PatchBlocks(K, M * C, lanes_of(weight.dtype))
    packed = aligned_zeros((blocks.groups, O, blocks.size), weight.dtype)
    for block, part in _blocks_and_parts(blocks, packed, weight):
        block[...] = part
    return packed


def unpack_patches(packed: np.ndarray, weight: np.ndarray) -> None:
    """Unpack what :func:`pack_patches` packed, into `weight`."""
    K, M, C, _ = weight.shape
    for block, part in _blocks_and_parts(PatchBlocks(K, M * C, lanes_of(weight.dtype)), packed, weight):
        part[...] = block


def _blocks_and_parts(
    blocks: PatchBlocks, packed: np.ndarray, weight: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield views of `packed` and of `weight`, (O, rows, numbers): the numbers of each block that no other has."""
    K, M, C, O = weight.shape
    patches = weight.reshape(K, M * C, O)
    for b, (row, start) in enumerate(itertools.product(range(0, K, blocks.rows), blocks.starts)):
        first = b % len(blocks.starts) * blocks.width - start
        end = min(blocks.width, M * C)
        block = packed[b].reshape(O, blocks.rows, blocks.width)[:, :, first:end]
        yield block, patches[row : row + blocks.rows, start + first : start + end].transpose(2, 0, 1)


def conv_pool_grad_weight(x, dy, argmax, kernel_size, stride, pool, dweight):
    """Compute dweight (K, M, C, O): the sum over all pooled positions of dy times the patch at the window's maximum.

    Without pooling argmax is None.
    """
    K, M = kernel_size
    C, O = dweight.shape[2:]
    lanes = lanes_of(x.dtype)
    if conv_thin.vectors(M * C, O, pool, x.dtype):
        conv_thin.grad_weight(x, dy, argmax, stride, pool, dweight)
        return
    blocks = PatchBlocks(K, M * C, lanes)
    packed = aligned_zeros((blocks.groups, O, blocks.size), x.dtype)
    strip = _strip_rows(x, dy, K, stride, pool)
    places = aligned_empty((O, strip * dy.shape[2]), np.int32)
    values = aligned_empty(places.shape, x.dtype)
    run = _grad_weight_kernel(blocks.rows, blocks.vectors, blocks.tail, lanes)
    offsets = blocks.offsets(x.shape[2] * C)
    run(
        x,
        dy,
        argmax,
        _window_offsets(x, stride, pool),
        offsets,
        *_steps(x, stride, pool),
        strip,
        np.empty(O, np.intp),
        places,
        values,
        packed,
    )
    unpack_patches(packed, dweight)


def conv_pool_grad_x(dy, packed, argmax, kernel_size, stride, pool, dx):
    """Add to dx (N, H, W, C) dy times the patch of weights at each window's maximum.

    `packed` is from `pack_patches`.
    """
    K, M = kernel_size
    C, O = dx.shape[3], dy.shape[3]
    blocks = PatchBlocks(K, M * C, lanes_of(dx.dtype))
    bits = next((bits for bits in (64, 32) if O % bits == 0), 16)
    samples = max(1, cache_bytes(2) // 2 // max(1, dx[:1].nbytes))
    run = _grad_x_kernel(blocks.rows, blocks.vectors, blocks.tail, blocks.lanes, bits)
    offsets = _window_offsets(dx, stride, pool), blocks.offsets(dx.shape[2] * C)
    run(dy, packed, argmax, *offsets, *_steps(dx, stride, pool), samples, dx)


def _window_offsets(x, stride, pool):
    """Return the offset in the input of each place of a pooling window, by its arg-max."""
    _, _, W, C = x.shape
    return np.array([(a * stride[0] * W + b * stride[1]) * C for a in range(pool[0]) for b in range(pool[1])], np.intp)


def _steps(x, stride, pool):
    """Return the offsets in the input between neighbouring windows, down and across."""
    _, _, W, C = x.shape
    return pool[0] * stride[0] * W * C, pool[1] * stride[1] * C


def _strip_rows(x, dy, kernel_rows, stride, pool):
    """Return how many pooled rows have input that stays in the first-level cache while all channels pass over it.

    There are at least so many that an output channel's block is worth loading.
    """
    line = x.shape[2] * x.shape[3] * x.itemsize
    fitting = (cache_bytes(1) * 3 // 4 // line - kernel_rows + 1) // (pool[0] * stride[0])
    return max(1, fitting, -(-_STRIP_POSITIONS // dy.shape[2]))


_STRIP_POSITIONS = 16


@functools.cache
def _grad_weight_kernel(R, V, tail, L):
    count = R * V

    @kernel
    def conv_pool_grad_weight_blocks(
        x, dy, argmax, window_offsets, block_offsets, row_step, column_step, strip, counts, places, values, dweight
    ):
        N, H, W, C = x.shape
        _, I, J, O = dy.shape
        line = W * C
        capacity = places.shape[1]
        size = dweight.shape[2]
        for first in range(0, N * I, strip):
            # The places and values of the gradients of each output channel, without those that are zero.
            n, i = divmod(first, I)
            start = n * H * line + i * row_step
            for o in range(O):
                counts[o] = 0
            for r in range(first, min(first + strip, N * I)):
                n, i = divmod(r, I)
                source = n * H * line + i * row_step - start
                q = r * J * O
                for _ in range(J):
                    for o in range(O):
                        e = o * capacity + counts[o]
                        place = source if argmax is None else source + window_offsets[argmax.flat[q + o]]
                        places.flat[e] = place
                        values.flat[e] = dy.flat[q + o]
                        counts[o] += dy.flat[q + o] != 0
                    source += column_step
                    q += O
            for b in range(block_offsets.size):
                source = start + block_offsets[b]
                for o in range(O):
                    w = (b * O + o) * size
                    block = load_block(dweight, w, L, count)
                    for e in range(o * capacity, o * capacity + counts[o]):
                        block = add_patch(block, values, e, x, source + places.flat[e], line, R, V, tail)
                    store_block(dweight, w, block)

    return conv_pool_grad_weight_blocks


@functools.cache
def _grad_x_kernel(R, V, tail, L, bits):
    @kernel
    def conv_pool_grad_x_blocks(dy, weight, argmax, window_offsets, block_offsets, row_step, column_step, samples, dx):
        N, H, W, C = dx.shape
        _, I, J, O = dy.shape
        line = W * C
        size = weight.shape[2]
        for first in range(0, N, samples):
            end = min(first + samples, N)
            for b in range(block_offsets.size):
                for o in range(0, O, bits):
                    w = (b * O + o) * size
                    for r in range(first * I, end * I):
                        n, i = divmod(r, I)
                        target = n * H * line + i * row_step + block_offsets[b]
                        q = r * J * O + o
                        for _ in range(J):
                            active = nonzero_bits(dy, q, O - o, bits)
                            for place in range(window_offsets.size):
                                chosen = active
                                if argmax is not None:
                                    chosen &= equal_bits(argmax, q, O - o, place, bits)
                                if chosen != 0:
                                    here = target + window_offsets[place]
                                    block = load_patch(dx, here, line, R, V, tail, L)
                                    while chosen != 0:
                                        k = lowest_bit(chosen)
                                        block = add_scaled(block, dy, q + k, weight, w + k * size)
                                        chosen &= chosen - np.uint64(1)
                                    store_patch(dx, here, line, block, R, V, tail)
                            target += column_step
                            q += O

    return conv_pool_grad_x_blocks
