"""Metrics of probabilities: log loss and Brier score. Both are proper: the true probabilities minimise them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite.checks import as_array
from nnlite.labels import relative_weights
from nnlite.metrics.averages import Average, average_columns, check_average
from nnlite.metrics.checks import BoolArray, FloatArray, as_targets_and_scores


def log_loss(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    average: Average = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return the mean negative logarithm of the probability given to what was true [nat].

    Parameters
    ----------
    y_true : array of shape (n_samples,) or (n_samples, n_classes)
        Class labels: the rows of `probabilities` are distributions over the classes. 0 and 1: every class is a decision
        of its own.
    probabilities : array of shape (n_samples, n_classes) or (n_samples,)
        In [0, 1]; clipped to [eps, 1 - eps] with the eps of their dtype, so that one certain error doesn't make the
        mean infinite.
    average : {"macro", "weighted", "micro", "samples", None}
        Over the classes, where each is a decision of its own; as in :mod:`nnlite.metrics`.
    classes : sequence, optional
        Labels of the columns when `y_true` holds class labels; 0 to n_classes - 1 by default.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    float, or array of shape (n_classes,)

    Examples
    --------
    >>> round(log_loss([0, 1], [[0.75, 0.25], [0.5, 0.5]]), 4)
    0.4904
    """
    dtype = as_array("log_loss", "probabilities", probabilities).dtype
    eps = float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)

    def decisions(y: BoolArray, p: FloatArray, weight: FloatArray) -> FloatArray:
        clipped = np.clip(p, eps, 1 - eps)
        return -(weight @ np.where(y, np.log(clipped), np.log1p(-clipped))) / weight.sum()

    def distributions(y: BoolArray, p: FloatArray) -> FloatArray:
        return -np.log(np.clip(p[y], eps, 1.0))

    return _proper("log_loss", y_true, probabilities, average, classes, sample_weight, decisions, distributions)


def brier_score(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    average: Average = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return the mean squared difference between probability and outcome (Brier 1950).

    The parameters are those of :func:`log_loss`. With class labels it is the sum over the classes, from 0 to 2, as
    Brier had it; where every class is a decision of its own, from 0 to 1.

    Examples
    --------
    >>> brier_score([0, 1, 1, 0], [0.5, 1.0, 1.0, 0.5])
    0.125
    """

    def decisions(y: BoolArray, p: FloatArray, weight: FloatArray) -> FloatArray:
        return weight @ (p - y) ** 2 / weight.sum()

    def distributions(y: BoolArray, p: FloatArray) -> FloatArray:
        return ((p - y) ** 2).sum(axis=1)

    return _proper("brier_score", y_true, probabilities, average, classes, sample_weight, decisions, distributions)


def is_probability(values: FloatArray) -> bool:
    """Return whether all values lie in [0, 1]."""
    return bool((values >= 0).all() and (values <= 1).all())


def is_distribution(values: FloatArray) -> bool:
    """Return whether all values lie in [0, 1] and each row of (n, k) sums to 1, to the rounding of float32."""
    return is_probability(values) and bool((np.abs(values.sum(axis=1) - 1) <= 1e-4).all())


def _proper(
    who: str,
    y_true: ArrayLike,
    probabilities: ArrayLike,
    average: Average,
    classes: Sequence[Any] | None,
    sample_weight: ArrayLike | None,
    decisions: Callable[[BoolArray, FloatArray, FloatArray], FloatArray],
    distributions: Callable[[BoolArray, FloatArray], FloatArray],
) -> Any:
    check_average(who, average)
    y, p = as_targets_and_scores(who, y_true, probabilities, classes, "probabilities")
    weight = relative_weights(who, sample_weight, len(y))
    if not is_probability(p):
        raise ValueError(
            f"{who}: probabilities: expected numbers in [0, 1], got {p.min():g} to {p.max():g}. Logits go through a "
            "sigmoid or softmax first."
        )
    if np.ndim(y_true) == 1 and p.shape[1] > 1:
        if not is_distribution(p):
            row = int(np.abs(p.sum(axis=1) - 1).argmax())
            raise ValueError(
                f"{who}: probabilities: expected rows that sum to 1, got {p[row].sum():g} in row {row}. Divide by the "
                "sum."
            )
        return float(weight @ distributions(y, p) / weight.sum())
    single = np.ndim(y_true) == 1
    result = average_columns(who, decisions, y, p, weight, "macro" if single else average, stacklevel=4)
    return result if result.ndim else float(result)
