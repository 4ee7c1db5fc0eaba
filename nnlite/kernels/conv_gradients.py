"""Gradients of a convolution and the max-pooling of its output; letters as in :mod:`nnlite.kernels.conv`.

Both touch only the one position in P * Q of each window that was the maximum: a quarter of the dense work at 2 x 2,
without a branch, since the arg-max is only an address.
"""
# ruff: noqa: E741 (I and O are letters)

import functools

import numpy as np

from nnlite.jit import aligned_zeros, kernel
from nnlite.kernels.blocks import load_block, store_block
from nnlite.kernels.patches import add_patch, add_window, load_rows, scatter_patch, store_rows
from nnlite.simd import REGISTERS, lanes_of

# Bytes of input that a strip of rows may cover in the gradients: what stays in a 32 KB first-level cache beside the
# weights.
_STRIP_BYTES = 24 * 1024


class PatchBlocks:
    """How a patch (K rows of M * C numbers) is cut into blocks that fit the registers.

    A block is `rows` rows of `vectors` vectors; the last block of a row may be narrower (`last_vectors`) and its last
    vector has `tail` valid lanes.
    """

    def __init__(self, kernel_rows: int, row_taps: int, lanes: int) -> None:
        budget = REGISTERS - (12 if REGISTERS == 32 else 4)
        per_row = -(-row_taps // lanes)
        self.lanes = lanes
        self.tail = row_taps - (per_row - 1) * lanes
        self.rows = kernel_rows if kernel_rows <= budget else 1
        fitting = min(budget // self.rows, per_row)
        # Equal blocks where the width divides: one compiled kernel instead of two.
        self.vectors = next((v for v in range(fitting, fitting // 2, -1) if per_row % v == 0), fitting)
        self.row_groups = kernel_rows // self.rows
        self.column_groups = -(-per_row // self.vectors)
        self.last_vectors = per_row - (self.column_groups - 1) * self.vectors

    @property
    def size(self) -> int:
        """Elements of one block in memory."""
        return self.rows * self.vectors * self.lanes

    @property
    def groups(self) -> int:
        """Blocks of a patch."""
        return self.row_groups * self.column_groups


def pack_patches(weight: np.ndarray) -> np.ndarray:
    """(K, M, C, O) to (groups, O, block): each output channel's patch in blocks, zero-padded."""
    K, M, C, O = weight.shape
    blocks = PatchBlocks(K, M * C, lanes_of(weight.dtype))
    packed = aligned_zeros((blocks.groups, O, blocks.size), weight.dtype)
    _copy_patches(packed, weight.reshape(K, M * C, O), blocks, to_packed=True)
    return packed


def unpack_patches(packed: np.ndarray, weight: np.ndarray) -> None:
    """Inverse of :func:`pack_patches`, into `weight`."""
    K, M, C, O = weight.shape
    blocks = PatchBlocks(K, M * C, lanes_of(weight.dtype))
    _copy_patches(packed, weight.reshape(K, M * C, O), blocks, to_packed=False)


def _copy_patches(packed, flat, blocks, to_packed):
    width = blocks.vectors * blocks.lanes
    for r in range(blocks.row_groups):
        rows = slice(r * blocks.rows, (r + 1) * blocks.rows)
        for c in range(blocks.column_groups):
            part = flat[rows, c * width : (c + 1) * width].transpose(2, 0, 1)
            narrow = blocks.vectors if c < blocks.column_groups - 1 else blocks.last_vectors
            block = packed[r * blocks.column_groups + c]
            block = block[:, : blocks.rows * narrow * blocks.lanes].reshape(
                len(block), blocks.rows, narrow * blocks.lanes
            )
            if to_packed:
                block[:, :, : part.shape[2]] = part
            else:
                part[...] = block[:, :, : part.shape[2]]


def conv_pool_grad_weight(x, dy, argmax, kernel_size, stride, pool, dweight):
    """dweight (K, M, C, O): sum over all pooled positions of dy times the patch at the window's maximum.

    argmax None: no pooling.
    """
    K, M = kernel_size
    C, O = dweight.shape[2:]
    lanes = lanes_of(x.dtype)
    if vectors := dense_vectors(M * C, O, pool, lanes):
        run = _grad_weight_dense_kernel(M * C, *pool, stride[1] * C, vectors, lanes)
        dweight.fill(0)
        run(x, dy, argmax, stride[0], dweight)
        return
    blocks = PatchBlocks(K, M * C, lanes)
    packed = aligned_zeros((blocks.groups, O, blocks.size), x.dtype)
    strip = _strip_rows(x, K, stride, pool)
    for block, offset, vectors, tail in _walk(blocks, x.shape[2] * C):
        run = _grad_weight_kernel(blocks.rows, vectors, tail, blocks.lanes)
        run(x, dy, argmax, _window_offsets(x, stride, pool), offset, *_steps(x, stride, pool), strip, packed[block])
    unpack_patches(packed, dweight)


def conv_pool_grad_x(dy, packed, argmax, kernel_size, stride, pool, dx):
    """dx (N, H, W, C) += dy times the patch of weights at each window's maximum; `packed` from `pack_patches`."""
    K, M = kernel_size
    C = dx.shape[3]
    blocks = PatchBlocks(K, M * C, lanes_of(dx.dtype))
    strip = _strip_rows(dx, K, stride, pool)
    for block, offset, vectors, tail in _walk(blocks, dx.shape[2] * C):
        run = _grad_x_kernel(blocks.rows, vectors, tail, blocks.lanes)
        run(dy, packed[block], argmax, _window_offsets(dx, stride, pool), offset, *_steps(dx, stride, pool), strip, dx)


def _walk(blocks, line):
    """(index, offset in the input, vectors, tail) of each block of a patch; `line`: elements of a row of the input."""
    for r in range(blocks.row_groups):
        for c in range(blocks.column_groups):
            last = c == blocks.column_groups - 1
            offset = r * blocks.rows * line + c * blocks.vectors * blocks.lanes
            vectors, tail = (blocks.last_vectors, blocks.tail) if last else (blocks.vectors, blocks.lanes)
            yield r * blocks.column_groups + c, offset, vectors, tail


def _window_offsets(x, stride, pool):
    """Offset in the input of each place of a pooling window, by its arg-max."""
    _, _, W, C = x.shape
    return np.array([(a * stride[0] * W + b * stride[1]) * C for a in range(pool[0]) for b in range(pool[1])], np.intp)


def _steps(x, stride, pool):
    """Offsets in the input between neighbouring windows, down and across."""
    _, _, W, C = x.shape
    return pool[0] * stride[0] * W * C, pool[1] * stride[1] * C


def _strip_rows(x, kernel_rows, stride, pool):
    """Pooled rows whose input stays in the first-level cache while all output channels pass over it."""
    line = x.shape[2] * x.shape[3] * x.itemsize
    return max(1, (_STRIP_BYTES // line - kernel_rows + 1) // (pool[0] * stride[0]))


@functools.cache
def _grad_weight_kernel(R, V, tail, L):
    count = R * V

    @kernel
    def conv_pool_grad_weight_block(x, dy, argmax, window_offsets, offset, row_step, column_step, strip, dweight):
        N, H, W, C = x.shape
        _, I, J, O = dy.shape
        line = W * C
        size = dweight.shape[1]
        for first in range(0, N * I, strip):
            end = min(first + strip, N * I)
            for o in range(O):
                block = load_block(dweight, o * size, L, count)
                for r in range(first, end):
                    n, i = divmod(r, I)
                    source = n * H * line + i * row_step + offset
                    q = r * J * O + o
                    for _ in range(J):
                        place = source if argmax is None else source + window_offsets[argmax.flat[q]]
                        block = add_patch(block, dy, q, x, place, line, R, V, tail)
                        source += column_step
                        q += O
                store_block(dweight, o * size, block)

    return conv_pool_grad_weight_block


def dense_vectors(row_taps, channels, pool, lanes):
    """Vectors of output channels with which the dense weight gradient works, or 0 where the sparse one does less.

    A row of a patch that is shorter than a vector leaves lanes empty in the sparse gradient, most of all with one
    input channel. Then it is cheaper to put output channels into the lanes and to work through every place of the
    window.

    >>> dense_vectors(5, 32, (2, 2), 16), dense_vectors(96, 64, (2, 2), 16)
    (2, 0)
    """
    places = pool[0] * pool[1]
    if channels < lanes // 2 or row_taps * places > 2 * lanes:
        return 0
    wanted = 2 if channels > lanes else 1
    return next((v for v in range(wanted, 0, -1) if v * (row_taps + 2) < REGISTERS - 1), 0)


@functools.cache
def _grad_weight_dense_kernel(T, P, Q, column_stride, V, L):
    group = V * L
    window_step = Q * column_stride

    @kernel
    def conv_pool_grad_weight_dense(x, dy, argmax, row_stride, dweight):
        N, H, W, C = x.shape
        _, I, J, O = dy.shape
        K = dweight.shape[0]
        line = W * C
        row_step = row_stride * line
        for n in range(N):
            for o in range(0, O, group):
                for k in range(K):
                    block = load_rows(dweight, k * T * O + o, O, O - o, L, T, V)
                    for i in range(I):
                        source = (n * H + k) * line + i * P * row_step
                        q = (n * I + i) * J * O + o
                        for _ in range(J):
                            block = add_window(
                                block, dy, argmax, q, O - o, x, source, row_step, column_stride, P, Q, T, V
                            )
                            source += window_step
                            q += O
                    store_rows(dweight, k * T * O + o, O, O - o, block, T, V)

    return conv_pool_grad_weight_dense


@functools.cache
def _grad_x_kernel(R, V, tail, L):
    count = R * V

    @kernel
    def conv_pool_grad_x_block(dy, weight, argmax, window_offsets, offset, row_step, column_step, strip, dx):
        N, H, W, C = dx.shape
        _, I, J, O = dy.shape
        line = W * C
        size = weight.shape[1]
        for first in range(0, N * I, strip):
            end = min(first + strip, N * I)
            for o in range(O):
                block = load_block(weight, o * size, L, count)
                for r in range(first, end):
                    n, i = divmod(r, I)
                    target = n * H * line + i * row_step + offset
                    q = r * J * O + o
                    for _ in range(J):
                        place = target if argmax is None else target + window_offsets[argmax.flat[q]]
                        scatter_patch(block, dy, q, dx, place, line, R, V, tail)
                        target += column_step
                        q += O

    return conv_pool_grad_x_block
