"""An explanation of a track's genres: the curve of each genre over time, and the stretches where it is strongest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmscore.agent.library import Library, Track

MOST = 3
"""Most stretches that are named for a genre."""


@dataclass(frozen=True)
class Stretch:
    """Windows in a row [s], and their mean rank."""

    start_s: float
    end_s: float
    rank: float


@dataclass(frozen=True)
class Genre:
    """A genre of a track: how strong it is, and where.

    Attributes
    ----------
    name : str
    value : float
        Mean of the model's values over the windows.
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
    """Return how strong each genre is in a track, highest rank first."""
    windows = library.windows(track)
    means = library.track_values[track.id - 1]
    ranks, curves = library.ranks(means), library.ranks(windows.values)
    apart = np.diff(windows.start_s) > 1.5 * library.window_s  # silence between two windows
    ends_s = np.minimum(windows.start_s + library.window_s, track.duration_s)
    genres = []
    for k, name in enumerate(library.class_names):
        stretches = tuple(
            Stretch(float(windows.start_s[begin]), float(ends_s[end]), float(curves[begin : end + 1, k].mean()))
            for begin, end in _strongest(windows.values[:, k], apart)
        )
        genres.append(Genre(name, float(means[k]), float(ranks[k]), curves[:, k], stretches))
    return sorted(genres, key=lambda genre: -genre.rank)


def _strongest(values: np.ndarray, apart: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last window of runs above the middle between mean and maximum, the highest mean first."""
    strong = values >= (values.mean() + values.max()) / 2
    begins = np.flatnonzero(strong & ~np.concatenate([[False], strong[:-1] & ~apart]))
    ends = np.flatnonzero(strong & ~np.concatenate([strong[1:] & ~apart, [False]]))
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    means = (sums[ends + 1] - sums[begins]) / (ends + 1 - begins)
    order = np.argsort(-means, kind="stable")[:MOST]
    return list(zip(begins[order].tolist(), ends[order].tolist(), strict=True))
