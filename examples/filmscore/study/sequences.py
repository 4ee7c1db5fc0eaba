"""A recurrent network over the windows of whole tracks. It sees hidden units of the fold's convolutional network.

It is trained on the tracks' labels, one sequence a track, and has one opinion of a track: as the value of each of the
track's windows it stands where the values of the other models do.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.networks import recurrent
from filmscore.study.fitting import Fitted, in_columns, members_of, some_of_each_game
from filmscore.study.folds import CAP, Parts
from filmscore.study.models import BASE, Model


def over_windows(
    model: Model, data: Features, x: np.ndarray, part: Parts, rng: np.random.Generator, kept: Path
) -> Fitted:
    """Train the convolutional network (or read it where it is kept), then the recurrent one on all tracks of the part.

    Raises
    ------
    ValueError
        If a track has windows in two parts, or none at all.
    """
    check_whole_tracks(data, part)
    rows, watched = (some_of_each_game(data, some, rng) for some in (part.train, part.validation))
    (network,), present = members_of(BASE, data, x, rows, watched, rng, kept)
    inner = network.hidden(x)
    heard = inner[part.train]
    inner = (inner - heard.mean(axis=0)) / np.maximum(heard.std(axis=0), 1e-6)
    steps = int(np.bincount(data.track_of_tile).max())
    train, validation, test = (of_part(inner, data, rows, present, steps) for rows in part)
    net = network_of_tracks(model, len(present), train.x.shape[1:])
    params, history = fit(model, net, train, validation, int(rng.integers(2**31)))

    def values(some: Tracks, rows: np.ndarray) -> np.ndarray:
        of_tracks = in_columns(nn.SoftmaxCrossEntropy().predict(nn.predict(net, params, some.x)), present, data)
        return of_tracks[np.searchsorted(some.tracks, data.track_of_tile[rows])]

    return values(validation, part.validation), values(test, part.test), history


class Tracks(NamedTuple):
    """Tracks for training: rising indices, sequences (n, steps, units), the target probability of each label, and
    weights. A track without any of the labels has weight 0."""

    tracks: np.ndarray
    x: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def of_part(inner: np.ndarray, data: Features, rows: np.ndarray, present: np.ndarray, steps: int) -> Tracks:
    """Return the tracks of a part's windows."""
    tracks = np.unique(data.track_of_tile[rows])
    labels = data.tags[tracks][:, present].astype(np.float32)
    known = labels.any(axis=1)
    labels[~known] = 1
    targets = labels / labels.sum(axis=1, keepdims=True)
    weights = np.where(known, track_weights(data, tracks), 0).astype(np.float32)
    return Tracks(tracks, track_sequences(inner, data, tracks, steps), targets, weights)


def network_of_tracks(model: Model, n_classes: int, input_shape: tuple[int, ...]) -> nn.Sequential:
    """Return the recurrent network up to its logits."""
    return nn.Sequential(recurrent(n_classes, units=model.hidden[0], input_shape=input_shape).layers[:-1], input_shape)


def fit(
    model: Model, net: nn.Sequential, train: Tracks, validation: Tracks, seed: int
) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    """Return the parameters of the epoch with the lowest loss on the validation tracks, and a row for each epoch."""
    loss, stopping, history = nn.SoftmaxCrossEntropy(model.label_smoothing), nn.EarlyStopping(), []
    params = net.init(np.random.default_rng((seed, 0)))
    heard = train.weights > 0
    for epoch in nn.train(
        net,
        params,
        train.x[heard],
        train.targets[heard],
        loss=loss,
        optimizer=nn.SGD(model.learning_rate, momentum=model.momentum, weight_decay=model.weight_decay),
        schedule=nn.LinearDecay(),
        max_epochs=model.epochs,
        batch_size=model.batch_size,
        seed=seed,
        sample_weight=train.weights[heard],
    ):
        targets = loss.targets(validation.targets, net.output_shape[-1], np.float32)
        weights = validation.weights / validation.weights.sum()
        watched = loss.value(nn.predict(net, params, validation.x), targets, weights)
        history.append({"epoch": epoch.number, "loss": epoch.loss, "val_loss": float(watched)})
        stopping.update(watched, params, epoch.number)
    return params if stopping.best_params is None else stopping.best_params, history


def check_whole_tracks(data: Features, part: Parts) -> None:
    """Raise ValueError unless each part has all windows of its tracks."""
    part_of_tile = np.zeros(len(data.track_of_tile), int)
    for number, rows in enumerate(part):
        part_of_tile[rows] = number
    first = np.full(len(data.tracks), -1)
    first[data.track_of_tile] = part_of_tile
    torn = np.flatnonzero(first[data.track_of_tile] != part_of_tile)
    if len(torn):
        raise ValueError(
            f"over_windows: part: expected all windows of a track in one part, got those of "
            f"{data.tracks[data.track_of_tile[torn[0]]].id!r} in two. Split by track or by game."
        )


def track_sequences(inner: np.ndarray, data: Features, tracks: np.ndarray, steps: int) -> np.ndarray:
    """Return the hidden units of the windows of each track, in the order of time, padded with NaN.

    Parameters
    ----------
    inner : array, shape (n_tiles, units)
    data : Features
    tracks : array of int
        Index of each track.
    steps : int
        Length of the longest track.

    Returns
    -------
    array of float32, shape (n_tracks, steps, units)

    Raises
    ------
    ValueError
        If a track has no window, since it is shorter than one or silent, or more than `steps`.
    """
    sequences = []
    for track in tracks:
        rows = np.flatnonzero(data.track_of_tile == track)
        if len(rows) == 0:
            window_s = data.tile_shape[1] / data.recipe.frame_rate
            raise ValueError(
                f"track_sequences: {data.tracks[track].id}: expected one window of {window_s:.1f} s or more, got none. "
                "The recording is shorter than that, or silent: leave it out."
            )
        sequences.append(inner[rows[np.argsort(data.start_s[rows], kind="stable")]])
    return nn.pad_sequences(sequences, steps)


def track_weights(data: Features, tracks: np.ndarray) -> np.ndarray:
    """Return weights that let a game count for at most `CAP` windows, as in training on windows."""
    games = data.groups("game")
    n_windows = np.bincount(games)
    game_of_track = np.zeros(len(data.tracks), int)
    game_of_track[data.track_of_tile] = games
    return np.minimum(1.0, CAP / n_windows[game_of_track[tracks]])
