"""Metrics of each sample's ranked list of labels: coverage error, label ranking average precision, ranking loss.

Their core is the rank of every label, among all labels and among the relevant ones. Sources: Schapire and Singer 2000
("BoosTexter"); Tsoumakas, Katakis and Vlahavas 2010 ("Mining multi-label data").
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array
from nnlite.labels import relative_weights
from nnlite.metrics.averages import UndefinedMetricWarning
from nnlite.metrics.checks import BoolArray, FloatArray, as_indicator, as_targets_and_scores
from nnlite.metrics.counts import threshold_counts


def coverage_error(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return how many top-ranked labels are needed, on average, to hold all labels of a sample.

    Parameters
    ----------
    y_true : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1, or class labels.
    scores : array of shape (n_samples, n_classes)
        Higher means likelier.
    classes : sequence, optional
        Labels of the columns of `scores` when `y_true` holds class labels.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    float
        From :func:`best_coverage_error`, the mean number of labels a sample, to n_classes. Samples without labels are
        left out (scikit-learn counts them as 0); NaN, with a warning, if all are.

    Notes
    -----
    This is the convention of scikit-learn and of the film-score study: its best possible value of 2.33 is its mean
    number of labels. The literature counts steps down the list from the first label, which is one less (0 is then the
    best for a single label).

    Examples
    --------
    >>> coverage_error([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]])
    2.5
    """
    who = "coverage_error"
    y, s = _two_dimensional(who, y_true, scores, classes)
    counts = threshold_counts(y, s)
    rank = counts.true_positives + counts.false_positives
    return _mean_of_labelled(
        who, np.where(counts.relevant, rank, 0).max(axis=1), y.any(axis=1), relative_weights(who, sample_weight, len(y))
    )


def best_coverage_error(y_true: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the coverage error of a perfect ranking: the mean number of labels of the samples that have any.

    Examples
    --------
    >>> best_coverage_error([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    1.5
    """
    who = "best_coverage_error"
    y = as_indicator(who, y_true)
    if y.ndim != 2:
        raise ValueError(
            f"{who}: y_true: expected shape (n_samples, n_classes), got {y.shape}. With one label a sample the best is "
            "1."
        )
    return _mean_of_labelled(who, y.sum(axis=1), y.any(axis=1), relative_weights(who, sample_weight, len(y)))


def label_ranking_average_precision(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the label ranking average precision (LRAP).

    For each label of a sample it takes the share of relevant ones among the labels that are ranked at or above it, and
    averages.

    The parameters are those of :func:`coverage_error`. With one label a sample it is the mean reciprocal rank.

    Returns
    -------
    float
        Above 0, at most 1. Samples without labels are left out (scikit-learn counts them as 1); NaN, with a warning, if
        all are.

    Examples
    --------
    >>> round(label_ranking_average_precision([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]]), 4)
    0.4167
    """
    who = "label_ranking_average_precision"
    y, s = _two_dimensional(who, y_true, scores, classes)
    _, relevant, tp, fp = threshold_counts(y, s)
    n_labels = y.sum(axis=1)
    share = np.where(relevant, tp / (tp + fp), 0.0).sum(axis=1) / np.maximum(n_labels, 1)
    return _mean_of_labelled(who, share, n_labels > 0, relative_weights(who, sample_weight, len(y)))


def label_ranking_loss(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the share of the pairs of a relevant and an irrelevant label that are ranked wrongly or tied.

    It is averaged over samples.

    The parameters are those of :func:`coverage_error`.

    Returns
    -------
    float
        From 0, the best, to 1. Samples without such a pair, having no label or all labels, are left out (scikit-learn
        counts them as 0); NaN, with a warning, if all are.

    Examples
    --------
    >>> label_ranking_loss([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]])
    0.75
    """
    who = "label_ranking_loss"
    y, s = _two_dimensional(who, y_true, scores, classes)
    _, relevant, _, fp = threshold_counts(y, s)
    n_labels = y.sum(axis=1)
    n_pairs = n_labels * (y.shape[1] - n_labels)
    wrong = np.where(relevant, fp, 0.0).sum(axis=1)
    return _mean_of_labelled(
        who, wrong / np.maximum(n_pairs, 1), n_pairs > 0, relative_weights(who, sample_weight, len(y))
    )


def _two_dimensional(
    who: str, y_true: ArrayLike, scores: ArrayLike, classes: Sequence[Any] | None
) -> tuple[BoolArray, FloatArray]:
    shape = as_array(who, "scores", scores).shape
    if len(shape) == 1:
        raise ValueError(f"{who}: scores: expected shape (n_samples, n_classes), one score a label, got {shape}.")
    return as_targets_and_scores(who, y_true, scores, classes)


def _mean_of_labelled(who: str, per_sample: NDArray[Any], kept: Any, weight: FloatArray) -> float:
    weight = np.where(kept, weight, 0.0)
    if weight.sum() == 0:
        warnings.warn(
            f"{who}: y_true: no sample has labels to rank; the result is NaN.", UndefinedMetricWarning, stacklevel=3
        )
        return float("nan")
    return float(weight @ per_sample / weight.sum())
