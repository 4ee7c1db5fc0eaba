"""Judging of classifiers on the five official folds: votes kept on disk, accuracies, and intervals over recordings."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from esc.clips import FOLDS, Clips
from nnlite.metrics import bootstrap_intervals
from nnlite.serialization import atomic_write


def votes_of_folds(
    clips: Clips,
    out: Path,
    name: str,
    settings: str,
    predict: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Predict each fold by what was learned from others; folds that `out` has with the same settings are read.

    Parameters
    ----------
    clips : Clips
    out : Path
        Folder for the votes: one file for each name and fold, so that a run that was interrupted goes on.
    name : str
        Name of method and seed.
    settings : str
        Anything that the votes depend on.
    predict : callable
        ``predict(train, test)`` takes masks over clips and returns votes for the test clips by the name of each way to
        vote.

    Returns
    -------
    dict of str to ndarray (n_clips, n_classes)
    """
    whole: dict[str, np.ndarray] = {}
    for fold in FOLDS:
        path = out / f"{name}-fold{fold}.npz"
        test = clips.folds == fold
        votes = _stored(path, settings)
        if votes is None:
            votes = predict(~test, test)
            out.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as file:
                np.savez(file, settings=np.array(settings), **votes)  # type: ignore[arg-type]
        for way, rows in votes.items():
            whole.setdefault(way, np.zeros((len(clips.labels), len(clips.class_names))))[test] = rows
    return whole


def _stored(path: Path, settings: str) -> dict[str, np.ndarray] | None:
    """Return the votes of a file, or None if there is no such file, or one of other settings."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["settings"]) != settings:
                return None
            return {way: stored[way] for way in stored.files if way != "settings"}
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected votes written by this program, got another file. Remove it.") from error


def interval(right: np.ndarray, sources: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `right` by bootstrap over the recordings that clips were cut from.

    Parameters
    ----------
    right : ndarray (n_clips,)
        Share of seeds for which a clip was classified rightly.
    sources : ndarray (n_clips,)
    """
    rng = np.random.default_rng(seed)
    of_mean = bootstrap_intervals(lambda right, _: right.mean(), right, right, sources, rng)
    return float(of_mean.low), float(of_mean.high)
