"""Collections in which classes are more or less frequent than where a classifier was calibrated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.calibration.checks import finite, shares
from nnlite.losses.logits import logistic


def sigmoid(log_odds: ArrayLike) -> np.ndarray:
    """Return the probabilities of log-odds, 1 / (1 + exp(-x)), without overflow.

    >>> sigmoid([-1000.0, 0.0, 1000.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return logistic(np.asarray(log_odds, np.float64))


def log_odds_of(probabilities: ArrayLike) -> np.ndarray:
    """Return log(p / (1 - p)): -inf for 0, inf for 1.

    >>> log_odds_of([0.0, 0.5, 0.75]).round(3).tolist()
    [-inf, 0.0, 1.099]
    """
    p = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-p)


def shift_shares(log_odds: ArrayLike, before: ArrayLike, after: ArrayLike) -> np.ndarray:
    """Return log-odds for a collection whose classes have other shares, and are otherwise the same.

    What a sample says for a class stays; the odds of the class before the sample is seen change, by Bayes' rule.

    Parameters
    ----------
    log_odds : array-like, shape (n_samples,) or (n_samples, n_classes)
        Calibrated where classes had the shares `before`.
    before, after : array-like, shape (n_classes,)
        Shares of each class, above 0 and below 1.

    Examples
    --------
    >>> sigmoid(shift_shares([0.0], 0.5, 0.2)).round(3).tolist()
    [0.2]
    """
    x = finite("shift_shares", "log_odds", log_odds)
    old, new = (shares("shift_shares", name, s, x.shape) for name, s in (("before", before), ("after", after)))
    return x + log_odds_of(new) - log_odds_of(old)


def match_shares(log_odds: ArrayLike, after: ArrayLike) -> np.ndarray:
    """Return log-odds moved, class by class, until the mean probability of the samples is the class's share.

    For a collection whose scores are all moved against those that were calibrated, by its sound or its recordings, and
    whose shares are known: `shift_shares` would keep that move.

    Parameters
    ----------
    log_odds : array-like, shape (n_samples,) or (n_samples, n_classes)
        Of the whole collection.
    after : array-like, shape (n_classes,)

    Examples
    --------
    >>> sigmoid(match_shares([3.0, 4.0, 5.0], 0.5)).round(3).tolist()
    [0.269, 0.5, 0.731]
    """
    x = finite("match_shares", "log_odds", log_odds)
    wanted = shares("match_shares", "after", after, x.shape)
    # The mean probability rises with the offset: between these two it passes the share.
    low, high = log_odds_of(wanted) - x.max(axis=0), log_odds_of(wanted) - x.min(axis=0)
    for _ in range(200):
        middle = (low + high) / 2
        below = sigmoid(x + middle).mean(axis=0) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        if (high - low).max() < 1e-12:
            break
    return x + (low + high) / 2


class EstimatedShares(NamedTuple):
    """Shares that were found in a collection's scores.

    Attributes
    ----------
    shares : ndarray, shape (n_classes,) or ()
    log_odds : ndarray
        The scores, for a collection of these shares.
    n_steps : int
        Steps until nothing changed.
    """

    shares: np.ndarray
    log_odds: np.ndarray
    n_steps: int


def estimate_shares(
    log_odds: ArrayLike, before: ArrayLike, *, strength: float = 0.0, max_steps: int = 10_000
) -> EstimatedShares:
    """Return the shares of classes that make a collection's calibrated scores likeliest, by expectation-maximisation.

    Each step takes the mean probability of the samples for a class as its share, and shifts the scores to it. The
    estimate is good where scores tell classes apart; where they hardly do, it has a large variance, and runs to 0 or 1
    if the collection's scores are moved as a whole. `strength` holds it back.

    Parameters
    ----------
    log_odds : array-like, shape (n_samples,) or (n_samples, n_classes)
        Of the whole collection, calibrated where classes had the shares `before`.
    before : array-like, shape (n_classes,)
    strength : float
        Samples of the shares `before` that are added in thought.
    max_steps : int

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities: a
    simple procedure", Neural Computation 14(1), 2002.

    Examples
    --------
    >>> found = estimate_shares([-6.0, -6.0, 6.0, 6.0, 6.0, 6.0, 6.0, 6.0], 0.5)
    >>> round(float(found.shares), 2)
    0.75
    """
    x = finite("estimate_shares", "log_odds", log_odds)
    old = shares("estimate_shares", "before", before, x.shape)
    if not strength >= 0:
        raise ValueError(f"estimate_shares: strength: expected a number of at least 0, got {strength!r}")
    evidence, now = x - log_odds_of(old), old
    smallest = 1e-9
    n_steps = 0
    while n_steps < max_steps:
        n_steps += 1
        means = sigmoid(evidence + log_odds_of(now)).mean(axis=0)
        new = np.clip((len(x) * means + strength * old) / (len(x) + strength), smallest, 1 - smallest)
        changed = np.abs(new - now).max()
        now = new
        if changed < 1e-10:
            break
    return EstimatedShares(now, evidence + log_odds_of(now), n_steps)
