"""A library, or a part of it, as one HTML file that needs neither a program nor the network."""

from __future__ import annotations

import os
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from filmscore.agent import webpage
from filmscore.agent.export import file_uri
from filmscore.agent.library import Library, Track
from filmscore.agent.search import Match, best_stretch
from nnlite.serialization import atomic_write

ALIKE, PER_ALBUM = 12, 2
"""Most tracks listed as similar to a track, and most of one album among them."""
BLOCK = 256
"""Tracks that are compared with all others at a time."""


def write(
    path: Path,
    library: Library,
    tracks: Sequence[Track],
    weights: Mapping[str, float],
    words: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the page, whole or not at all, and return its size in bytes.

    Parameters
    ----------
    path : Path
    tracks : sequence of Track
        The tracks of the page.
    weights : mapping
        Genre -> first position of its slider.
    words : str
        Text below the heading.
    progress : callable
        A function that is called with the number of tracks done, and of all.

    Raises
    ------
    OSError
        When the file can't be written.
    """
    labels = library.labels()
    here = os.path.dirname(os.path.abspath(path))
    rows = [webpage.row(library, track, address(track.path, here), labels) for track in tracks]
    for done, (row, matches) in enumerate(zip(rows, alike(library, tracks), strict=True), 1):
        row["searched"] = library.texts[row["id"]]
        row["like"] = [
            [match.track.id, round(match.score, 3), round(match.start_s, 2), round(match.end_s, 2)] for match in matches
        ]
        progress(done, len(tracks))
    about = webpage.about_library(library, words) | {"tracks": rows, "parts": False}
    about["weights"] = [weights.get(name, 0.0) for name in library.class_names] if weights else None
    text = webpage.page(about, "media-src 'self' file:").encode()
    with atomic_write(path) as file:
        file.write(text)
    return len(text)


def address(path: str, folder: str) -> str:
    """Return the address of a recording for a page in `folder`: relative if it is below, so that both can be moved.

    Examples
    --------
    >>> address("/music/a b/50%#1.ogg", "/music"), address("/other/a.ogg", "/music")
    ('./a%20b/50%25%231.ogg', 'file:///other/a.ogg')
    """
    below = os.path.join(folder, "")
    if not path.startswith(below):
        return file_uri(path)
    return "./" + urllib.parse.quote(os.fsencode(path[len(below) :].replace(os.sep, "/")))


def alike(library: Library, tracks: Sequence[Track]) -> Iterator[list[Match]]:
    """Yield for each track the other tracks that are most similar, as `search.similar` finds them."""
    numbers = np.array([track.id for track in tracks], np.int64)
    directions = np.asarray(library.directions())[numbers - 1]
    albums = np.unique([library.albums[number] for number in numbers.tolist()], return_inverse=True)[1]
    for first in range(0, len(tracks), BLOCK):
        scores = directions[first : first + BLOCK] @ directions.T
        for place, of_track in enumerate(scores, first):
            of_track[albums == albums[place]] = -np.inf
            yield [
                _match(library, tracks[other], float(of_track[other]), directions[place])
                for other in _best(of_track, albums)
            ]


def _best(scores: np.ndarray, albums: np.ndarray) -> list[int]:
    """Return the places of the highest scores, with at most `PER_ALBUM` of an album."""
    seen: Counter[int] = Counter()
    best: list[int] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        if len(best) == ALIKE or np.isneginf(scores[place]):
            break
        seen[albums[place]] += 1
        if seen[albums[place]] <= PER_ALBUM:
            best.append(place)
    return best


def _match(library: Library, track: Track, score: float, direction: np.ndarray) -> Match:
    likeness = library.windows(track).directions.astype(np.float32) @ direction
    return Match(track, float(np.clip(score, -1, 1)), *best_stretch(library, track, likeness))
