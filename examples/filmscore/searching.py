"""Candidates of the search, hyper-parameters of the fully-connected network, and how they are judged."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.networks import fully_connected
from filmscore.runs import Data
from nnlite import metrics
from nnlite.model_selection import IntUniform, LogUniform, SearchResult, Trial

GRID = {"learning_rate": (0.1, 0.01, 0.001), "n_hidden": (50, 100, 200), "batch_size": (200, 400, 800)}
"""The published example of an exhaustive search."""
RANGES = {"learning_rate": LogUniform(0.001, 0.1), "n_hidden": IntUniform(50, 200), "batch_size": IntUniform(200, 800)}
"""The same as ranges, for a random search."""


class TrackScores(NamedTuple):
    """The scores of a model on whole tracks: mean ROC-AUC over the genres that can be judged, and LRAP."""

    roc_auc: float
    lrap: float


def evaluate(
    candidate: Mapping[str, Any],
    seed: int,
    budget: int | None = None,
    *,
    features: str,
    split: str,
    split_seed: int,
    validation: float,
    epochs: int,
) -> dict[str, Any]:
    """Train a network with a candidate's hyper-parameters, and return its scores on the validation tracks.

    Parameters
    ----------
    candidate : mapping
        learning_rate, n_hidden, batch_size.
    seed : int
    budget : int, optional
        Epochs, instead of `epochs`.
    features, split, split_seed, validation
        The data, as for `load`.
    epochs : int
    """
    data = load(features, split, split_seed, validation)
    model = train(data, candidate, seed, epochs if budget is None else budget)
    scores = track_scores(model, data, "validation")
    return {"score": scores.roc_auc, "lrap": scores.lrap, "epochs": len(model.history_)}


@functools.lru_cache(maxsize=1)
def load(features: str, split: str, split_seed: int, validation: float) -> Data:
    """Return the data of the trials; each process reads them once."""
    asked = {"features": features, "split": split, "seed": split_seed, "validation": validation}
    return Data.load(argparse.Namespace(**asked))


def train(data: Data, candidate: Mapping[str, Any], seed: int, epochs: int) -> nn.NetworkClassifier:
    """Train a network with a candidate's hyper-parameters, and keep the best epoch on the validation windows."""
    n_classes, shape = len(data.features.class_names), data.features.tile_shape
    network = fully_connected(n_classes, hidden=[candidate["n_hidden"]], rest=0.5, input_shape=shape)
    model = nn.NetworkClassifier(
        network,
        optimizer=nn.SGD(candidate["learning_rate"], momentum=0.9),
        schedule=nn.LinearDecay(),
        init="lsuv",
        standardize_axes=(0, 2),
        batch_size=candidate["batch_size"],
        max_epochs=epochs,
        random_state=seed,
    )
    model.fit(*data.part("train"), validation_data=data.part("validation"))
    if model.stopped_by_ == "interrupt":  # Ctrl-C ends the search: half a training is no trial
        raise KeyboardInterrupt
    return model


def track_scores(model: Any, data: Data, part: str) -> TrackScores:
    """Return the scores of a model on the tracks of a part, "validation" or "test"."""
    features = data.features
    tracks = features.track_of_tile[getattr(data.split, part)]
    heard, values = metrics.average_by_group(model.predict_proba(data.part(part)[0]), tracks)
    labels = features.tags[heard]
    judged = ~np.isin(features.class_names, data.split.not_evaluable) & labels.any(axis=0) & ~labels.all(axis=0)
    auc = metrics.roc_auc(labels[:, judged], values[:, judged])
    return TrackScores(float(auc), float(metrics.label_ranking_average_precision(labels, values)))


def epochs_of(trial: Trial) -> int:
    """Return how many epochs a trial has taken; a failed one counts as none."""
    return int(trial.details.get("epochs", 0))


def trial_table(results: Mapping[str, SearchResult], rows: int) -> str:
    """Return a table of the best trials of each way to search."""
    lines = [f"{'':12}  {'learning rate':>13}  {'hidden':>6}  {'batch':>5}  {'epochs':>6}  {'ROC-AUC':>7}  {'LRAP':>6}"]
    for name, result in results.items():
        lines += [
            f"{name if rank == 0 else '':12}  {trial.candidate['learning_rate']:>13.4g}  "
            f"{trial.candidate['n_hidden']:>6}  {trial.candidate['batch_size']:>5}  {epochs_of(trial):>6}  "
            f"{trial.score:>7.3f}  {trial.details['lrap']:>6.3f}"
            for rank, trial in enumerate(result.ranked[:rows])
        ]
        if result.failed:
            lines.append(f"{'':12}  {len(result.failed)} failed, such as: {first_line(result.failed[0].error)}")
    return "\n".join(lines)


def winner_table(results: Mapping[str, SearchResult], tested: Mapping[str, TrackScores]) -> str:
    """Return a table of the best candidate of each way, judged on tracks that no choice has seen, and of the costs."""
    heads = f"{'ROC-AUC, validation':>19}  {'ROC-AUC, test':>13}  {'LRAP, test':>10}"
    lines = [f"{'':12}  {'trials':>6}  {'epochs':>6}  {heads}"]
    for name, result in results.items():
        epochs, score = sum(map(epochs_of, result)), result.best.score
        lines.append(
            f"{name:12}  {len(result):>6}  {epochs:>6}  {score:>19.3f}  {tested[name].roc_auc:>13.3f}  "
            f"{tested[name].lrap:>10.3f}"
        )
    return "\n".join(lines)


def trial_rows(results: Mapping[str, SearchResult]) -> Sequence[Sequence[Any]]:
    """Return a row for each trial: method, hyper-parameters, epochs, score, LRAP, seconds, error."""
    rows = []
    for name, result in results.items():
        for trial in result:
            tried = (trial.candidate[key] for key in GRID)
            scores = (trial.score, trial.details.get("lrap"))
            rows.append([name, *tried, epochs_of(trial), *scores, f"{trial.seconds:.1f}", first_line(trial.error)])
    return rows


def first_line(error: str | None) -> str:
    """Return the message of an error without its traceback."""
    return "" if error is None else error.splitlines()[0]
