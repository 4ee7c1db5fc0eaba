"""Six folds of the corpus by game, by track or by window, in a file with its hash."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from filmscore.composers import composer_groups
from filmscore.features import Features
from nnlite.model_selection import SplitWarning, fold_hash, folds_by_group, folds_of_rows, grouped_stratified_folds
from nnlite.model_selection import read_folds as read
from nnlite.model_selection import write_folds as write

N_FOLDS = 6
CAP = 150
"""Most windows of a game in training and in the balance of the folds: two games hold a quarter of the corpus."""


class Parts(NamedTuple):
    """The row numbers of the windows of three parts, rising."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def group_names(features: Features, by: str) -> np.ndarray:
    """Return for each window the name of its group, which must stay together.

    That is its game or film, its track, itself, or the films that composers tie together.
    """
    if by not in ("game", "track", "window", "composer"):
        raise ValueError(f"folds: by: expected game, track, window or composer, got {by!r}")
    if by == "composer":
        group = composer_groups(features.tracks)
        return np.array([group[track.game] for track in features.tracks])[features.track_of_tile]
    if by == "game":
        return np.array([track.game for track in features.tracks])[features.track_of_tile]
    tracks = np.array([track.id for track in features.tracks])[features.track_of_tile]
    if by == "track":
        return tracks
    return np.array([f"{track} @ {start:.3f}" for track, start in zip(tracks, features.start_s, strict=True)])


def make_folds(features: Features, by: str, seed: int = 0) -> dict[str, int]:
    """Return the fold of each group, every genre in as many folds as possible; a game counts as `CAP` windows at
    most."""
    games = features.groups("game")
    weights = np.minimum(1.0, CAP / np.bincount(games))[games]
    groups = group_names(features, by)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitWarning)  # three genres have two soundtracks: the report names them
        folds = grouped_stratified_folds(features.labels, groups, N_FOLDS, np.random.default_rng(seed), weights=weights)
    return folds_by_group(folds, groups)


def stored_folds(path: Path, features: Features, by: str) -> tuple[np.ndarray, str]:
    """Return the fold of each window and the hash of the assignment, which is made once, then read from the file."""
    if not path.is_file():
        write(path, make_folds(features, by))
    assignment = read(path)
    return folds_of_rows(assignment, group_names(features, by)), fold_hash(assignment)


def parts(folds: np.ndarray, fold: int) -> Parts:
    """Return parts that test on a fold, choose the best epoch and thresholds on the next, and train on the rest."""
    following = (fold + 1) % N_FOLDS
    return Parts(
        np.flatnonzero((folds != fold) & (folds != following)),
        np.flatnonzero(folds == following),
        np.flatnonzero(folds == fold),
    )
