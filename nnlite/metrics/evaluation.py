"""All metrics of a model in one call, as a dictionary that JSON can hold."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite.checks import as_array, as_numbers, check_iterable
from nnlite.labels import as_weights
from nnlite.metrics.averages import Average, UndefinedMetricWarning, average_columns, mean_of_defined
from nnlite.metrics.checks import FloatArray, as_targets_and_scores
from nnlite.metrics.classification import per_class_precision_recall_f1
from nnlite.metrics.counts import threshold_counts
from nnlite.metrics.curves import average_precision_of_counts, roc_auc_of_counts
from nnlite.metrics.probabilities import brier_score, is_distribution, is_probability, log_loss
from nnlite.metrics.ranking import (
    best_coverage_error,
    coverage_error,
    label_ranking_average_precision,
    label_ranking_loss,
)


def evaluate(
    y_true: ArrayLike,
    scores: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    thresholds: ArrayLike = 0.5,
    sample_weight: ArrayLike | None = None,
) -> dict[str, Any]:
    """Return all metrics in one dictionary of strings, ints, floats, lists and None (for NaN and infinity).

    Parameters
    ----------
    y_true : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1; or class labels, which are positions 0 to n_classes - 1 or, if they are strings, among `class_names`.
    scores : array of shape (n_samples, n_classes)
        Higher means likelier.
    class_names : sequence of str, optional
        Names of the columns; "0", "1", ... by default.
    thresholds : float or array of shape (n_classes,)
        Several labels a sample: a class is decided positive from this score on; see :func:`best_thresholds`. With class
        labels the highest score decides instead.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    dict
        - ``n_samples``, ``n_samples_without_labels``, ``labels_per_sample`` (mean over all samples);
        - ``classes``: for each name ``positives`` (weighted), ``threshold``, ``precision``, ``recall``, ``f1``,
          ``roc_auc``, ``average_precision``;
        - ``macro``, ``weighted``, ``micro``, ``samples``: ``precision``, ``recall``, ``f1``; all but the last also
          ``roc_auc`` and ``average_precision``;
        - ``accuracy``, ``coverage_error``, ``best_coverage_error``, ``label_ranking_average_precision``,
          ``label_ranking_loss``;
        - ``log_loss``, ``brier_score``: None unless scores are probabilities;
        - ``not_evaluable``: names of the classes without positives or without negatives, with one
          :class:`UndefinedMetricWarning`;
        - ``confusion_matrix``: with class labels only.

    Examples
    --------
    >>> result = evaluate([[1, 0], [1, 1], [0, 1]], [[0.9, 0.4], [0.8, 0.3], [0.2, 0.6]], ["Drama", "Crime"])
    >>> result["classes"]["Crime"]["recall"], result["macro"]["roc_auc"], result["coverage_error"]
    (0.5, 0.75, 1.3333333333333333)
    """
    who = "evaluate"
    shape = as_array(who, "scores", scores).shape
    if len(shape) != 2:
        raise ValueError(f"{who}: scores: expected shape (n_samples, n_classes), got {shape}.")
    names = _names(who, class_names, shape[1])
    one_label = as_array(who, "y_true", y_true).ndim == 1
    classes = names if one_label and np.asarray(y_true).dtype.kind in "OUS" else None
    y, s = as_targets_and_scores(who, y_true, scores, classes)
    weight = as_weights(who, sample_weight, len(y))
    if one_label:
        threshold = np.full(y.shape[1], np.nan)
        decisions = np.zeros_like(y)
        decisions[np.arange(len(s)), s.argmax(axis=1)] = True
    else:
        threshold = _thresholds(who, thresholds, y.shape[1])
        decisions = s >= threshold

    positives, negatives = weight @ y, weight @ ~y
    not_evaluable = [name for name, p, n in zip(names, positives, negatives, strict=True) if p == 0 or n == 0]
    if not_evaluable:
        warnings.warn(
            f"{who}: y_true: {len(not_evaluable)} of {len(names)} classes have no positives or no negatives and are "
            f"left out of averages where a metric is undefined: {', '.join(not_evaluable)}.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)  # One warning above said it, with names.
        counts = threshold_counts(y.T, s.T, weight)
        decided = ("precision", "recall", "f1")
        ranked = {"roc_auc": roc_auc_of_counts(counts), "average_precision": average_precision_of_counts(counts)}
        per_class = {**dict(zip(decided, per_class_precision_recall_f1(y, decisions, weight), strict=True)), **ranked}
        result: dict[str, Any] = {
            "n_samples": len(y),
            "n_samples_without_labels": int((~y.any(axis=1)).sum()),
            "labels_per_sample": weight @ y.sum(axis=1) / weight.sum(),
            "classes": {
                name: {
                    "positives": positives[i],
                    "threshold": threshold[i],
                    **{metric: values[i] for metric, values in per_class.items()},
                }
                for i, name in enumerate(names)
            },
        }
        for name, class_weight in (("macro", None), ("weighted", positives)):
            result[name] = {
                metric: mean_of_defined(who, values, class_weight, "class") for metric, values in per_class.items()
            }
        averages: tuple[Average, ...] = ("micro", "samples")
        for average in averages:
            means = average_columns(who, per_class_precision_recall_f1, y, decisions, weight, average)
            result[str(average)] = dict(zip(decided, means, strict=True))
        pooled = threshold_counts(y.reshape(1, -1), s.reshape(1, -1), np.repeat(weight, y.shape[1]))
        result["micro"]["roc_auc"] = roc_auc_of_counts(pooled)[0]
        result["micro"]["average_precision"] = average_precision_of_counts(pooled)[0]
        result["accuracy"] = weight @ (y == decisions).all(axis=1) / weight.sum()
        for ranking in (coverage_error, label_ranking_average_precision, label_ranking_loss):
            result[ranking.__name__] = ranking(y, s, sample_weight=weight)
        result["best_coverage_error"] = best_coverage_error(y, sample_weight=weight)
        probable = is_distribution(s) if one_label else is_probability(s)
        target = y.argmax(axis=1) if one_label else y
        result["log_loss"] = log_loss(target, scores, sample_weight=weight) if probable else None
        result["brier_score"] = brier_score(target, scores, sample_weight=weight) if probable else None
        result["not_evaluable"] = not_evaluable
        if one_label:
            result["confusion_matrix"] = (y * weight[:, None]).T @ decisions
    return _json_safe(result)


def _names(who: str, class_names: Sequence[str] | None, n_classes: int) -> list[str]:
    if class_names is None:
        return [str(i) for i in range(n_classes)]
    names = [str(name) for name in check_iterable(who, "class_names", class_names, "a list of names")]
    if isinstance(class_names, str) or len(names) != n_classes or len(set(names)) != n_classes:
        raise ValueError(
            f"{who}: class_names: expected {n_classes} distinct names, one a column of scores, got {class_names!r}."
        )
    return names


def _thresholds(who: str, thresholds: ArrayLike, n_classes: int) -> FloatArray:
    array = as_numbers(who, "thresholds", thresholds).astype(np.float64)
    if array.shape not in ((), (n_classes,)) or np.isnan(array).any():
        raise ValueError(
            f"{who}: thresholds: expected one number or {n_classes}, none of them NaN, got {thresholds!r}."
        )
    return np.broadcast_to(array, (n_classes,))


def _json_safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_safe(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _json_safe(value.tolist())
    if isinstance(value, list):
        return [_json_safe(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
