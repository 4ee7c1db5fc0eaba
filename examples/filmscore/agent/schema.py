"""The SQLite file of a library: its tables, its marks of format and version, and how it is opened."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "library.sqlite"
APPLICATION_ID = 0x464D4C42  # "FMLB"
VERSION = 2
BUSY_S = 60.0
"""Time to wait while another process writes [s]."""

TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE folder (path BLOB PRIMARY KEY, scanned REAL) WITHOUT ROWID;
CREATE TABLE track (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    duration_s REAL NOT NULL,
    first_window INTEGER NOT NULL,
    n_windows INTEGER NOT NULL,
    n_silent INTEGER NOT NULL,
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    album TEXT NOT NULL,
    added REAL NOT NULL
);
CREATE TABLE file (
    path BLOB PRIMARY KEY,
    folder BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    track INTEGER REFERENCES track (id),
    problem TEXT,
    reader TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX file_of_track ON file (track);
CREATE INDEX file_in_folder ON file (folder);
CREATE TABLE label (track INTEGER PRIMARY KEY REFERENCES track (id), tags TEXT NOT NULL, source TEXT, changed REAL);
"""
SINCE_2 = """
CREATE TABLE shortlist (
    track INTEGER PRIMARY KEY REFERENCES track (id), place INTEGER NOT NULL, note TEXT NOT NULL, changed REAL
);
"""
"""The table that libraries of version 1 do not have."""


TYPES = {
    "about": {"key": "text", "value": "text"},
    "folder": {"path": "blob", "scanned": "real null"},
    "track": {
        "id": "integer", "hash": "blob", "duration_s": "real", "first_window": "integer", "n_windows": "integer",
        "n_silent": "integer", "title": "text", "artist": "text", "album": "text",
    },
    "file": {
        "path": "blob", "folder": "blob", "size": "integer", "mtime_ns": "integer", "ctime_ns": "integer",
        "track": "integer null", "problem": "text null", "reader": "text", "missing": "integer",
    },
    "label": {"track": "integer", "tags": "text"},
    "shortlist": {"track": "integer", "place": "integer", "note": "text"},
}  # fmt: skip
"""The types that the columns must have, since SQLite takes any value for any column."""
NUMBERS = (
    "SELECT 1 FROM track WHERE first_window < 0 OR n_windows < 0 OR NOT duration_s BETWEEN 0 AND 1e12 "
    "OR n_windows < 1 OR n_silent < 0",
    "SELECT 1 FROM track WHERE id = 1 AND first_window != 0",
    "SELECT 1 FROM track a JOIN track b ON b.id = a.id + 1 WHERE b.first_window != a.first_window + a.n_windows",
    "SELECT 1 FROM (SELECT COUNT(*) n, MIN(id) low, MAX(id) high FROM track) WHERE n > 0 AND (low != 1 OR high != n)",
)
"""Statements that find numbers of tracks that don't fit together."""
SHORTLIST = "SELECT 1 FROM shortlist WHERE track < 1 OR place NOT BETWEEN 0 AND 1000000000"
"""The same for starred tracks."""


OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
"""A statement for what a file has, without what SQLite makes by itself."""


class LibraryError(ValueError):
    """A library that can't be used as it is, or that can't answer; the message is for the user."""


def create(path: Path) -> None:
    """Make the file at `path` with empty tables."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; "
            f"{TABLES} {SINCE_2} COMMIT;"
        )
    finally:
        connection.close()


def connect(folder: Path, *, write: bool = False, shared: bool = False) -> sqlite3.Connection:
    """Open the file of a library.

    It has a rollback journal instead of a write-ahead log: the library is one file at rest, works on network drives,
    and can be read where it can't be written. A reader waits only while a batch is being committed. A batch that a
    killed process left half done is rolled back by the next process that opens the file; for this, readers open it for
    writing too, if they have the permission.

    Parameters
    ----------
    folder : Path
    write : bool
    shared : bool
        For threads that take turns; the file is then opened read-only.

    Raises
    ------
    LibraryError
        When there is no library, or one of another kind or version.
    """
    path = folder / FILE
    if not path.is_file():
        raise LibraryError(f"{folder}: no library there. Make one: filmscore scan FOLDER --library {folder}")
    connection = None
    try:
        uri = f"{path.absolute().as_uri()}?mode={'ro' if shared else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=not shared)
        connection.execute("BEGIN")  # another process may add tables meanwhile
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        objects = _objects(connection)
        connection.execute("COMMIT")
        if mark != APPLICATION_ID:
            raise LibraryError(f"{path}: expected a library of recordings, got another kind of SQLite file.")
        if version not in (1, VERSION):
            raise LibraryError(
                f"{path}: expected a library of version 1 to {VERSION}, got version {version}. "
                + ("Use the program that made it." if version > VERSION else "Scan the folders into a new library.")
            )
        connection.execute("PRAGMA trusted_schema = 0")
        if objects != _own_objects(version):
            raise LibraryError(
                f"{path}: expected the tables of a library and nothing else, got others: damaged, or not of this "
                "program. Scan the folders into a new library."
            )
        if version == 1 and write:
            _add_tables(folder, connection)
        connection.execute(f"PRAGMA {'synchronous = FULL' if write else 'query_only = 1'}")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if connection is not None:
            connection.close()
        raise explained(folder, error) from error
    except LibraryError:
        assert connection is not None
        connection.close()
        raise
    return connection


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str, str, str]]:
    """Return tables, indexes, views and triggers: the last two run statements of the author of the file."""
    found = connection.execute(OBJECTS).fetchall()
    return {(kind, name, table, " ".join(str(sql).split())) for kind, name, table, sql in found}


def _add_tables(folder: Path, connection: sqlite3.Connection) -> None:
    """Give a library of version 1 what it lacks. One that is only read stays as it is."""
    with transaction(folder, connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 1:  # another process may have been faster
            for statement in filter(str.strip, SINCE_2.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")


@functools.cache
def _own_objects(version: int) -> set[tuple[str, str, str, str]]:
    """Return what a file of this program has."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(TABLES if version == 1 else TABLES + SINCE_2)
        return _objects(connection)
    finally:
        connection.close()


def check(folder: Path, connection: sqlite3.Connection) -> None:
    """Raise LibraryError unless the tables hold what they should: a file may be damaged, or come from anyone."""
    tables = {name for _, name, _, _ in _objects(connection)}
    wrong = [SHORTLIST] if "shortlist" in tables else []
    for table, columns in TYPES.items():
        if table not in tables:  # one that libraries of version 1 lack
            continue
        right = [f"typeof({name}) IN ({', '.join(map(repr, kinds.split()))})" for name, kinds in columns.items()]
        wrong.append(f"SELECT 1 FROM {table} WHERE NOT ({' AND '.join(right)})")
    for statement in (*wrong, *NUMBERS):
        try:
            found = connection.execute(f"{statement} LIMIT 1").fetchone()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the second for the name of a damaged table
            raise explained(folder, error) from error
        if found:
            raise LibraryError(
                f"{folder / FILE}: damaged, or not of this program. Scan the folders into a new library."
            )


def explained(folder: Path, error: Exception) -> LibraryError:
    """Return SQLite's message with advice as a LibraryError."""
    name = getattr(error, "sqlite_errorname", "")
    advice = "Scan the folders into a new library."
    if name.startswith("SQLITE_FULL"):
        advice = "What was stored before is whole. Make room and run the same command again."
    elif name == "SQLITE_READONLY_ROLLBACK":
        advice = "A scan was killed here: any other command, such as `problems`, tidies up. Then try again."
    elif name.startswith("SQLITE_BUSY"):
        advice = "Another process is writing. Try again."
    elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR")):
        advice = "Are the folder and the disk all right, and may you write there?"
    return LibraryError(f"{folder / FILE}: {error}. {advice}")


@contextmanager
def transaction(folder: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all of the statements inside, or none."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise explained(folder, error) from error
