"""The study's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from filmscore.features import Features
from filmscore.plots import ACCENT, INK, MUTED, SECOND, pyplot
from filmscore.study.judging import Judgement, Pieces


def intervals(path: Path, judgements: Mapping[str, Judgement], figure: str, label: str, chance: float | None) -> None:
    """Draw one figure of each model with its interval, one below the other."""
    plt = pyplot()
    if plt is None:
        return
    height = 0.9 + 0.34 * len(judgements)
    picture, axes = plt.subplots(figsize=(7, height), layout="constrained")
    for place, judgement in enumerate(judgements.values()):
        low, high = judgement.intervals[figure]
        axes.plot([low, high], [place, place], color=MUTED, linewidth=2)
        axes.plot(judgement.figures[figure], place, "o", color=ACCENT)
        axes.annotate(
            f"{judgement.figures[figure]:.3f}", (high, place), xytext=(6, 0), textcoords="offset points", va="center"
        )
    if chance is not None:
        axes.axvline(chance, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(judgements)), list(judgements))
    axes.invert_yaxis()
    axes.set_xlabel(label)
    picture.savefig(path, dpi=130)
    plt.close(picture)


def learning_curves(path: Path, histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]]) -> None:
    """Draw the loss over the epochs of each fold, a panel for each model, with a mark at the epoch that was kept."""
    plt = pyplot()
    if plt is None:
        return
    picture, panels = plt.subplots(1, len(histories), figsize=(4.2 * len(histories), 3.6), layout="constrained")
    for axes, (title, folds) in zip(np.atleast_1d(panels), histories.items(), strict=True):
        for history in folds:
            epochs = [row["epoch"] + 1 for row in history]
            held_out = [row["val_loss"] for row in history]
            best = int(np.argmin(held_out))
            axes.plot(epochs, [row["loss"] for row in history], color=MUTED, linewidth=1)
            axes.plot(epochs, held_out, color=ACCENT, linewidth=1)
            axes.plot(epochs[best], held_out[best], "o", color=INK, markersize=4)
        axes.set(title=title, xlabel="epoch", ylabel="loss (nats)")
    panels = np.atleast_1d(panels)
    panels[0].plot([], [], color=MUTED, label="training (with dropout)")
    panels[0].plot([], [], color=ACCENT, label="validation, a line a fold")
    panels[0].plot([], [], "o", color=INK, markersize=4, label="kept")
    panels[0].legend(frameon=False, fontsize=8)
    picture.savefig(path, dpi=130)
    plt.close(picture)


def long_run(
    path: Path, histories: Mapping[str, Sequence[Mapping[str, float]]], ends: Mapping[str, tuple[int, int | None]]
) -> None:
    """Draw the losses of long trainings over their epochs, with marks at the best and where early stopping ends it.

    Parameters
    ----------
    ends : mapping of (int, int or None)
        The best epoch of each training, and the one after which early stopping ends it if it does; epochs from 1.
    """
    plt = pyplot()
    if plt is None:
        return
    picture, panels = plt.subplots(1, len(histories), figsize=(4.6 * len(histories), 3.6), layout="constrained")
    for axes, (title, history) in zip(np.atleast_1d(panels), histories.items(), strict=True):
        epochs, held_out = [row["epoch"] + 1 for row in history], [row["val_loss"] for row in history]
        best, stopped = ends[title]
        axes.plot(epochs, [row["loss"] for row in history], color=MUTED, linewidth=1, label="training (with dropout)")
        axes.plot(epochs, held_out, color=ACCENT, linewidth=1, label="validation")
        axes.plot(best, held_out[best - 1], "o", color=INK, markersize=4, label=f"lowest: epoch {best}")
        if stopped is not None:
            axes.axvline(stopped, color=SECOND, linewidth=1, linestyle="--", label=f"early stopping: epoch {stopped}")
        axes.set(title=title, xlabel="epoch", ylabel="loss (nats)", xscale="log")
        axes.legend(frameon=False, fontsize=8)
    picture.savefig(path, dpi=130)
    plt.close(picture)


def splits(path: Path, title: str, judgements: Mapping[str, Judgement]) -> None:
    """Draw ROC-AUC of each class for splits by window, by track and by game."""
    plt = pyplot()
    if plt is None:
        return
    picture, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
    names = list(next(iter(judgements.values())).classes)
    width = 0.8 / len(judgements)
    for number, ((split, judgement), color) in enumerate(zip(judgements.items(), (MUTED, SECOND, ACCENT), strict=True)):
        values = [judgement.classes[name]["roc_auc"] for name in names]
        place = np.arange(len(names)) + (number - (len(judgements) - 1) / 2) * width
        axes.bar(place, values, width * 0.92, color=color, label=f"{split} ({judgement.figures['roc_auc']:.2f})")
    axes.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="ROC-AUC, whole tracks", ylim=(0.3, 1), title=title)
    axes.legend(frameon=False, ncols=3, loc="upper center")
    picture.savefig(path, dpi=130)
    plt.close(picture)


def confusion(path: Path, features: Features, pieces: Pieces) -> None:
    """Draw how often each genre (columns) had the highest value for tracks of each genre (rows)."""
    plt = pyplot()
    if plt is None:
        return
    first = np.eye(pieces.values.shape[1])[pieces.values.argmax(axis=1)]
    counts = pieces.labels.T.astype(float) @ first
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture, axes = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
    axes.imshow(shares, cmap="OrRd", vmin=0, vmax=1)
    for row in range(len(shares)):
        for column, share in enumerate(shares[row]):
            if share >= 0.005:
                color = "white" if share > 0.6 else INK
                axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=color)
    names = features.class_names
    totals = pieces.labels.sum(axis=0)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), [f"{name} ({n})" for name, n in zip(names, totals, strict=True)])
    axes.set(xlabel="genre with the highest value", ylabel="a genre of the track (tracks)", title="per cent of tracks")
    picture.savefig(path, dpi=130)
    plt.close(picture)


def reliability(path: Path, curves: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> None:
    """Draw what was observed over what was predicted, a panel for each library and a line for each way to values."""
    plt = pyplot()
    if plt is None:
        return
    picture, panels = plt.subplots(1, len(curves), figsize=(3.6 * len(curves), 3.7), layout="constrained", sharey=True)
    for axes, (title, lines) in zip(np.atleast_1d(panels), curves.items(), strict=True):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for (name, (predicted, observed)), colour in zip(lines.items(), (MUTED, ACCENT, SECOND), strict=False):
            axes.plot(predicted, observed, "o-", color=colour, markersize=4, linewidth=1.2, label=name)
        axes.set(title=title, xlabel="mean value", xlim=(0, 1), ylim=(0, 1))
    panels = np.atleast_1d(panels)
    panels[0].set_ylabel("share with the genre")
    panels[0].legend(frameon=False, fontsize=8)
    picture.savefig(path, dpi=130)
    plt.close(picture)
