"""Weight gradient of a convolution over few input channels; letters as in :mod:`nnlite.kernels.conv`, T taps of a row.

A row of a patch that is shorter than a vector would leave lanes empty, most of all with one input channel. Here the
lanes run along output channels, each of which has a maximum of its own in the window: one of four places is picked by a
permutation inside the register where the CPU has one for that; else every place of the window is worked through, with
the other places' gradients set to zero.
"""
# ruff: noqa: E741 (I and O are letters)

import functools

from nnlite.kernels.patches import add_picked, add_window, load_rows, picks_in_register, store_rows
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import REGISTERS, lanes_of


def grad_weight(x, dy, argmax, stride, pool, dweight):
    """Compute what :func:`nnlite.kernels.conv_gradients.conv_pool_grad_weight` does, where `vectors` says how many."""
    T, O, lanes = dweight.shape[1] * dweight.shape[2], dweight.shape[3], lanes_of(x.dtype)
    V = vectors(T, O, pool, x.dtype)
    column_stride = stride[1] * x.shape[3]
    picks = pool == (2, 2) and picks_in_register(x.dtype)
    windows = aligned_empty((x[:1].size, 4), x.dtype) if picks else None
    dweight.fill(0)
    end = O // (V * lanes) * V * lanes
    for channels, whole in (((0, end), 1), ((end, O), 0)):
        if channels[0] == channels[1]:
            continue
        if picks:
            _picking_kernel(T, V, lanes, whole)(x, dy, argmax, stride[0], column_stride, windows, *channels, dweight)
        else:
            _dense_kernel(T, *pool, column_stride, V, lanes, whole)(x, dy, argmax, stride[0], *channels, dweight)


def vectors(row_taps, channels, pool, dtype):
    """Return the number of vectors of output channels to work with, or 0 where blocks of patches do less."""
    lanes = lanes_of(dtype)
    work = 2 if pool == (2, 2) and picks_in_register(dtype) else pool[0] * pool[1]
    if channels < lanes // 2 or row_taps * work > 2 * lanes:
        return 0
    wanted = 2 if channels > lanes else 1
    return next((v for v in range(wanted, 0, -1) if v * (row_taps + 2) < REGISTERS - 1), 0)


@functools.cache
def _dense_kernel(T, P, Q, column_stride, V, L, whole):
    group = V * L
    window_step = Q * column_stride

    @kernel
    def conv_pool_grad_weight_dense(x, dy, argmax, row_stride, first_channel, end_channel, dweight):
        N, H, W, C = x.shape
        _, I, J, O = dy.shape
        K = dweight.shape[0]
        line = W * C
        row_step = row_stride * line
        for n in range(N):
            for o in range(first_channel, end_channel, group):
                for k in range(K):
                    block = load_rows(dweight, k * T * O + o, O, O - o, L, T, V)
                    for i in range(I):
                        source = (n * H + k) * line + i * P * row_step
                        q = (n * I + i) * J * O + o
                        for _ in range(J):
                            block = add_window(
                                block, dy, argmax, q, O - o, x, source, row_step, column_stride, P, Q, T, V, whole
                            )
                            source += window_step
                            q += O
                    store_rows(dweight, k * T * O + o, O, O - o, block, T, V)

    return conv_pool_grad_weight_dense


@functools.cache
def _picking_kernel(T, V, L, whole):
    @kernel
    def conv_pool_grad_weight_picking(
        x, dy, argmax, row_stride, column_stride, windows, first_channel, end_channel, dweight
    ):
        N, H, W, C = x.shape
        _, I, J, O = dy.shape
        K = dweight.shape[0]
        line = W * C
        down = row_stride * line
        image = H * line
        corners = image - down - column_stride
        for n in range(N):
            first = n * image
            for i in range(corners):
                windows[i, 0] = x.flat[first + i]
                windows[i, 1] = x.flat[first + i + column_stride]
                windows[i, 2] = x.flat[first + i + down]
                windows[i, 3] = x.flat[first + i + down + column_stride]
            for i in range(I):
                for o in range(first_channel, end_channel, V * L):
                    for k in range(K):
                        block = load_rows(dweight, k * T * O + o, O, O - o, L, T, V)
                        source = 2 * i * down + k * line
                        q = (n * I + i) * J * O + o
                        for _ in range(J):
                            block = add_picked(block, dy, argmax, q, O - o, windows, 4 * source, T, V, whole)
                            source += 2 * column_stride
                            q += O
                        store_rows(dweight, k * T * O + o, O, O - o, block, T, V)

    return conv_pool_grad_weight_picking
