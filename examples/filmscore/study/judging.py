"""Figures of a model over all folds: every piece is judged once, by a network that never heard it.

A piece is a window or a whole track. What makes the figures of folds fit together:

- **ROC-AUC** compares pieces of the same fold only. Values of networks that were trained on different games can't be
  compared, and a prior would even rank the wrong way round: a genre that a fold has much of is rare in its training.
- **F1** counts over all folds; each fold's thresholds are those that were best on its validation part. The fixed
  rule beside it needs no tuning: the highest value alone, as one label a piece was published, or values above one half.
- **LRAP, coverage error, ranking loss** are means over the pieces.

Intervals are bootstrap percentiles over games: all figures are made of sums over games (or pairs of games), so that a
resample is a weight for each game.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from filmscore.features import Features
from filmscore.splits import evaluable_classes
from filmscore.study.trials import Values
from nnlite import metrics

LEVEL = 0.95
N_RESAMPLES = 2000
RANKINGS = {
    "lrap": metrics.label_ranking_average_precision,
    "coverage_error": metrics.coverage_error,
    "ranking_loss": metrics.label_ranking_loss,
}


@dataclass(frozen=True)
class Pieces:
    """Windows or tracks with their labels and values, the folds joined.

    Attributes
    ----------
    labels : array of bool, shape (n, n_classes)
    values : array of float32, shape (n, n_classes)
    chosen : array of bool, shape (n, n_classes)
        True where a value reaches its fold's threshold.
    fold, game : array of int, shape (n,)
    track : array of int, shape (n,)
        Index into the features' tracks.
    """

    labels: np.ndarray
    values: np.ndarray
    chosen: np.ndarray
    fold: np.ndarray
    game: np.ndarray
    track: np.ndarray


def windows(features: Features, folds: list[Values]) -> Pieces:
    """Return the test windows of all folds."""
    games = features.groups("game")
    joined = [
        Pieces(
            features.labels[each.test_rows],
            each.test,
            each.test >= _thresholds(features.labels[each.validation_rows], each.validation),
            np.full(len(each.test_rows), number),
            games[each.test_rows],
            features.track_of_tile[each.test_rows],
        )
        for number, each in enumerate(folds)
    ]
    return _join(joined)


def tracks(features: Features, folds: list[Values], average: str = "arithmetic") -> Pieces:
    """Return the tracks of all folds, each with the mean value of its test windows."""
    game_of_track = np.zeros(len(features.tracks), int)
    game_of_track[features.track_of_tile] = features.groups("game")
    joined = []
    for number, each in enumerate(folds):
        track, values = _average(each.test, features.track_of_tile[each.test_rows], average)
        before, held_out = _average(each.validation, features.track_of_tile[each.validation_rows], average)
        chosen = values >= _thresholds(features.tags[before], held_out)
        fold = np.full(len(track), number)
        joined.append(Pieces(features.tags[track], values, chosen, fold, game_of_track[track], track))
    return _join(joined)


def _average(values: np.ndarray, tracks: np.ndarray, average: str) -> tuple[np.ndarray, np.ndarray]:
    # In float32, equal values have equal means: rounding must not rank the values of a prior.
    names, means = metrics.average_by_group(values, tracks, mean=average)
    return names, means.astype(np.float32)


def _thresholds(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the thresholds of the best F1; above every value for a class that isn't there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)
        found = metrics.best_thresholds(labels, values)
    return np.where(np.isfinite(found), found, np.inf).astype(np.float32)


def _join(parts: list[Pieces]) -> Pieces:
    return Pieces(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pieces.__dataclass_fields__))


@dataclass(frozen=True)
class Judgement:
    """The figures of a model for windows or for tracks.

    Attributes
    ----------
    classes : dict
        For each evaluable genre: pieces, f1, f1_fixed, roc_auc, average_precision, and roc_auc_interval.
    figures : dict
        roc_auc, average_precision, f1, f1_fixed: means over these genres; lrap, coverage_error, ranking_loss: over all.
    intervals : dict
        (low, high) of each figure but the average precision.
    best_coverage_error : float
    resampled : dict
        The figures under each resample of games, shape (N_RESAMPLES,): differences of two models are paired.
    """

    classes: dict[str, dict[str, Any]]
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    best_coverage_error: float
    resampled: dict[str, np.ndarray]


def judge(features: Features, pieces: Pieces, one_label: bool, seed: int = 0) -> Judgement:
    """Return all figures of pieces; the fixed rule is the highest value (`one_label`) or values above one half."""
    y, values = pieces.labels, pieces.values
    names = evaluable_classes(features)
    columns = [features.class_names.index(name) for name in names]
    fixed = (values >= values.max(axis=1, keepdims=True)) if one_label else values >= 0.5
    games, position = np.unique(pieces.game, return_inverse=True)
    weights = _resamples(len(games), seed)

    classes: dict[str, dict[str, Any]] = {}
    per_class: dict[str, list[np.ndarray]] = {"roc_auc": [], "f1": [], "f1_fixed": []}
    for name, k in zip(names, columns, strict=True):
        concordant, pairs = _pairs(y[:, k], values[:, k], pieces.fold, position, len(games))
        auc = _ratio(_quadratic(weights, concordant), _quadratic(weights, pairs))
        per_class["roc_auc"].append(auc)
        for key, chosen in (("f1", pieces.chosen[:, k]), ("f1_fixed", fixed[:, k])):
            hits, called = _f1_sums(y[:, k], chosen, position, len(games))
            per_class[key].append(_ratio(weights @ hits, weights @ called))
        classes[name] = {"pieces": int(y[:, k].sum()), "games": len(np.unique(pieces.game[y[:, k]]))}
        classes[name] |= {key: float(of[-1][0]) for key, of in per_class.items()}
        classes[name]["average_precision"] = float(metrics.average_precision(y[:, k], values[:, k]))
        classes[name]["roc_auc_interval"] = _interval(auc[1:])

    resampled = {key: _mean(np.array(of)) for key, of in per_class.items()}
    ranked = y.any(axis=1)  # without a label there is no ranking to judge
    size = np.bincount(position[ranked], minlength=len(games)).astype(float)
    for key, sums in _ranking_sums(y[ranked], values[ranked], position[ranked], len(games)).items():
        resampled[key] = _ratio(weights @ sums, weights @ size)
    figures = {key: float(of[0]) for key, of in resampled.items()}
    figures["average_precision"] = float(np.mean([each["average_precision"] for each in classes.values()]))
    intervals = {key: _interval(of[1:]) for key, of in resampled.items()}
    return Judgement(
        classes, figures, intervals, float(y[ranked].sum(axis=1).mean()), {key: of[1:] for key, of in resampled.items()}
    )


def difference(a: Judgement, b: Judgement, figure: str) -> tuple[float, float, float]:
    """Return how much more `a` has of a figure than `b`, with its interval: both under the same resamples."""
    low, high = _interval(a.resampled[figure] - b.resampled[figure])
    return a.figures[figure] - b.figures[figure], low, high


def _resamples(n_games: int, seed: int) -> np.ndarray:
    """Return how often each game is drawn: the first row is the corpus itself, the others draw with replacement."""
    drawn = np.random.default_rng(seed).multinomial(n_games, np.full(n_games, 1 / n_games), size=N_RESAMPLES)
    return np.concatenate([np.ones((1, n_games)), drawn])


def _interval(values: np.ndarray) -> tuple[float, float]:
    if np.isnan(values).all():  # a genre that some folds of the study don't have
        return np.nan, np.nan
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _pairs(
    y: np.ndarray, values: np.ndarray, fold: np.ndarray, game: np.ndarray, n_games: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count, for each two games, the pairs of a piece of the first that has the genre and one of the second, in the
    same fold, that has not: how many are in the right order (ties count a half), and how many there are."""
    concordant, pairs = np.zeros((n_games, n_games)), np.zeros((n_games, n_games))
    for number in np.unique(fold):
        here = fold == number
        a, b = np.flatnonzero(here & y), np.flatnonzero(here & ~y)
        for i in np.unique(game[a]):
            mine = np.sort(values[a[game[a] == i]])
            below, upto = (np.searchsorted(mine, values[b], side) for side in ("left", "right"))
            right = len(mine) - (below + upto) / 2
            concordant[i] += np.bincount(game[b], right, n_games)
            pairs[i] += len(mine) * np.bincount(game[b], minlength=n_games)
    return concordant, pairs


def _f1_sums(y: np.ndarray, chosen: np.ndarray, game: np.ndarray, n_games: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numerator and denominator of F1, 2 TP / (2 TP + FP + FN), game by game."""
    hits = np.bincount(game, 2.0 * (y & chosen), n_games)
    return hits, np.bincount(game, 1.0 * y + chosen, n_games)


def _ranking_sums(y: np.ndarray, values: np.ndarray, game: np.ndarray, n_games: int) -> dict[str, np.ndarray]:
    """Return the sums over each game's pieces of the metrics that are means over pieces."""
    rows = [np.flatnonzero(game == number) for number in range(n_games)]
    return {
        key: np.array([len(some) * metric(y[some], values[some]) if len(some) else 0.0 for some in rows])
        for key, metric in RANKINGS.items()
    }


def _quadratic(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return w' M w for each row of weights."""
    return ((weights @ matrix) * weights).sum(axis=1)


def _mean(of_classes: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that a resample has."""
    there = np.isfinite(of_classes)
    return _ratio(np.where(there, of_classes, 0).sum(axis=0), there.sum(axis=0))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan)
