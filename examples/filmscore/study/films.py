"""The honest table of real films: what games teach of them, what other films do, and both; per cue, by film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from filmscore.corpus import GENRES
from filmscore.features import Features
from filmscore.splits import evaluable_classes
from filmscore.study import report, tables, transfer, trials
from filmscore.study.folds import N_FOLDS
from filmscore.study.judging import Judgement, Pieces, difference, judge
from filmscore.study.models import LINEAR, MODELS, MODULATION, MOVEMENT, MOVEMENT_OF_FILMS, Model
from filmscore.study.trials import Values, read_values, values_path
from nnlite import metrics
from nnlite.calibration import sigmoid

PRIOR = replace(MODELS["prior"], recipe="movement", inputs="movement")

MODELS_OF: Mapping[str, Sequence[Model]] = {
    "games-films": (PRIOR, LINEAR, MODULATION, MOVEMENT),
    "films": (PRIOR, LINEAR, MOVEMENT_OF_FILMS),
    "both": (LINEAR, MOVEMENT_OF_FILMS),
    "films-games": (LINEAR, MOVEMENT_OF_FILMS),
}
"""Models that are compared in each of `transfer.SETTINGS`."""

BY_COMPOSER: Sequence[Model] = (LINEAR, MOVEMENT_OF_FILMS)
ON_GAMES: Sequence[Model] = (PRIOR, LINEAR, MODULATION, MOVEMENT)
"""Models whose games are left out of training in turn, as in the study."""

CHOSEN_ON = frozenset(
    """A Thousand and One|All Quiet on the Western Front|Annette|Atonement|Babylon|Belfast|BlacKkKlansman|Black Panther:
    Wakanda Forever|Bottoms|Boyhood|Capernaum|Close|Coda|Decision To Leave|Drive|EO|Elemental|Everything, Everything|Ex
    Machina|Ford v Ferrari|Gone Girl|Gran Torino|Guillermo del Toro's Pinocchio|Inception|Inside Llewyn Davis|Inside
    Out|Interstellar|Jeune Femme|Jojo Rabbit|La La Land|Licorice Pizza|Life of Pi|Mad Max: Fury Road|Maniac|Pain and
    Glory|Past Lives|Rush|Samsara|Solaris|Spencer|Talk To Me|The Batman|The Father|The Green Knight|The Irishman|The
    Mitchells vs the Machines|The Tree of Life|The Wolf Of Wall Street|Titane|Wall•E|Warrior""".replace(
        "\n    ", " "
    ).split("|")
)
"""Half of the films, on which inputs, networks and weights were chosen; the others were looked at when it was done."""


def tasks() -> list[dict[str, Any]]:
    """Return what there is to train: transfers, the same by composer, and the models of games by game."""
    found = [
        task for setting, models in MODELS_OF.items() for model in models for task in transfer.tasks_of(model, setting)
    ]
    found += [task for model in BY_COMPOSER for task in transfer.tasks_of(model, "both", "composer")]
    return found + [trials.task(model, "game", fold) for model in ON_GAMES for fold in range(N_FOLDS)]


def run(task: dict[str, Any], *, games: dict[str, str], films: dict[str, str], out: str) -> dict[str, float]:
    """Run a task of this part: a transfer, or a fold of games."""
    if "setting" not in task:
        return trials.run(task, features=games, out=out)
    name = Model("", **task["model"] | {"hidden": ()}).features
    return transfer.run(task, games=games[name], films=films[name], out=out)


def pieces(features: Features, folds: Sequence[Values], unit: str = "cue") -> Pieces:
    """Return cues, or whole films (`unit="game"`), each with the mean probability of its windows.

    Parameters
    ----------
    folds : sequence of Values
        Log-odds of the windows of each fold.
    """
    groups, games = features.groups(unit), features.groups("game")
    found = []
    for number, each in enumerate(folds):
        numbers, values = metrics.average_by_group(sigmoid(each.test), groups[each.test_rows])
        first = each.test_rows[[int(np.argmax(groups[each.test_rows] == n)) for n in numbers]]
        labels, tracks = features.labels[first], features.track_of_tile[first]
        nothing = np.zeros(labels.shape, bool)
        found.append(
            Pieces(labels, values.astype(np.float32), nothing, np.full(len(first), number), games[first], tracks)
        )
    return Pieces(*(np.concatenate([getattr(some, name) for some in found]) for name in Pieces.__dataclass_fields__))


def some(found: Pieces, chosen: np.ndarray) -> Pieces:
    """Return the chosen ones of pieces."""
    return Pieces(*(getattr(found, name)[chosen] for name in Pieces.__dataclass_fields__))


class Result(NamedTuple):
    """The values that a model gives in a setting.

    Attributes
    ----------
    setting : str
    model : Model
    features : Features
        Those that it was tested on.
    cues, wholes : Pieces
        Of films; in "films-games" tracks and whole games.
    """

    setting: str
    model: Model
    features: Features
    cues: Pieces
    wholes: Pieces

    def judged(self, chosen: np.ndarray | None = None) -> Judgement:
        """Return the figures of the cues, or of some of them."""
        return judge(self.features, self.cues if chosen is None else some(self.cues, chosen), one_label=False)

    def of_songs(self, song: str) -> np.ndarray:
        """Return which cues are songs ("1") or score ("0")."""
        return np.array([self.features.tracks[track].song == song for track in self.cues.track])

    def unchosen(self) -> np.ndarray:
        """Return which cues are of films on which nothing was chosen."""
        return np.array([self.features.tracks[track].game not in CHOSEN_ON for track in self.cues.track])


def result(
    model: Model,
    setting: str,
    games: Mapping[str, Features],
    films: Mapping[str, Features],
    out: Path,
    by: str = "game",
) -> Result:
    """Return what `run` kept of a model in a setting."""
    features = (games if setting == "films-games" else films)[model.features]
    folds = [read_values(values_path(out, task)) for task in transfer.tasks_of(model, setting, by)]
    return Result(setting, model, features, pieces(features, folds), pieces(features, folds, "game"))


def blocks(games: Mapping[str, Features], films: Mapping[str, Features], out: Path) -> dict[str, str]:
    """Return Markdown for each marker of this part but that of shares."""
    found = {
        (setting, model.title): result(model, setting, games, films, out)
        for setting, models in MODELS_OF.items()
        for model in models
    }
    on_games = {model.title: report.result(games[model.features], out, model).track for model in ON_GAMES}
    return {
        "films": f"{table(found)}\n\n{of_games(on_games)}",
        "film-genres": genres(found),
        "film-kinds": kinds(found, {m.title: result(m, "both", games, films, out, "composer") for m in BY_COMPOSER}),
    }


def table(found: Mapping[tuple[str, str], Result]) -> str:
    """Return the table of all settings."""
    header = [
        "trained on",
        "model",
        "ROC-AUC, cue",
        "ROC-AUC, film",
        "cue, nothing chosen there",
        "LRAP",
        "coverage error",
    ]
    rows = []
    for (setting, title), each in found.items():
        if setting == "films-games":
            continue
        cue, whole = each.judged(), judge(each.features, each.wholes, one_label=False)
        figures = [tables.with_interval(of, "roc_auc") for of in (cue, whole, each.judged(each.unchosen()))]
        figures += [tables.with_interval(cue, figure) for figure in ("lrap", "coverage_error")]
        rows.append([transfer.SETTINGS[setting], title, *figures])
    best = next(iter(found.values())).judged().best_coverage_error
    rows.append(["", "*best possible*", "1", "1", "1", "1", f"{best:.2f}"])
    old, new = (found["games-films", model.title].judged() for model in (MODULATION, MOVEMENT))
    linear, both = (found["both", model.title].judged() for model in (LINEAR, MOVEMENT_OF_FILMS))
    back = [
        f"{title} {tables.with_interval(each.judged(), 'roc_auc')}"
        for (setting, title), each in found.items()
        if setting == "films-games"
    ]
    return (
        f"{tables.markdown(header, rows)}\n\nPaired, over the same resamples of films: trained on games, "
        f"{MOVEMENT.title} against {MODULATION.title} {tables.signed(difference(new, old, 'roc_auc'))}; trained on "
        f"films and games, {MOVEMENT_OF_FILMS.title} against {LINEAR.title} "
        f"{tables.signed(difference(both, linear, 'roc_auc'))}.\n\n"
        f"The way back, trained on films and tested on tracks of games: {'; '.join(back)}."
    )


def of_games(judged: Mapping[str, Judgement]) -> str:
    """Return a sentence on the same models where games are left out of training in turn."""
    figures = [f"{title} {tables.with_interval(of, 'roc_auc')}" for title, of in judged.items() if title != PRIOR.title]
    gain = difference(judged[MOVEMENT.title], judged[MODULATION.title], "roc_auc")
    return (
        f"The same models on tracks of unheard games, six folds by game: {'; '.join(figures)}. "
        f"{MOVEMENT.title} against {MODULATION.title} {tables.signed(gain)}."
    )


def genres(found: Mapping[tuple[str, str], Result]) -> str:
    """Return ROC-AUC genre by genre, with the films behind it."""
    columns = {
        f"games: {MODULATION.title}": found["games-films", MODULATION.title],
        f"games: {MOVEMENT.title}": found["games-films", MOVEMENT.title],
        "other films": found["films", MOVEMENT_OF_FILMS.title],
        "other films and games": found["both", MOVEMENT_OF_FILMS.title],
    }
    judged = {title: each.judged() for title, each in columns.items()}
    features = next(iter(columns.values())).features
    rows = []
    for name in GENRES:
        n = len({track.game for track in features.tracks if name in track.tags})
        cells = ["not evaluable", *[""] * (len(judged) - 1)]
        if name in evaluable_classes(features):
            cells = [f"{of.classes[name]['roc_auc']:.2f} ({_range(of.classes[name])})" for of in judged.values()]
        rows.append([name, str(n), *cells])
    return tables.markdown(["genre", "films", *judged], rows)


def _range(of: Mapping[str, Any]) -> str:
    low, high = of["roc_auc_interval"]
    return f"{low:.2f} to {high:.2f}"


def kinds(found: Mapping[tuple[str, str], Result], by_composer: Mapping[str, Result]) -> str:
    """Return score and songs apart, and what a split by composer changes."""
    header = ["trained on", "model", "all cues", "score", "songs", "split by composer", "by composer minus by film"]
    rows = []
    for key in (
        ("games-films", MODULATION.title),
        ("games-films", MOVEMENT.title),
        ("both", LINEAR.title),
        ("both", MOVEMENT_OF_FILMS.title),
    ):
        each = found[key]
        whole = each.judged()
        parts = [tables.with_interval(each.judged(each.of_songs(song)), "roc_auc") for song in ("0", "1")]
        other = ["", ""]
        if key[0] == "both":
            composer = by_composer[key[1]].judged()
            other = [tables.with_interval(composer, "roc_auc"), tables.signed(difference(composer, whole, "roc_auc"))]
        rows.append([transfer.SETTINGS[key[0]], key[1], tables.with_interval(whole, "roc_auc"), *parts, *other])
    n = {song: int(each.of_songs(song).sum()) for song in ("0", "1")}
    return f"{tables.markdown(header, rows)}\n\n{n['0']} cues are score, {n['1']} are songs; others are both."
