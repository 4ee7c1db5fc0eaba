"""One model on one fold: it is trained, and its values for validation and test windows are kept in a file."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from filmscore.features import Features, load_features
from filmscore.features.arrays import open_arrays
from filmscore.files import replace_file
from filmscore.inputs import INPUTS
from filmscore.study import fitting
from filmscore.study.folds import parts, stored_folds
from filmscore.study.models import BASE, Model
from filmscore.study.sequences import over_windows
from nnlite import metrics
from nnlite.model_selection import candidate_key

FITS = fitting.FITS | {"track": over_windows}
"""The function that trains each kind of model."""


class Values(NamedTuple):
    """The values of a model, shape (n_rows, n_classes), with their rows in the features, and its training history."""

    validation_rows: np.ndarray
    validation: np.ndarray
    test_rows: np.ndarray
    test: np.ndarray
    history: list[dict[str, float]]


def task(model: Model, by: str, fold: int, seed: int = 0) -> dict[str, Any]:
    """Return the argument of `run`: all that the values depend on, as JSON types."""
    return {"model": model.settings, "by": by, "fold": fold, "seed": seed}


def values_path(out: Path, task: dict[str, Any]) -> Path:
    """Return the path of the values of a task."""
    return out / "values" / f"{candidate_key(task)}.npz"


def read_values(path: Path) -> Values:
    """Read the values that `run` kept."""
    with open_arrays(path) as array:
        history = json.loads(array("history").tobytes())
        return Values(*map(array, Values._fields[:-1]), history)


def write_values(path: Path, values: Values) -> None:
    """Keep values in a file, as float32, for `read_values`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as file:
        written = np.frombuffer(json.dumps(values.history).encode(), np.uint8)
        said = (values.validation.astype(np.float32), values.test.astype(np.float32))
        arrays = (values.validation_rows, said[0], values.test_rows, said[1], written)
        np.savez(file, **dict(zip(Values._fields, arrays, strict=True)))


def run(task: dict[str, Any], *, features: dict[str, str], out: str) -> dict[str, float]:
    """Train a model on a fold and keep its values in a file; returns the mean ROC-AUC of the fold's tracks.

    Parameters
    ----------
    task : dict
        From `task`.
    features : dict
        Folder of each of the features that models see (`filmscore.study.models.FEATURES`): {"11025.0": ...}.
    out : str
        Folder with the folds, where the values go.
    """
    settings = task["model"]
    model = Model("", **settings | {"hidden": tuple(settings["hidden"])})
    data, tiles = read_seen(features[model.features], model.inputs, model.scaling)
    folds, _ = stored_folds(Path(out) / f"folds-{task['by']}.json", data, task["by"])
    part = parts(folds, task["fold"])
    # The same windows and the same seeds of networks for all models that are compared on a fold.
    rng = np.random.default_rng((task["seed"], task["fold"]))
    of = model if fitting.is_long(model) else BASE
    kept = Path(out) / "networks" / f"{candidate_key(task | {'model': of.settings})}.npz"
    validation, test, history = FITS[model.kind](model, data, tiles, part, rng, kept)
    write_values(values_path(Path(out), task), Values(part.validation, validation, part.test, test, history))
    tracks, values = metrics.average_by_group(test, data.track_of_tile[part.test])
    return {"roc_auc": _macro_auc(data.tags[tracks], values.astype(np.float32)), "epochs": float(len(history))}


def _macro_auc(y: np.ndarray, values: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)
        return float(metrics.roc_auc(y, values))


@cache
def read_seen(folder: str, inputs: str, scaling: str | None = None) -> tuple[Features, np.ndarray]:
    """Features, and their tiles as a model takes them."""
    data = load_features(folder)
    tiles = INPUTS[inputs](np.asarray(data.tiles))
    if scaling == "track":
        tiles = track_scaled(tiles, data.track_of_tile)
    return data, tiles


def track_scaled(tiles: np.ndarray, tracks: np.ndarray) -> np.ndarray:
    """Scale each coefficient to mean 0 and deviation 1 over its track: cepstral mean and variance normalisation."""
    result = np.empty_like(tiles)
    for track in np.unique(tracks):
        rows = tracks == track
        mean = tiles[rows].mean(axis=(0, 2), keepdims=True)
        deviation = tiles[rows].std(axis=(0, 2), keepdims=True)
        result[rows] = (tiles[rows] - mean) / np.maximum(deviation, 1e-3)
    return result
