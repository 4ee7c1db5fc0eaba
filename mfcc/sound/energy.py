"""The energy of stretches of a signal: what levels in decibels are made of."""

from __future__ import annotations

import numpy as np


def stretch_energies(y: np.ndarray, length: int) -> np.ndarray:
    """Return the sum of squares, in float64, of each stretch of `length` samples; the last one may be shorter.

    Parameters
    ----------
    y : array, shape (n_samples,), float32 or float64
    length : int

    Examples
    --------
    >>> stretch_energies(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [5.0, 9.0]
    """
    from mfcc.kernels.energy import energies

    out = np.empty(-(-len(y) // length))
    y = np.ascontiguousarray(y).view(np.ndarray)
    y.flags.writeable = False  # so that one compiled version serves arrays that can be written and those that can't
    energies(y, length, out)
    return out
