"""A file of finished trials that survives the run: JSON lines, each on the disk before the next trial is waited for."""

import json
import os
import reprlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from nnlite.model_selection.canonical import canonical_json, digest, encoded, from_json, plain

_FORMAT = "nnlite journal 1"


class Journal:
    """The entries of a run, kept in a file that says in its first line with which arguments the run was started.

    A context manager. An existing file is continued: `entries` holds what it has; a last line that was cut off by the
    end of the earlier run is dropped.

    Parameters
    ----------
    who : str
        The calling function, for messages.
    path : path-like
    arguments : mapping
        All that results depend on; JSON.

    Raises
    ------
    ValueError
        When the file was written with other arguments, is no journal, or is damaged before its last line.
    BlockingIOError
        When another run is writing it.
    """

    def __init__(self, who: str, path: str | os.PathLike[str], arguments: Mapping[str, Any]) -> None:
        self._who = who
        self.path = Path(path)
        canonical = canonical_json(dict(arguments), f"{who}: arguments of the journal")
        header = {"format": _FORMAT, "sha256": digest(canonical), "arguments": json.loads(canonical)}
        self._file: BinaryIO = open(self.path, "a+b")
        try:
            self._lock()
            self._file.seek(0)
            content = self._file.read()
            whole = content.rfind(b"\n") + 1
            self.entries: list[dict[str, Any]] = []
            if whole:
                self._read(content[:whole], header)
                self._file.truncate(whole)
            elif content and not _line(header).startswith(content):
                raise self._not_a_journal()
            else:
                self._file.truncate(0)
                self._write(header)
                self._sync_folder()
        except BaseException:
            self._file.close()
            raise

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one entry; it is on the disk when this returns."""
        self._write(entry)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(_line(entry))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, content: bytes, header: Mapping[str, Any]) -> None:
        lines = content.splitlines()
        parsed: list[Any] = []
        for number, line in enumerate(lines, start=1):
            try:
                entry = from_json(line)
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                if number == 1:
                    raise self._not_a_journal()
                raise ValueError(
                    f"{self._who}: journal: {self.path}: line {number}: expected a JSON object, got {line[:60]!r}. "
                    "Take the damaged line out; its trial will be run again."
                )
            parsed.append(entry)
        first, *self.entries = parsed
        if first.get("format") != _FORMAT or not isinstance(first.get("arguments"), dict):
            raise self._not_a_journal()
        if first.get("sha256") != header["sha256"]:
            raise ValueError(self._difference(first["arguments"], header["arguments"]))

    def _difference(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
        differing = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
        said = "; ".join(f"{name}: {_short(then.get(name))} then, {_short(now.get(name))} now" for name in differing)
        return (
            f"{self._who}: journal: {self.path} was written with other arguments ({said}). Choose another file, or "
            "repeat the arguments."
        )

    def _not_a_journal(self) -> ValueError:
        return ValueError(
            f"{self._who}: journal: {self.path}: expected a journal of this version or a new file. Choose another name."
        )

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows: two runs into one file are then the user's mistake to see.
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"{self._who}: journal: {self.path} is being written by another run. Wait for it, or choose another "
                "file."
            ) from None
        except OSError:
            pass  # A file system without locks.

    def _sync_folder(self) -> None:
        if hasattr(os, "O_DIRECTORY"):
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _short(value: Any) -> str:
    return reprlib.repr(value) if isinstance(value, str | list | dict) else str(value)[:60]


def _line(entry: Mapping[str, Any]) -> bytes:
    return encoded(json.dumps(plain(entry), ensure_ascii=False, allow_nan=False)) + b"\n"
