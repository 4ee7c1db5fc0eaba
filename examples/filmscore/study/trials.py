"""One model on one fold: train, and keep its values for validation and test windows in a file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.arrays import open_arrays
from filmscore.augmentation import Augmentation
from filmscore.features import Features, load_features
from filmscore.files import replace_file
from filmscore.inputs import INPUTS
from filmscore.networks import convolutional, fully_connected
from filmscore.study.folds import CAP, Parts, parts, stored_folds
from filmscore.study.models import Model
from nnlite import metrics
from nnlite.ensemble import BaggedEnsembleWarning
from nnlite.model_selection import balanced_weights, candidate_key, capped_rows


class Values(NamedTuple):
    """What a model says: rows into the features, values of shape (n_rows, n_classes), and how training went."""

    validation_rows: np.ndarray
    validation: np.ndarray
    test_rows: np.ndarray
    test: np.ndarray
    history: list[dict[str, float]]


def task(model: Model, by: str, fold: int, seed: int = 0) -> dict[str, Any]:
    """What `run` takes: all that decides about the values, in words that JSON has."""
    return {"model": model.settings, "by": by, "fold": fold, "seed": seed}


def values_path(out: Path, task: dict[str, Any]) -> Path:
    """Where the values of a task are kept."""
    return out / "values" / f"{candidate_key(task)}.npz"


def read_values(path: Path) -> Values:
    """What `run` kept."""
    with open_arrays(path) as array:
        history = json.loads(array("history").tobytes())
        return Values(*map(array, Values._fields[:-1]), history)


def run(task: dict[str, Any], *, features: dict[str, str], out: str) -> dict[str, float]:
    """Train a model on a fold and keep its values in a file; returns the mean ROC-AUC of the fold's tracks.

    Parameters
    ----------
    task : dict
        From `task`.
    features : dict
        Folder of the features for each upper edge of the mel bands, as a string: {"11025.0": ...}.
    out : str
        Folder with the folds, where the values go.
    """
    settings = task["model"]
    model = Model("", **settings | {"hidden": tuple(settings["hidden"])})
    data, tiles = _read(features[str(model.bands_hz)], model.inputs, model.scaling)
    folds, _ = stored_folds(Path(out) / f"folds-{task['by']}.json", data, task["by"])
    part = parts(folds, task["fold"])
    # The same windows and the same seeds of networks for all models that are compared on a fold.
    rng = np.random.default_rng((task["seed"], task["fold"]))
    validation, test, history = FITS[model.kind](model, data, tiles, part, rng)
    path = values_path(Path(out), task)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as file:
        written = np.frombuffer(json.dumps(history).encode(), np.uint8)
        arrays = (part.validation, validation.astype(np.float32), part.test, test.astype(np.float32), written)
        np.savez(file, **dict(zip(Values._fields, arrays, strict=True)))
    tracks, values = metrics.average_by_group(test, data.track_of_tile[part.test])
    return {"roc_auc": _macro_auc(data.tags[tracks], values.astype(np.float32)), "epochs": float(len(history))}


def some_of_each_game(data: Features, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most `CAP` of the rows of each game: what training sees, and what chooses its best epoch."""
    return rows[capped_rows(data.groups("game")[rows], CAP, rng)]


def _macro_auc(y: np.ndarray, values: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)
        return float(metrics.roc_auc(y, values))


@cache
def _read(folder: str, inputs: str, scaling: str | None) -> tuple[Features, np.ndarray]:
    """Features, and their tiles as a model takes them."""
    data = load_features(folder)
    tiles = INPUTS[inputs](np.asarray(data.tiles))
    if scaling == "track":
        tiles = track_scaled(tiles, data.track_of_tile)
    return data, tiles


def track_scaled(tiles: np.ndarray, tracks: np.ndarray) -> np.ndarray:
    """Each coefficient with mean 0 and deviation 1 over its track: cepstral mean and variance normalisation."""
    result = np.empty_like(tiles)
    for track in np.unique(tracks):
        rows = tracks == track
        mean = tiles[rows].mean(axis=(0, 2), keepdims=True)
        deviation = tiles[rows].std(axis=(0, 2), keepdims=True)
        result[rows] = (tiles[rows] - mean) / np.maximum(deviation, 1e-3)
    return result


Fitted = tuple[np.ndarray, np.ndarray, list[dict[str, float]]]


def _prior(model: Model, data: Features, tiles: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    """The shares of the genres in the training part, for every window."""
    shares = data.labels[some_of_each_game(data, part.train, rng)].mean(axis=0)
    return np.tile(shares, (len(part.validation), 1)), np.tile(shares, (len(part.test), 1)), []


def _logistic(model: Model, data: Features, x: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    """Logistic regression: on mean and deviation of each coefficient, what is left if time within a window is not."""
    if model.inputs != "modulation":
        x = np.concatenate([x.mean(axis=(2, 3)), x.std(axis=(2, 3))], axis=1)
    return _fitted(model, data, x, part, rng)


def _fitted(model: Model, data: Features, x: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    """Train as the model says; with `refit` a second time on the validation part too, for the test part's values."""
    rows, watched = (some_of_each_game(data, some, rng) for some in (part.train, part.validation))
    fit = _fit_binary if model.binary else _fit
    predict, history = fit(model, data, x, rows, watched, rng)
    validation = predict(nn.Rows(x, part.validation))
    if model.refit:
        predict, history = fit(model, data, x, np.concatenate([rows, watched]), None, rng)
    return validation, predict(nn.Rows(x, part.test)), history


Predict = Callable[[Any], np.ndarray]


def _fit(
    model: Model, data: Features, x: np.ndarray, rows: np.ndarray, watched: np.ndarray | None, rng: np.random.Generator
) -> tuple[Predict, list[dict[str, float]]]:
    """As many networks as the model has bags; their mean values, 0 for genres that training has none of."""
    present = np.flatnonzero(data.labels[rows].any(axis=0))
    labels = data.labels[:, present].astype(np.float32)
    held_out = None
    if watched is not None:
        watched = watched[labels[watched].any(axis=1)]
        held_out = (nn.Rows(x, watched), labels[watched])
    members, history = [], []
    for _ in range(model.bags):
        member: Any = classifier(model, len(present), x.shape[1:], int(rng.integers(2**31)))
        if model.torch:
            from filmscore.torch_twin import TorchTwin

            member = TorchTwin(member)
        member.fit(nn.Rows(x, rows), labels[rows], sample_weight=_weights(model, data, rows), validation_data=held_out)
        members.append(member)
        history += member.history_

    def predict(samples: Any) -> np.ndarray:
        values = np.zeros((len(samples), len(data.class_names)))
        values[:, present] = np.mean([member.predict_proba(samples) for member in members], axis=0)
        return values

    return predict, history


def _fit_binary(
    model: Model, data: Features, x: np.ndarray, rows: np.ndarray, watched: np.ndarray | None, rng: np.random.Generator
) -> tuple[Predict, list[dict[str, float]]]:
    """Networks for each genre, each on all its positives and a random sample of negatives."""
    fitted = ensemble(model, x.shape[1:], int(rng.integers(2**31)))
    held_out = None if watched is None else (nn.Rows(x, watched), data.labels[watched])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaggedEnsembleWarning)  # genres of two soundtracks: the report names them
        fitted.fit(
            nn.Rows(x, rows), data.labels[rows], sample_weight=_weights(model, data, rows), validation_data=held_out
        )
    return fitted.predict_proba, [row for bags in fitted.members_ for member in bags for row in member.history_]


def _weights(model: Model, data: Features, rows: np.ndarray) -> np.ndarray | None:
    return balanced_weights(data.groups("game")[rows]) if model.by_game else None


def network(model: Model, n_outputs: int, input_shape: tuple[int, ...]) -> nn.Sequential:
    """The layers of a model up to its logits."""
    if model.kind == "logistic":
        return nn.Sequential([nn.Flatten(), nn.Dense(n_outputs)], input_shape)
    settings: dict[str, Any] = {"activation": model.activation, "rest": model.rest, "input_shape": input_shape}
    if model.kind == "mlp":
        built = fully_connected(n_outputs, hidden=model.hidden, **settings)
    else:
        built = convolutional(n_outputs, **settings)
    return nn.Sequential(built.layers[:-1], input_shape)


def classifier(model: Model, n_outputs: int, input_shape: tuple[int, ...], seed: int) -> nn.NetworkClassifier:
    """The estimator of a model's settings; the loss says what its logits mean."""
    axes = None
    if model.scaling:  # each coefficient, or each number where there are no frames
        axes = (0, 2) if len(input_shape) == 3 and model.inputs != "modulation" else (0,)
    loss = nn.SoftmaxCrossEntropy if model.outputs == "softmax" and not model.binary else nn.SigmoidCrossEntropy
    return nn.NetworkClassifier(
        network(model, n_outputs, input_shape),
        loss=loss(label_smoothing=model.label_smoothing),
        optimizer=nn.SGD(model.learning_rate, momentum=model.momentum, weight_decay=model.weight_decay),
        schedule=nn.LinearDecay(),
        init=model.init,
        standardize_axes=axes,
        batch_size=model.batch_size,
        max_epochs=model.epochs,
        validation_fraction=0,
        augment=Augmentation(model.augment) if model.augment else None,
        random_state=seed,
    )


def ensemble(model: Model, input_shape: tuple[int, ...], seed: int) -> nn.BaggedEnsemble:
    """The estimator of a model of binary networks."""
    average = "logit" if model.average == "logit" else "probability"
    return nn.BaggedEnsemble(
        classifier(model, 1, input_shape, seed),
        n_bags=model.bags,
        average=average,
        prior=model.prior,
        random_state=seed,
    )


FITS: dict[str, Callable[..., Fitted]] = {"prior": _prior, "logistic": _logistic, "mlp": _fitted, "cnn": _fitted}
