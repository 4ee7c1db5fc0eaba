"""Slopes of features over time: S. Young et al., "The HTK Book" (2006), section 5.9."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_features, check_flag, check_integer


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
    c = check_features("deltas", features)
    width = check_integer("deltas", "width", width, maximum=10_000)
    order = check_integer("deltas", "order", order, maximum=10)
    simple = check_flag("deltas", "simple", simple)
    n = c.shape[-1]
    if n == 0:
        return c.copy()
    steps = [width] if simple else range(1, width + 1)
    scale = c.dtype.type(1 / (2 * sum(i * i for i in steps)))
    for _ in range(order):
        padded = np.concatenate([np.repeat(c[..., :1], width, -1), c, np.repeat(c[..., -1:], width, -1)], axis=-1)
        if not simple and width > _MOST_PASSES:
            c = _slopes(padded, width, scale)
            continue
        c = np.zeros_like(c)
        for i in steps:
            c += i * (padded[..., width + i : width + i + n] - padded[..., width - i : width - i + n])
        c *= scale
    return c


# Wider slopes are computed by a kernel, which has to be compiled once.
_MOST_PASSES = 8


def _slopes(padded: np.ndarray, width: int, scale: np.floating) -> np.ndarray:
    from mfcc.kernels.slopes import slopes

    rows = padded.reshape(-1, padded.shape[-1])
    out = np.empty((len(rows), rows.shape[1] - 2 * width), padded.dtype)
    slopes(rows, width, scale, out)
    return out.reshape(*padded.shape[:-1], out.shape[1])
