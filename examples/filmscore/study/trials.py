"""One model on one fold: train, and keep its values for validation and test windows in a file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.augmentation import Augmentation
from filmscore.features import Features, load_features
from filmscore.files import replace_file
from filmscore.networks import convolutional, fully_connected
from filmscore.study.folds import CAP, Parts, parts, stored_folds
from filmscore.study.models import Model
from nnlite import metrics
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
    with np.load(path, allow_pickle=False) as archive:
        history = json.loads(archive["history"].tobytes())
        return Values(*(archive[name] for name in Values._fields[:-1]), history)


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
    model = Model("", **task["model"])
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
    tiles = np.asarray(data.tiles)
    if inputs == "log_mel":
        tiles = log_mel(tiles)
    if scaling == "track":
        tiles = track_scaled(tiles, data.track_of_tile)
    return data, tiles


def log_mel(tiles: np.ndarray) -> np.ndarray:
    """Logarithms of the 41 mel bands that 40 orthonormal coefficients stand for, each frame's mean removed."""
    n = tiles.shape[1] + 1
    k, band = np.arange(1, n)[:, None], np.arange(n)
    basis = np.sqrt(2 / n) * np.cos(np.pi * k * (band + 0.5) / n)
    return np.einsum("kb,nkfc->nbfc", basis.astype(np.float32), tiles, optimize=True)


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


def _logistic(model: Model, data: Features, tiles: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    """Logistic regression on mean and deviation of each coefficient: what is left if time within a window is not."""
    summary = np.concatenate([tiles.mean(axis=(2, 3)), tiles.std(axis=(2, 3))], axis=1)

    def network(n_classes: int) -> nn.Sequential:
        return nn.Sequential([nn.Dense(n_classes), nn.Softmax()], summary.shape[1:])

    return _fit(model, network, data, summary, part, rng)


def _network(model: Model, data: Features, tiles: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    build = fully_connected if model.kind == "mlp" else convolutional
    settings = {"activation": model.activation, "rest": model.rest, "input_shape": tiles.shape[1:]}
    return _fit(model, partial(build, **settings), data, tiles, part, rng)


def _fit(
    model: Model,
    network: Callable[[int], nn.Sequential],
    data: Features,
    x: np.ndarray,
    part: Parts,
    rng: np.random.Generator,
) -> Fitted:
    """Train as many networks as the model has bags and average their values; 0 for genres that training has none of."""
    rows, watched = (some_of_each_game(data, some, rng) for some in (part.train, part.validation))
    present = np.flatnonzero(data.labels[rows].any(axis=0))
    labels = data.labels[:, present].astype(np.float32)
    watched = watched[labels[watched].any(axis=1)]
    of_loss = nn.SoftmaxCrossEntropy if model.outputs == "softmax" else nn.SigmoidCrossEntropy
    layers = network(len(present)).layers[:-1]  # the loss says what the logits mean
    validation, test = (np.zeros((len(some), len(data.class_names))) for some in (part.validation, part.test))
    history = []
    for _ in range(model.bags):
        fitted: Any = classifier(model, nn.Sequential(layers, x.shape[1:]), int(rng.integers(2**31)))
        fitted.loss = of_loss(label_smoothing=model.label_smoothing)
        if model.torch:
            from filmscore.torch_twin import TorchTwin

            fitted = TorchTwin(fitted)
        fitted.fit(
            nn.Rows(x, rows),
            labels[rows],
            sample_weight=balanced_weights(data.groups("game")[rows]) if model.by_game else None,
            validation_data=(nn.Rows(x, watched), labels[watched]),
        )
        history += fitted.history_
        validation[:, present] += fitted.predict_proba(nn.Rows(x, part.validation)) / model.bags
        test[:, present] += fitted.predict_proba(nn.Rows(x, part.test)) / model.bags
    return validation, test, history


def _ensemble(model: Model, data: Features, tiles: np.ndarray, part: Parts, rng: np.random.Generator) -> Fitted:
    """Binary networks, each on all positives of a genre and a random sample of negatives."""
    fitted = ensemble(model, tiles.shape[1:], int(rng.integers(2**31)))
    rows, watched = (some_of_each_game(data, some, rng) for some in (part.train, part.validation))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nn.BaggedEnsembleWarning)  # genres of two soundtracks: the report names them
        fitted.fit(
            nn.Rows(tiles, rows),
            data.labels[rows],
            sample_weight=balanced_weights(data.groups("game")[rows]) if model.by_game else None,
            validation_data=(nn.Rows(tiles, watched), data.labels[watched]),
        )
    history = [row for members in fitted.members_ for member in members for row in member.history_]
    validation, test = (fitted.predict_proba(nn.Rows(tiles, some)) for some in (part.validation, part.test))
    return validation, test, history


def classifier(model: Model, network: nn.Sequential, seed: int) -> nn.NetworkClassifier:
    """The estimator of a model's settings."""
    scaled = (0, 2) if len(network.input_shape) == 3 else (0,)
    return nn.NetworkClassifier(
        network,
        optimizer=nn.SGD(model.learning_rate, momentum=model.momentum),
        schedule=nn.LinearDecay(),
        init=model.init,
        standardize_axes=scaled if model.scaling else None,
        batch_size=model.batch_size,
        max_epochs=model.epochs,
        augment=Augmentation(model.augment) if model.augment else None,
        random_state=seed,
    )


def ensemble(model: Model, input_shape: tuple[int, ...], seed: int) -> nn.BaggedEnsemble:
    """The estimator of an ensemble's settings."""
    network = convolutional(
        1, activation=model.activation, rest=model.rest, output=nn.Sigmoid(), input_shape=input_shape
    )
    return nn.BaggedEnsemble(
        classifier(model, network, seed),
        n_bags=model.bags,
        average="logit" if model.average == "logit" else "probability",
        prior=model.prior,
        random_state=seed,
    )


FITS: dict[str, Callable[..., Fitted]] = {
    "prior": _prior,
    "logistic": _logistic,
    "mlp": _network,
    "cnn": _network,
    "ensemble": _ensemble,
}
