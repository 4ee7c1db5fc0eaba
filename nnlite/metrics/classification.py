"""Metrics of decisions: accuracy, confusion matrix, precision, recall, F1.

Their core is the count of true and false positives per class.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array, check_number
from nnlite.labels import as_weights, relative_weights
from nnlite.metrics.averages import Average, average_columns
from nnlite.metrics.checks import (
    BoolArray,
    FloatArray,
    as_targets_and_predictions,
    check_length,
    one_hot,
)

DecisionAverage = Average | Literal["binary"]


class ClassCounts(NamedTuple):
    """The weighted counts per class, each of shape (n_classes,)."""

    true_positive: FloatArray
    false_positive: FloatArray
    false_negative: FloatArray
    true_negative: FloatArray


class PrecisionRecallF1(NamedTuple):
    """The precision, recall and F1: floats, or arrays of shape (n_classes,) for ``average=None``."""

    precision: Any
    recall: Any
    f1: Any


def accuracy(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of samples for which the label, or the whole set of labels, is predicted exactly.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_samples,) or (n_samples, n_classes)
        Class labels, or 0 and 1.
    sample_weight : array of shape (n_samples,), optional

    Examples
    --------
    >>> accuracy(["Drama", "Crime", "Crime", "Comedy"], ["Drama", "Crime", "Drama", "Comedy"])
    0.75
    """
    y, p = as_targets_and_predictions("accuracy", y_true, y_pred)
    weight = relative_weights("accuracy", sample_weight, len(y))
    right = (y == p).reshape(len(y), -1).all(axis=1)
    return float(weight @ right / weight.sum())


def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> NDArray[Any]:
    """Count the samples of each class (rows) by predicted class (columns); for one label a sample.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_samples,)
        Class labels.
    classes : sequence, optional
        The classes in their order; by default the sorted labels that occur.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    array of shape (n_classes, n_classes), int64 without weights, float64 with them

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0])
    array([[1, 1, 0],
           [0, 1, 0],
           [1, 0, 0]])
    """
    who = "confusion_matrix"
    shapes = [as_array(who, name, y).shape for y, name in ((y_true, "y_true"), (y_pred, "y_pred"))]
    if len(shapes[0]) != 1 or len(shapes[1]) != 1:
        raise ValueError(
            f"{who}: y_true, y_pred: expected one class label a sample, got shapes {shapes[0]} and "
            f"{shapes[1]}. For several labels a sample use class_counts."
        )
    y, p = as_targets_and_predictions(who, y_true, y_pred, classes)
    weight = as_weights(who, sample_weight, len(y))
    n_classes = y.shape[1]
    cell = y.argmax(axis=1) * n_classes + p.argmax(axis=1)
    matrix = np.bincount(cell, weights=None if sample_weight is None else weight, minlength=n_classes * n_classes)
    return matrix.reshape(n_classes, n_classes)


def class_counts(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> ClassCounts:
    """Count true and false positives and negatives of each class.

    The parameters are those of :func:`precision_recall_f1`.

    Examples
    --------
    >>> class_counts([[1, 0], [1, 1], [0, 1]], [[1, 1], [0, 1], [0, 0]]).false_negative
    array([1., 1.])
    """
    y, p = as_targets_and_predictions("class_counts", y_true, y_pred, classes)
    return _counts(y, p, as_weights("class_counts", sample_weight, len(y)))


def precision_recall_f1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: DecisionAverage = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: float | None = None,
) -> PrecisionRecallF1:
    """Return precision tp / (tp + fp), recall tp / (tp + fn) and their harmonic mean F1 = 2 tp / (2 tp + fp + fn).

    Parameters
    ----------
    y_true, y_pred : array of shape (n_samples,) or (n_samples, n_classes)
        Class labels, or 0 and 1.
    average : {"macro", "weighted", "micro", "samples", "binary", None}
        As in :mod:`nnlite.metrics`; "binary" is the figure of class 1 when `y_true` and `y_pred` are (n_samples,)
        arrays of 0 and 1.
    classes : sequence, optional
        The classes of class labels in their order; by default the sorted labels that occur.
    sample_weight : array of shape (n_samples,), optional
    zero_division : float, optional
        Scikit-learn's answer in its place: every class is part of the means, and this is what 0/0 is; from 0 to 1. A
        class that is predicted but never right has precision 0 then, also if it has no positives.

    Returns
    -------
    PrecisionRecallF1
        A class without positives is NaN and left out of means (with a warning); one that is never predicted has
        precision 0. Macro F1 is the mean of the classes' F1, not the F1 of mean precision and mean recall.

    Examples
    --------
    >>> precision_recall_f1([0, 1, 1, 1], [0, 0, 1, 1], average="binary")
    PrecisionRecallF1(precision=1.0, recall=0.6666666666666666, f1=0.8)
    """
    return PrecisionRecallF1(
        *_precision_recall_f1("precision_recall_f1", y_true, y_pred, average, classes, sample_weight, zero_division)
    )


def precision(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: DecisionAverage = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: float | None = None,
) -> Any:
    """Return the share of positive decisions that are right.

    The parameters are those of :func:`precision_recall_f1`.
    """
    return _precision_recall_f1("precision", y_true, y_pred, average, classes, sample_weight, zero_division)[0]


def recall(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: DecisionAverage = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: float | None = None,
) -> Any:
    """Return the share of positives that are found; the parameters are those of :func:`precision_recall_f1`."""
    return _precision_recall_f1("recall", y_true, y_pred, average, classes, sample_weight, zero_division)[1]


def f1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: DecisionAverage = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: float | None = None,
) -> Any:
    """Return the harmonic mean of precision and recall; the parameters are those of :func:`precision_recall_f1`.

    Examples
    --------
    >>> f1([[1, 0], [1, 1], [0, 1]], [[1, 1], [0, 1], [0, 0]], average=None)
    array([0.66666667, 0.5       ])
    """
    return _precision_recall_f1("f1", y_true, y_pred, average, classes, sample_weight, zero_division)[2]


def per_class_precision_recall_f1(y: BoolArray, p: BoolArray, weight: FloatArray) -> FloatArray:
    """Return (3, k) precision, recall and F1 of (n, k) targets and predictions; NaN for a column without positives."""
    tp, fp, fn, _ = _counts(y, p, weight)
    positives = tp + fn
    evaluable = positives > 0
    result = np.full((3, len(tp)), np.nan)
    np.divide(tp, tp + fp, out=result[0], where=evaluable & (tp + fp > 0))
    result[0, evaluable & (tp + fp == 0)] = 0.0
    np.divide(tp, positives, out=result[1], where=evaluable)
    np.divide(2 * tp, positives + tp + fp, out=result[2], where=evaluable)
    return result


def _with_zero_division(y: BoolArray, p: BoolArray, weight: FloatArray, zero_division: float) -> FloatArray:
    """Return (3, k) precision, recall and F1, each the given figure where it is 0/0."""
    tp, fp, fn, _ = _counts(y, p, weight)
    result = np.full((3, len(tp)), float(zero_division))
    for row, (above, below) in enumerate(((tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn))):
        np.divide(above, below, out=result[row], where=below > 0)
    return result


def _precision_recall_f1(
    who: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: DecisionAverage,
    classes: Sequence[Any] | None,
    sample_weight: ArrayLike | None,
    zero_division: float | None,
) -> tuple[Any, Any, Any]:
    if isinstance(average, str) and average == "binary":
        given = {name: as_array(who, name, labels) for name, labels in (("y_true", y_true), ("y_pred", y_pred))}
        if any(labels.ndim != 1 for labels in given.values()) or classes is not None:
            raise ValueError(
                f'{who}: average: "binary" expects (n_samples,) arrays of 0 and 1 and no classes. Choose another '
                "average."
            )
        y, p = (one_hot(who, labels, (0, 1), name)[:, 1:] for name, labels in given.items())
        check_length(who, "y_true", len(y), "y_pred", len(p))
        average = "micro"
    else:
        y, p = as_targets_and_predictions(who, y_true, y_pred, classes)
    weight = relative_weights(who, sample_weight, len(y))
    if zero_division is None:
        result = average_columns(who, per_class_precision_recall_f1, y, p, weight, average, stacklevel=4)
    else:
        check_number(who, "zero_division", zero_division, low=0, high=1, expected="a number from 0 to 1 or None")
        per_class = partial(_with_zero_division, zero_division=zero_division)
        result = average_columns(who, per_class, y, p, weight, average, stacklevel=4)
        result = np.where(
            np.isnan(result), float(zero_division), result
        )  # weighted by the positives, of which are none
    return tuple(row if row.ndim else float(row) for row in result)  # type: ignore[return-value]


def _counts(y: BoolArray, p: BoolArray, weight: FloatArray) -> ClassCounts:
    return ClassCounts(weight @ (y & p), weight @ (~y & p), weight @ (y & ~p), weight @ (~y & ~p))
