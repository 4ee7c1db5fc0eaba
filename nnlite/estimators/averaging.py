"""Means over the members of an ensemble: of their probabilities, or of their logits."""

import numpy as np

from nnlite.losses.logits import logistic


def mean_value(logits: np.ndarray, average: str) -> np.ndarray:
    """Return the mean of the members as a probability.

    Parameters
    ----------
    logits : ndarray (n_members, n_samples), float64
    average : {"probability", "logit"}

    Returns
    -------
    ndarray (n_samples,)
    """
    return logistic(logits).mean(axis=0) if average == "probability" else logistic(logits.mean(axis=0))


def mean_log_odds(logits: np.ndarray, average: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-odds of `mean_value`, and their slope along the logits of each member.

    For a mean of probabilities the log-odds are log sum p - log sum (1 - p). Sums are taken of logarithms, so that
    sure members don't overflow.

    Parameters
    ----------
    logits : ndarray (n_members, n_samples), float64
    average : {"probability", "logit"}

    Returns
    -------
    log_odds : ndarray (n_samples,)
    slope : ndarray (n_members, n_samples)
    """
    if average == "logit":
        return logits.mean(axis=0), np.full_like(logits, 1 / len(logits))
    log_p, log_q = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    total_p, total_q = np.logaddexp.reduce(log_p), np.logaddexp.reduce(log_q)
    # d log sum p / dz = p (1 - p) / sum p, and so for q with the other sign.
    slope = np.exp(log_p + log_q - total_p) + np.exp(log_p + log_q - total_q)
    return total_p - total_q, slope
