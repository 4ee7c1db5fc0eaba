"""Reliability of probabilities: of the samples that got 0.7, are seven of ten positive?"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.calibration.checks import probabilities as checked
from nnlite.calibration.checks import targets


class Reliability(NamedTuple):
    """Samples in bins of probability, the empty bins left out; arrays of shape (n_bins,).

    Attributes
    ----------
    predicted : ndarray
        Mean probability of a bin's samples.
    observed : ndarray
        Share of positives among them.
    n_samples : ndarray of int
        How many they are.
    """

    predicted: np.ndarray
    observed: np.ndarray
    n_samples: np.ndarray


def reliability_curve(
    y: ArrayLike,
    probabilities: ArrayLike,
    *,
    n_bins: int = 10,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> Reliability:
    """Return what was predicted and what was observed in bins of probability.

    Parameters
    ----------
    y : array-like of 0 and 1
    probabilities : array-like, of the same shape
        From 0 to 1; all axes are pooled.
    n_bins : int
    strategy : {"uniform", "quantile"}
        Bins of the same width, or with the same number of samples.

    Raises
    ------
    ValueError
        For probabilities outside 0 to 1, targets of another shape, and an unknown strategy.

    Examples
    --------
    >>> curve = reliability_curve([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], n_bins=2)
    >>> curve.predicted.round(2).tolist(), curve.observed.tolist(), curve.n_samples.tolist()
    ([0.2, 0.7], [0.0, 1.0], [2, 2])
    """
    p = checked("reliability_curve", "probabilities", probabilities)
    positive = targets("reliability_curve", y, p.shape).ravel()
    p = p.ravel()
    if strategy not in ("uniform", "quantile"):
        raise ValueError(f"reliability_curve: strategy: expected 'uniform' or 'quantile', got {strategy!r}")
    if not isinstance(n_bins, int) or n_bins < 1:
        raise ValueError(f"reliability_curve: n_bins: expected an integer of at least 1, got {n_bins!r}")
    steps = np.linspace(0, 1, n_bins + 1)
    edges = steps if strategy == "uniform" else np.quantile(p, steps)
    which = np.searchsorted(edges[1:-1], p)
    count = np.bincount(which, minlength=n_bins)
    full = count > 0
    predicted = np.bincount(which, p, n_bins)[full] / count[full]
    return Reliability(predicted, np.bincount(which, positive, n_bins)[full] / count[full], count[full])


def expected_calibration_error(y: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 10) -> float:
    """Return the mean distance between predicted and observed over bins of the same width, weighted by their samples.

    References
    ----------
    M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], n_bins=2), 2)
    0.25
    """
    curve = reliability_curve(y, probabilities, n_bins=n_bins)
    return float(np.average(np.abs(curve.predicted - curve.observed), weights=curve.n_samples))
