"""Gated recurrent units over packed sequences; letters and layout as in :mod:`nnlite.kernels.recurrent`."""

import functools

from nnlite.kernels.activations import logistic, logistic_slope, tanh, tanh_slope
from nnlite.kernels.recurrent import WIDTH, product, tile_rows
from nnlite.runtime.jit import kernel
from nnlite.runtime.simd import lanes_of, load, splat, store
from nnlite.runtime.simd_math import add, fma, mul, sub


def gru(projected, packed, bias, starts, tile, states, gates):
    """Compute the states (rows, U) of all steps.

    projected (rows, 3 U) are the products of the inputs with r, z and n, packed the recurrent weights of these, bias
    (4 U) those of r, z, n and of the recurrent part of n. gates (rows, 4 U) gets r, z, n and that recurrent part.
    """
    _forward_kernel(lanes_of(states.dtype))(projected, packed, bias, starts, tile, states, gates)


def gru_grad(dy, states, gates, packed, starts, tile, carry, grads):
    """Compute grads (rows, 4 U) from dy (rows, U).

    They are those of the recurrent part of n, of r, of z and of n, before their functions.

    packed are the transposed recurrent weights in the order n, r, z; carry (N, U) are zeros to work with.
    """
    _backward_kernel(lanes_of(states.dtype))(dy, states, gates, packed, starts, tile, carry, grads)


@functools.cache
def _forward_kernel(L):
    R = tile_rows(3)
    several, single = product(L, R, 3), product(L, 1, 3)

    @kernel
    def gru_forward(projected, packed, bias, starts, tile, states, gates):
        U, K = states.shape[1], packed.shape[1]
        for t in range(starts.size - 1):
            first, N = starts[t], starts[t + 1] - starts[t]
            before = starts[t - 1] if t else 0
            inputs = K if t else 0  # there is no state before the first step
            for u in range(0, U, L):
                j = u * 3 * K
                i = 0
                while i < N:
                    rows = R if i + R <= N else 1
                    if rows == R:
                        several(states, (before + i) * U, U, inputs, packed, j, tile)
                    else:
                        single(states, (before + i) * U, U, inputs, packed, j, tile)
                    for k in range(rows):
                        p = (first + i + k) * 3 * U + u
                        q = (first + i + k) * 4 * U + u
                        x_r = add(load(projected, p, L), load(bias, u, L))
                        x_z = add(load(projected, p + U, L), load(bias, U + u, L))
                        x_n = add(load(projected, p + 2 * U, L), load(bias, 2 * U + u, L))
                        r = logistic(states, add(x_r, load(tile, (3 * k) * L, L)), L)
                        z = logistic(states, add(x_z, load(tile, (3 * k + 1) * L, L)), L)
                        m = add(load(tile, (3 * k + 2) * L, L), load(bias, 3 * U + u, L))
                        n = tanh(states, fma(r, m, x_n), L)
                        h = splat(states, 0, L)
                        if t:
                            h = load(states, (before + i + k) * U + u, L)
                        store(states, (first + i + k) * U + u, fma(z, sub(h, n), n))
                        store(gates, q, r)
                        store(gates, q + U, z)
                        store(gates, q + 2 * U, n)
                        store(gates, q + 3 * U, m)
                    i += rows

    return gru_forward


@functools.cache
def _backward_kernel(L):
    R = tile_rows(WIDTH)
    several, single = product(L, R, WIDTH), product(L, 1, WIDTH)

    @kernel
    def gru_backward(dy, states, gates, packed, starts, tile, carry, grads):
        U = states.shape[1]
        K = 3 * U
        one = splat(states, 1, L)
        T = starts.size - 1
        for t in range(T - 1, -1, -1):
            first, N = starts[t], starts[t + 1] - starts[t]
            before = starts[t - 1] if t else 0
            following = starts[t + 1]
            going_on = starts[t + 2] - following if t + 1 < T else 0
            for u in range(0, U, WIDTH * L):
                i = 0
                while i < N:
                    # Rows of sequences that end here get nothing from a later step.
                    end = going_on if i < going_on else N
                    inputs = K if i < going_on else 0
                    rows = R if i + R <= end else 1
                    if rows == R:
                        several(grads, (following + i) * 4 * U, 4 * U, inputs, packed, u * K, tile)
                    else:
                        single(grads, (following + i) * 4 * U, 4 * U, inputs, packed, u * K, tile)
                    for k in range(rows):
                        for v in range(WIDTH):
                            c = u + v * L
                            p = (first + i + k) * U + c
                            q = (first + i + k) * 4 * U + c
                            w = (i + k) * U + c
                            dh = add(load(tile, (k * WIDTH + v) * L, L), add(load(dy, p, L), load(carry, w, L)))
                            r, z = load(gates, q, L), load(gates, q + U, L)
                            n, m = load(gates, q + 2 * U, L), load(gates, q + 3 * U, L)
                            h = splat(states, 0, L)
                            if t:
                                h = load(states, (before + i + k) * U + c, L)
                            dn = tanh_slope(states, n, mul(dh, sub(one, z)), L)
                            store(grads, q, mul(dn, r))
                            store(grads, q + U, logistic_slope(states, r, mul(dn, m), L))
                            store(grads, q + 2 * U, logistic_slope(states, z, mul(dh, sub(h, n)), L))
                            store(grads, q + 3 * U, dn)
                            store(carry, w, mul(dh, z))
                    i += rows

    return gru_backward
