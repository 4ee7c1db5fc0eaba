"""Metrics over all thresholds: ROC-AUC, average precision, the threshold with the best F1.

Their core is the count of true and false positives of "score >= threshold" at every score.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite.labels import relative_weights
from nnlite.metrics.averages import Average, UndefinedMetricWarning, average_columns
from nnlite.metrics.checks import BoolArray, FloatArray, as_targets_and_scores
from nnlite.metrics.counts import ThresholdCounts, threshold_counts


def roc_auc(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    average: Average = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return the area under the ROC curve: the chance that a positive is scored above a negative, a tie counting half.

    Parameters
    ----------
    y_true : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1, or class labels (then one class against the rest).
    scores : array of shape (n_samples, n_classes) or (n_samples,)
        Higher means likelier; any monotone scale.
    average : {"macro", "weighted", "micro", "samples", None}
        As in :mod:`nnlite.metrics`; nothing to choose for a single class.
    classes : sequence, optional
        Labels of the columns of `scores` when `y_true` holds class labels; 0 to n_classes - 1 by default.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    float, or array of shape (n_classes,)
        NaN for a class that has no positives or no negatives; means leave it out, with a warning.

    Notes
    -----
    The area by trapezoids is the Mann-Whitney statistic with midranks (Hanley and McNeil 1982).

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return _averaged("roc_auc", per_class_roc_auc, y_true, scores, average, classes, sample_weight)


def average_precision(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    average: Average = "macro",
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return the mean of the precision at each positive: the area of the precision-recall steps, without interpolation.

    A scorer that knows nothing has about the share of positives. The parameters are those of :func:`roc_auc`.

    Returns
    -------
    float, or array of shape (n_classes,)
        NaN for a class without positives (means leave it out, with a warning), 1 for a class with positives only.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return _averaged("average_precision", per_class_average_precision, y_true, scores, average, classes, sample_weight)


def best_thresholds(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> FloatArray:
    """Return the threshold of each class with the best F1 of the decision ``scores >= threshold``.

    To be found on samples that the reported F1 is not computed on: the best of many thresholds flatters.

    Parameters
    ----------
    y_true, scores, classes, sample_weight
        As for :func:`roc_auc`.

    Returns
    -------
    array of shape (n_classes,)
        Halfway between the lowest score that should be positive and the next lower one (the lowest score of all if
        there is none). Of equally good ones the highest. Infinity, with a warning, for a class without positives:
        nothing is decided positive.

    Notes
    -----
    Every distinct score is tried, by sorting. Where scores carry no information the best F1 calls everything positive
    (Lipton, Elkan and Naryanaswamy 2014), so a low threshold may be the sign of a class that was not learned.

    Examples
    --------
    >>> best_thresholds([[0], [0], [1], [1]], [[0.125], [0.5], [0.375], [0.875]])
    array([0.25])
    """
    y, s, weight = _checked("best_thresholds", y_true, scores, classes, sample_weight)
    thresholds, _, tp, fp = threshold_counts(y.T, s.T, weight)
    positives = tp[:, -1:]
    with np.errstate(invalid="ignore"):
        f1 = 2 * tp / (tp + fp + positives)
    best = np.where(np.isnan(f1), -1.0, f1).argmax(axis=1)[:, None]
    chosen = np.take_along_axis(thresholds, best, axis=1)
    lower = np.where(thresholds < chosen, thresholds, -np.inf).max(axis=1)
    chosen = chosen[:, 0]
    # Halves first: the sum of two huge scores may overflow. Between neighbouring floats lies no number: take the score.
    middle = np.where(np.isfinite(lower), lower / 2 + chosen / 2, chosen)
    result = np.where(middle > lower, middle, chosen)
    missing = np.flatnonzero(positives == 0).tolist()
    if missing:
        warnings.warn(
            f"best_thresholds: y_true: classes {missing} have no positives; their threshold is infinite.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
        result[missing] = np.inf
    return result


def per_class_roc_auc(y: BoolArray, s: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the areas (k,) under the ROC curve of (n, k) targets and scores.

    They are NaN without positives or without negatives.
    """
    return roc_auc_of_counts(threshold_counts(y.T, s.T, weight))


def per_class_average_precision(y: BoolArray, s: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the average precisions (k,) of (n, k) targets and scores; NaN without positives."""
    return average_precision_of_counts(threshold_counts(y.T, s.T, weight))


def roc_auc_of_counts(counts: ThresholdCounts) -> FloatArray:
    """Return the area by trapezoids of each row of counts."""
    tp, fp = counts.true_positives, counts.false_positives
    width = np.diff(fp, axis=-1, prepend=0.0)
    height = tp - np.diff(tp, axis=-1, prepend=0.0) / 2
    with np.errstate(invalid="ignore"):
        return (width * height).sum(axis=-1) / (tp[..., -1] * fp[..., -1])


def average_precision_of_counts(counts: ThresholdCounts) -> FloatArray:
    """Return the area by steps of each row of counts."""
    tp, fp = counts.true_positives, counts.false_positives
    gained = np.diff(tp, axis=-1, prepend=0.0)
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp > 0)
    with np.errstate(invalid="ignore"):
        return (gained * precision).sum(axis=-1) / tp[..., -1]


def _checked(
    who: str, y_true: ArrayLike, scores: ArrayLike, classes: Sequence[Any] | None, sample_weight: ArrayLike | None
) -> tuple[BoolArray, FloatArray, FloatArray]:
    y, s = as_targets_and_scores(who, y_true, scores, classes)
    return y, s, relative_weights(who, sample_weight, len(y))


def _averaged(
    who: str,
    per_column: Any,
    y_true: ArrayLike,
    scores: ArrayLike,
    average: Average,
    classes: Sequence[Any] | None,
    sample_weight: ArrayLike | None,
) -> Any:
    y, s, weight = _checked(who, y_true, scores, classes, sample_weight)
    single = np.ndim(y_true) == 1 and np.ndim(scores) == 1
    result = average_columns(who, per_column, y, s, weight, "macro" if single else average, stacklevel=4)
    return result if result.ndim else float(result)
