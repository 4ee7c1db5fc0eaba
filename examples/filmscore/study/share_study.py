"""Values that mean something: calibrated on held-out pieces, and carried to a library with other shares of genres."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from filmscore.features import Features
from filmscore.study import pictures, tables, trials
from filmscore.study.films import pieces, result
from filmscore.study.folds import N_FOLDS
from filmscore.study.judging import Judgement, Pieces, difference, judge
from filmscore.study.models import MOVEMENT, MOVEMENT_OF_FILMS
from filmscore.study.trials import read_values, values_path
from nnlite import calibration, metrics

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1."""


class Library(NamedTuple):
    """Music with what a model says of it, and what may be known of its genres without looking at its labels.

    Attributes
    ----------
    title : str
    features : Features
    pieces : Pieces
        Cues or tracks; values are probabilities at the shares of the training music.
    fold : array of int, shape (n,)
        Pieces of a fold get shares and factor from the others.
    held_out : Pieces or None
        Pieces that the model had not heard and that set the factor; None: those of the other folds.
    trained : array, shape (n_classes,)
        Shares in the music that the model was trained on.
    """

    title: str
    features: Features
    pieces: Pieces
    fold: np.ndarray
    held_out: Pieces | None
    trained: np.ndarray


def libraries(games: Mapping[str, Features], films: Mapping[str, Features], out: Path) -> list[Library]:
    """Return films as games teach them, films as other films and games do, and games as other games do."""
    features = games[MOVEMENT.features]
    folds = [read_values(values_path(out, trials.task(MOVEMENT, "game", k))) for k in range(N_FOLDS)]
    of_games = pieces(features, [each._replace(test=log_odds(each.test)) for each in folds])
    of_films = films[MOVEMENT.features]
    apart = result(MOVEMENT, "games-films", games, films, out).cues
    both = result(MOVEMENT_OF_FILMS, "both", games, films, out).cues
    fold_of = dict(zip(both.track.tolist(), both.fold.tolist(), strict=True))
    fold = np.array([fold_of[track] for track in apart.track.tolist()])
    return [
        Library("films, by games", of_films, apart, fold, of_games, shares(of_games)),
        Library("films, by other films and games", of_films, both, both.fold, None, shares(both)),
        Library("games, by other games", features, of_games, of_games.fold, None, shares(of_games)),
    ]


def shares(found: Pieces) -> np.ndarray:
    """Return the shares of genres among pieces, none of them quite 0 or 1."""
    return (found.labels.sum(axis=0) + 0.5) / (len(found.labels) + 1)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return finite log-odds of probabilities."""
    return calibration.log_odds_of(np.clip(np.asarray(probabilities, np.float64), LEAST, 1 - LEAST))


def evidence(found: Pieces) -> np.ndarray:
    """Return log-odds without their mean over the pieces of one network: what tells pieces apart, genre by genre."""
    result = log_odds(found.values)
    for number in np.unique(found.fold):
        here = found.fold == number
        result[here] -= result[here].mean(axis=0)
    return result


WAYS = {
    "training": "shares of the training music alone",
    "said": "the model as it is",
    "prior": "shares of the library alone",
    "stated": "the model, shares stated",
    "estimated": "the model, shares estimated",
}
"""Ways to values for a library; "prior" and "stated" take the shares of genres in the other folds for the library's."""


def ways(library: Library) -> dict[str, Pieces]:
    """Return the pieces with their values by each of `WAYS`."""
    own = evidence(library.pieces)
    values = {name: np.empty(own.shape) for name in WAYS}
    values["said"][:] = library.pieces.values
    values["training"][:] = library.trained
    for number in np.unique(library.fold):
        here, factor = library.fold == number, factor_for(library, number)
        others = shares(taken(library.pieces, ~here))
        values["prior"][here] = others
        stated = calibration.match_shares(factor * own, others)
        raw = log_odds(library.pieces.values) - calibration.log_odds_of(library.trained)
        estimated = calibration.estimate_shares(
            factor * raw + calibration.log_odds_of(library.trained), library.trained
        ).log_odds
        values["stated"][here], values["estimated"][here] = (calibration.sigmoid(x[here]) for x in (stated, estimated))
    return {
        name: dataclasses.replace(library.pieces, values=found.astype(np.float32)) for name, found in values.items()
    }


def factor_for(library: Library, fold: int) -> float:
    """Return the factor on evidence that makes labels of held-out pieces likeliest, one for all genres."""
    held_out = library.held_out or taken(library.pieces, library.fold != fold)
    return max(0.0, calibration.fit_temperature(
        held_out.labels, evidence(held_out), offset=calibration.log_odds_of(shares(held_out))
    ))  # fmt: skip


def taken(found: Pieces, chosen: np.ndarray) -> Pieces:
    """Return the chosen ones of pieces."""
    return Pieces(*(getattr(found, field.name)[chosen] for field in dataclasses.fields(Pieces)))


def blocks(games: Mapping[str, Features], films: Mapping[str, Features], out: Path, folder: Path) -> dict[str, str]:
    """Return Markdown for the marker of shares; the reliability diagram goes into `folder`."""
    rows, said = [], []
    curves: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    for library in libraries(games, films, out):
        by_way = ways(library)
        judged = {name: judge(library.features, found, one_label=False) for name, found in by_way.items()}
        rows += [_row(library, name, by_way[name], judged) for name in WAYS]
        gain = {
            figure: tables.signed(difference(judged["stated"], judged["prior"], figure))
            for figure in ("lrap", "coverage_error")
        }
        factors = [factor_for(library, number) for number in np.unique(library.fold)]
        said.append(
            f"{library.title}: with stated shares against these shares alone, LRAP {gain['lrap']}, coverage error "
            f"{gain['coverage_error']}; factors on the evidence {min(factors):.2f} to {max(factors):.2f}"
        )
        shown = ("said", "stated", "estimated")
        curves[library.title] = {WAYS[name]: _curve(by_way[name]) for name in shown}
    pictures.reliability(folder / "reliability.png", curves)
    header = ["library", "values", "LRAP", "coverage error", "log loss", "calibration error"]
    return {"film-shares": f"{tables.markdown(header, rows)}\n\n{'. '.join(said)}."}


def _row(library: Library, name: str, found: Pieces, judged: Mapping[str, Judgement]) -> list[str]:
    loss = float(np.mean(metrics.log_loss(found.labels, np.clip(found.values.astype(np.float64), LEAST, 1 - LEAST))))
    error = calibration.expected_calibration_error(found.labels, found.values)
    figures = [tables.with_interval(judged[name], figure) for figure in ("lrap", "coverage_error")]
    return [library.title, WAYS[name], *figures, f"{loss:.3f}", f"{error:.3f}"]


def _curve(found: Pieces) -> tuple[np.ndarray, np.ndarray]:
    curve = calibration.reliability_curve(found.labels, found.values, n_bins=10, strategy="quantile")
    return curve.predicted, curve.observed
