"""The study's tables and pictures, put between the markers of RESULTS.md."""

from __future__ import annotations

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
from filmscore.study.models import BASE, LADDER, MODELS, SHIPPED, TORCH, Model
from filmscore.study.trials import Values, read_values, task, values_path

TEMPLATE = Path(__file__).parents[3] / "RESULTS.md"
CHOOSING, CONFIRMING = (0, 2, 4), (1, 3, 5)
"""Folds on which steps of the ladder are chosen, and those that were not looked at."""

MARKED = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Result:
    """A model's values over the folds, and what they are worth."""

    features: Features
    model: Model
    folds: list[Values]

    @cached_property
    def track_pieces(self) -> Pieces:
        return tracks(self.features, self.folds, self.model.average)

    @cached_property
    def window(self) -> Judgement:
        return judge(self.features, windows(self.features, self.folds), self._one_label)

    @cached_property
    def track(self) -> Judgement:
        return judge(self.features, self.track_pieces, self._one_label)

    def track_of_folds(self, chosen: Sequence[int]) -> Judgement:
        """Of some folds only."""
        pieces = tracks(self.features, [self.folds[k] for k in chosen], self.model.average)
        return judge(self.features, pieces, self._one_label)

    @property
    def _one_label(self) -> bool:
        return self.model.outputs == "softmax" and not self.model.binary


def write(path: Path, features: Features, out: Path, hashes: Mapping[str, str]) -> list[Path]:
    """Make RESULTS.md anew at `path`, from itself or from the project's, with pictures in docs/study beside it."""
    text = (path if path.is_file() else TEMPLATE).read_text(encoding="utf-8")
    folder = path.parent / "docs" / "study"
    folder.mkdir(parents=True, exist_ok=True)
    blocks = make_blocks(features, out, hashes, folder)
    with replace_file(path) as file:
        file.write(filled(text, blocks).encode())
    return [path, *sorted(folder.glob("*.png"))]


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """Text with what stands between `<!-- begin NAME -->` and `<!-- end -->` replaced."""
    unknown = {match["name"] for match in MARKED.finditer(text)} ^ set(blocks)
    if unknown:
        raise ValueError(f"RESULTS.md: expected a marker for each of {sorted(blocks)}, differing in {sorted(unknown)}")
    return MARKED.sub(lambda match: f"{match[1]}{blocks[match['name']]}\n{match[3]}", text)


def make_blocks(features: Features, out: Path, hashes: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Markdown for each marker; pictures go into `folder`."""

    def result(model: Model, by: str = "game", seed: int = 0) -> Result | None:
        paths = [values_path(out, task(model, by, fold, seed)) for fold in range(N_FOLDS)]
        if not all(path.is_file() for path in paths):
            return None
        return Result(features, model, [read_values(path) for path in paths])

    study = {name: found for name, model in MODELS.items() if (found := result(model))}
    steps = {title: found for title, model in LADDER.items() if (found := result(model))}
    shipped = result(SHIPPED)
    mlp, cnn, ensemble = (study[name] for name in ("mlp", "cnn", "ensemble"))
    shown = {each.model.title: each for each in study.values()} | ({SHIPPED.title: shipped} if shipped else {})
    by_split = {by: found for by in ("window", "track", "game") if (found := result(BASE, by))}
    priors = {by: result(MODELS["prior"], by) for by in by_split}
    twins = {f"seed {seed}": found for seed in range(9) if (found := result(BASE, "game", seed))}
    if twin := result(TORCH):
        twins["PyTorch, seed 0"] = twin

    tracks_of = {title: each.track for title, each in shown.items()}
    pictures.intervals(folder / "models.png", tracks_of, "roc_auc", "ROC-AUC, tracks of unheard games", 0.5)
    pictures.learning_curves(
        folder / "learning_curves.png",
        {each.model.title: [fold.history for fold in each.folds] for each in (mlp, cnn)},
    )
    pictures.splits(folder / "splits.png", {f"by {by}": each.track for by, each in by_split.items()})
    pictures.confusion(folder / "confusion.png", features, ensemble.track_pieces)

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
        "ladder": tables.ladder(
            [(title, each.track_of_folds(CHOOSING), each.track_of_folds(CONFIRMING)) for title, each in steps.items()],
            first=list(steps).index("learning at all"),
        ),
        "twins": tables.overview({title: each.track for title, each in twins.items()})
        + (f"\n\n{_twin_difference(twin, twins['seed 0'])}" if twin else ""),
        "mislabelings": tables.mislabelings(features, ensemble.track_pieces),
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


def _splits(by_split: Mapping[str, Result], priors: Mapping[str, Result | None]) -> str:
    header = ["split", "what is asked", "ROC-AUC, window", "ROC-AUC, track", "LRAP, track", "LRAP, track, prior"]
    rows = []
    for by, each in by_split.items():
        prior = priors[by]
        cells = [tables.with_interval(each.window, "roc_auc"), tables.with_interval(each.track, "roc_auc")]
        cells += [tables.with_interval(each.track, "lrap"), f"{prior.track.figures['lrap']:.3f}" if prior else ""]
        rows.append([f"by {by}", QUESTIONS[by], *cells])
    if {"window", "game"} <= set(by_split):
        gap = difference(by_split["window"].track, by_split["game"].track, "roc_auc")
        said = f"ROC-AUC by window minus by game, the same tracks: {tables.signed(gap)}."
        return tables.markdown(header, rows) + "\n\n" + said
    return tables.markdown(header, rows)


def _twin_difference(twin: Result, ours: Result) -> str:
    gap = difference(twin.track, ours.track, "roc_auc")
    return f"ROC-AUC of PyTorch's training minus ours with the same seed: {tables.signed(gap)}."
