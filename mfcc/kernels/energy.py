"""Sums of squares."""

import numpy as np

from nnlite.runtime.jit import kernel


@kernel
def energies(y, length, out):
    """Store the sum of squares of y[i * length : (i + 1) * length] in out[i]."""
    for i in range(len(out)):
        total = 0.0
        for t in range(i * length, min((i + 1) * length, len(y))):
            total += np.float64(y[t]) * np.float64(y[t])
        out[i] = total
