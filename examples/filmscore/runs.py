"""The steps that all training scripts share: reading and splitting data, judging a model, and writing results."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore import plots
from filmscore.evaluation import SplitMetrics, class_table, judge, ranking_table
from filmscore.features import Features, load_features
from filmscore.files import replace_file
from filmscore.recording import Settings, read_recording
from filmscore.splits import QUESTIONS, Split, split_features
from filmscore.tagging import about_model, tag
from mfcc import AudioError
from nnlite.serialization.checkpoints import Checkpointer

TRAINING_ERRORS = (ValueError, OSError, nn.TrainingDiverged)
"""Errors that a user can do something about: unusable features, a checkpoint of another run, a full disk, NaN."""


@dataclass(frozen=True)
class Data:
    """Features and their parts.

    Attributes
    ----------
    features : Features
    split : Split
    """

    features: Features
    split: Split

    @classmethod
    def load(cls, options: argparse.Namespace) -> Data:
        """Read the data that the options of `filmscore.options.data_parser` ask for; raises FeaturesError."""
        features = load_features(options.features)
        rng = np.random.default_rng(options.seed)
        return cls(features, split_features(features, options.split, rng, validation_share=options.validation))

    def part(self, name: str) -> tuple[nn.Rows, np.ndarray]:
        """Return windows and labels of "train", "validation" or "test"; the windows are read when they are needed."""
        rows = getattr(self.split, name)
        return nn.Rows(self.features.tiles, rows), self.features.labels[rows].astype(np.float32)

    def describe(self, by: str) -> str:
        """Say how much data there is, and what figures of this split are about."""
        tracks, split = self.features.tracks, self.split
        games = {track.game for track in tracks}
        return (
            f"{len(self.features.tiles):,} windows of 9.3 s from {len(tracks)} tracks of {len(games)} games\n"
            f"training {len(split.train):,}, validation {len(split.validation):,}, test {len(split.test):,} windows\n"
            f"split by {by}: figures are for {QUESTIONS[by]}\n"
        )


def judge_and_print(model: Any, data: Data, published_f1: dict[str, float]) -> SplitMetrics:
    """Judge a model on the test part, and print the figures beside those of the prior and the published study."""
    values = [model.predict_proba(data.part(name)[0]) for name in ("validation", "test")]
    judgement = judge(data.features, data.split, *values)
    print(class_table(judgement, published_f1, data.split.not_evaluable))
    print("(F1 at thresholds that were best on the validation part; published: other data, one label a sample)\n")
    print(ranking_table(judgement), "\n")
    return judgement


def write_run(
    options: argparse.Namespace,
    data: Data,
    model: Any,
    judgement: SplitMetrics,
    published_f1: dict[str, float],
    history: Sequence[dict[str, Any]],
    about: dict[str, Any],
) -> None:
    """Write model, history, results and the picture of F1 into the folder that the options name.

    Parameters
    ----------
    history : sequence of dict
        A row for each line of history.csv.
    about : dict
        Further entries of results.json about the training.
    """
    features, split, out = data.features, data.split, options.out
    out.mkdir(parents=True, exist_ok=True)
    nn.save(out / "model.npz", model, **about_model(features))
    with replace_file(out / "history.csv") as file:
        columns = list(dict.fromkeys(name for row in history for name in row))
        lines = [columns] + [[f"{row[name]:.6g}" if name in row else "" for name in columns] for row in history]
        file.write("".join(",".join(line) + "\n" for line in lines).encode())
    asked = {name: value for name, value in vars(options).items() if name not in ("features", "out", "tag", "threads")}
    windows = {part: len(getattr(split, part)) for part in ("train", "validation", "test")}
    results = {"options": asked, "windows": windows, "not_evaluable": split.not_evaluable} | about | asdict(judgement)
    with replace_file(out / "results.json") as file:
        file.write((json.dumps(results, indent=1) + "\n").encode())
    plots.class_bars(out / "f1.png", judgement, published_f1, split.not_evaluable, title_of(options))


def conclude_network(
    options: argparse.Namespace, data: Data, model: Any, published_f1: dict[str, float], began: float
) -> None:
    """Judge a network, write everything about it, tag recordings, and remove its checkpoints.

    Parameters
    ----------
    began : float
        When the run began, by `time.perf_counter` [s].
    """
    kept = "the last epoch" if model.best_epoch_ is None else f"epoch {model.best_epoch_ + 1}"
    print(f"\nended by {model.stopped_by_}; kept the parameters of {kept}\n")
    judgement = judge_and_print(model, data, published_f1)
    about = {
        "kept_epoch": None if model.best_epoch_ is None else model.best_epoch_ + 1,
        "seconds": sum(row["seconds"] for row in model.history_),
    }
    write_run(options, data, model, judgement, published_f1, model.history_, about)
    plots.learning_curve(options.out / "learning_curve.png", model.history_, model.best_epoch_, title_of(options))
    tag_recordings(model, data.features, options.tag, options.out)
    if model.stopped_by_ != "interrupt":
        for path in Checkpointer(model.checkpoint).paths():
            path.unlink(missing_ok=True)
    say_what_was_written(options.out, began)


def title_of(options: argparse.Namespace) -> str:
    """Return the title of a run's pictures."""
    return f"{options.activation} units, split by {options.split}"


def say_what_was_written(out: Path, began: float) -> None:
    """Print the last line of a run."""
    seconds = time.perf_counter() - began
    print(f"\nwrote {out}: model.npz, history.csv, results.json and pictures; {seconds:.0f} s in all")


def tag_recordings(model: Any, features: Features, paths: Sequence[Path], out: Path) -> None:
    """Print the four genres that fit best to each recording, and draw all of them along it."""
    settings = Settings(features.recipe, **features.description["options"])
    for path in paths:
        try:
            tiles = read_recording(path, settings).tiles
        except (AudioError, OSError) as error:
            print(f"{error}", file=sys.stderr)
            continue
        value = tag(model, tiles)
        best = np.argsort(-value)[:4]
        genres = ", ".join(f"{features.class_names[k]} {value[k]:.2f}" for k in best)
        print(f"{path.name}: {genres}")
        curves = model.predict_proba(tiles.values)
        plots.genre_curves(out / f"{path.stem}.png", tiles.start_s, curves, features.class_names, path.name)
