"""The published run in full: 655 epochs with linear decay, its curve, and where early stopping would have ended it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.study import pictures, tables, trials
from filmscore.study.judging import difference
from filmscore.study.models import LASTING, PUBLISHED_EPOCHS
from filmscore.study.report import ModelResult, result
from nnlite.metrics import UndefinedMetricWarning

RUNS = (("game", 0),)
"""Splits and folds. The next fold is for validation: a fifth of what the test fold leaves, as was published."""

COMPARED = 24
"""Epochs that the others are compared with: the default of `filmscore_cnn.py`."""

PATIENCE = 20
"""Epochs without a lower validation loss after which early stopping would have ended a run."""


class Course(NamedTuple):
    """The course of a training by its history, with epochs from 1.

    Attributes
    ----------
    best : int
        The epoch of the lowest validation loss, whose parameters count.
    stopped : int or None
        The epoch after which early stopping would have ended the run; None where it would not.
    losses, scores : tuple of (int, float)
        Validation loss and ROC-AUC of validation windows: at the best epoch, and at the last.
    """

    best: int
    stopped: int | None
    losses: tuple[float, float]
    scores: tuple[float, float]


def tasks() -> list[dict[str, Any]]:
    """Return all trainings, the short ones first."""
    return [trials.task(model, by, fold) for model in LASTING.values() for by, fold in RUNS]


def course(history: Sequence[Mapping[str, float]]) -> Course:
    """Return where a training was at its best and where early stopping would have ended it."""
    stopping = nn.EarlyStopping(PATIENCE)
    stopped = None
    for number, row in enumerate(history, 1):
        if stopping.update(row["val_loss"], {"weight": np.zeros(1)}) and stopped is None:
            stopped = number
    if stopping.best_epoch is None:
        raise ValueError("published run: expected validation losses that are numbers, got none")
    ends = history[stopping.best_epoch], history[-1]
    losses, scores = (tuple(row[name] for row in ends) for name in ("val_loss", "val_roc_auc"))
    return Course(stopping.best_epoch + 1, stopped, losses, scores)  # type: ignore[arg-type]


def blocks(features: Features, out: Path, folder: Path) -> dict[str, str]:
    """Return Markdown for the section's marker, and draw the curves into `folder`."""
    found = {
        (by, fold): {epochs: result(features, out, model, by, chosen=(fold,)) for epochs, model in LASTING.items()}
        for by, fold in RUNS
    }
    histories = {
        f"by {by}, fold {fold}": each[PUBLISHED_EPOCHS].folds[fold].history for (by, fold), each in found.items()
    }
    ends = {title: course(of)[:2] for title, of in histories.items()}
    pictures.long_run(folder / "published_run.png", histories, ends)
    return {"published-run": table(found)}


def table(found: Mapping[tuple[str, int], Mapping[int, ModelResult]]) -> str:
    """Return a table with a row for each length of training on each split."""
    header = ["split, fold", "epochs", "best epoch", "validation loss, best", "last"]
    header += ["ROC-AUC, validation windows, best", "last", "ROC-AUC, unheard tracks", f"against {COMPARED} epochs"]
    rows, said = [], []
    for (by, fold), each in found.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)  # one fold hasn't all genres: the mean is of others
            tracks = {epochs: of.track for epochs, of in each.items()}
        for epochs, of in each.items():
            its = course(of.folds[fold].history)
            cells = [f"by {by}, {fold}", str(epochs), str(its.best)]
            cells += [f"{value:.3f}" for value in (*its.losses, *its.scores)]
            gain = "" if epochs == COMPARED else tables.signed(difference(tracks[epochs], tracks[COMPARED], "roc_auc"))
            rows.append([*cells, tables.with_interval(tracks[epochs], "roc_auc"), gain])
            if epochs == PUBLISHED_EPOCHS:
                end = "would not have ended it" if its.stopped is None else f"would have ended it after {its.stopped}"
                said.append(f"by {by} early stopping with a patience of {PATIENCE} epochs {end}")
    return f"{tables.markdown(header, rows)}\n\nOf the {PUBLISHED_EPOCHS} epochs, {'; '.join(said)}."
