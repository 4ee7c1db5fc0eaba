"""How much speaks for a class: the log-odds log(p / (1 - p)) of its probability, and their gradient.

Probabilities near 0 and 1 hardly move, whatever the input does, and those of a softmax move when another class does.
Log-odds are 0 at one half, and each doubling of the odds adds the same. Of a logistic output they are the logit itself.
"""

from collections.abc import Callable

import numpy as np

from nnlite.losses import Loss, SoftmaxCrossEntropy

Pick = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def log_odds(loss: Loss, logits: np.ndarray) -> np.ndarray:
    """Log-odds of each class, float64 of shape (n_samples, n_classes).

    Under a softmax they are ``z_k - log sum_{j != k} exp z_j``, else the logits.

    Parameters
    ----------
    loss : Loss
        Which makes probabilities of the logits.
    logits : ndarray (n_samples, n_classes)

    Examples
    --------
    >>> from nnlite.losses import SigmoidCrossEntropy
    >>> z = np.log([[0.2, 0.3, 0.5]])
    >>> log_odds(SoftmaxCrossEntropy(), z).round(3).tolist(), np.log([0.2 / 0.8, 0.3 / 0.7, 1.0]).round(3).tolist()
    ([[-1.386, -0.847, 0.0]], [-1.386, -0.847, 0.0])
    >>> log_odds(SigmoidCrossEntropy(), z).round(3).tolist()
    [[-1.609, -1.204, -0.693]]
    """
    z = logits.astype(np.float64)
    if not isinstance(loss, SoftmaxCrossEntropy):
        return z
    return np.stack([z[:, k] - _log_sum_of_others(z, k)[0] for k in range(z.shape[1])], axis=1)


def of_class(loss: Loss, k: int) -> Pick:
    """A function of logits that gives the log-odds of class `k`, and their gradient with respect to the logits.

    Parameters
    ----------
    loss : Loss
    k : int
        Column of the class.
    """

    def pick(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = logits.astype(np.float64)
        gradient = np.zeros_like(z)
        values = z[:, k].copy()
        if isinstance(loss, SoftmaxCrossEntropy):
            log_sum, shares = _log_sum_of_others(z, k)
            values -= log_sum
            gradient -= shares
        gradient[:, k] += 1.0
        return values, gradient.astype(logits.dtype)

    return pick


def _log_sum_of_others(z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """log sum_{j != k} exp z_j, shape (n,), and its gradient: the softmax of the others, 0 at `k`."""
    others = z.copy()
    others[:, k] = -np.inf
    largest = others.max(axis=1, keepdims=True)
    exps = np.exp(others - largest)
    sums = exps.sum(axis=1, keepdims=True)
    return (np.log(sums) + largest)[:, 0], exps / sums
