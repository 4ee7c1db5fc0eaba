"""Max-pooling by itself. Letters: N samples, H x W positions, C channels, P x Q window, S x T stride, I x J windows."""
# ruff: noqa: E741 (I is the letter above)

import numpy as np

from nnlite.runtime.jit import kernel


@kernel
def max_pool(x, P, Q, S, T, y, argmax):
    """Compute y (N, I, J, C), the maximum of each window of x (N, H, W, C), and argmax, its place, first among equals.

    NaN wins.
    """
    N, I, J, C = y.shape
    for n in range(N):
        for i in range(I):
            for j in range(J):
                for c in range(C):
                    best = x[n, i * S, j * T, c]
                    place = 0
                    for k in range(1, P * Q):
                        value = x[n, i * S + k // Q, j * T + k % Q, c]
                        if value > best or value != value:
                            best, place = value, k
                    y[n, i, j, c] = best
                    argmax[n, i, j, c] = np.uint8(place)


@kernel
def max_pool_grad(dy, argmax, P, Q, S, T, dx):
    """Add to dx (N, H, W, C) dy (N, I, J, C) at the place of each maximum."""
    N, I, J, C = dy.shape
    for n in range(N):
        for i in range(I):
            for j in range(J):
                for c in range(C):
                    k = int(argmax[n, i, j, c])
                    dx[n, i * S + k // Q, j * T + k % Q, c] += dy[n, i, j, c]
