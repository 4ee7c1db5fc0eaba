"""Training of each kind of model on a part of the windows, and its values for the others."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.augmentation import Augmentation
from filmscore.features import Features
from filmscore.inputs import INPUTS
from filmscore.networks import convolutional, convolutional_recurrent, fully_connected, recurrent
from filmscore.study.folds import CAP, Parts
from filmscore.study.models import BASE, Model
from nnlite.estimators.ensemble import BaggedEnsembleWarning
from nnlite.model_selection import balanced_weights, capped_rows

LONG_RUN = 100
"""Epochs from which a training keeps its state in a file, and goes on from there after an interruption."""

Fitted = tuple[np.ndarray, np.ndarray, list[dict[str, float]]]


def some_of_each_game(data: Features, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return at most `CAP` rows of each game, for training or for choosing the best epoch."""
    return rows[capped_rows(data.groups("game")[rows], CAP, rng)]


def _prior(
    model: Model, data: Features, tiles: np.ndarray, part: Parts, rng: np.random.Generator, kept: Path
) -> Fitted:
    """Return the shares of the genres in the training part, for every window."""
    shares = data.labels[some_of_each_game(data, part.train, rng)].mean(axis=0)
    return np.tile(shares, (len(part.validation), 1)), np.tile(shares, (len(part.test), 1)), []


def _logistic(model: Model, data: Features, x: np.ndarray, part: Parts, rng: np.random.Generator, kept: Path) -> Fitted:
    """Logistic regression: on mean and deviation of each coefficient, what is left if time within a window is not."""
    x = as_seen(model, x)
    return _fitted(model, data, x, part, rng, kept)


def _fitted(model: Model, data: Features, x: np.ndarray, part: Parts, rng: np.random.Generator, kept: Path) -> Fitted:
    """Train as the model says; with `refit` a second time on the validation part too, for the test part's values."""
    rows, watched = (some_of_each_game(data, some, rng) for some in (part.train, part.validation))
    fit = _fit_binary if model.binary else functools.partial(_fit, kept=kept)
    predict, history = fit(model, data, x, rows, watched, rng)
    validation = predict(nn.Rows(x, part.validation))
    if model.refit:
        fit = _fit_binary if model.binary else _fit
        predict, history = fit(model, data, x, np.concatenate([rows, watched]), None, rng)
    return validation, predict(nn.Rows(x, part.test)), history


def as_seen(model: Model, x: np.ndarray) -> np.ndarray:
    """Return mean and deviation of each coefficient for logistic regression, and x itself for all others."""
    if model.kind != "logistic" or INPUTS[model.inputs].time_axis is None:
        return x
    return np.concatenate([x.mean(axis=(2, 3)), x.std(axis=(2, 3))], axis=1)


Predict = Callable[[Any], np.ndarray]


def _fit(
    model: Model,
    data: Features,
    x: np.ndarray,
    rows: np.ndarray,
    watched: np.ndarray | None,
    rng: np.random.Generator,
    kept: Path | None = None,
) -> tuple[Predict, list[dict[str, float]]]:
    """Train as many networks as the model has bags, and average their values; 0 for genres without training windows."""
    members, present = members_of(model, data, x, rows, watched, rng, kept)

    def predict(samples: Any) -> np.ndarray:
        return in_columns(np.mean([member.predict_proba(samples) for member in members], axis=0), present, data)

    return predict, [row for member in members for row in member.history_]


def members_of(
    model: Model,
    data: Features,
    x: np.ndarray,
    rows: np.ndarray,
    watched: np.ndarray | None,
    rng: np.random.Generator,
    kept: Path | None = None,
) -> tuple[list[Any], np.ndarray]:
    """Train as many networks as the model has bags; return them with the classes that they know.

    Parameters
    ----------
    kept : Path, optional
        File for the training state of a long run, or of the convolutional network, which other models build on. A
        complete one is read and not trained again.
    """
    present = np.flatnonzero(data.labels[rows].any(axis=0))
    labels = data.labels[:, present].astype(np.float32)
    held_out = None
    if watched is not None:
        watched = watched[labels[watched].any(axis=1)]
        held_out = (nn.Rows(x, watched), labels[watched])
    members = []
    for _ in range(model.bags):
        member: Any = classifier(model, len(present), x.shape[1:], int(rng.integers(2**31)))
        if kept is not None and (model.settings == BASE.settings or is_long(model)):
            kept.parent.mkdir(parents=True, exist_ok=True)
            member.checkpoint, member.checkpoint_every = kept, max(1, model.epochs // LONG_RUN)
        if model.torch:
            from filmscore.torch_twin import TorchTwin

            member = TorchTwin(member)
        member.fit(nn.Rows(x, rows), labels[rows], sample_weight=_weights(model, data, rows), validation_data=held_out)
        members.append(member)
    return members, present


def is_long(model: Model) -> bool:
    """Return whether the state of a model's training is kept: a convolutional network of many epochs."""
    return model.kind == "cnn" and model.bags == 1 and model.epochs >= LONG_RUN


def in_columns(values: np.ndarray, present: np.ndarray, data: Features) -> np.ndarray:
    """Return values of some classes in the columns of all; 0 for the others."""
    result = np.zeros((len(values), len(data.class_names)))
    result[:, present] = values
    return result


def _fit_binary(
    model: Model, data: Features, x: np.ndarray, rows: np.ndarray, watched: np.ndarray | None, rng: np.random.Generator
) -> tuple[Predict, list[dict[str, float]]]:
    """Train networks for each genre, each on all its positives and a random sample of negatives."""
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
    """Return the layers of a model up to its logits."""
    if model.kind == "logistic":
        return nn.Sequential([nn.Flatten(), nn.Dense(n_outputs)], input_shape)
    if model.kind == "gru":
        built = recurrent(n_outputs, units=model.hidden[0], input_shape=input_shape)
        return nn.Sequential(built.layers[:-1], input_shape)
    settings: dict[str, Any] = {"activation": model.activation, "rest": model.rest, "input_shape": input_shape}
    if model.kind == "mlp":
        built = fully_connected(n_outputs, hidden=model.hidden, **settings)
    elif model.kind == "crnn":
        built = convolutional_recurrent(n_outputs, units=model.hidden[0], first_pool=model.first_pool, **settings)
    else:
        built = convolutional(n_outputs, first_pool=model.first_pool, **settings)
    return nn.Sequential(built.layers[:-1], input_shape)


def classifier(model: Model, n_outputs: int, input_shape: tuple[int, ...], seed: int) -> nn.NetworkClassifier:
    """Return the estimator with a model's settings; the loss says what its logits mean."""
    axes = None
    if model.scaling:  # each coefficient, or each number if there is no time axis
        time_axis = INPUTS[model.inputs].time_axis
        axes = (0,) if time_axis is None or len(input_shape) == 1 else (0, time_axis)
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
    """Return the estimator of a model of binary networks."""
    average = "logit" if model.average == "logit" else "probability"
    return nn.BaggedEnsemble(
        classifier(model, 1, input_shape, seed),
        n_bags=model.bags,
        average=average,
        prior=model.prior,
        random_state=seed,
    )


FITS: dict[str, Callable[..., Fitted]] = {
    "prior": _prior,
    "logistic": _logistic,
    **dict.fromkeys(("mlp", "cnn", "gru", "crnn"), _fitted),
}
