"""Long short-term memory over packed sequences; letters and layout as in :mod:`nnlite.kernels.recurrent`."""

import functools

from nnlite.kernels.activations import logistic, logistic_slope, tanh, tanh_slope
from nnlite.kernels.recurrent import WIDTH, product, tile_rows
from nnlite.runtime.jit import kernel
from nnlite.runtime.simd import lanes_of, load, splat, store
from nnlite.runtime.simd_math import add, fma, mul


def lstm(projected, packed, bias, starts, tile, states, gates):
    """Compute the states (rows, U) of all steps.

    projected (rows, 4 U) are the products of the inputs with i, f, g and o, packed the recurrent weights of these, bias
    (4 U) theirs. gates (rows, 6 U) gets i, f, g, o, the cells c and tanh(c).
    """
    _forward_kernel(lanes_of(states.dtype))(projected, packed, bias, starts, tile, states, gates)


def lstm_grad(dy, states, gates, packed, starts, tile, carry, grads):
    """Compute grads (rows, 4 U), those of i, f, g and o before their functions, from dy (rows, U).

    packed are the transposed recurrent weights; carry (N, U) are zeros to work with.
    """
    _backward_kernel(lanes_of(states.dtype))(dy, states, gates, packed, starts, tile, carry, grads)


@functools.cache
def _forward_kernel(L):
    R = tile_rows(4)
    several, single = product(L, R, 4), product(L, 1, 4)

    @kernel
    def lstm_forward(projected, packed, bias, starts, tile, states, gates):
        U, K = states.shape[1], packed.shape[1]
        for t in range(starts.size - 1):
            first, N = starts[t], starts[t + 1] - starts[t]
            before = starts[t - 1] if t else 0
            inputs = K if t else 0  # there is no state before the first step
            for u in range(0, U, L):
                j = u * 4 * K
                row = 0
                while row < N:
                    rows = R if row + R <= N else 1
                    if rows == R:
                        several(states, (before + row) * U, U, inputs, packed, j, tile)
                    else:
                        single(states, (before + row) * U, U, inputs, packed, j, tile)
                    for k in range(rows):
                        p = (first + row + k) * 4 * U + u
                        q = (first + row + k) * 6 * U + u
                        x_i = add(load(projected, p, L), load(bias, u, L))
                        x_f = add(load(projected, p + U, L), load(bias, U + u, L))
                        x_g = add(load(projected, p + 2 * U, L), load(bias, 2 * U + u, L))
                        x_o = add(load(projected, p + 3 * U, L), load(bias, 3 * U + u, L))
                        i = logistic(states, add(x_i, load(tile, (4 * k) * L, L)), L)
                        f = logistic(states, add(x_f, load(tile, (4 * k + 1) * L, L)), L)
                        g = tanh(states, add(x_g, load(tile, (4 * k + 2) * L, L)), L)
                        o = logistic(states, add(x_o, load(tile, (4 * k + 3) * L, L)), L)
                        c = mul(i, g)
                        if t:
                            c = fma(f, load(gates, (before + row + k) * 6 * U + 4 * U + u, L), c)
                        e = tanh(states, c, L)
                        store(states, (first + row + k) * U + u, mul(o, e))
                        store(gates, q, i)
                        store(gates, q + U, f)
                        store(gates, q + 2 * U, g)
                        store(gates, q + 3 * U, o)
                        store(gates, q + 4 * U, c)
                        store(gates, q + 5 * U, e)
                    row += rows

    return lstm_forward


@functools.cache
def _backward_kernel(L):
    R = tile_rows(WIDTH)
    several, single = product(L, R, WIDTH), product(L, 1, WIDTH)

    @kernel
    def lstm_backward(dy, states, gates, packed, starts, tile, carry, grads):
        U = states.shape[1]
        K = 4 * U
        T = starts.size - 1
        for t in range(T - 1, -1, -1):
            first, N = starts[t], starts[t + 1] - starts[t]
            before = starts[t - 1] if t else 0
            following = starts[t + 1]
            going_on = starts[t + 2] - following if t + 1 < T else 0
            for u in range(0, U, WIDTH * L):
                row = 0
                while row < N:
                    # Rows of sequences that end here get nothing from a later step.
                    end = going_on if row < going_on else N
                    inputs = K if row < going_on else 0
                    rows = R if row + R <= end else 1
                    if rows == R:
                        several(grads, (following + row) * K, K, inputs, packed, u * K, tile)
                    else:
                        single(grads, (following + row) * K, K, inputs, packed, u * K, tile)
                    for k in range(rows):
                        for v in range(WIDTH):
                            w = u + v * L
                            p = (first + row + k) * K + w
                            q = (first + row + k) * 6 * U + w
                            s = (row + k) * U + w
                            dh = add(load(tile, (k * WIDTH + v) * L, L), load(dy, (first + row + k) * U + w, L))
                            i, f = load(gates, q, L), load(gates, q + U, L)
                            g, o = load(gates, q + 2 * U, L), load(gates, q + 3 * U, L)
                            e = load(gates, q + 5 * U, L)
                            dc = add(load(carry, s, L), tanh_slope(states, e, mul(dh, o), L))
                            c = splat(states, 0, L)
                            if t:
                                c = load(gates, (before + row + k) * 6 * U + 4 * U + w, L)
                            store(grads, p, logistic_slope(states, i, mul(dc, g), L))
                            store(grads, p + U, logistic_slope(states, f, mul(dc, c), L))
                            store(grads, p + 2 * U, tanh_slope(states, g, mul(dc, i), L))
                            store(grads, p + 3 * U, logistic_slope(states, o, mul(dh, e), L))
                            store(carry, s, mul(dc, f))
                    row += rows

    return lstm_backward
