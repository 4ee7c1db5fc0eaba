"""The shortlist of a library: starred tracks in an order of the user's, each with a note."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filmscore.agent.library import Library
from filmscore.agent.schema import LibraryError, connect, transaction
from filmscore.agent.words import LONGEST, clean

MOST = 1000
"""Most tracks of a shortlist."""


@dataclass(frozen=True)
class Entry:
    """A starred track, by its number, and what the user wrote to it."""

    track: int
    note: str


def read(library: Library) -> list[Entry]:
    """Return the shortlist as it is now, also where other programs have changed it since the library was opened."""
    if not library.rows("SELECT 1 FROM sqlite_schema WHERE name = 'shortlist'"):
        return []  # a library of version 1
    rows = library.rows(
        "SELECT track, note FROM shortlist WHERE track <= ? ORDER BY place, track LIMIT ?", (library.n_tracks, MOST)
    )
    return [Entry(number, clean(note)) for number, note in rows]


def star(folder: Path, numbers: Sequence[int], *, note: str | None = None, place: int | None = None) -> None:
    """Put tracks at the end; those that are there already stay where they are.

    Parameters
    ----------
    folder : Path
    numbers : sequence of int
    note : str, optional
        Note of each of the tracks; "" removes it.
    place : int, optional
        Place to move the tracks to, 1 for the first.

    Raises
    ------
    LibraryError
        When there is no such track, the note is too long or the list full. Nothing has been changed then.
    """
    if note is not None and len(note) > LONGEST:
        raise LibraryError(f"expected a note of {LONGEST} characters at most, got {len(note)}.")
    with _writing(folder) as connection:
        order = [row[0] for row in connection.execute("SELECT track FROM shortlist ORDER BY place, track")]
        for number in numbers:
            if connection.execute("SELECT 1 FROM track WHERE id = ?", (number,)).fetchone() is None:
                raise LibraryError(f"{folder}: no track {number}.")
            if number not in order:
                connection.execute("INSERT INTO shortlist VALUES (?, ?, '', ?)", (number, len(order), time.time()))
                order.append(number)
            if note is not None:
                words = clean(note), time.time(), number
                connection.execute("UPDATE shortlist SET note = ?, changed = ? WHERE track = ?", words)
        if len(order) > MOST:
            raise LibraryError(f"{folder}: a shortlist has {MOST} tracks at most. Export it, and clear it.")
        if place is not None:
            order = [number for number in order if number not in numbers]
            order[max(0, place - 1) : max(0, place - 1)] = dict.fromkeys(numbers)
        rows = ((place, number) for place, number in enumerate(order, 1))
        connection.executemany("UPDATE shortlist SET place = ? WHERE track = ?", rows)


def unstar(folder: Path, numbers: Iterable[int] | None) -> None:
    """Remove tracks, or all for None."""
    with _writing(folder) as connection:
        if numbers is None:
            connection.execute("DELETE FROM shortlist")
        else:
            connection.executemany("DELETE FROM shortlist WHERE track = ?", ((number,) for number in numbers))


@contextmanager
def _writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a library for one change, so that nothing is held while a user thinks."""
    connection = connect(folder, write=True)
    try:
        with transaction(folder, connection):
            yield connection
    finally:
        connection.close()
