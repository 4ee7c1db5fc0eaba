"""Networks over time and other inputs: a section of the report with a journal of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from filmscore.features import Features
from filmscore.study import tables
from filmscore.study.costs import Batch, Cost, measured
from filmscore.study.fitting import classifier
from filmscore.study.folds import N_FOLDS
from filmscore.study.models import BASE, OVER_TIME, Model
from filmscore.study.report import CHOOSING, Result, result
from filmscore.study.trials import task
from nnlite.model_selection import candidate_key

FOLDS: Mapping[str, Sequence[int]] = {"log_mel": CHOOSING, "log_spectrum": CHOOSING}
"""Where the dear ones are judged, by their names in `OVER_TIME`; the others on all folds."""


def folds_of(name: str) -> Sequence[int]:
    """Folds on which a model of `OVER_TIME` is judged."""
    return FOLDS.get(name, range(N_FOLDS))


def tasks() -> list[dict[str, Any]]:
    """What there is to train, fold by fold."""
    return [task(model, "game", k) for k in range(N_FOLDS) for name, model in OVER_TIME.items() if k in folds_of(name)]


def blocks(features: Mapping[str, Features], out: Path) -> dict[str, str]:
    """Markdown for the section's marker.

    Parameters
    ----------
    features : dict
        Of each of `filmscore.study.models.FEATURES` that the models see.
    out : Path
        Folder with the values, where the costs are kept too.
    """
    costs = measured(out / "costs.json", {_key(model): _batch(model, features) for model in OVER_TIME.values()})
    rows = [_row(name, model, features[model.features], out, costs) for name, model in OVER_TIME.items()]
    return {"over-time": tables.over_time(rows, BASE.title)}


def _row(name: str, model: Model, features: Features, out: Path, costs: Mapping[str, Cost]) -> tables.OverTime:
    base: Result = result(features, out, BASE, chosen=folds_of(name))
    own: Result = result(features, out, model, chosen=folds_of(name))
    folds = "all" if len(folds_of(name)) == N_FOLDS else ", ".join(map(str, folds_of(name)))
    return tables.OverTime(model.title, folds, own.track, None if model is BASE else base.track, costs[_key(model)])


def _key(model: Model) -> str:
    return candidate_key(model.settings)


def _batch(model: Model, features: Mapping[str, Features]) -> Callable[[], Batch]:
    def made() -> Batch:
        data = features[model.features]
        x = np.random.default_rng(0).standard_normal((model.batch_size, *data.tile_shape), np.float32)
        return Batch(classifier(model, len(data.class_names), data.tile_shape, 0), x, len(x))

    return made
