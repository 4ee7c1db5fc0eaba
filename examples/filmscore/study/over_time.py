"""Networks over time and other inputs: a section of the report with a journal of its own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.inputs import INPUTS
from filmscore.networks import UNITS
from filmscore.study import fitting, tables
from filmscore.study.costs import Batch, Cost, measured
from filmscore.study.folds import N_FOLDS
from filmscore.study.models import BASE, OVER_TIME, Model
from filmscore.study.report import CHOOSING, ModelResult, result
from filmscore.study.sequences import network_of_tracks
from filmscore.study.trials import task
from nnlite.model_selection import candidate_key

FOLDS: Mapping[str, Sequence[int]] = {"log_mel": CHOOSING, "log_spectrum": CHOOSING}
"""Folds of the models that take long to train, by their names in `OVER_TIME`; the others have all folds."""


def folds_of(name: str) -> Sequence[int]:
    """Return the folds on which a model of `OVER_TIME` is judged."""
    return FOLDS.get(name, range(N_FOLDS))


def tasks() -> list[dict[str, Any]]:
    """Return all trainings, fold by fold."""
    return [task(model, "game", k) for k in range(N_FOLDS) for name, model in OVER_TIME.items() if k in folds_of(name)]


def blocks(features: Mapping[str, Features], out: Path) -> dict[str, str]:
    """Return Markdown for the section's marker.

    Parameters
    ----------
    features : dict
        The features that the models see, by the names in `filmscore.study.models.FEATURES`.
    out : Path
        Folder with the values, where the costs are kept too.
    """
    batches = {_key(model): functools.partial(batch, model, features[model.features]) for model in OVER_TIME.values()}
    costs = measured(out / "costs.json", batches)
    rows = [_row(name, model, features[model.features], out, costs) for name, model in OVER_TIME.items()]
    return {"over-time": tables.over_time(rows, BASE.title)}


def _row(name: str, model: Model, features: Features, out: Path, costs: Mapping[str, Cost]) -> tables.OverTime:
    base: ModelResult = result(features, out, BASE, chosen=folds_of(name))
    own: ModelResult = result(features, out, model, chosen=folds_of(name))
    folds = "all" if len(folds_of(name)) == N_FOLDS else ", ".join(map(str, folds_of(name)))
    cost = costs[_key(model)] + costs[_key(BASE)] if model.kind == "track" else costs[_key(model)]
    return tables.OverTime(model.title, folds, own.track, None if model is BASE else base.track, cost)


def _key(model: Model) -> str:
    return candidate_key(model.settings)


def batch(model: Model, features: Features) -> Batch:
    """Return a batch for a model, as large as those that it is trained on, with noise in place of music."""
    rng, n_classes = np.random.default_rng(0), len(features.class_names)
    if model.kind == "track":  # as many windows as tracks of the corpus have
        lengths = np.bincount(features.track_of_tile)
        some = lengths[rng.choice(len(lengths), min(model.batch_size, len(lengths)), replace=False)]
        inner = [rng.standard_normal((n, UNITS), np.float32) for n in some]
        x = nn.pad_sequences(inner, int(lengths.max()))
        network, n_windows = network_of_tracks(model, n_classes, x.shape[1:]), int(some.sum())
    else:
        shape = INPUTS[model.inputs](np.zeros((1, *features.tile_shape), np.float32)).shape[1:]
        x = rng.standard_normal((model.batch_size, *shape), np.float32)
        network, n_windows = fitting.network(model, n_classes, shape), len(x)
    optimizer = nn.SGD(model.learning_rate, momentum=model.momentum)
    return Batch(network, nn.SoftmaxCrossEntropy(), optimizer, x, n_windows)
