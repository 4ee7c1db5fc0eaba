"""Mean and variance of features over time taken off, over a whole recording or a sliding window.

The sliding window is that of the Kaldi toolkit (apply-cmvn-sliding --center=true).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_features, check_flag, check_integer


def normalize(features: ArrayLike, mean: bool = True, variance: bool = True, window: int | None = None) -> np.ndarray:
    """Subtract the mean of each feature over time and divide by its standard deviation.

    Parameters
    ----------
    features : array, shape (..., n_frames)
        float32 gives float32; anything else is computed in float64. Statistics are in float64 always.
    mean, variance : bool
        Which of the two to do.
    window : int, optional
        Number of frames, at least 2, that the statistics are of: as far as possible in equal parts before and after the
        frame, shifted at the ends so that it stays within the recording. Default: all frames.

    Returns
    -------
    array, shape (..., n_frames)
        A feature that is constant (over the window) is not divided.

    Raises
    ------
    ValueError
        For a window below 2, a scalar, and features that are not finite.
    TypeError
        For features that are no real numbers.

    Examples
    --------
    >>> normalize([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]).round(4).tolist()
    [[-1.2247, 0.0, 1.2247], [0.0, 0.0, 0.0]]
    >>> normalize([0.0, 1.0, 2.0, 10.0, 20.0], variance=False, window=3).tolist()
    [-1.0, 0.0, -2.333..., -0.666..., 9.333...]
    """
    x = check_features("normalize", features)
    mean, variance = check_flag("normalize", "mean", mean), check_flag("normalize", "variance", variance)
    n = x.shape[-1]
    window = n if window is None else min(n, check_integer("normalize", "window", window, minimum=2))
    if n == 0:
        return x.copy()
    rows = x.reshape(-1, n)
    y = np.empty_like(rows)
    step = max(1, _AT_A_TIME // n)
    for first in range(0, len(rows), step):
        y[first : first + step] = _normalized(rows[first : first + step], mean, variance, window)
    return y.reshape(x.shape)


# Values that are worked on at a time: the statistics of sliding windows take a dozen float64 for each.
_AT_A_TIME = 1 << 17


def _normalized(x: np.ndarray, mean: bool, variance: bool, window: int) -> np.ndarray:
    """Return rows of features, normalized, in float64."""
    n = x.shape[-1]
    y = x.astype(np.float64)
    if window == n:
        y -= y[..., :1]  # a constant is now exactly 0, and so is its deviation
        centre, deviation = y.mean(axis=-1, keepdims=True), y.std(axis=-1, keepdims=True)
        base = x[..., :1]
    else:
        start = np.clip(np.arange(n) - window // 2, 0, n - window)
        centre, squares = (statistic[..., start] for statistic in _sliding(y, window))
        deviation, base = np.sqrt(squares / window), np.zeros_like(x[..., :1])
    if mean:
        y -= centre
    else:
        y += base
    if variance:
        y /= np.where(deviation > 0, deviation, 1.0)
    return y


def _sliding(x: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, and the sum of squared deviations from it, of x[..., t : t + window] for each t.

    Nothing is ever subtracted from a running sum, which would leave a quiet passage with the rounding errors of a loud
    one: a window is the end of one block of `window` frames and the beginning of the next, and statistics of two parts
    make those of the whole (T. Chan, G. Golub and R. LeVeque, "Updating formulae and a pairwise algorithm for computing
    sample variances", 1979).
    """
    n = x.shape[-1]
    blocks = -(-n // window) + 1
    padded = np.concatenate([x, np.repeat(x[..., -1:], blocks * window - n, axis=-1)], axis=-1)
    padded = padded.reshape(*x.shape[:-1], blocks, window)
    tail = [statistic[..., ::-1] for statistic in _growing(padded[..., ::-1])]
    head = _growing(padded)
    t = np.arange(n - window + 1)
    block, offset = np.divmod(t, window)
    before, after = offset > 0, np.where(offset > 0, offset, 1)  # where a window is a block there is nothing after
    mean, squares = (statistic[..., block, offset] for statistic in tail)
    mean_after, squares_after = (statistic[..., block + 1, after - 1] for statistic in head)
    distance = np.where(before, mean_after - mean, 0.0)
    squares = squares + np.where(before, squares_after, 0.0) + distance**2 * (window - offset) * offset / window
    return mean + distance * offset / window, squares


def _growing(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same of x[..., :1], x[..., :2], and so on: B. P. Welford, Technometrics 4 (1962)."""
    mean, squares = np.empty_like(x), np.empty_like(x)
    mean[..., 0], squares[..., 0] = x[..., 0], 0.0
    for i in range(1, x.shape[-1]):
        distance = x[..., i] - mean[..., i - 1]
        mean[..., i] = mean[..., i - 1] + distance / (i + 1)
        squares[..., i] = squares[..., i - 1] + distance**2 * i / (i + 1)
    return mean, squares
