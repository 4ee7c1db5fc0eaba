"""A library as its readers see it: tracks, the values of their windows, and the user's labels."""

from __future__ import annotations

import functools
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from filmscore.agent.filters import PRESENT, Filter
from filmscore.agent.rows import RowFile
from filmscore.agent.schema import LibraryError, check, connect, explained
from filmscore.agent.tracks import Track, Windows
from filmscore.agent.walk import Stamp
from filmscore.agent.words import clean, folded
from filmscore.tagging import check_names
from mfcc.sound.errors import printable

__all__ = ["Library", "LibraryError", "Track", "Windows"]

MODEL, BASIS = "model.npz", "basis.npz"
KEPT = 8
"""Selections of tracks that are kept while a library is open: the pages of one search use the same selection."""
_TRACK = (
    "t.id, MIN(f.path), t.duration_s, t.title, t.artist, t.album, t.n_windows, t.n_silent, t.first_window, "
    f"MAX({PRESENT}) = 0, COUNT(f.path)"
)


class Library:
    """An open library; a context manager. `open` makes it.

    It shows the state at the time of opening. Tracks that a scan adds later are seen by the next `open`.

    Attributes
    ----------
    folder : Path
    about : dict
        Facts about the library, as text.
    class_names : tuple of str
    window_s : float
        Duration of a window [s].
    width : int
        Numbers of a direction.
    n_tracks, n_windows : int
    track_values : array (n_tracks, n_classes)
        Means over the windows of a track.
    track_directions : array (n_tracks, width)
        Direction of the mean embedding, of length 1.
    window_values : array (n_windows, 1 + n_classes)
        Start [s], and the values.
    window_directions : array of int8 (n_windows, width)
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder, self.connection = folder, connection
        check(folder, connection)
        self.about = dict(self.rows("SELECT key, value FROM about"))
        try:
            self.class_names = _strings(self.about["class_names"])
            self.window_s, self.width = float(self.about["window_s"]), int(self.about["width"])
            check_names(self.class_names)
            if not 0 < self.window_s < 1e9 or not 0 < self.width < 2**20:
                raise ValueError(f"windows of {self.window_s:g} s, {self.width} numbers")
            files = row_files(folder, self.about["id"], len(self.class_names), self.width)
        except (KeyError, TypeError, ValueError) as error:
            raise LibraryError(f"{folder}: damaged: {error!r}. Scan the folders into a new library.") from error
        self.n_tracks, self.n_windows = counts(connection)
        self.track_values, self.track_directions = (file.map(self.n_tracks) for file in files[:2])
        self.window_values, self.window_directions = (file.map(self.n_windows) for file in files[2:])
        if not _are_shares(self.track_values):
            raise self._damaged("values of tracks")
        self._looked_at_directions = False
        self._sorted: dict[int, np.ndarray] = {}
        self._track_ranks: dict[int, np.ndarray] = {}
        self._ids: dict[Filter, np.ndarray] = {}

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, shared: bool = False) -> Library:
        """Open a library for reading.

        Parameters
        ----------
        folder : path-like
        shared : bool
            For threads that take turns. Nothing can be written then; see `schema.connect`.

        Raises
        ------
        LibraryError
            When there is none, or it is damaged or of another version.
        """
        folder = Path(folder)
        connection = connect(folder, shared=shared)
        try:
            return cls(folder, connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise explained(folder, error) from error
            raise

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ids(self, **asked: Any) -> np.ndarray:
        """Return the numbers of tracks, rising; the parameters are those of `filters.Filter`, by name."""
        chosen = Filter(**asked)
        if chosen not in self._ids:
            where, values = chosen.where(self.n_tracks)
            found = self.rows(f"SELECT DISTINCT t.id FROM track t JOIN file f ON f.track = t.id WHERE {where}", values)
            while len(self._ids) >= KEPT:
                del self._ids[next(iter(self._ids))]
            numbers = self._with_words((row[0] for row in found), chosen.text)
            self._ids[chosen] = np.sort(np.fromiter(numbers, np.int64))
        return self._ids[chosen].copy()

    def tracks(self, **asked: Any) -> list[Track]:
        """Return tracks in the order of their paths; parameters as for `ids`."""
        chosen = Filter(**asked)
        where, values = chosen.where(self.n_tracks)
        found = self.rows(
            f"SELECT {_TRACK} FROM track t JOIN file f ON f.track = t.id WHERE {where} GROUP BY t.id "
            "ORDER BY MIN(f.path)",
            values,
        )
        rows = {row[0]: row for row in found}
        return [self._track(rows[number]) for number in self._with_words(rows, chosen.text)]

    def track(self, number: int) -> Track:
        """Return the track with a number; raises LibraryError if there is none."""
        found = next(self.tracks_of([number]), None)
        if found is None:
            raise LibraryError(f"{self.folder}: no track {number}; there are {self.n_tracks}.")
        return found

    def tracks_of(self, numbers: Iterable[int]) -> Iterator[Track]:
        """Yield the tracks with these numbers, in the given order, read some at a time; unknown numbers are skipped."""
        numbers, first, size = list(map(int, numbers)), 0, 32
        while first < len(numbers):
            some = [number for number in numbers[first : first + size] if number <= self.n_tracks]
            rows = self.rows(
                f"SELECT {_TRACK} FROM track t LEFT JOIN file f ON f.track = t.id "
                f"WHERE t.id IN ({', '.join('?' * len(some))}) GROUP BY t.id, {PRESENT} ORDER BY {PRESENT}",
                some,
            )
            found = {row[0]: row for row in rows}  # the last row counts: it is that of a present file
            yield from (self._track(found[number]) for number in some if number in found)
            first, size = first + size, min(2 * size, 1024)

    def paths(self, number: int) -> list[str]:
        """Return all present files of a track."""
        found = self.rows(f"SELECT f.path FROM file f WHERE f.track = ? AND {PRESENT} ORDER BY f.path", (int(number),))
        return [os.fsdecode(path) for (path,) in found]

    def files(self, number: int) -> list[tuple[str, Stamp]]:
        """Return all present files of a track, with their stamps at the scan."""
        columns = "f.path, f.size, f.mtime_ns, f.ctime_ns"
        found = self.rows(f"SELECT {columns} FROM file f WHERE f.track = ? AND {PRESENT} ORDER BY f.path", (number,))
        return [(os.fsdecode(path), Stamp(*stamp)) for path, *stamp in found]

    def with_path(self, path: str) -> int | None:
        """Return the number of a file's track, by the absolute path."""
        found = self.rows("SELECT track FROM file WHERE path = ?", (os.fsencode(path),))
        return next((row[0] for row in found), None)

    def with_hash(self, digest: bytes) -> int | None:
        """Return the number of the track with a content, by its SHA-256."""
        return next((row[0] for row in self.rows("SELECT id FROM track WHERE hash = ?", (digest,))), None)

    @functools.cached_property
    def texts(self) -> dict[int, str]:
        """Number of each track -> its title, artist, album and the names of its files, folded, a line each."""
        words = self.rows("SELECT id, title, artist, album FROM track WHERE id <= ?", (self.n_tracks,))
        lines = {number: [folded(clean(word)) for word in of_track] for number, *of_track in words}
        for number, path in self.rows("SELECT track, path FROM file WHERE track <= ? ORDER BY path", (self.n_tracks,)):
            lines[number].append(folded(printable(os.path.basename(os.fsdecode(path)))))
        return {number: "\n".join(of_track) for number, of_track in lines.items()}

    @functools.cached_property
    def albums(self) -> dict[int, str]:
        """Number of each track -> its album: its own tag, else the one tag in its folder if there is only one, else the
        folder."""
        found = self.rows(
            "SELECT t.id, MIN(f.missing || hex(f.path)), f.folder, t.album FROM track t JOIN file f ON f.track = t.id "
            "WHERE t.id <= ? GROUP BY t.id",
            (self.n_tracks,),
        )
        rows = [(number, folder, album.strip().casefold()) for number, _, folder, album in found]
        tags: dict[bytes, set[str]] = {}
        for _, folder, album in rows:
            tags.setdefault(folder, set()).update(filter(None, [album]))
        only = {folder: next(iter(some)) for folder, some in tags.items() if len(some) == 1}
        return {number: album or only.get(folder) or os.fsdecode(folder) for number, folder, album in rows}

    def of_album(self, number: int) -> np.ndarray:
        """Return the numbers of the tracks of the same album, the track itself among them."""
        album = self.albums.get(number)
        return np.array([other for other, name in self.albums.items() if name == album], np.int64)

    def windows(self, track: Track) -> Windows:
        """Return the windows of a track."""
        rows = slice(track.first_window, track.first_window + track.n_windows)
        start_s, values = self.window_values[rows, 0], self.window_values[rows, 1:]
        if not (start_s[0] >= 0 and (np.diff(start_s) > 0).all() and start_s[-1] <= track.duration_s):
            raise self._damaged(f"starts of windows of track {track.id}")
        if not _are_shares(values):
            raise self._damaged(f"values of windows of track {track.id}")
        return Windows(start_s, values, self.window_directions[rows])

    def directions(self) -> np.ndarray:
        """Return `track_directions`, after a look at each number of it.

        Raises
        ------
        LibraryError
            When they are no directions.
        """
        if not self._looked_at_directions:
            if not (np.abs(self.track_directions) <= 1.001).all():
                raise self._damaged("directions of tracks")
            self._looked_at_directions = True
        return self.track_directions

    @functools.cached_property
    def first_windows(self) -> np.ndarray:
        """For each track the row of its first window."""
        found = self.rows("SELECT first_window FROM track WHERE id <= ? ORDER BY id", (self.n_tracks,))
        return np.fromiter((row[0] for row in found), np.int64, self.n_tracks)

    def ranks(self, values: np.ndarray, classes: Sequence[int] | None = None) -> np.ndarray:
        """Return the share of the library's tracks with a lower average; of equal ones, half count as lower.

        The values of two genres can't be compared, since a rare genre hardly ever has a high value. Ranks can be
        compared.

        Parameters
        ----------
        values : array (..., n_classes), or (..., len(classes))
        classes : sequence of int, optional
            Columns that `values` has; by default all.
        """
        values = np.asarray(values)
        columns = range(len(self.class_names)) if classes is None else classes
        result = np.full(values.shape, 0.5)
        if self.n_tracks:
            for place, k in enumerate(columns):
                ordered = self._ordered(k)
                below, upto = (np.searchsorted(ordered, values[..., place], side) for side in ("left", "right"))
                result[..., place] = (below + upto) / (2 * self.n_tracks)
        return result

    def track_ranks(self, k: int) -> np.ndarray:
        """Return the ranks of all tracks in genre k, shape (n_tracks,)."""
        if k not in self._track_ranks:
            self._track_ranks[k] = self.ranks(self.track_values[:, [k]], [k])[:, 0]
        return self._track_ranks[k]

    def labels(self) -> dict[int, tuple[str, ...]]:
        """Return number of a track -> tags that the user gave it."""
        found = self.rows("SELECT track, tags FROM label WHERE track <= ? ORDER BY track", (self.n_tracks,))
        try:
            return {number: tuple(map(clean, _strings(tags))) for number, tags in found}
        except ValueError as error:
            raise LibraryError(f"{self.folder}: a label is damaged ({error}). Correct the tags again.") from error

    def problems(self) -> list[tuple[str, str]]:
        """Return (path, reason) of files that could not be used."""
        found = self.rows("SELECT path, problem FROM file WHERE problem IS NOT NULL AND missing = 0 ORDER BY path")
        return [(os.fsdecode(path), clean(problem)) for path, problem in found]

    def folders(self) -> list[str]:
        """Return the folders that were scanned."""
        return [os.fsdecode(path) for (path,) in self.rows("SELECT path FROM folder ORDER BY path")]

    def _track(self, row: tuple) -> Track:
        """Return the track of a row of `_TRACK`; of several files the first that is there now."""
        number, path, duration_s, title, artist, album, n_windows, n_silent, first_window, missing, n_files = row
        chosen = os.fsdecode(path or b"")
        if n_files > 1:
            chosen = next((each for each in self.paths(number) if os.path.exists(each)), chosen)
        words = clean(title), clean(artist), clean(album)  # the library may come from anyone
        numbers = n_windows, n_silent, first_window
        return Track(number, chosen, duration_s, *words, *numbers, bool(missing or path is None))

    def _damaged(self, what: str) -> LibraryError:
        return LibraryError(f"{self.folder}: damaged {what}. Scan the folders into a new library.")

    def _ordered(self, k: int) -> np.ndarray:
        if k not in self._sorted:
            self._sorted[k] = np.sort(self.track_values[:, k])
        return self._sorted[k]

    def _with_words(self, numbers: Iterable[int], text: str) -> Iterator[int]:
        """Yield those tracks that have all words of a text."""
        words = folded(text).split()
        yield from (n for n in numbers if all(word in self.texts[n] for word in words)) if words else numbers

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[tuple]:
        """Return what a statement of SQL finds, with SQLite's errors explained."""
        try:
            return self.connection.execute(statement, tuple(values)).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise explained(self.folder, error) from error


def row_files(folder: Path, identity: str, n_classes: int, width: int) -> tuple[RowFile, RowFile, RowFile, RowFile]:
    """Return the arrays of a library: values and directions of tracks, then those of windows."""
    return (
        RowFile(folder / "track_values.f32", identity, "<f4", n_classes),
        RowFile(folder / "track_directions.f32", identity, "<f4", width),
        RowFile(folder / "window_values.f32", identity, "<f4", 1 + n_classes),
        RowFile(folder / "window_directions.i8", identity, "|i1", width),
    )


def counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many tracks and windows count."""
    row = connection.execute("SELECT id, first_window + n_windows FROM track ORDER BY id DESC LIMIT 1").fetchone()
    return row or (0, 0)


def _are_shares(values: np.ndarray) -> bool:
    """Return whether all values are from 0 to 1, but for rounding; NaN is not."""
    return bool(((values > -0.001) & (values < 1.001)).all())


def _strings(text: str) -> tuple[str, ...]:
    """Return the strings of a JSON list; ValueError for anything else."""
    try:
        value = json.loads(text)
    except RecursionError:
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"expected a list of names, got {text[:60]!r}")
    return tuple(value)
