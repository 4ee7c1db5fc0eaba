"""The taggers: the one that comes with the project, one that learned from films too, and their cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.files import replace_file
from filmscore.inputs import INPUTS
from filmscore.splits import evaluable_classes
from filmscore.study import films as film_study
from filmscore.study import report, tables
from filmscore.study.fitting import ensemble, some_of_each_game
from filmscore.study.folds import CAP
from filmscore.study.judging import Judgement, Pieces
from filmscore.study.models import MODULATION, MOVEMENT_OF_FILMS, Model
from filmscore.study.transfer import Heard, predictor
from filmscore.tagging import about_model
from nnlite import metrics
from nnlite.model_selection import balanced_weights

SEEN = {
    "modulation": (
        "They see how the 40 MFCCs of a 9.3 s window move: their energy in seven bands of modulation frequency\n"
        "(`filmscore.inputs.modulation`), with mel bands up to 9.5 kHz."
    ),
    "movement": (
        "They see how 64 log-mel bands up to 9.5 kHz, their cosines and their rises move within a window of 9.3 s:\n"
        "their energy in nine bands of modulation frequency from 0.1 to 9.6 Hz (`filmscore.inputs.movement`)."
    ),
}
"""Text of a card on the inputs of taggers."""


def train(model: Model, features: Features, pieces: Pieces, seed: int = 0) -> nn.BaggedEnsemble:
    """Train binary networks on all games; the thresholds are those that are best for the tracks of the folds.

    Parameters
    ----------
    pieces : Pieces
        Tracks with the values of the folds' networks, which had not heard them.
    """
    x = INPUTS[model.inputs](np.asarray(features.tiles))
    rows = some_of_each_game(features, np.arange(len(x)), np.random.default_rng(seed))
    weights = balanced_weights(features.groups("game")[rows]) if model.by_game else None
    fitted = ensemble(model, x.shape[1:], seed)
    fitted.fit(nn.Rows(x, rows), features.labels[rows], sample_weight=weights)
    fitted.thresholds_ = metrics.best_thresholds(pieces.labels, pieces.values)
    return fitted


def train_on_films(model: Model, films: Features, games: Features, pieces: Pieces, seed: int = 0) -> nn.BaggedEnsemble:
    """Train binary networks on all films and games; the thresholds are those that are best for cues of the folds.

    Raises
    ------
    ValueError
        When neither films nor games have any music of a genre.
    """
    seen = [Heard(some, INPUTS[model.inputs](np.asarray(some.tiles)), np.empty(0, int)) for some in (films, games)]
    capped = some_of_each_game(games, np.arange(len(seen[1].x)), np.random.default_rng(seed))
    heard = [seen[0]._replace(rows=np.arange(len(seen[0].x))), seen[1]._replace(rows=capped)]
    found = predictor(model, heard, seed)
    if len(found.present) < len(films.class_names):
        absent = [name for k, name in enumerate(films.class_names) if k not in found.present]
        raise ValueError(f"tagger: expected music of every genre to train on, got none of {', '.join(absent)}")
    found.estimator.thresholds_ = metrics.best_thresholds(pieces.labels, pieces.values)
    return found.estimator


def write_free(
    path: Path, games: Mapping[str, Features], films: Mapping[str, Features], out: Path, commands: Sequence[str]
) -> list[Path]:
    """Train the tagger on games alone and write it with its card, which says how it does on real films."""
    features = games[MODULATION.features]
    by_game = report.result(features, out, MODULATION)
    on_films = film_study.result(MODULATION, "games-films", games, films, out)
    fitted = train(MODULATION, features, by_game.track_pieces)
    return _write(
        path,
        fitted,
        features,
        MODULATION,
        card(path, MODULATION, [features], by_game.track, on_films.judged(), commands),
    )


def write_of_films(
    path: Path, games: Mapping[str, Features], films: Mapping[str, Features], out: Path, commands: Sequence[str]
) -> list[Path]:
    """Train a tagger on films and games and write it with its card. It is for those who have the recordings."""
    model = MOVEMENT_OF_FILMS
    both = film_study.result(model, "both", games, films, out)
    features = [films[model.features], games[model.features]]
    fitted = train_on_films(model, *features, both.cues)
    return _write(path, fitted, features[1], model, card(path, model, features, None, both.judged(), commands))


def _write(path: Path, fitted: nn.BaggedEnsemble, features: Features, model: Model, text: str) -> list[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    nn.save(path, fitted, **about_model(features, model.inputs))
    with replace_file(path.with_suffix(".md")) as file:
        file.write(text.encode())
    return [path, path.with_suffix(".md")]


def card(
    path: Path,
    model: Model,
    heard: Sequence[Features],
    on_games: Judgement | None,
    on_films: Judgement,
    commands: Sequence[str],
) -> str:
    """Return what the model is, what it was trained on, what it is worth and where its limits are.

    Parameters
    ----------
    heard : sequence of Features
        What the model was trained on: games, or films and games.
    on_games, on_films : Judgement
        Of tracks of unheard games, None for a model of films; and of cues of unheard films.
    """
    games = heard[-1]
    licences = Counter(track.licence or "not stated" for track in games.tracks)
    bags = "a network" if model.bags == 1 else f"{model.bags} networks"
    films = ""
    if len(heard) == 2:
        films = (
            f"{len(heard[0].tracks)} excerpts of {_count(heard[0])} films, tagged with the genres that IMDb has;\n"
            "they carry no licence, so that **this model is not to be passed on**.\n"
        )
    worth = (
        f"On cues of real films that were left out of training: ROC-AUC {tables.with_interval(on_films, 'roc_auc')}."
    )
    if on_games is not None:
        figures = [tables.with_interval(on_games, name) for name in ("roc_auc", "lrap", "coverage_error")]
        worth = (
            f"On tracks of games that were left out of training (six folds): ROC-AUC {figures[0]}; LRAP {figures[1]}; "
            f"coverage error {figures[2]} (best possible {on_games.best_coverage_error:.2f}). On cues of real films, "
            f"tagged by IMDb, of which it heard none: ROC-AUC {tables.with_interval(on_films, 'roc_auc')}."
        )
    header = ["genre", "games", *(["ROC-AUC, unheard games (95 %)"] if on_games else []), "ROC-AUC, real films (95 %)"]
    rows = [f"| {' | '.join(header)} |", f"| --- {'| ---: ' * (len(header) - 1)}|"]
    for k, name in enumerate(games.class_names):
        n_games = len({track.game for track, has in zip(games.tracks, games.tags[:, k], strict=True) if has})
        cells = [name, str(n_games), *(_quality(of, name) for of in (on_games, on_films) if of is not None)]
        rows.append(f"| {' | '.join(cells)} |")
    thin = [name for name in games.class_names if name not in evaluable_classes(games)]
    return f"""# Model card: {path.name}

**What it is.** Ten times {bags} for one genre against the rest, trained on all positives of the genre and as many
negatives, with a layer of {model.hidden[0]} {model.activation} units.
{SEEN.get(model.inputs, f"They see `filmscore.inputs.{model.inputs}`.")}
What a network says is how well the window fits the genre; a recording has the mean of its windows. The file keeps
thresholds that were best for F1 of whole recordings.

**Data.** {films}{len(games.tracks)} recordings of {_count(games)} story-telling games, at most {CAP} windows of a game
for training{"; games weigh the same" if model.by_game else ""}. Their tags are film genres that a film of the game's
story would carry, given to whole soundtracks by this project (`examples/filmscore/corpus/games/`): opinions about
stories, not listeners' judgements about tracks.

**Licences of the games' recordings.** {", ".join(f"{licence} ({n})" for licence, n in licences.most_common())}.
The model's file holds no audio.

**Measured quality.** {worth} Brackets are 95 % intervals over games or films. The model in the file was trained on all
of them, so nothing of the corpus is left to measure it on. RESULTS.md has other models and splits.

{chr(10).join(rows)}

**Limits.** {", ".join(thin)}: two soundtracks each among the games. The values rank recordings within a genre. They do
not rank genres within a recording until the shares of genres in a library are known: RESULTS.md has what stating
or estimating them gives. On films they are better than guessing (0.5)
and far from certain.

**Made by**

{chr(10).join("    " + command for command in commands)}
"""


def _count(features: Features) -> int:
    return len({track.game for track in features.tracks})


def _quality(of: Judgement, name: str) -> str:
    each: Any = of.classes.get(name)
    if each is None:
        return "not evaluable"
    low, high = each["roc_auc_interval"]
    return f"{each['roc_auc']:.2f} ({low:.2f} to {high:.2f})"
