"""Functions of logits, the sums that a final activation is applied to: probabilities, log-odds, and checks.

The log-odds log(p / (1 - p)) of a probability say how much speaks for a class. Probabilities near 0 and 1 hardly move,
whatever the input does, and those of a softmax move when another class does. Log-odds are 0 at one half, and each
doubling of the odds adds the same. Those of a logistic output are the logit itself.
"""

import numpy as np
from numpy.typing import NDArray

from nnlite.layers.limits import without_plus_infinity

__all__ = ["check_logits", "exponentials", "logistic", "softmax_log_odds", "softmax_log_odds_and_gradient"]

Array = NDArray[np.floating]


def logistic(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)) without overflow."""
    exps = np.exp(-np.abs(z))  # at most 1
    return np.where(z >= 0, 1.0, exps) / (1.0 + exps)


def exponentials(logits: Array) -> tuple[Array, Array, Array]:
    """Return what a softmax is made of, in float64.

    Returns
    -------
    shifted : ndarray (n_samples, n_classes)
        The logits less the maximum of their row: 0 or -inf where that is +inf.
    exps : ndarray (n_samples, n_classes)
        Their exponentials, at most 1.
    sums : ndarray (n_samples, 1)
        The sum of these over each row.
    """
    shifted = without_plus_infinity(logits.astype(np.float64))
    shifted -= shifted.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    return shifted, exps, exps.sum(axis=1, keepdims=True)


def softmax_log_odds(logits: Array) -> Array:
    """Return the log-odds of each class under a softmax: ``z_k - log sum_{j != k} exp z_j``.

    Parameters
    ----------
    logits : ndarray (n_samples, n_classes)

    Returns
    -------
    ndarray (n_samples, n_classes)
        In float64.

    Examples
    --------
    >>> z = np.log([[0.2, 0.3, 0.5]])
    >>> softmax_log_odds(z).round(3).tolist(), np.log([0.2 / 0.8, 0.3 / 0.7, 1.0]).round(3).tolist()
    ([[-1.386, -0.847, 0.0]], [-1.386, -0.847, 0.0])
    """
    z = logits.astype(np.float64)
    return np.stack([_odds_and_shares(z, k)[0] for k in range(z.shape[1])], axis=1)


def softmax_log_odds_and_gradient(logits: Array, k: int) -> tuple[Array, Array]:
    """Return the log-odds of class `k` under a softmax, and their gradient with respect to the logits.

    Parameters
    ----------
    logits : ndarray (n_samples, n_classes)
    k : int
        Column of the class.

    Returns
    -------
    values : ndarray (n_samples,)
        In float64.
    gradient : ndarray (n_samples, n_classes)
        In the logits' dtype.
    """
    z = logits.astype(np.float64)
    odds, shares = _odds_and_shares(z, k)
    gradient = 0.0 - shares
    gradient[:, k] += 1.0
    return odds, gradient.astype(logits.dtype)


@np.errstate(all="ignore")
def _odds_and_shares(z: Array, k: int) -> tuple[Array, Array]:
    """Return z_k - log sum_{j != k} exp z_j, shape (n,), and the softmax of the others, 0 at `k`."""
    others = z.copy()
    others[:, k] = -np.inf
    largest = others.max(axis=1, keepdims=True)
    bounded = without_plus_infinity(others)
    exps = np.exp(bounded - bounded.max(axis=1, keepdims=True))
    sums = exps.sum(axis=1, keepdims=True)
    odds = z[:, k] - (np.log(sums) + largest)[:, 0]
    tied = np.isposinf(z[:, k]) & np.isposinf(largest[:, 0])  # logits of +inf share the probability equally
    odds[tied] = -np.log(sums[tied, 0])
    return odds, exps / sums


def check_logits(who: str, logits: Array) -> None:
    """Raise ValueError unless `logits` are floats of shape (n_samples, n_outputs) with one output or more."""
    if np.ndim(logits) != 2 or logits.dtype.kind != "f" or logits.shape[1] == 0:
        shown = f"shape {np.shape(logits)} and dtype {np.asarray(logits).dtype}"
        raise ValueError(f"{who}: logits: expected floats of shape (samples, outputs), got {shown}.")
