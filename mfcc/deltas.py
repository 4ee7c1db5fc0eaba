"""What follows the coefficients: their slopes over time, and taking mean and variance off.

The regression is that of S. Young et al., "The HTK Book" (2006), section 5.9; the sliding window that of the Kaldi
toolkit (apply-cmvn-sliding --center=true).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_flag, check_integer


def deltas(features: ArrayLike, width: int = 2, order: int = 1, simple: bool = False) -> np.ndarray:
    """Return the slope of each feature over time, by linear regression over 2 width + 1 frames.

    d[t] = sum_{i=1..width} i (c[t + i] - c[t - i]) / (2 sum_{i=1..width} i^2), in units of features a frame. Before the
    first frame and after the last, that frame is repeated.

    Parameters
    ----------
    features : array, shape (..., n_frames)
        float32 gives float32; anything else is computed in float64.
    width : int
        Frames on either side, at least 1. HTK's DELTAWINDOW and ACCWINDOW.
    order : int
        1: deltas. 2: accelerations, the deltas of the deltas. And so on.
    simple : bool
        By the outer two frames alone: d[t] = (c[t + width] - c[t - width]) / (2 width). HTK's SIMPLEDIFFS.

    Returns
    -------
    array, shape (..., n_frames)
        To have all in one matrix: np.concatenate([c, deltas(c), deltas(c, order=2)]).

    Raises
    ------
    ValueError
        For a width or an order below 1, a width above 10,000, a scalar, and features that are not finite.
    TypeError
        For features that are no real numbers.

    Notes
    -----
    python_speech_features has the same; so has librosa for order=1 with width=2 * width + 1 and mode="nearest" (its
    order 2 is the curvature of a parabola). Kaldi has the same but for accelerations at the ends: there it repeats the
    features, not the deltas.

    Examples
    --------
    >>> deltas([[0.0, 1.0, 2.0, 3.0, 4.0]]).tolist()
    [[0.5, 0.8, 1.0, 0.8, 0.5]]
    """
    c = _check("deltas", features)
    width = check_integer("deltas", "width", width, maximum=10_000)
    order = check_integer("deltas", "order", order)
    simple = check_flag("deltas", "simple", simple)
    n = c.shape[-1]
    if n == 0:
        return c.copy()
    steps = [width] if simple else range(1, width + 1)
    scale = c.dtype.type(1 / (2 * sum(i * i for i in steps)))
    for _ in range(order):
        padded = np.concatenate([np.repeat(c[..., :1], width, -1), c, np.repeat(c[..., -1:], width, -1)], axis=-1)
        c = np.zeros_like(c)
        for i in steps:
            c += i * (padded[..., width + i : width + i + n] - padded[..., width - i : width - i + n])
        c *= scale
    return c


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
    x = _check("normalize", features)
    mean, variance = check_flag("normalize", "mean", mean), check_flag("normalize", "variance", variance)
    n = x.shape[-1]
    window = n if window is None else min(n, check_integer("normalize", "window", window, minimum=2))
    if n == 0:
        return x.copy()
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
    return y.astype(x.dtype)


def _sliding(x: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and sum of squared deviations from it, of x[..., t : t + window] for each t.

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
    """Mean and sum of squared deviations of x[..., :1], x[..., :2], ...: B. P. Welford, Technometrics 4 (1962)."""
    mean, squares = np.empty_like(x), np.empty_like(x)
    mean[..., 0], squares[..., 0] = x[..., 0], 0.0
    for i in range(1, x.shape[-1]):
        distance = x[..., i] - mean[..., i - 1]
        mean[..., i] = mean[..., i - 1] + distance / (i + 1)
        squares[..., i] = squares[..., i - 1] + distance**2 * i / (i + 1)
    return mean, squares


def _check(who: str, features: ArrayLike) -> np.ndarray:
    x = np.asarray(features)
    if x.dtype == bool or not (np.issubdtype(x.dtype, np.floating) or np.issubdtype(x.dtype, np.integer)):
        raise TypeError(f"{who}: features: expected real numbers, got an array of {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{who}: features: expected an array of shape (..., n_frames), got a scalar.")
    bad = x.size - int(np.isfinite(x).sum())
    if bad:
        raise ValueError(
            f"{who}: features: expected finite numbers, got {bad} of {x.size} that are NaN or infinite. Repair or "
            f"leave out the frames that hold them."
        )
    return x if x.dtype == np.float32 else x.astype(np.float64)
