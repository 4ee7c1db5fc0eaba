"""Train a model on the user's own labels, and say honestly whether it became better than the library's."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.agent.analyse import FileJob, model_of
from filmscore.agent.heard import HEARD, digests, heard_by
from filmscore.agent.library import Library, Track
from filmscore.agent.scan import key_of
from filmscore.agent.schema import LibraryError
from filmscore.inputs import INPUTS
from mfcc import AudioError
from nnlite import metrics
from nnlite.model_selection import SplitWarning, split_by
from nnlite.model_selection.execution import Workers, run_jobs

MIN_TRACKS, MIN_ALBUMS = 20, 4
"""Least labelled tracks and albums: fewer can't be split into a part to learn from and a part to judge by."""
TEST_SHARE = 0.3


@dataclass(frozen=True)
class ModelInput:
    """The inputs of a model for a recording, or the reason why there are none."""

    path: str
    samples: np.ndarray | None
    problem: str = ""


@dataclass(frozen=True)
class LabelledTracks:
    """Labelled tracks with the model's inputs.

    Attributes
    ----------
    tracks : list of Track
    albums : array of str (n_tracks,)
    labels : array of bool (n_tracks, n_classes)
    samples : array (n_windows, ...)
    track_of_window : array of int (n_windows,)
    """

    tracks: list[Track]
    albums: np.ndarray
    labels: np.ndarray
    samples: np.ndarray
    track_of_window: np.ndarray

    def rows(self, tracks: np.ndarray) -> np.ndarray:
        """Return the numbers of the windows of some tracks."""
        return np.flatnonzero(np.isin(self.track_of_window, tracks))


@dataclass(frozen=True)
class Verdict:
    """The result of a training: how the new model compares with the library's.

    Attributes
    ----------
    n_train, n_test, n_test_albums : int
        Tracks, and albums, of the split that judged.
    n_heard : int
        Tracks among those that judged on which the library's model was trained: it has an advantage there.
    figures : dict
        Name of a figure -> (library's model, new model, difference with its interval).
    classes : dict
        Genre -> ROC-AUC of the library's and of the new model, for genres that the held-out tracks can judge.
    kept : list of str
        Genres that keep the networks of the library's model, because the labels can't teach them.
    word : {"better", "worse", "undecided"}
        The judgement by the interval of ROC-AUC's difference.
    """

    n_train: int
    n_test: int
    n_test_albums: int
    n_heard: int
    figures: dict[str, tuple[float, float, metrics.Interval]]
    classes: dict[str, tuple[float, float]]
    kept: list[str]
    word: str


def train(
    library: Library,
    out: Path,
    *,
    by: str = "album",
    seed: int = 0,
    workers: Workers | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Verdict:
    """Train a model with the settings of the library's on the user's labels, judge it on unheard albums, and save it.

    A first training leaves albums out, and is compared with the library's model on them. What is saved is a second
    training, on all labelled tracks.

    Parameters
    ----------
    out : Path
        The new model's file.
    by : {"album", "folder"}
        The unit that is wholly in training or wholly in judging.
    seed : int
    workers : executor or callable, optional
        The executor that decodes recordings.
    say : callable
        A function that takes messages about recordings that can't be used.

    Raises
    ------
    LibraryError
        When there are too few labels, albums or genres.
    """
    tagger, _ = model_of(str(library.folder.absolute()), library.about["id"])
    labels = library.labels()
    tracks = [track for track in library.tracks_of(labels) if not track.missing]
    _check_enough(library, tracks, by)
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        part = _hear(library, tracks, labels, by, Path(folder), workers, say)
        _check_enough(library, part.tracks, by)
        rng = np.random.default_rng(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SplitWarning)  # the verdict lists the genres that can't be judged
            learnt, held_out = split_by(part.albums, part.labels, TEST_SHARE, rng)
        trial, _ = _fit(tagger.model, part, learnt, library.class_names, seed)
        verdict_of = _judge(library, part, learnt, held_out, trial, heard_by(library, tagger.model), seed)
        final, kept = _fit(tagger.model, part, np.arange(len(part.tracks)), library.class_names, seed)
        nn.save(out, final, **tagger.model.metadata_ | {HEARD: sorted(digests(library, part.tracks))})
    return verdict_of(kept)


def group_of(library: Library, track: Track, by: str) -> str:
    """Return the name of the album or folder that must be in one part only."""
    return library.albums[track.id] if by == "album" else os.path.dirname(track.path)


def hear(job: FileJob) -> ModelInput:
    """Return the inputs of the library's model for a recording; the whole job of a worker."""
    try:
        tagger, _ = model_of(job.library, job.identity)
        return ModelInput(
            job.path, np.asarray(INPUTS[tagger.inputs](tagger.tiles(job.path, job.longest_s).values), np.float32)
        )
    except AudioError as error:
        return ModelInput(job.path, None, error.reason)
    except Exception as error:
        return ModelInput(job.path, None, f"{type(error).__name__}: {error}"[:500])


def _check_enough(library: Library, tracks: Sequence[Track], by: str) -> None:
    groups = {group_of(library, track, by) for track in tracks}
    if len(tracks) < MIN_TRACKS or len(groups) < MIN_ALBUMS:
        raise LibraryError(
            f"train: expected {MIN_TRACKS} labelled tracks of {MIN_ALBUMS} {by}s or more, got {len(tracks)} of "
            f"{len(groups)}. Label more with `correct`."
        )


def _hear(
    library: Library,
    tracks: Sequence[Track],
    labels: Mapping[int, Sequence[str]],
    by: str,
    folder: Path,
    workers: Workers | None,
    say: Callable[[str], None],
) -> LabelledTracks:
    """Decode tracks again, since a library keeps no samples. Those that can't be used are reported and left out."""
    here, identity = str(library.folder.absolute()), library.about["id"]
    jobs = {
        track.path: FileJob(key_of(track.path), track.path, here, identity, track.duration_s + 1) for track in tracks
    }
    files: dict[str, Path] = {}
    for heard in run_jobs(
        "train", hear, list(jobs.values()), workers, lambda job, error: ModelInput(job.path, None, error)
    ):
        if heard.samples is None:
            say(f"left out: {heard.path}: {heard.problem}")
        else:
            files[heard.path] = folder / f"{jobs[heard.path].key}.npy"
            np.save(files[heard.path], heard.samples)
    good = [track for track in tracks if track.path in files]
    if not good:
        raise LibraryError("train: none of the labelled tracks can be read.")
    arrays = [np.load(files[track.path], mmap_mode="r") for track in good]
    sizes = [len(array) for array in arrays]
    samples = np.lib.format.open_memmap(folder / "samples.npy", "w+", np.float32, (sum(sizes), *arrays[0].shape[1:]))
    for first, array in zip(np.cumsum([0, *sizes[:-1]]), arrays, strict=True):
        samples[first : first + len(array)] = array
    tags = np.array([[name in labels[track.id] for name in library.class_names] for track in good])
    albums = np.array([group_of(library, track, by) for track in good])
    return LabelledTracks(good, albums, tags, samples, np.repeat(np.arange(len(good)), sizes))


def _fit(
    model: Any, part: LabelledTracks, tracks: np.ndarray, class_names: Sequence[str], seed: int
) -> tuple[Any, list[str]]:
    """Train a model like `model` on some tracks; return it with the genres that it takes over from `model`."""
    rows = part.rows(tracks)
    labels = part.labels[part.track_of_window[rows]]
    settings = model.get_params(deep=False) | {"random_state": seed}
    fitted = type(model)(**settings)
    if not isinstance(model, nn.BaggedEnsemble):
        untaught = [name for name, some in zip(class_names, labels.any(axis=0), strict=True) if not some]
        if untaught:
            raise LibraryError(
                f"train: this model is one network for all genres and needs tracks of each, got none of "
                f"{', '.join(untaught)} to learn from. Label some, or use a library of an ensemble."
            )
        some = labels.any(axis=1)
        return fitted.fit(nn.Rows(part.samples, rows[some]), labels[some].astype(np.float32)), []
    if not (labels.any(axis=0) & ~labels.all(axis=0)).any():
        raise LibraryError("train: expected a genre that some labelled tracks have and some not, got none.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # genres that can't be learnt are named in the verdict
        fitted.fit(nn.Rows(part.samples, rows), labels)
    kept = sorted(fitted.constants_)
    for k in kept:
        fitted.members_[k], fitted.prior_[k] = model.members_[k], model.prior_[k]
        if k not in model.constants_:
            del fitted.constants_[k]
        else:
            fitted.constants_[k] = model.constants_[k]
    fitted.thresholds_ = np.array(model.thresholds_)
    return fitted, [class_names[k] for k in kept]


def _judge(
    library: Library,
    part: LabelledTracks,
    learnt: np.ndarray,
    held_out: np.ndarray,
    trial: Any,
    heard: set[str],
    seed: int,
) -> Callable[[list[str]], Verdict]:
    """Compare both models on held-out tracks; the result makes the verdict once the kept genres are known."""
    rows = part.rows(held_out)
    _, new = metrics.average_by_group(trial.predict_proba(nn.Rows(part.samples, rows)), part.track_of_window[rows])
    old = library.track_values[[part.tracks[i].id - 1 for i in held_out]].astype(np.float64)
    y, albums = part.labels[held_out], part.albums[held_out]
    judged = np.flatnonzero(y.any(axis=0) & ~y.all(axis=0))
    if not len(judged) or len(np.unique(albums)) < 2:
        raise LibraryError(
            "train: the held-out tracks can't judge any genre: they need some with it and some without, of two albums "
            "or more. Label more with `correct`."
        )

    def figures(labels: np.ndarray, values: np.ndarray) -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)
            each = metrics.roc_auc(labels[:, judged], values[:, judged], average="macro")
        return {"ROC-AUC": each, "LRAP": metrics.label_ranking_average_precision(labels, values)}

    rng = np.random.default_rng(seed)
    differences = metrics.bootstrap_difference(figures, y, new, old, albums, rng)
    before, after = figures(y, old), figures(y, new)
    classes = {
        library.class_names[k]: (float(metrics.roc_auc(y[:, k], old[:, k])), float(metrics.roc_auc(y[:, k], new[:, k])))
        for k in judged
    }
    interval = differences["ROC-AUC"]
    word = "better" if interval.low > 0 else "worse" if interval.high < 0 else "undecided"
    compared = {name: (float(before[name]), float(after[name]), differences[name]) for name in before}
    n_heard = len(digests(library, [part.tracks[i] for i in held_out]) & heard)
    sizes = len(learnt), len(held_out), len(np.unique(albums)), n_heard
    return lambda kept: Verdict(*sizes, compared, classes, kept, word)
