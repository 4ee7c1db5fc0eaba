"""The core of the metrics over all thresholds and of the ranking metrics: counts at every score."""

from typing import NamedTuple

import numpy as np

from nnlite.metrics.checks import BoolArray, FloatArray


class ThresholdCounts(NamedTuple):
    """The counts of the decision "score >= threshold" with every score as threshold.

    All arrays are (rows, m), each row by falling score.
    """

    thresholds: FloatArray
    relevant: BoolArray
    true_positives: FloatArray
    false_positives: FloatArray


def threshold_counts(relevant: BoolArray, scores: FloatArray, weight: FloatArray | None = None) -> ThresholdCounts:
    """Sort each row by falling score and count positives from the top, tied scores being one step.

    A row is a class over its samples, or a sample over its labels; then true and false positives together are a
    label's rank, and ties have the worst rank of theirs.

    Parameters
    ----------
    relevant, scores : array of shape (rows, m)
    weight : array of shape (m,), optional
    """
    order = np.argsort(-scores, axis=-1)
    thresholds = np.take_along_axis(scores, order, axis=-1)
    relevant = np.take_along_axis(relevant, order, axis=-1)
    if weight is None:
        tp = np.cumsum(relevant, axis=-1, dtype=np.float64)
        fp = np.arange(1.0, scores.shape[-1] + 1) - tp
    else:
        ordered_weight = weight[order]
        tp = np.cumsum(np.where(relevant, ordered_weight, 0.0), axis=-1)
        fp = np.cumsum(np.where(relevant, 0.0, ordered_weight), axis=-1)
    last_of_tie = np.ones(scores.shape, dtype=bool)
    last_of_tie[..., :-1] = thresholds[..., :-1] != thresholds[..., 1:]
    if not last_of_tie.all():
        tp, fp = _at_end_of_tie(tp, last_of_tie), _at_end_of_tie(fp, last_of_tie)
    return ThresholdCounts(thresholds, relevant, tp, fp)


def _at_end_of_tie(counts: FloatArray, last_of_tie: BoolArray) -> FloatArray:
    # Counts only grow, so the count at the end of a tie is the least of all ends that follow.
    ends = np.where(last_of_tie, counts, np.inf)
    return np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
