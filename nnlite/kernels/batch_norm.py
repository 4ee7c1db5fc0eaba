"""Sums and passes of a normalisation over rows. Letters: R rows, C channels; sums are in float64 whatever `x` is."""

import numpy as np

from nnlite.runtime.jit import kernel


@kernel
def moments(x, mean, squares):
    """Compute mean (C,) of x (R, C) over its rows, and squares (C,), the sum of squared distances from it.

    Distances from the first row are summed: its own distance from the mean is at most the root of `squares`, so that
    the difference below keeps all but log2(R) of the 53 bits.
    """
    R, C = x.shape
    mean[:] = 0
    squares[:] = 0
    if R == 0:
        return
    for i in range(R):
        for j in range(C):
            d = np.float64(x[i, j]) - np.float64(x[0, j])
            mean[j] += d
            squares[j] += d * d
    for j in range(C):
        squares[j] = max(squares[j] - mean[j] * mean[j] / R, 0.0)
        mean[j] = np.float64(x[0, j]) + mean[j] / R


@kernel
def normalize(x, mean, factor, shift, y):
    """Compute y (R, C) = (x - mean) * factor + shift, with three numbers for each channel. y may be x."""
    R, C = x.shape
    for i in range(R):
        for j in range(C):
            y[i, j] = (x[i, j] - mean[j]) * factor[j] + shift[j]


@kernel
def gradient_sums(x, mean, dy, total, along):
    """Compute total (C,), the sum of dy (R, C) over its rows, and along (C,), that of dy * (x - mean)."""
    R, C = x.shape
    total[:] = 0
    along[:] = 0
    for i in range(R):
        for j in range(C):
            d = np.float64(dy[i, j])
            total[j] += d
            along[j] += d * (np.float64(x[i, j]) - np.float64(mean[j]))


@kernel
def input_gradient(x, mean, dy, factor, share, slope, dx):
    """Compute dx (R, C) = factor * (dy - share - slope * (x - mean)), with numbers for each channel."""
    R, C = x.shape
    for i in range(R):
        for j in range(C):
            dx[i, j] = factor[j] * (dy[i, j] - share[j] - slope[j] * (x[i, j] - mean[j]))
