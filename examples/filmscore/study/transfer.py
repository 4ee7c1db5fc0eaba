"""From games to films and back: train on one corpus, the other, or both, and keep what is said of unheard music."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.study import trials
from filmscore.study.fitting import as_seen, classifier, ensemble, some_of_each_game
from filmscore.study.folds import N_FOLDS, stored_folds
from filmscore.study.models import Model
from filmscore.study.trials import Values, values_path, write_values
from nnlite.calibration import log_odds_of
from nnlite.estimators.ensemble import BaggedEnsembleWarning
from nnlite.model_selection import balanced_weights

GAMES_SHARE = 0.4
"""Share of the games in the weight of training, where films train as well."""

SETTINGS = {
    "games-films": "games",
    "films": "other films",
    "both": "other films and games",
    "films-games": "films",
}
"""The music that trains a model in each setting. Films test it, in the last setting games."""


class Heard(NamedTuple):
    """Windows that a model is trained on: features, what the model sees of all of their tiles, and row numbers."""

    data: Features
    x: np.ndarray
    rows: np.ndarray


def task(model: Model, setting: str, fold: int = 0, by: str = "game", seed: int = 0) -> dict[str, Any]:
    """Return what `run` takes: all that decides about the values, in words that JSON has."""
    return {"model": model.settings, "setting": setting, "by": by, "fold": fold, "seed": seed}


def tasks_of(model: Model, setting: str, by: str = "game") -> list[dict[str, Any]]:
    """Return the tasks after which every film (or game) has been tested."""
    folds = range(N_FOLDS) if setting in ("films", "both") else (0,)
    return [task(model, setting, fold, by) for fold in folds]


def run(task: dict[str, Any], *, games: str, films: str, out: str) -> dict[str, float]:
    """Train a model and keep its log-odds for the windows that test it; return how many windows trained and tested.

    Parameters
    ----------
    task : dict
        From `task`.
    games, films : str
        Folders of the features that the model sees.
    out : str
        Folder with the folds of films, where the values go.
    """
    settings = task["model"]
    model = Model("", **settings | {"hidden": tuple(settings["hidden"])})
    rng = np.random.default_rng((task["seed"], task["fold"]))
    of_games, of_films = (Heard(*_seen(folder, model), np.empty(0, int)) for folder in (games, films))
    of_games = of_games._replace(rows=some_of_each_game(of_games.data, np.arange(len(of_games.x)), rng))
    of_films = of_films._replace(rows=np.arange(len(of_films.x)))
    tested, test = of_films, of_films.rows
    if task["setting"] in ("films", "both"):
        folds, _ = stored_folds(Path(out) / f"folds-films-{task['by']}.json", of_films.data, task["by"])
        test, of_films = (
            np.flatnonzero(folds == task["fold"]),
            of_films._replace(rows=np.flatnonzero(folds != task["fold"])),
        )
    elif task["setting"] == "films-games":
        tested, test = of_games, np.arange(len(of_games.x))
    heard = {"games-films": [of_games], "both": [of_films, of_games]}.get(task["setting"], [of_films])
    said = predictor(model, heard, int(rng.integers(2**31)))(tested.x[test])
    nothing = np.empty(0, int)
    write_values(values_path(Path(out), task), Values(nothing, np.empty((0, said.shape[1])), test, said, []))
    return {"trained": float(sum(len(some.rows) for some in heard)), "tested": float(len(test))}


def _seen(folder: str, model: Model) -> tuple[Features, np.ndarray]:
    data, tiles = trials.read_seen(folder, model.inputs)
    return data, as_seen(model, tiles)


class Predictor(NamedTuple):
    """Log-odds of all classes by an estimator that knows some of them; the others have constants.

    Attributes
    ----------
    estimator : NetworkClassifier, BaggedEnsemble or None
        None: constants for all, the prior.
    present : array of int
        Classes in the order of the estimator's outputs.
    constants : array, shape (n_classes,)
    """

    estimator: Any
    present: np.ndarray
    constants: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return log-odds, shape (n, n_classes)."""
        said = np.tile(self.constants, (len(x), 1))
        if self.estimator is not None:
            said[:, self.present] = self.estimator.log_odds(x)
        return said


def predictor(model: Model, heard: Sequence[Heard], seed: int) -> Predictor:
    """Train a model on one corpus or on two.

    Of two corpora the second has `GAMES_SHARE` of all weight, and what is seen of it is moved to the mean and deviation
    of the first: else networks learn which corpus a window is from, since genres are more frequent in one of them.
    """
    x, labels, weights = joined(heard, model.by_game)
    shares = weights @ labels / weights.sum()
    least = 0.5 / (len(labels) + 1)
    constants = log_odds_of(np.clip(shares, least, 1 - least))
    present = np.flatnonzero(labels.any(axis=0))
    if model.kind == "prior":
        return Predictor(None, present, constants)
    y = labels[:, present].astype(np.float32)
    estimator: Any
    if model.binary:
        estimator = ensemble(model, x.shape[1:], seed)
    else:
        estimator = classifier(model, len(present), x.shape[1:], seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaggedEnsembleWarning)  # rare genres: the report says of how many films
        estimator.fit(nn.Rows(x, np.arange(len(x))), y, sample_weight=weights)
    return Predictor(estimator, present, constants)


def joined(heard: Sequence[Heard], by_game: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs, labels and weights (of mean 1) of the windows of one corpus or of two.

    Games or films of a corpus weigh the same, or their windows do (`by_game` False).
    """
    parts = [some.x[some.rows] for some in heard]
    groups = [some.data.groups("game")[some.rows] for some in heard]
    weights = [balanced_weights(some) if by_game else np.ones(len(some)) for some in groups]
    if len(heard) == 2:
        parts[1] = moved(parts[1], weights[1], parts[0], weights[0])
        weights = [w / w.sum() * share for w, share in zip(weights, (1 - GAMES_SHARE, GAMES_SHARE), strict=True)]
    w = np.concatenate(weights)
    return np.concatenate(parts), np.concatenate([some.data.labels[some.rows] for some in heard]), w / w.mean()


def moved(x: np.ndarray, weights: np.ndarray, to: np.ndarray, weights_to: np.ndarray) -> np.ndarray:
    """Return x with the mean and deviation of each number in `to`.

    B. Sun, J. Feng, K. Saenko, "Return of frustratingly easy domain adaptation", AAAI 2016, without the correlations.
    """
    mean, deviation = _moments(x, weights)
    mean_to, deviation_to = _moments(to, weights_to)
    return ((x - mean) / np.maximum(deviation, 1e-6) * deviation_to + mean_to).astype(np.float32)


def _moments(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(x, axis=0, weights=weights)
    return mean, np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
