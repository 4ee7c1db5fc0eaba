"""The study's tables, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from filmscore import published
from filmscore.features import Features
from filmscore.study.costs import Cost
from filmscore.study.judging import Judgement, Pieces, difference

FIGURES = {
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "f1": "F1",
    "f1_fixed": "F1, fixed rule",
    "lrap": "LRAP",
    "coverage_error": "coverage error",
    "ranking_loss": "ranking loss",
}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; columns of figures are aligned to the right."""
    figures = [all(not cell or cell[0] in "+-0123456789" for cell in column) for column in zip(*rows, strict=True)]
    rule = ["---:" if right else "---" for right in figures]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def overview(judgements: Mapping[str, Judgement]) -> str:
    """Return a table with a row for each model, with intervals where there are any."""
    rows = [
        [title, *(with_interval(judgement, figure) for figure in FIGURES)] for title, judgement in judgements.items()
    ]
    best = next(iter(judgements.values())).best_coverage_error
    rows.append(["*best possible*", "1", "1", "1", "1", "1", f"{best:.2f}", "0"])
    return markdown(["model", *FIGURES.values()], rows)


def compared(
    a: Judgement,
    b: Judgement,
    titles: tuple[str, str],
    published_f1: tuple[Mapping[str, float], Mapping[str, float]],
    features: Features,
    figures: tuple[str, str],
) -> str:
    """Return a table of two models class by class: F1 (`figures` says by which rule) and ROC-AUC, with the published
    F1."""
    header = [
        "class",
        *(f"F1, {title}" for title in titles),
        "change",
        *(f"ROC-AUC, {title}" for title in titles),
        *(f"published F1, {title}" for title in titles),
        "change",
    ]
    rows = []
    for name in features.class_names:
        ours = ["not evaluable on this corpus", *[""] * 4]
        if name in a.classes:
            first, second = a.classes[name][figures[0]], b.classes[name][figures[1]]
            auc = [f"{judgement.classes[name]['roc_auc']:.3f}" for judgement in (a, b)]
            ours = [f"{first:.3f}", f"{second:.3f}", f"{second - first:+.3f}", *auc]
        theirs = [of[name] for of in published_f1]
        rows.append([name, *ours, *(f"{value:.3f}" for value in theirs), f"{theirs[1] - theirs[0]:+.3f}"])
    first, second = a.figures[figures[0]], b.figures[figures[1]]
    auc = [f"{judgement.figures['roc_auc']:.3f}" for judgement in (a, b)]
    rows.append(["mean of the evaluable", f"{first:.3f}", f"{second:.3f}", f"{second - first:+.3f}", *auc, "", "", ""])
    return markdown(header, rows)


def agreement(
    a: Judgement,
    b: Judgement,
    published_f1: tuple[Mapping[str, float], Mapping[str, float]],
    titles: tuple[str, str],
    figures: tuple[str, str],
) -> str:
    """Return a sentence that says for which classes the order of two models is the published one."""
    same, other = [], []
    for name in a.classes:
        ours = b.classes[name][figures[1]] - a.classes[name][figures[0]]
        theirs = published_f1[1][name] - published_f1[0][name]
        (same if (ours > 0) == (theirs > 0) else other).append(name)
    said = f"The order of {titles[0]} and {titles[1]} is the published one for {_listed(same)}"
    return said + (f"; it is the reverse for {_listed(other)}." if other else ".")


def windows_and_tracks(judgements: Mapping[str, tuple[Judgement, Judgement]]) -> str:
    """Return a table of the rankings of each model per window and over whole tracks, with the published ones."""
    header = ["", "LRAP, window", "LRAP, track", "coverage error, window", "coverage error, track", "best possible"]
    rows = []
    for title, (window, track) in judgements.items():
        figures = [with_interval(each, figure) for figure in ("lrap", "coverage_error") for each in (window, track)]
        rows.append([title, *figures, f"{window.best_coverage_error:.2f}, {track.best_coverage_error:.2f}"])
    lrap, coverage = published.LRAP, published.COVERAGE_ERROR
    theirs = [lrap["window"], lrap["track"], coverage["window"], coverage["track"], coverage["best"]]
    rows.append(["published ensemble (other data)", *(f"{value:.2f}" for value in theirs)])
    return markdown(header, rows)


def ladder(steps: Sequence[tuple[str, Judgement, Judgement, Judgement]], first: str) -> str:
    """Return a table of ROC-AUC of each step on the folds that it was chosen on, on the others, and on all. The last
    comes with the gain over the step `first`."""
    base = next(every for title, _, _, every in steps if title == first)
    rows = []
    for title, choosing, others, every in steps:
        figures = [with_interval(each, "roc_auc") for each in (choosing, others, every)]
        gain = "" if every is base else signed(difference(every, base, "roc_auc"))
        rows.append([title, *figures, gain, f"{every.figures['lrap']:.3f}"])
    header = ["step", "choosing folds", "other folds", "all folds", f"against {first}", "LRAP, all"]
    return markdown(header, rows)


def changes(tried: Mapping[str, Judgement], base: Judgement) -> str:
    """Return a table of the gain of single changes of a model, on the folds where they were tried."""
    rows = [
        [title, with_interval(each, "roc_auc"), signed(difference(each, base, "roc_auc"))]
        for title, each in tried.items()
    ]
    return markdown(
        ["change", "ROC-AUC, choosing folds", "gain"], [["none", with_interval(base, "roc_auc"), ""], *rows]
    )


class OverTime(NamedTuple):
    """The row of a network: its folds, its judgement there, that of the network it is compared with (None for this
    network itself), and its cost."""

    title: str
    folds: str
    judgement: Judgement
    base: Judgement | None
    cost: Cost


def over_time(rows: Sequence[OverTime], against: str) -> str:
    """Return a table of quality, paired gain and cost of each network."""
    header = ["network", "folds", "ROC-AUC", f"against {against}", "LRAP", "parameters"]
    header += ["training [ms]", "inference [ms]"]
    cells = []
    for row in rows:
        gain = "" if row.base is None else signed(difference(row.judgement, row.base, "roc_auc"))
        figures = [with_interval(row.judgement, "roc_auc"), gain, with_interval(row.judgement, "lrap")]
        costs = [f"{row.cost.parameters:,}", f"{row.cost.training_ms:.2f}", f"{row.cost.inference_ms:.2f}"]
        cells.append([row.title, row.folds, *figures, *costs])
    return markdown(header, cells)


def mislabelings(features: Features, pieces: Pieces, n: int = 12) -> str:
    """Return a table of the tracks with the most confident wrong genres, one of each soundtrack."""
    evaluable = pieces.labels.sum(axis=0) > 0
    wrong = np.where(pieces.labels | ~evaluable, -np.inf, pieces.values).max(axis=1)
    right = np.where(pieces.labels, pieces.values, -np.inf).max(axis=1)
    rows, seen = [], set()
    for piece in np.argsort(-(wrong - right), kind="stable"):
        track = features.tracks[pieces.track[piece]]
        if track.soundtrack in seen:
            continue
        seen.add(track.soundtrack)
        order = np.argsort(-pieces.values[piece])[: max(2, int(pieces.labels[piece].sum()))]
        predicted = ", ".join(f"{features.class_names[k]} {pieces.values[piece, k]:.2f}" for k in order)
        rows.append([track.title or track.id.rsplit("/", 1)[-1], track.game, predicted, ", ".join(track.tags)])
        if len(rows) == n:
            break
    return markdown(["track", "game", "predicted", "tags"], rows)


def with_interval(judgement: Judgement, figure: str) -> str:
    value = f"{judgement.figures[figure]:.3f}"
    if figure not in judgement.intervals:
        return value
    low, high = judgement.intervals[figure]
    return f"{value} ({low:.3f} to {high:.3f})"


def signed(of: tuple[float, float, float]) -> str:
    return f"{of[0]:+.3f} ({of[1]:+.3f} to {of[2]:+.3f})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
