"""Train the published convolutional network on real soundtracks, judge it on unheard ones, and tag two recordings.

Without arguments: on the sample of real music that comes with the project, in about two minutes. The network is the
published one; how it starts and is trained can be chosen, since as published (--as-published) its sigmoid units hardly
learn: see RESULTS.md. A training that is interrupted or killed goes on when the same command runs again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import nnlite as nn
from filmscore import plots, published
from filmscore.evaluation import Judgement, class_table, judge, ranking_table
from filmscore.extract import Settings
from filmscore.features import FeaturesError, load_features
from filmscore.files import replace_file
from filmscore.networks import ACTIVATIONS, convolutional
from filmscore.splits import QUESTIONS, Split, split_features
from filmscore.tagging import recording_tiles, tag
from mfcc import AudioError
from nnlite.checkpoints import Checkpointer

DATA = Path(__file__).parent / "data"


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    began = time.perf_counter()
    try:
        features = load_features(options.features)
    except (FeaturesError, OSError) as error:
        print(f"filmscore_cnn: {error}", file=sys.stderr)
        return 2

    # The data, and what the figures below will be about.
    rng = np.random.default_rng(options.seed)
    split = split_features(features, options.split, rng, validation_share=options.validation)
    games = {track.game for track in features.tracks}
    print(f"{len(features.tiles):,} windows of 9.3 s from {len(features.tracks)} tracks of {len(games)} games")
    print(f"training {len(split.train):,}, validation {len(split.validation):,}, test {len(split.test):,} windows")
    print(f"split by {options.split}: figures are for {QUESTIONS[options.split]}\n")

    # The network: one softmax over the ten genres; a track's tags share its probability.
    checkpoints = Checkpointer(options.out / "checkpoint.npz")
    network = convolutional(len(features.class_names), activation=options.activation, rest=options.dropout_rest)
    print(network.summary(), "\n")
    model = nn.NetworkClassifier(
        network,
        optimizer=nn.SGD(options.learning_rate, momentum=options.momentum),
        schedule=nn.LinearDecay(),
        init=options.init,
        standardize_axes=(0, 2) if options.scaling else None,
        batch_size=options.batch_size,
        max_epochs=options.epochs,
        patience=options.patience,
        checkpoint=checkpoints.path,
        random_state=options.seed,
        n_threads=options.threads,
        verbose=1,
    )
    tiles, labels = features.tiles, features.labels.astype(np.float32)
    try:
        model.fit(
            nn.Rows(tiles, split.train),
            labels[split.train],
            validation_data=(nn.Rows(tiles, split.validation), labels[split.validation]),
        )
    except (ValueError, OSError, nn.TrainingDiverged) as error:  # a checkpoint of another run, a full disk, NaN
        print(f"filmscore_cnn: {error}", file=sys.stderr)
        return 2
    kept = "the last epoch" if model.best_epoch_ is None else f"epoch {model.best_epoch_ + 1}"
    print(f"\nended by {model.stopped_by_}; kept the parameters of {kept}\n")

    # What it is worth, beside the prior.
    values = model.predict_proba(nn.Rows(tiles, split.test))
    judgement = judge(features, split, model.predict_proba(nn.Rows(tiles, split.validation)), values)
    print(class_table(judgement, published.F1_CONVOLUTIONAL, split.not_evaluable))
    print("(F1 at thresholds that were best on the validation part; published: other data, one label a sample)\n")
    print(ranking_table(judgement), "\n")

    # Files: model, history, pictures.
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    nn.save(out / "model.npz", model, recipe=features.recipe.to_dict(), class_names=list(features.class_names))
    write_history(out / "history.csv", model.history_)
    write_results(out / "results.json", options, split, model, judgement)
    title = f"{options.activation} units, split by {options.split}"
    plots.learning_curve(out / "learning_curve.png", model.history_, model.best_epoch_, title)
    plots.class_bars(out / "f1.png", judgement, published.F1_CONVOLUTIONAL, split.not_evaluable, title)

    # Recordings that it has never heard.
    settings = Settings(features.recipe, **features.description["options"])
    for path in options.tag:
        try:
            recording = recording_tiles(path, settings)
        except AudioError as error:
            print(f"{error}", file=sys.stderr)
            continue
        value = tag(model, recording)
        best = np.argsort(-value)[:4]
        genres = ", ".join(f"{features.class_names[k]} {value[k]:.2f}" for k in best)
        print(f"{path.name}: {genres}")
        curves = model.predict_proba(recording.values)
        plots.genre_curves(out / f"{path.stem}.png", recording.start_s, curves, features.class_names, path.name)
    if model.stopped_by_ != "interrupt":
        for path in checkpoints.paths():
            path.unlink(missing_ok=True)
    print(
        f"\nwrote {out}: model.npz, history.csv, results.json and pictures; {time.perf_counter() - began:.0f} s in all"
    )
    return 0


def write_history(path: Path, history: list[dict[str, float]]) -> None:
    with replace_file(path) as file:
        lines = [",".join(history[0])] + [",".join(f"{value:.6g}" for value in row.values()) for row in history]
        file.write(("\n".join(lines) + "\n").encode())


def write_results(path: Path, options: argparse.Namespace, split: Split, model: Any, judgement: Judgement) -> None:
    """What was asked, what came out: all that RESULTS.md is made of."""
    asked = {name: value for name, value in vars(options).items() if name not in ("features", "out", "tag", "threads")}
    result = {
        "options": asked,
        "windows": {part: len(getattr(split, part)) for part in ("train", "validation", "test")},
        "not_evaluable": split.not_evaluable,
        "kept_epoch": None if model.best_epoch_ is None else model.best_epoch_ + 1,
        "seconds": sum(row["seconds"] for row in model.history_),
        **asdict(judgement),
    }
    with replace_file(path) as file:
        file.write((json.dumps(result, indent=1) + "\n").encode())


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--features", type=Path, default=DATA / "sample", help="folder from build_features.py (default: the sample)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("filmscore-cnn"), help="folder for results (default: %(default)s)"
    )
    parser.add_argument(
        "--split", choices=tuple(QUESTIONS), default="track", help="what test and training must not share"
    )
    parser.add_argument(
        "--validation", type=float, default=0.2, metavar="SHARE", help="validation share (default: 0.2)"
    )
    parser.add_argument("--epochs", type=int, default=24, help="published: 655 (default: %(default)s)")
    parser.add_argument("--patience", type=int, help="epochs without a better validation loss after which to stop")
    parser.add_argument("--activation", choices=tuple(ACTIVATIONS), default="sigmoid", help="published: sigmoid")
    parser.add_argument(
        "--init", choices=("layers", "lsuv"), default="lsuv", help="initial weights: by formula or by data"
    )
    parser.add_argument("--dropout-rest", type=float, help="what dropped units say (default: 0.5 for sigmoid, else 0)")
    parser.add_argument("--learning-rate", type=float, default=0.01, help="decays linearly to 0 (default: %(default)s)")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--no-scaling", dest="scaling", action="store_false", help="coefficients as they are")
    parser.add_argument(
        "--as-published", action="store_true", help="learning rate 0.01, no momentum, formula init, no scaling"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--tag", type=Path, nargs="*", help="recordings to tag (default: the two that come along)")
    options = parser.parse_args(arguments)
    if options.as_published:
        options.learning_rate, options.momentum, options.init, options.scaling = 0.01, 0.0, "layers", False
        options.activation, options.dropout_rest = "sigmoid", 0.0
    if options.dropout_rest is None:
        options.dropout_rest = 0.5 if options.activation == "sigmoid" else 0.0
    if options.tag is None:
        options.tag = sorted(DATA.glob("*.ogg")) + sorted(DATA.glob("*.opus"))
    return options


if __name__ == "__main__":
    sys.exit(main())
