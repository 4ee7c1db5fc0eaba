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
    rows = library.rows(
        "SELECT track, note FROM shortlist WHERE track <= ? ORDER BY place, track LIMIT ?", (library.n_tracks, MOST)
    )
    return [Entry(number, clean(note)) for number, note in rows]


def star(folder: Path, numbers: Iterable[int]) -> None:
    """Put tracks at the end; those that are there already stay where they are."""
    with _writing(folder) as connection:
        places = dict(connection.execute("SELECT track, place FROM shortlist"))
        place = max(places.values(), default=0)
        for number in numbers:
            if connection.execute("SELECT 1 FROM track WHERE id = ?", (number,)).fetchone() is None:
                raise LibraryError(f"{folder}: no track {number}.")
            if number not in places:
                place += 1
                places[number] = place
                connection.execute("INSERT INTO shortlist VALUES (?, ?, '', ?)", (number, place, time.time()))
        if len(places) > MOST:
            raise LibraryError(f"{folder}: a shortlist has {MOST} tracks at most. Export it, and clear it.")


def unstar(folder: Path, numbers: Iterable[int] | None) -> None:
    """Remove tracks, or all for None."""
    with _writing(folder) as connection:
        if numbers is None:
            connection.execute("DELETE FROM shortlist")
        else:
            connection.executemany("DELETE FROM shortlist WHERE track = ?", ((number,) for number in numbers))


def note(folder: Path, number: int, text: str) -> None:
    """Write a note to a starred track; raises LibraryError where it has no star, or the note is too long."""
    if len(text) > LONGEST:
        raise LibraryError(f"expected a note of {LONGEST} characters at most, got {len(text)}.")
    with _writing(folder) as connection:
        changed = connection.execute(
            "UPDATE shortlist SET note = ?, changed = ? WHERE track = ?", (clean(text), time.time(), number)
        )
        if not changed.rowcount:
            raise LibraryError(f"{folder}: track {number} is not on the shortlist. Star it first.")


def move(folder: Path, number: int, place: int) -> None:
    """Move a starred track to a place, 1 for the first."""
    with _writing(folder) as connection:
        order = [row[0] for row in connection.execute("SELECT track FROM shortlist ORDER BY place, track")]
        if number not in order:
            raise LibraryError(f"{folder}: track {number} is not on the shortlist. Star it first.")
        order.remove(number)
        order.insert(max(0, place - 1), number)
        _put(connection, order)


def _put(connection: sqlite3.Connection, order: Sequence[int]) -> None:
    rows = ((place, number) for place, number in enumerate(order, 1))
    connection.executemany("UPDATE shortlist SET place = ? WHERE track = ?", rows)


@contextmanager
def _writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a library for one change, so that nothing is held while a user thinks."""
    connection = connect(folder, write=True)
    try:
        with transaction(folder, connection):
            yield connection
    finally:
        connection.close()
