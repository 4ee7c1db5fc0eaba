"""`train`: a model of the user's own labels, compared with the library's on albums that it has not heard."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from filmscore.agent import tables, training
from filmscore.agent.commands import common
from filmscore.agent.library import Library
from filmscore.agent.place import default_library
from filmscore.agent.workers import add_arguments as add_workers
from filmscore.agent.workers import workers

HELP = "a model of your own labels, compared with the library's on albums that it has not heard"
EXAMPLES = """\
filmscore train --out my-model.npz
filmscore train --from-library mine --split folder"""
WORDS = {
    "better": "The new model is better on them than the library's.",
    "worse": "The new model is worse on them than the library's.",
    "undecided": "Which of the two is better, these labels can't tell: the interval holds 0.",
}


UNFAIR = {
    "better": "It is better all the same.",
    "worse": "On music that neither has heard it may do better than here.",
    "undecided": "On music that neither has heard it may do better than here.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from-library", dest="library", type=Path, nargs="?", metavar="DIR",
        default=default_library(), const=default_library(),
        help="library with the labels (default: that of the other commands)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("my-model.npz"), metavar="FILE", help="new model (default: %(default)s)"
    )
    parser.add_argument(
        "--split",
        choices=("album", "folder"),
        default="album",
        help="unit that is held out as a whole (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0)
    add_workers(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        verdict = training.train(
            library,
            options.out,
            by=options.split,
            seed=options.seed,
            workers=workers(options.executor, options.processes),
            say=lambda message: print(f"filmscore: {tables.printable(message)}", file=sys.stderr),
        )
    if options.json:
        figures = {
            name: {"library": old, "new": new, "difference": each.estimate, "low": each.low, "high": each.high}
            for name, (old, new, each) in verdict.figures.items()
        }
        common.print_json(vars(verdict) | {"figures": figures, "model": str(options.out)})
    else:
        print_verdict(verdict, options.out)
    return 0


def print_verdict(verdict: training.Verdict, out: Path) -> None:
    judges = f"{verdict.n_test} of {verdict.n_test_albums} albums that it has not heard"
    print(f"trained on {verdict.n_train} tracks, judged on {judges}")
    rows = [
        [name, f"{old:.3f}", f"{new:.3f}", f"{each.estimate:+.3f}", f"{each.low:+.3f} to {each.high:+.3f}"]
        for name, (old, new, each) in verdict.figures.items()
    ]
    rows += [
        [f"  {name}", f"{old:.3f}", f"{new:.3f}", f"{new - old:+.3f}", ""]
        for name, (old, new) in verdict.classes.items()
    ]
    print(tables.table(["", "library's", "new", "difference", "95 % interval over albums"], rows, wide=0))
    print(WORDS[verdict.word])
    if verdict.n_heard:
        print(
            f"The comparison is not fair: the library's model was trained on {verdict.n_heard} of these "
            f"{verdict.n_test} tracks, the new one on none. {UNFAIR[verdict.word]}"
        )
    if verdict.n_test_albums < 20:
        print("With so few albums the interval is too narrow: take it for the least that is uncertain.")
    if verdict.kept:
        print(f"Taken over from the library's model, for lack of labels: {', '.join(verdict.kept)}")
    print(f"wrote {out}, trained on all of your labels. Use it: scan FOLDER --library NEW --model {out}")
