"""A valid call of each public name of `nnlite.metrics`, for `test_who_speaks`."""

from typing import Any

import numpy as np

from nnlite import metrics
from tests.nnlite.who_rows import GAMES, RNG, SCORES, TAGS, Row, Y


def mean_accuracy(y: Any, scores: Any) -> float:
    return float((y == scores.argmax(axis=1)).mean())


CLASSES = {"classes": [0, 1, 2], "sample_weight": np.ones(12)}
DECISIONS = {"y_true": Y, "y_pred": Y[::-1]}
RANKED = {"y_true": TAGS, "scores": SCORES}

ROWS: dict[str, Row] = {
    "metrics.accuracy": Row(metrics.accuracy, DECISIONS | {"sample_weight": np.ones(12)}),
    "metrics.confusion_matrix": Row(metrics.confusion_matrix, DECISIONS | CLASSES),
    "metrics.class_counts": Row(metrics.class_counts, DECISIONS | CLASSES),
    **{
        f"metrics.{name}": Row(getattr(metrics, name), DECISIONS | CLASSES | {"average": "macro", "zero_division": 0.0})
        for name in ("precision_recall_f1", "precision", "recall", "f1")
    },
    **{
        f"metrics.{name}": Row(getattr(metrics, name), {"y_true": Y, "scores": SCORES, "average": "macro"} | CLASSES)
        for name in ("roc_auc", "average_precision")
    },
    "metrics.best_thresholds": Row(metrics.best_thresholds, {"y_true": Y, "scores": SCORES} | CLASSES),
    **{
        f"metrics.{name}": Row(
            getattr(metrics, name),
            {"y_true": Y, "probabilities": SCORES / SCORES.sum(axis=1, keepdims=True), "average": "macro"} | CLASSES,
        )
        for name in ("log_loss", "brier_score")
    },
    **{
        f"metrics.{name}": Row(getattr(metrics, name), {"y_true": Y, "scores": SCORES} | CLASSES)
        for name in ("coverage_error", "label_ranking_average_precision", "label_ranking_loss")
    },
    "metrics.r2": Row(
        metrics.r2, {"y_true": Y * 1.0, "y_pred": Y[::-1] * 1.0, "average": "macro", "sample_weight": np.ones(12)}
    ),
    "metrics.best_coverage_error": Row(metrics.best_coverage_error, {"y_true": TAGS, "sample_weight": np.ones(12)}),
    "metrics.evaluate": Row(
        metrics.evaluate,
        RANKED | {"class_names": ["x", "y", "z"], "thresholds": 0.3, "sample_weight": np.ones(12)},
    ),
    "metrics.average_by_group": Row(
        metrics.average_by_group,
        {"scores": SCORES, "groups": GAMES, "mean": "logit", "sample_weight": np.ones(12)},
    ),
    "metrics.labels_by_group": Row(metrics.labels_by_group, {"y_true": np.arange(12) // 2, "groups": GAMES}),
    "metrics.bootstrap_intervals": Row(
        metrics.bootstrap_intervals,
        {
            "metric": mean_accuracy,
            "y_true": Y,
            "scores": SCORES,
            "groups": GAMES,
            "rng": RNG,
            "n_resamples": 3,
            "level": 0.9,
        },
    ),
    "metrics.bootstrap_difference": Row(
        metrics.bootstrap_difference,
        {
            "metric": mean_accuracy,
            "y_true": Y,
            "scores": SCORES,
            "baseline": SCORES[::-1],
            "groups": GAMES,
            "rng": RNG,
            "n_resamples": 3,
            "level": 0.9,
        },
    ),
}
