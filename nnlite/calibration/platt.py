"""Two numbers that turn scores into probabilities, or one of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.calibration.checks import finite, targets
from nnlite.calibration.shares import sigmoid

_MOST_STEPS = 100
_ENOUGH = 1e-10


class Platt(NamedTuple):
    """A straight line on log-odds: ``slope * log_odds + intercept`` are calibrated log-odds."""

    slope: float
    intercept: float

    def __call__(self, log_odds: ArrayLike) -> np.ndarray:
        """Return calibrated log-odds, of the same shape."""
        return self.slope * np.asarray(log_odds, np.float64) + self.intercept


def fit_platt(y: ArrayLike, log_odds: ArrayLike) -> Platt:
    """Return the line on log-odds of one class that makes held-out targets likeliest.

    Targets are drawn in a little, to (n + 1) / (n + 2) for the n positives and 1 / (n + 2) for the n negatives, as
    Platt has it: few samples then give no certainty.

    Parameters
    ----------
    y : array-like of 0 and 1, shape (n_samples,)
    log_odds : array-like, shape (n_samples,)

    Raises
    ------
    ValueError
        When targets are not 0 and 1, have one value only, or scores are not finite or all the same.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", 1999; the stable Newton steps: H.-T. Lin, C.-J. Lin,
    R. C. Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68, 2007.

    Examples
    --------
    >>> scores = [-4.0, -2.0, -1.0, 1.0, 2.0, 4.0]
    >>> line = fit_platt([0, 1, 0, 1, 0, 1], scores)
    >>> round(line.slope, 2), round(line.intercept, 2)
    (0.18, 0.0)
    """
    x = finite("fit_platt", "log_odds", log_odds, (1,))
    positive = targets("fit_platt", y, x.shape)
    n_positive = int(positive.sum())
    if n_positive in (0, len(x)):
        raise ValueError(f"fit_platt: y: expected positives and negatives, got {n_positive} positives of {len(x)}")
    if x.min() == x.max():
        raise ValueError(f"fit_platt: log_odds: expected different scores, got {x[0]:g} for all samples")
    t = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (len(x) - n_positive + 2))
    start = np.array([0.0, np.log((n_positive + 1) / (len(x) - n_positive + 1))])
    slope, intercept = _newton(np.column_stack([x, np.ones_like(x)]), t, np.zeros_like(x), start)
    return Platt(float(slope), float(intercept))


def fit_temperature(y: ArrayLike, log_odds: ArrayLike, *, offset: ArrayLike = 0.0) -> float:
    """Return the factor on log-odds that makes held-out targets likeliest: one number for all classes.

    A factor below 1 says that the classifier is too sure, 0 that its scores say nothing. It changes no ranking within a
    class.

    Parameters
    ----------
    y : array-like of 0 and 1, shape (n_samples,) or (n_samples, n_classes)
    log_odds : array-like, of the same shape
    offset : array-like
        What is added to the scores after the factor, such as the log-odds of each class's share.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017; the factor is one
    over the temperature there.

    Examples
    --------
    >>> round(fit_temperature([0, 1, 0, 1, 0, 1], [-4.0, -2.0, -1.0, 1.0, 2.0, 4.0]), 3)
    0.315
    """
    x = finite("fit_temperature", "log_odds", log_odds)
    t = targets("fit_temperature", y, x.shape).astype(np.float64)
    fixed = np.broadcast_to(np.asarray(offset, np.float64), x.shape)
    if not x.any():
        raise ValueError("fit_temperature: log_odds: expected scores, got 0 for all samples")
    return float(_newton(x.reshape(-1, 1), t.ravel(), fixed.ravel(), np.zeros(1))[0])


def _newton(design: np.ndarray, t: np.ndarray, offset: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the parameters of a logistic regression with targets from 0 to 1, by Newton steps that are halved where
    they do not help. A ridge of 1e-9 keeps parameters finite where samples can be told apart without error."""
    ridge = 1e-9 * len(t) * np.eye(len(start))

    def loss(theta: np.ndarray) -> float:
        z = design @ theta + offset
        return float(np.sum(np.logaddexp(0, z) - t * z) + theta @ ridge @ theta / 2)

    theta, value = start, loss(start)
    for _ in range(_MOST_STEPS):
        p = sigmoid(design @ theta + offset)
        gradient = design.T @ (p - t) + ridge @ theta
        if np.abs(gradient).max() < _ENOUGH * len(t):
            break
        step = np.linalg.solve(design.T @ ((p * (1 - p))[:, None] * design) + ridge, gradient)
        size = 1.0
        while size > _ENOUGH and loss(theta - size * step) > value:
            size /= 2
        if size <= _ENOUGH:
            break
        theta = theta - size * step
        value = loss(theta)
    return theta
