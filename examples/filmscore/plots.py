"""Pictures of a run. Without matplotlib, which is optional, a line says what to install, and the run goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

INK, MUTED, ACCENT, SECOND = "#1f2933", "#9aa5b1", "#c2410c", "#0f766e"


def pyplot() -> Any | None:
    """Return matplotlib.pyplot without a screen; without matplotlib print a line on standard error and return None."""
    try:
        import matplotlib
    except ImportError:
        print("no pictures: matplotlib is missing. Install it with: pip install 'nnlite[plot]'", file=sys.stderr)
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED, "text.color": INK}
    plt.rcParams.update(style | {"axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "font.size": 10})
    return plt


def learning_curve(path: Path, history: Sequence[dict[str, Any]], best_epoch: int | None, title: str) -> None:
    """Draw the loss of training and validation over the epochs, with the epoch whose parameters were kept."""
    plt = pyplot()
    if plt is None:
        return
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    epochs = [row["epoch"] + 1 for row in history]
    axes.plot(epochs, [row["loss"] for row in history], color=MUTED, label="training (with dropout)")
    axes.plot(epochs, [row["val_loss"] for row in history], color=ACCENT, label="validation")
    if best_epoch is not None:
        axes.axvline(best_epoch + 1, color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            f" kept: epoch {best_epoch + 1}", (best_epoch + 1, 1), xycoords=("data", "axes fraction"), va="top"
        )
    axes.set(xlabel="epoch", ylabel="loss (cross-entropy, nats)", title=title)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def member_curves(path: Path, members: Mapping[str, Sequence[Any]], title: str) -> None:
    """Draw the validation loss of each genre's networks over the epochs, with a mark where the parameters were kept."""
    plt = pyplot()
    if plt is None:
        return
    columns = min(5, len(members))
    grid = (-(-len(members) // columns), columns)
    figure, axes = plt.subplots(*grid, figsize=(2 * columns, 1.9 * grid[0]), layout="constrained", squeeze=False)
    for panel in axes.flat[len(members) :]:
        panel.remove()
    for panel, (name, bags) in zip(axes.flat, members.items(), strict=False):
        for member in bags:
            losses = [row.get("val_loss", np.nan) for row in member.history_]
            panel.plot(range(1, len(losses) + 1), losses, color=ACCENT, linewidth=1)
            if (best := member.best_epoch_) is not None:
                panel.plot(best + 1, losses[best], "o", color=INK, markersize=3)
        panel.set_title(name, fontsize=9)
        panel.axhline(np.log(2), color=MUTED, linewidth=0.8, linestyle=":")
    figure.supxlabel("epoch", fontsize=9)
    figure.suptitle(f"{title} (nats; dotted: guessing)", fontsize=10)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def class_bars(path: Path, judgement: Any, published: dict[str, float], skip: Sequence[str], title: str) -> None:
    """Draw F1 of each class per track beside the prior's, with the published figure as a mark."""
    plt = pyplot()
    if plt is None:
        return
    names = [name for name in judgement.track["classes"] if name not in skip]
    value = {
        part: [getattr(judgement, part)["classes"][n]["f1"] or 0 for n in names] for part in ("track", "prior_track")
    }
    place = np.arange(len(names))
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.bar(place - 0.2, value["track"], 0.38, color=ACCENT, label="network, whole tracks")
    axes.bar(place + 0.2, value["prior_track"], 0.38, color=MUTED, label="prior alone")
    if known := [n for n in names if n in published]:
        place = [names.index(n) for n in known]
        axes.scatter(place, [published[n] for n in known], marker="_", s=500, color=INK, label="published (other data)")
    axes.set_xticks(np.arange(len(names)), names)
    axes.set(ylabel="F1", ylim=(0, 1), title=title)
    axes.legend(frameon=False, ncols=3, loc="upper center")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def search_progress(path: Path, results: Mapping[str, Iterable[Any]], title: str) -> None:
    """Draw the score of each trial, and the best so far, over the epochs that a search has spent."""
    plt = pyplot()
    if plt is None:
        return
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for (name, trials), color in zip(results.items(), (MUTED, SECOND, ACCENT), strict=False):
        done = [trial for trial in trials if trial.score is not None]
        spent = np.cumsum([trial.details["epochs"] for trial in done])
        scores = [trial.score for trial in done]
        axes.plot(spent, scores, ".", color=color, markersize=4, alpha=0.5)
        axes.step(spent, np.maximum.accumulate(scores), where="post", color=color, label=f"{name}, best so far")
    axes.set(xlabel="epochs spent", ylabel="ROC-AUC, validation tracks", title=title)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def genre_curves(path: Path, start_s: np.ndarray, values: np.ndarray, names: Sequence[str], title: str) -> None:
    """Draw the values of the genres along a recording: a row for each genre, dark where it fits."""
    plt = pyplot()
    if plt is None:
        return
    order = np.argsort(-values.mean(axis=0))
    width = start_s[1] - start_s[0] if len(start_s) > 1 else 9.29
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    edges = np.append(start_s, start_s[-1] + width)
    mesh = axes.pcolormesh(edges, np.arange(len(names) + 1), values.T[order], cmap="OrRd", vmin=0, vmax=values.max())
    axes.set_yticks(np.arange(len(names)) + 0.5, [f"{names[k]}  {values[:, k].mean():.2f}" for k in order])
    axes.invert_yaxis()
    axes.set(xlabel="time in the recording (s)", title=title)
    figure.colorbar(mesh, ax=axes, label="value of the genre")
    figure.savefig(path, dpi=150)
    plt.close(figure)
