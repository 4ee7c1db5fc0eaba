"""The answers of a library to the page of `serve`: `find`, `similar`, `explain`, and the file of a recording."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from typing import Any

from filmscore.agent import webpage
from filmscore.agent.library import Library, Track
from filmscore.agent.search import Match, Reference, find, similar
from filmscore.agent.walk import Stamp

ALIKE, PER_ALBUM = 40, 2
"""Most tracks listed as similar to a track, and most of one album among them."""
MOST = 100
"""Most tracks in an answer."""


class Answers:
    """Answers of a library, as JSON types; threads take turns.

    Each method takes the parameters of a request as text, and raises ValueError (of which LibraryError is one) for
    those that make no sense.

    Parameters
    ----------
    library : Library
        Opened with `shared`.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._turn = threading.Lock()

    def find(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return tracks by a mix of genres (`weights`: a number for each genre), or all in their order."""
        names = self.library.class_names
        weights = [_number(word, "weights", -1, 1) for word in asked.get("weights", "").split(",") if word]
        if len(weights) not in (0, len(names)):
            raise ValueError(f"weights: expected {len(names)} numbers from -1 to 1, got {len(weights)}")
        chosen = _filters(asked)
        first, count = _whole(asked, "first", 0, 10**9), _whole(asked, "count", 20, MOST)
        wants = {name: weight for name, weight in zip(names, weights, strict=False) if weight}
        with self._turn:
            ids = self.library.ids(**chosen)
            found: list[Match] | list[Track]
            if wants:
                found = find(self.library, wants, limit=count, skip=first, **chosen)
            else:
                found = list(self.library.tracks_of(ids[first : first + count]))
            return {"total": len(ids), "rows": self._rows(found[:count])}

    def similar(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return tracks similar to `track`, or to its part `from` one second `to` another, that pass the filters."""
        part = [_number(asked[name], name, 0, 1e9) if name in asked else None for name in ("from", "to")]
        chosen = _filters(asked)
        with self._turn:
            reference = Reference.of_track(self.library, self._track(asked).id, *part)
            rows = self._rows(similar(self.library, reference, limit=ALIKE, per_album=PER_ALBUM, **chosen))
        return {"total": len(rows), "rows": rows}

    def explain(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return how strong each genre is in `track`, and when."""
        with self._turn:
            return self._rows([self._track(asked)])[0]

    def files(self, number: int) -> list[tuple[str, Stamp]]:
        """Return the present files of a track, with their stamps at the scan."""
        with self._turn:
            return self.library.files(number)

    def _rows(self, found: list[Match] | list[Track]) -> list[dict[str, Any]]:
        labels = self.library.labels()
        numbers = [each.track.id if isinstance(each, Match) else each.id for each in found]
        return [
            webpage.row(self.library, each, f"audio/{number}", labels)
            for each, number in zip(found, numbers, strict=True)
        ]

    def _track(self, asked: Mapping[str, str]) -> Track:
        return self.library.track(_whole(asked, "track", 0, 10**12))


def _filters(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters of tracks that a request has."""
    least_s = _number(asked.get("least", "0"), "least", 0, 1e9)
    return {"text": asked.get("text", "")[:200], "min_duration_s": least_s}


def _number(text: str, name: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {text[:40]!r}")
    return number


def _whole(asked: Mapping[str, str], name: str, default: int, high: int) -> int:
    text = asked.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,15}", text) or int(text) > high:
        raise ValueError(f"{name}: expected a whole number up to {high}, got {text[:40]!r}")
    return int(text)
