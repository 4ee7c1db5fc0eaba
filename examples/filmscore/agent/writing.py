"""Changes of a library: making one, storing tracks, noting files. A change counts when SQLite has committed it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

import nnlite
from filmscore.agent import lock, schema
from filmscore.agent.analyse import READER, ScannedFile
from filmscore.agent.basis import Basis
from filmscore.agent.filters import PRESENT
from filmscore.agent.library import BASIS, MODEL, Library, counts, row_files
from filmscore.agent.paths import below
from filmscore.agent.schema import LibraryError, connect, explained, transaction
from filmscore.agent.walk import Stamp, is_gone
from filmscore.features import load_features
from filmscore.files import open_plain, sha256
from filmscore.shipped import SAMPLE
from filmscore.tagging import Tagger
from nnlite.serialization import atomic_write

UNFINISHED = {MODEL, BASIS, lock.FILE, schema.FILE + ".new", schema.FILE + ".new-journal"}
"""Files that a killed `create` may leave, besides arrays."""

_KNOWN = "path, size, mtime_ns, ctime_ns, track, problem, reader, missing"


class KnownFile(NamedTuple):
    """A file as an earlier scan saw it: `track` and `problem` are both None if it is no audio."""

    stamp: Stamp
    track: int | None
    problem: str | None
    reader: str
    missing: int

    @property
    def useless(self) -> bool:
        """True if it gave no track."""
        return self.track is None or self.problem is not None


def check_place(folder: Path) -> None:
    """Raise LibraryError unless a library may be made in a folder: a new one, or one without other things in it."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LibraryError(f"{folder}: can't be made a library: {error.strerror}.") from error
    others = {name for name in names if not name.startswith(".") and not name.endswith((".f32", ".i8"))} - UNFINISHED
    if others:
        raise LibraryError(
            f"{folder}: expected a library, or a new or empty folder, found {sorted(others)[0]!r} in it."
        )


def create(folder: Path, model: Path) -> None:
    """Make a library without tracks for a model, and copy the model into it. The lock must be held.

    Raises
    ------
    LibraryError, nnlite.FileFormatError
        When the folder has other things in it, or the model is none for tagging.
    """
    check_place(folder)
    tagger = Tagger.load(model)
    basis = fit_basis(tagger)
    identity, names = secrets.token_hex(8), tagger.class_names
    with atomic_write(folder / MODEL) as file, open_plain(model) as source:
        shutil.copyfileobj(source, file)
    basis.save(folder / BASIS)
    for rows in row_files(folder, identity, len(names), basis.width):
        rows.create()
    settings = tagger.settings
    about = {
        "id": identity,
        "created": time.strftime("%Y-%m-%d %H:%M:%S"),
        "version": nnlite.__version__,
        "model": sha256(folder / MODEL),
        "model_name": model.name,
        "class_names": json.dumps(names),
        "window_s": repr(settings.window_s),
        "hop_s": repr(settings.hop_frames / settings.recipe.frame_rate),
        "width": str(basis.width),
    }
    new = folder / (schema.FILE + ".new")
    for leftover in (new, Path(f"{new}-journal")):
        leftover.unlink(missing_ok=True)
    try:
        schema.create(new)
        connection = sqlite3.connect(new)
        with connection:
            connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        connection.close()
    except sqlite3.Error as error:
        raise explained(folder, error) from error
    os.replace(new, folder / schema.FILE)  # from now on the folder is a library


def fit_basis(tagger: Tagger) -> Basis:
    """Return the basis of a model, from the sample of music that comes with the project.

    Raises
    ------
    LibraryError
        When the model sees other tiles than those of the sample.
    """
    tiles = np.asarray(load_features(SAMPLE).tiles)
    expected = (tagger.settings.recipe.n_coefficients, tagger.settings.n_frames, 1)
    if tiles.shape[1:] != expected:
        raise LibraryError(
            f"expected a model that sees {tiles.shape[1]} coefficients of {tiles.shape[2]} frames, like the sample of "
            f"music that comes with the project, got one for {expected[0]} of {expected[1]}."
        )
    parts = [tagger.embedding(tiles[i : i + 512]) for i in range(0, len(tiles), 512)]
    return Basis.fit(np.concatenate(parts))


class Writer:
    """A library that is open for writing; a context manager. The lock must be held, except to store labels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with Library.open(folder) as library:  # a library that can't be read must not be written
            self.about, n_classes, width = library.about, len(library.class_names), library.width
        self.connection = connect(folder, write=True)
        self._files = row_files(folder, self.about["id"], n_classes, width)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def count(self) -> int:
        """Return how many tracks there are."""
        return counts(self.connection)[0]

    def known(self, folder: str) -> dict[str, KnownFile]:
        """Return the files below a folder that earlier scans saw, by path."""
        rows = self._all(f"SELECT {_KNOWN} FROM file WHERE path >= ? AND path < ?", below(folder))
        return {os.fsdecode(path): KnownFile(Stamp(*row[:3]), *row[3:]) for path, *row in rows}

    def known_file(self, path: str) -> KnownFile | None:
        """Return a file that an earlier scan saw, or None."""
        rows = self._all(f"SELECT {_KNOWN} FROM file WHERE path = ?", (os.fsencode(path),))
        return next((KnownFile(Stamp(*row[:3]), *row[3:]) for _, *row in rows), None)

    def store(self, outcomes: Sequence[ScannedFile]) -> list[bool]:
        """Store scanned files, all or none of them; return for each whether its content is new."""
        with transaction(self.folder, self.connection):
            n_tracks, n_windows = counts(self.connection)
            new: dict[bytes, int] = {}
            kept = []
            for outcome in outcomes:
                digest, analysis = outcome.hash, outcome.analysis
                if analysis is not None and digest not in new and self._with_hash(digest) is None:
                    new[digest] = n_tracks + len(new) + 1
                    kept.append(outcome)
            self._append(kept, n_tracks, n_windows)
            for outcome in kept:
                each = outcome.analysis
                assert each is not None
                numbers = (each.duration_s, n_windows, len(each.values), each.n_silent)
                words = (each.title, each.artist, each.album, time.time())
                row = (new[outcome.hash], outcome.hash, *numbers, *words)
                self.connection.execute("INSERT INTO track VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                n_windows += len(each.values)
            for outcome in outcomes:
                self._note(outcome)
        first = {id(outcome) for outcome in kept}
        return [id(outcome) in first for outcome in outcomes]

    def mark(self, *, missing: Iterable[str] = (), present: Iterable[str] = ()) -> None:
        """Record which known files are missing, and which are there again."""
        with transaction(self.folder, self.connection):
            for value, paths in ((1, missing), (0, present)):
                rows = ((value, os.fsencode(path)) for path in paths)
                self.connection.executemany("UPDATE file SET missing = ? WHERE path = ?", rows)

    def others_gone(self, digest: bytes, path: str) -> list[str]:
        """Return the files of a content that should be there beside `path`, and are not."""
        statement = "SELECT f.path FROM file f JOIN track t ON f.track = t.id WHERE t.hash = ? AND f.missing = 0"
        others = [os.fsdecode(other) for (other,) in self._all(statement, (digest,))]
        return [other for other in others if other != path and is_gone(other)]

    def knows(self, folder: str) -> bool:
        """Return whether a folder was scanned, or has known files below it."""
        scanned = self._all("SELECT 1 FROM folder WHERE path = ?", (os.fsencode(folder),))
        return bool(scanned or self._all("SELECT 1 FROM file WHERE path >= ? AND path < ? LIMIT 1", below(folder)))

    def finish(self, folders: Iterable[str]) -> None:
        """Record that folders were scanned; forget missing files of them that are elsewhere, or were never usable.

        The paths of files that have moved out of other folders stay, so that tables with these paths still work.
        """
        folders = list(folders)
        with transaction(self.folder, self.connection):
            self.connection.executemany(
                "DELETE FROM file WHERE missing = 1 AND path >= ? AND path < ? AND (track IS NULL OR track IN "
                f"(SELECT f.track FROM file f WHERE {PRESENT} AND f.track IS NOT NULL))",
                map(below, folders),
            )
            rows = ((os.fsencode(folder), time.time()) for folder in folders)
            self.connection.executemany("INSERT OR REPLACE INTO folder VALUES (?, ?)", rows)

    def label_all(self, labels: Mapping[int, Sequence[str] | None], source: str) -> None:
        """Store the user's tags of tracks in place of earlier ones; None removes them."""
        with transaction(self.folder, self.connection):
            for track, tags in labels.items():
                if tags is None:
                    self.connection.execute("DELETE FROM label WHERE track = ?", (track,))
                else:
                    row = (track, json.dumps(list(tags)), source, time.time())
                    self.connection.execute("INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?)", row)

    def was_elsewhere(self, digest: bytes) -> bool:
        """Return whether a file with a content is missing."""
        statement = "SELECT 1 FROM file f JOIN track t ON f.track = t.id WHERE t.hash = ? AND f.missing"
        return bool(self._all(statement, (digest,)))

    def _append(self, outcomes: Sequence[ScannedFile], n_tracks: int, n_windows: int) -> None:
        analyses = [outcome.analysis for outcome in outcomes if outcome.analysis is not None]
        if not analyses:
            return
        track_values, track_directions, window_values, window_directions = self._files
        try:
            track_values.write(n_tracks, np.stack([each.mean_values for each in analyses]))
            track_directions.write(n_tracks, np.stack([each.mean_direction for each in analyses]))
            rows = [np.column_stack([each.start_s, each.values]) for each in analyses]
            window_values.write(n_windows, np.concatenate(rows))
            window_directions.write(n_windows, np.concatenate([each.directions for each in analyses]))
        except OSError as error:
            raise LibraryError(
                f"{self.folder}: {error.strerror}. What was stored before is whole. Make room, or see to the disk, and "
                "run the same command again."
            ) from error

    def _note(self, outcome: ScannedFile) -> None:
        track = self._with_hash(outcome.hash) if outcome.hash and not outcome.problem else None
        path = os.fsencode(outcome.path)
        if not outcome.readable:  # the file may still have the content that was known before
            track = next((row[0] for row in self._all("SELECT track FROM file WHERE path = ?", (path,))), None)
        row = (path, os.path.dirname(path), *outcome.stamp, track, outcome.problem or None, READER)
        self.connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", row)

    def _with_hash(self, digest: bytes) -> int | None:
        return next((row[0] for row in self._all("SELECT id FROM track WHERE hash = ?", (digest,))), None)

    def _all(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:
        try:
            return self.connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise explained(self.folder, error) from error
