"""The tracks that a search may find: conditions that all of them must meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filmscore.agent.paths import below

PRESENT = "f.missing = 0 AND f.problem IS NULL"
"""A condition of SQL: the file was there and readable when its folder was last scanned."""


@dataclass(frozen=True)
class Filter:
    """Conditions of tracks.

    Attributes
    ----------
    folder : str or None
        Only tracks with a file below it.
    min_duration_s, max_duration_s : float
    text : str
        Only tracks with all of these words in title, artist, album or file name; `words.folded` compares them.
    missing : bool
        Whether tracks without a present file are included.
    """

    folder: str | None = None
    min_duration_s: float = 0.0
    max_duration_s: float | None = None
    text: str = ""
    missing: bool = False

    def where(self, n_tracks: int) -> tuple[str, list[Any]]:
        """Return all conditions but the words as SQL about `track t JOIN file f`, and the values in it."""
        where: list[str] = ["t.id <= ?"]
        values: list[Any] = [n_tracks]
        if not self.missing:
            where.append(PRESENT)
        if self.folder is not None:
            where.append("f.path >= ? AND f.path < ?")
            values += below(self.folder)
        if self.min_duration_s > 0:
            where.append("t.duration_s >= ?")
            values.append(self.min_duration_s)
        if self.max_duration_s is not None:
            where.append("t.duration_s <= ?")
            values.append(self.max_duration_s)
        return " AND ".join(where), values
