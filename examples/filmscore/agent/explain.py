"""Why a track is where it is: the curve of each genre over time, and the stretches that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmscore.agent.library import Library, Track

MOST = 3
"""Stretches that are named of a genre."""


@dataclass(frozen=True)
class Stretch:
    """Windows in a row [s], and their mean rank."""

    start_s: float
    end_s: float
    rank: float


@dataclass(frozen=True)
class Genre:
    """What a track has of a genre.

    Attributes
    ----------
    name : str
    value : float
        What the model says, mean over the windows.
    rank : float
        Share of the library's tracks that have less.
    curve : array (n_windows,)
        Rank of each window among the averages of the library's tracks.
    stretches : tuple of Stretch
        Where it is strongest, the strongest first: windows above the middle between the track's mean and its best.
    """

    name: str
    value: float
    rank: float
    curve: np.ndarray
    stretches: tuple[Stretch, ...]


def explain(library: Library, track: Track) -> list[Genre]:
    """What a track has of each genre, by rank."""
    windows = library.windows(track)
    means = library.track_values[track.id - 1]
    ranks, curves = library.ranks(means), library.ranks(windows.values)
    genres = [
        Genre(name, float(means[k]), float(ranks[k]), curves[:, k], _stretches(library, track, windows.values[:, k], k))
        for k, name in enumerate(library.class_names)
    ]
    return sorted(genres, key=lambda genre: -genre.rank)


def _stretches(library: Library, track: Track, values: np.ndarray, k: int) -> tuple[Stretch, ...]:
    start_s = library.windows(track).start_s
    strong = values >= (values.mean() + values.max()) / 2
    apart = np.diff(start_s) > 1.5 * library.window_s  # silence between two windows
    begins = np.flatnonzero(strong & ~np.concatenate([[False], strong[:-1] & ~apart]))
    ends = np.flatnonzero(strong & ~np.concatenate([strong[1:] & ~apart, [False]]))
    ranks = library.ranks(values[:, None], [k])[:, 0]
    found = [
        Stretch(
            float(start_s[begin]),
            float(min(start_s[end] + library.window_s, track.duration_s)),
            float(ranks[begin : end + 1].mean()),
        )
        for begin, end in zip(begins, ends, strict=True)
    ]
    means = [values[begin : end + 1].mean() for begin, end in zip(begins, ends, strict=True)]
    order = np.argsort(-np.array(means), kind="stable")[:MOST]
    return tuple(found[i] for i in order)
