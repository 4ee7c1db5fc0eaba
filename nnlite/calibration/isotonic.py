"""Any rising curve from scores to probabilities."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.calibration.checks import finite, targets


class Isotonic(NamedTuple):
    """A rising curve: straight lines between `scores`, constant beyond their ends.

    Attributes
    ----------
    scores : ndarray
        Rising.
    probabilities : ndarray
        At these scores; never falling.
    """

    scores: np.ndarray
    probabilities: np.ndarray

    def __call__(self, scores: ArrayLike) -> np.ndarray:
        """Return the probability of each score."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)


def fit_isotonic(y: ArrayLike, scores: ArrayLike) -> Isotonic:
    """Return the never falling curve nearest to held-out targets of one class, by least squares.

    It needs many more samples than `fit_platt`: with few it learns their order by heart.

    Parameters
    ----------
    y : array-like of 0 and 1, shape (n_samples,)
    scores : array-like, shape (n_samples,)

    Raises
    ------
    ValueError
        When targets are not 0 and 1 or scores are not finite.

    References
    ----------
    Pool adjacent violators: M. Ayer et al., Annals of Mathematical Statistics 26, 1955; for calibration: B. Zadrozny,
    C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002.

    Examples
    --------
    >>> curve = fit_isotonic([0, 1, 0, 1], [1.0, 2.0, 3.0, 4.0])
    >>> curve([0.0, 2.5, 3.5]).tolist()
    [0.0, 0.5, 0.75]
    """
    x = finite("fit_isotonic", "scores", scores, (1,))
    positive = targets("fit_isotonic", y, x.shape)
    places, which, weights = np.unique(x, return_inverse=True, return_counts=True)
    values = pool_adjacent_violators(np.bincount(which, positive) / weights, weights.astype(np.float64))
    return Isotonic(places, values)


def pool_adjacent_violators(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the never falling sequence nearest to values: neighbours that fall are replaced by their weighted mean."""
    sums: list[float] = []
    sizes: list[float] = []
    lengths: list[int] = []
    for value, weight in zip(values, weights, strict=True):
        total, size, length = float(value * weight), float(weight), 1
        while sums and sums[-1] * size >= total * sizes[-1]:
            total, size, length = total + sums.pop(), size + sizes.pop(), length + lengths.pop()
        sums.append(total)
        sizes.append(size)
        lengths.append(length)
    return np.repeat(np.divide(sums, sizes), lengths)
