"""The study's tables and pictures, put between the markers of RESULTS.md."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filmscore import published
from filmscore.features import Features
from filmscore.files import replace_file
from filmscore.splits import QUESTIONS
from filmscore.study import pictures, tables
from filmscore.study.folds import CAP, N_FOLDS, stored_folds
from filmscore.study.judging import Judgement, Pieces, difference, judge, tracks, windows
from filmscore.study.models import BASE, LADDER, LONG, MODELS, MODULATION, TORCH, TRIED, Model
from filmscore.study.trials import Values, read_values, task, values_path

TEMPLATE = Path(__file__).parents[3] / "RESULTS.md"
CHOOSING, CONFIRMING = (0, 2, 4), (1, 3, 5)
"""Folds on which changes were chosen, and those that were not looked at meanwhile."""

MARKED = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class ModelResult:
    """A model's values for folds, and what they are worth."""

    features: Features
    model: Model
    folds: dict[int, Values]

    @cached_property
    def track_pieces(self) -> Pieces:
        return tracks(self.features, [*self.folds.values()], self.model.average)

    @cached_property
    def window(self) -> Judgement:
        return judge(self.features, windows(self.features, [*self.folds.values()]), self._one_label)

    @cached_property
    def track(self) -> Judgement:
        return judge(self.features, self.track_pieces, self._one_label)

    def track_of_folds(self, chosen: Sequence[int]) -> Judgement:
        """Return the judgement of tracks on some folds only."""
        pieces = tracks(self.features, [self.folds[k] for k in chosen], self.model.average)
        return judge(self.features, pieces, self._one_label)

    @property
    def _one_label(self) -> bool:
        return self.model.outputs == "softmax" and not self.model.binary


def result(
    features: Features, out: Path, model: Model, by: str = "game", seed: int = 0, chosen: Sequence[int] = range(N_FOLDS)
) -> ModelResult:
    """Read a model's values from their files."""
    paths = {fold: values_path(out, task(model, by, fold, seed)) for fold in chosen}
    return ModelResult(features, model, {fold: read_values(path) for fold, path in paths.items()})


def pictures_beside(path: Path) -> Path:
    """Return the folder docs/study beside a RESULTS.md, where its pictures go; it is made if there is none."""
    folder = path.parent / "docs" / "study"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(path: Path, blocks: Mapping[str, str]) -> None:
    """Replace blocks of the RESULTS.md at `path`. If there is none, the other blocks are those of the project's."""
    text = (path if path.is_file() else TEMPLATE).read_text(encoding="utf-8")
    with replace_file(path) as file:
        file.write(filled(text, blocks).encode())


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """Return text with the blocks in place of what stands between `<!-- begin NAME -->` and `<!-- end -->`."""
    missing = set(blocks) - {match["name"] for match in MARKED.finditer(text)}
    if missing:
        raise ValueError(f"RESULTS.md: expected a marker for each of {sorted(blocks)}, got none for {sorted(missing)}")
    return MARKED.sub(
        lambda match: f"{match[1]}{blocks[match['name']]}\n{match[3]}" if match["name"] in blocks else match[0], text
    )


def make_blocks(
    features: Features, out: Path, hashes: Mapping[str, str], folder: Path, seeds: int, torch: bool
) -> dict[str, str]:
    """Return Markdown for each marker of the study, and write pictures into `folder`."""
    of = functools.partial(result, features, out)
    study = {name: of(model) for name, model in MODELS.items()}
    steps = {title: of(model) for title, model in LADDER.items()}
    mlp, cnn, ensemble = (study[name] for name in ("mlp", "cnn", "ensemble"))
    shipped = of(MODULATION)
    shown = {each.model.title: each for each in (*study.values(), shipped)}
    by_split = {
        model.title: {by: of(model, by) for by in QUESTIONS} for model in (MODELS["logistic"], LONG, MODULATION)
    }
    priors = {by: of(MODELS["prior"], by) for by in QUESTIONS}
    tried = {title: of(model, chosen=CHOOSING) for title, model in TRIED.items()}
    twins = {f"nnlite, seed {seed}": of(BASE, "game", seed, CHOOSING) for seed in range(seeds)}
    if torch:
        twins["PyTorch, seed 0"] = of(TORCH, chosen=CHOOSING)

    tracks_of = {title: each.track for title, each in shown.items()}
    pictures.intervals(folder / "models.png", tracks_of, "roc_auc", "ROC-AUC, tracks of unheard games", 0.5)
    pictures.learning_curves(
        folder / "learning_curves.png",
        {each.model.title: [fold.history for fold in each.folds.values()] for each in (mlp, cnn)},
    )
    shown_by_split = by_split[MODELS["logistic"].title]
    pictures.splits(
        folder / "splits.png", MODELS["logistic"].title, {f"by {by}": each.track for by, each in shown_by_split.items()}
    )
    pictures.confusion(folder / "confusion.png", features, shipped.track_pieces)

    both = (published.F1_FULLY_CONNECTED, published.F1_CONVOLUTIONAL)
    against_ensemble = (published.F1_CONVOLUTIONAL, published.F1_ENSEMBLE)
    titles = ("fully connected", "convolutional")
    single = ("one network", "ensemble")
    return {
        "folds": _folds(features, out, hashes),
        "models": tables.overview(tracks_of),
        "fully-connected-convolutional": "\n\n".join(
            [
                tables.compared(mlp.window, cnn.window, titles, both, features, ("f1_fixed", "f1_fixed")),
                tables.agreement(mlp.window, cnn.window, both, titles, ("f1_fixed", "f1_fixed")),
            ]
        ),
        "one-ensemble": "\n\n".join(
            [
                tables.compared(cnn.window, ensemble.track, single, against_ensemble, features, ("f1_fixed", "f1")),
                tables.agreement(cnn.window, ensemble.track, against_ensemble, single, ("f1_fixed", "f1")),
            ]
        ),
        "windows-tracks": tables.windows_and_tracks(
            {title: (each.window, each.track) for title, each in shown.items()}
        ),
        "splits": _splits(by_split, priors),
        "tried": tables.changes({title: each.track for title, each in tried.items()}, cnn.track_of_folds(CHOOSING)),
        "ladder": tables.ladder(
            [
                (title, each.track_of_folds(CHOOSING), each.track_of_folds(CONFIRMING), each.track)
                for title, each in steps.items()
            ],
            first=cnn.model.title,
        ),
        "twins": tables.overview({title: each.track for title, each in twins.items()}),
        "mislabelings": tables.mislabelings(features, shipped.track_pieces),
    }


def _folds(features: Features, out: Path, hashes: Mapping[str, str]) -> str:
    folds, _ = stored_folds(out / "folds-game.json", features, "game")
    games = [track.game for track in features.tracks]
    fold_of = {games[track]: int(fold) for track, fold in zip(features.track_of_tile, folds, strict=True)}
    n_tracks = Counter(fold_of[game] for game in games)
    rows = []
    for fold in range(N_FOLDS):
        names = sorted(game for game, its in fold_of.items() if its == fold)
        rows.append([str(fold), ", ".join(names), str(n_tracks[fold]), str(int((folds == fold).sum()))])
    table = tables.markdown(["fold", "games", "tracks", "windows"], rows)
    named = "; ".join(f"by {by} `{value[:16]}`" for by, value in hashes.items())
    return f"{table}\n\nSHA-256 of the assignments (first 16 digits): {named}. At most {CAP} windows of a game train."


def _splits(by_split: Mapping[str, Mapping[str, ModelResult]], prior: Mapping[str, ModelResult]) -> str:
    """Return a table of models and splits: ROC-AUC and LRAP of the same tracks, and the gain of a known game."""
    header = ["model", "split", "ROC-AUC, window", "ROC-AUC, track", "LRAP, track", "LRAP, track, prior"]
    rows, said = [], []
    for title, each in by_split.items():
        for by, found in each.items():
            cells = [tables.with_interval(found.window, "roc_auc"), tables.with_interval(found.track, "roc_auc")]
            cells += [tables.with_interval(found.track, "lrap"), f"{prior[by].track.figures['lrap']:.3f}"]
            rows.append([title, f"by {by}", *cells])
        gap = difference(each["window"].track, each["game"].track, "roc_auc")
        said.append(f"{title} {tables.signed(gap)}")
    questions = "; ".join(f"by {by}: {question}" for by, question in QUESTIONS.items())
    return (
        f"What is asked: {questions}.\n\n{tables.markdown(header, rows)}\n\n"
        f"ROC-AUC of the same tracks by window minus by game: {'; '.join(said)}."
    )
