"""Exact search: tracks that fit a mix of genres, and tracks that sound like a track or a part of one.

Both compare with every track, or every window, of the library: a product of the memory-mapped arrays with one vector.
`_best_windows` is where an index of vectors would take its place, see docs/agent-developers.md.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from filmscore.agent.analyse import Analysis
from filmscore.agent.basis import SCALE, unit
from filmscore.agent.library import Library, Track
from filmscore.agent.schema import LibraryError

BLOCK = 1 << 11
"""Windows that are compared at a time: as float32 they fit into a core's cache, and BLAS starts no threads for them."""
STRETCH = 3
"""Windows of the stretch that is shown as the place to begin to listen: 28 s."""


@dataclass(frozen=True)
class Match:
    """A track that was found.

    Attributes
    ----------
    track : Track
    score : float
        From 0 to 1 for genres; the cosine, from -1 to 1, for likeness.
    start_s, end_s : float
        The stretch that fits best [s].
    """

    track: Track
    score: float
    start_s: float
    end_s: float


def parse_wants(text: str, class_names: Iterable[str]) -> dict[str, float]:
    """Return the weights in words such as "thriller:1, sci-fi:0.5, comedy:-1"; a name without a number counts 1.

    Raises
    ------
    ValueError
        For a name that is no genre of the library, a name given twice, or a weight that is not from -1 to 1.

    Examples
    --------
    >>> parse_wants("thriller, sci-fi:0.5,comedy:-1", ["Comedy", "Sci-Fi", "Thriller"])
    {'Thriller': 1.0, 'Sci-Fi': 0.5, 'Comedy': -1.0}
    """
    wants: dict[str, float] = {}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, colon, number = item.rpartition(":")
        name, number = (name.strip(), number) if colon else (item, "1")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not -1 <= weight <= 1:
            raise ValueError(f"--want: {item!r}: expected GENRE:WEIGHT, a weight from -1 to 1, such as thriller:0.5")
        known = genre(name, class_names, "--want")
        if known in wants:
            raise ValueError(f"--want: expected each genre once, got {known} again")
        wants[known] = weight
    if not any(wants.values()):
        raise ValueError(f"--want: expected at least one genre with a weight other than 0, got {text!r}")
    return wants


def genre(name: str, class_names: Iterable[str], who: str) -> str:
    """Return the genre with this name in upper or lower case; raises ValueError that lists the genres."""
    names = {known.casefold(): known for known in class_names}
    if name.casefold() not in names:
        close = difflib.get_close_matches(name.casefold(), names, 1)
        hint = f" Did you mean {names[close[0]]}?" if close else ""
        raise ValueError(f"{who}: {name!r} is no genre of this library: {', '.join(names.values())}.{hint}")
    return names[name.casefold()]


def find(
    library: Library,
    wants: Mapping[str, float],
    *,
    limit: int = 20,
    per_album: int | None = None,
    skip: int = 0,
    **asked: Any,
) -> list[Match]:
    """Return the tracks that fit a mix of genres best.

    The score is a weighted mean of ranks (`Library.ranks`): of the genre's rank for a positive weight, of 1 minus it
    for a negative one. 1 would be a track that exceeds, or undercuts, all others in every genre that was asked for.

    Parameters
    ----------
    wants : mapping
        Genre -> weight from -1 to 1.
    limit : int
    per_album : int, optional
        Most tracks of one album.
    skip : int
        Number of best matches to leave out, to continue a list.
    asked
        Conditions that tracks must meet, by the names of `filters.Filter`: `min_duration_s`, `text`, ...

    Examples
    --------
    `find(library, {"Thriller": 1.0, "Comedy": -0.5}, limit=5)`
    """
    columns, weights = _columns(library, wants)
    ids = library.ids(**asked)
    ranks = np.column_stack([library.track_ranks(k)[ids - 1] for k in columns])
    scores = _mix(ranks, weights)
    order = np.argsort(-scores, kind="stable")[skip:]
    matches = []
    for place, track in _by_album(library, ids[order], per_album):
        of_windows = _mix(library.ranks(library.windows(track).values[:, columns], columns), weights)
        matches.append(Match(track, float(scores[order[place]]), *best_stretch(library, track, of_windows)))
        if len(matches) >= limit:
            break
    return matches


@dataclass(frozen=True)
class Reference:
    """A direction to which tracks are compared, and the tracks that are left out.

    Attributes
    ----------
    direction : array (width,)
        The direction, of length 1.
    part : bool
        Whether it is a part of a track: single windows of other tracks are compared with it, instead of whole tracks.
    own : array of int
        Tracks that are left out: those of its album.
    track : int or None
        The track itself, always left out.
    """

    direction: np.ndarray
    part: bool
    own: np.ndarray
    track: int | None

    @classmethod
    def of_track(
        cls, library: Library, number: int, from_s: float | None = None, to_s: float | None = None
    ) -> Reference:
        """Return the reference for a track of the library, or for those of its windows that a stretch [s] touches.

        Raises
        ------
        LibraryError
            When there is no such track, or no window in the stretch.
        """
        track = library.track(number)
        own = library.of_album(number)
        if from_s is None and to_s is None:
            return cls(np.array(library.directions()[number - 1]), False, own, number)
        windows = library.windows(track)
        chosen = _touched(windows.start_s, library.window_s, from_s, to_s, track.duration_s)
        mean = unit(windows.directions[chosen].astype(np.float32).mean(axis=0))
        return cls(mean, True, own, number)

    @classmethod
    def of_analysis(
        cls, library: Library, analysis: Analysis, from_s: float | None = None, to_s: float | None = None
    ) -> Reference:
        """Return the reference for a recording that is not in the library; see `of_track`."""
        if from_s is None and to_s is None:
            return cls(analysis.mean_direction, False, np.empty(0, np.int64), None)
        chosen = _touched(analysis.start_s, library.window_s, from_s, to_s, analysis.duration_s)
        mean = unit(unit(analysis.projected[chosen]).mean(axis=0))
        return cls(mean, True, np.empty(0, np.int64), None)


def similar(
    library: Library,
    reference: Reference,
    *,
    limit: int = 20,
    per_album: int | None = 2,
    same_album: bool = False,
    **asked: Any,
) -> list[Match]:
    """Return the tracks that are most similar to a reference, by the cosine of standardized embeddings.

    Parameters
    ----------
    reference : Reference
        For a whole track, the means of tracks are compared. For a part, its mean is compared with every window of the
        library, and the score of a track is that of its best window.
    limit : int
    per_album : int, optional
        Most tracks of one album.
    same_album : bool
        Whether tracks of the reference's own album may be found, too.
    asked
        As for `find`.
    """
    ids = library.ids(**asked)
    left_out = [] if reference.track is None else [reference.track]
    ids = ids[~np.isin(ids, left_out if same_album else np.concatenate([reference.own, left_out]))]
    if reference.part:
        scores = _best_windows(library, reference.direction, ids)
    else:
        scores = np.asarray(library.directions() @ reference.direction)[ids - 1]
    order = np.argsort(-scores, kind="stable")
    matches = []
    for place, track in _by_album(library, ids[order], per_album):
        likeness = library.windows(track).directions.astype(np.float32) @ reference.direction
        stretch = best_stretch(library, track, likeness, 1 if reference.part else STRETCH)
        matches.append(Match(track, float(np.clip(scores[order[place]], -1, 1)), *stretch))
        if len(matches) >= limit:
            break
    return matches


def best_stretch(library: Library, track: Track, scores: np.ndarray, length: int = STRETCH) -> tuple[float, float]:
    """Return begin and end [s] of the run of windows with the highest mean score.

    Parameters
    ----------
    scores : array (n_windows,)
        Scores of the windows of a track.
    length : int
        Length of the run in windows; less if the track has fewer.
    """
    start_s = library.windows(track).start_s
    length = min(length, len(scores))
    sums = np.convolve(scores, np.ones(length), "valid")
    # Silence has no windows. A run across silence is longer than its windows; it is taken only if there is no other.
    tight = start_s[length - 1 :] - start_s[: len(start_s) - length + 1] < (length - 0.5) * library.window_s
    first = int(np.argmax(np.where(tight, sums, -np.inf) if tight.any() else sums))
    last = first + length - 1
    return float(start_s[first]), float(min(start_s[last] + library.window_s, track.duration_s))


def _best_windows(library: Library, direction: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the cosine of a direction with the best window of each track in `ids`."""
    scores = np.empty(library.n_windows, np.float32)
    block = np.empty((BLOCK, library.width), np.float32)
    for first in range(0, library.n_windows, BLOCK):
        rows = library.window_directions[first : first + BLOCK]
        np.copyto(block[: len(rows)], rows)
        np.matmul(block[: len(rows)], direction / np.float32(SCALE), out=scores[first : first + len(rows)])
    # Windows are in the order of their tracks, and each track has at least one.
    return np.maximum.reduceat(scores, library.first_windows)[ids - 1] if len(scores) else np.empty(0, np.float32)


def _mix(ranks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.where(weights > 0, ranks, 1 - ranks) @ (np.abs(weights) / np.abs(weights).sum())


def _columns(library: Library, wants: Mapping[str, float]) -> tuple[list[int], np.ndarray]:
    known = {name: weight for name, weight in wants.items() if weight}
    return [library.class_names.index(name) for name in known], np.array(list(known.values()))


def _touched(
    starts_s: np.ndarray, window_s: float, from_s: float | None, to_s: float | None, duration_s: float
) -> np.ndarray:
    """Return a mask of the windows that lie in a stretch by half or more; if none does, of those that touch it."""
    begin, end = from_s or 0.0, duration_s if to_s is None else min(to_s, duration_s)
    if not 0 <= begin < end:
        raise LibraryError(
            f"expected a part within the {duration_s:.0f} s of the track, with its begin before its end, got "
            f"{begin:g} to {to_s if to_s is not None else duration_s:g} s."
        )
    overlap = np.minimum(starts_s + window_s, end) - np.maximum(starts_s, begin)
    for least in (window_s / 2, 0.0):
        if (overlap > least).any():
            return overlap > least
    raise LibraryError(
        f"expected a part with sound, got {begin:g} to {end:g} s: the track is silent there, or ends before a window."
    )


def _by_album(library: Library, ids: np.ndarray, per_album: int | None) -> Iterator[tuple[int, Track]]:
    """Yield tracks with their place in `ids`, at most `per_album` of each album."""
    seen: Counter[str | None] = Counter()
    for place, track in enumerate(library.tracks_of(ids.tolist())):
        album = None if per_album is None else library.albums.get(track.id, track.path)
        seen[album] += 1
        if per_album is None or seen[album] <= per_album:
            yield place, track
