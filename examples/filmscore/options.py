"""Command-line options that the training scripts share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nnlite as nn
from filmscore.networks import ACTIVATIONS
from filmscore.shipped import DATA, SAMPLE
from filmscore.splits import QUESTIONS


def data_parser(description: str | None, out: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every script: which features, how they are split, where results go.

    Parameters
    ----------
    description : str
    out : str
        Default folder for results.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--features", type=Path, default=SAMPLE, help="folder from build_features.py (default: the sample)"
    )
    parser.add_argument("--out", type=Path, default=Path(out), help="folder for results (default: %(default)s)")
    parser.add_argument(
        "--split", choices=tuple(QUESTIONS), default="track", help="unit that must not be both in training and in test"
    )
    parser.add_argument(
        "--validation", type=float, default=0.2, metavar="SHARE", help="validation share (default: 0.2)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    return parser


def training_parser(
    description: str | None, out: str, *, epochs: int, batch_size: int = 128
) -> argparse.ArgumentParser:
    """Return `data_parser` with options for training a network, and for the recordings that it tags in the end."""
    parser = data_parser(description, out)
    parser.add_argument(
        "--epochs", type=int, default=epochs, help="epochs at most; published: 655 (default: %(default)s)"
    )
    parser.add_argument("--patience", type=int, help="stop after so many epochs without a better validation loss")
    parser.add_argument(
        "--activation",
        choices=tuple(ACTIVATIONS),
        default="sigmoid",
        help="activation of hidden units (published: sigmoid)",
    )
    parser.add_argument(
        "--init", choices=("layers", "lsuv"), default="lsuv", help="initial weights: by formula or by data"
    )
    parser.add_argument("--dropout-rest", type=float, help="value of dropped units (default: 0.5 for sigmoid, else 0)")
    parser.add_argument("--learning-rate", type=float, default=0.01, help="decays linearly to 0 (default: %(default)s)")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch-size", type=int, default=batch_size, help="default: %(default)s")
    parser.add_argument("--no-scaling", dest="scaling", action="store_false", help="do not scale coefficients")
    parser.add_argument(
        "--as-published", action="store_true", help="learning rate 0.01, no momentum, formula init, no scaling"
    )
    parser.add_argument("--tag", type=Path, nargs="*", help="recordings to tag (default: the two in examples/data)")
    return parser


def parse_training(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the options of a `training_parser`, and fill in those that follow from others."""
    options = parser.parse_args(arguments)
    if options.as_published:
        options.learning_rate, options.momentum, options.init, options.scaling = 0.01, 0.0, "layers", False
        options.activation, options.dropout_rest = "sigmoid", 0.0
    if options.dropout_rest is None:
        options.dropout_rest = 0.5 if options.activation == "sigmoid" else 0.0
    if options.tag is None:
        options.tag = sorted(DATA.glob("*.ogg")) + sorted(DATA.glob("*.opus"))
    return options


def training_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options about training as arguments of `nnlite.NetworkClassifier`."""
    return {
        "optimizer": nn.SGD(options.learning_rate, momentum=options.momentum),
        "schedule": nn.LinearDecay(),
        "init": options.init,
        "standardize_axes": (0, 2) if options.scaling else None,
        "batch_size": options.batch_size,
        "max_epochs": options.epochs,
        "patience": options.patience,
        "random_state": options.seed,
        "n_threads": options.threads,
    }
