"""Metrics of a network's values, per window and per track, beside those of the prior."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from filmscore.features import Features
from filmscore.splits import Split
from nnlite import metrics


@dataclass(frozen=True)
class SplitMetrics:
    """All metrics (`nnlite.metrics.evaluate`) of the test part.

    Attributes
    ----------
    window, track : dict
        Metrics of the network, for each window and averaged over each track's windows.
    prior_window, prior_track : dict
        Metrics of a tagger that gives every recording the shares of the genres in the training part.
    """

    window: dict[str, Any]
    track: dict[str, Any]
    prior_window: dict[str, Any]
    prior_track: dict[str, Any]


def judge(features: Features, split: Split, validation_values: np.ndarray, test_values: np.ndarray) -> SplitMetrics:
    """Judge values of the test windows, with thresholds of F1 chosen on the validation windows.

    Parameters
    ----------
    validation_values, test_values : array (n_windows, n_classes)
        Values of the network for the windows of these two parts.
    """
    labels = features.labels
    prior = labels[split.train].mean(axis=0)
    results = []
    evaluable = [name for name in features.class_names if name not in split.not_evaluable]
    for values, held_out in (
        (test_values, validation_values),
        (np.tile(prior, (len(split.test), 1)), np.tile(prior, (len(split.validation), 1))),
    ):
        tracks = features.track_of_tile
        y_window, y_held_out = labels[split.test], labels[split.validation]
        results.append(_evaluate(features.class_names, evaluable, y_window, values, y_held_out, held_out))
        heard, values = metrics.average_by_group(values, tracks[split.test])
        heard_before, held_out = metrics.average_by_group(held_out, tracks[split.validation])
        y_track, y_held_out = features.tags[heard], features.tags[heard_before]
        results.append(_evaluate(features.class_names, evaluable, y_track, values, y_held_out, held_out))
    return SplitMetrics(*results)


def _evaluate(
    names: Sequence[str],
    evaluable: Sequence[str],
    y: np.ndarray,
    values: np.ndarray,
    y_held_out: np.ndarray,
    held_out: np.ndarray,
) -> dict[str, Any]:
    """Return `nnlite.metrics.evaluate` with the figures of each class, and their means, for evaluable classes only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)  # the result lists these classes
        thresholds = metrics.best_thresholds(y_held_out, held_out)
        result = metrics.evaluate(y, values, names, thresholds=np.where(np.isfinite(thresholds), thresholds, 2.0))
    result["classes"] = {name: result["classes"][name] for name in evaluable}
    for key in ("precision", "recall", "f1", "roc_auc", "average_precision"):
        figures = [each[key] for each in result["classes"].values() if each[key] is not None]
        result["macro"][key] = float(np.mean(figures)) if figures else None
    return result


def class_table(judgement: SplitMetrics, published: dict[str, float], not_evaluable: Sequence[str]) -> str:
    """Return a table of F1 and ROC-AUC of each class, per window and track, beside the prior and the published F1."""
    columns = f"{'network':>10}  {'prior':>10}"
    lines = [
        f"{'':10}  {'F1, one window':^22}  {'F1, whole track':^22}  {'ROC-AUC':^15}  published",
        f"{'class':10}  {columns}  {columns}  {'window':>7} {'track':>7}  {'F1':>9}",
    ]
    parts = (judgement.window, judgement.prior_window, judgement.track, judgement.prior_track)
    judged = [name for name in judgement.track["classes"] if name not in not_evaluable]
    order = {name: k for k, name in enumerate(published)}  # a user's own classes come after the published ones
    for name in sorted([*judged, *not_evaluable], key=lambda name: order.get(name, len(order))):
        if name in not_evaluable:
            lines.append(f"{name:10}  not evaluable on this corpus and split")
            continue
        f1 = [_figure(part["classes"][name]["f1"]) for part in parts]
        auc = [_figure(part["classes"][name]["roc_auc"]) for part in (judgement.window, judgement.track)]
        lines.append(_row(name, f1, auc, f"{_figure(published.get(name)):>9}"))
    f1 = [_figure(part["macro"]["f1"]) for part in parts]
    auc = [_figure(part["macro"]["roc_auc"]) for part in (judgement.window, judgement.track)]
    lines.append(_row("macro", f1, auc, ""))
    return "\n".join(lines)


def ranking_table(judgement: SplitMetrics) -> str:
    """Return a table of coverage error, its best possible value, label ranking average precision and ranking loss."""
    lines = [f"{'':22}  {'one window':>12}  {'prior':>7}  {'whole track':>12}  {'prior':>7}"]
    parts = (judgement.window, judgement.prior_window, judgement.track, judgement.prior_track)
    for name, key in (
        ("coverage error", "coverage_error"),
        ("  best possible", "best_coverage_error"),
        ("LRAP", "label_ranking_average_precision"),
        ("ranking loss", "label_ranking_loss"),
    ):
        values = [_figure(part[key]) for part in parts]
        lines.append(f"{name:22}  {values[0]:>12}  {values[1]:>7}  {values[2]:>12}  {values[3]:>7}")
    return "\n".join(lines)


def _row(name: str, f1: Sequence[str], auc: Sequence[str], last: str) -> str:
    return f"{name:10}  {'  '.join(f'{value:>10}' for value in f1)}  {auc[0]:>7} {auc[1]:>7}  {last}".rstrip()


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
