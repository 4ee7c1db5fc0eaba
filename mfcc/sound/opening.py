"""Sources of sound, files by name and open ones, as bytes that can be read from any place."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, TypeGuard

from mfcc.sound.errors import AudioError, Path

Source = Path | BinaryIO
"""A recording: the name of a file, or an open binary file (`io.BytesIO(content)` for content in memory)."""


def is_source(value: Any) -> TypeGuard[Source]:
    """Return whether a value is the name of a file or an open file, rather than samples."""
    return isinstance(value, (str, bytes, os.PathLike)) or (hasattr(value, "read") and not isinstance(value, type))


def check_source(who: str, name: str, source: Any) -> None:
    """Raise TypeError for what is no source. An integer would be taken for an open file of the process, and closed."""
    if isinstance(source, (str, bytes, os.PathLike)):
        return
    if not is_source(source):
        raise TypeError(
            f"{who}: {name}: expected str, bytes or os.PathLike, or an open binary file, got {type(source).__name__}."
        )
    if isinstance(source, io.TextIOBase) or hasattr(source, "encoding"):
        raise TypeError(f"{who}: {name}: expected a file opened for bytes, got one for text. Open it with mode 'rb'.")
    file: Any = source
    try:
        seekable = bool(file.seekable()) and bool(file.readable())
    except (AttributeError, TypeError, ValueError, OSError):  # no file at all, or a closed one
        seekable = False
    if not seekable:
        raise TypeError(
            f"{who}: {name}: expected an open file that can be read and searched, got {type(source).__name__}. "
            "Of a pipe, take the content: io.BytesIO(pipe.read())."
        )


def name_of(source: Source) -> Path:
    """Return the name of a source for messages: of an open file its own, or its class in angle brackets.

    Examples
    --------
    >>> name_of(io.BytesIO(b""))
    '<BytesIO>'
    """
    if isinstance(source, (str, bytes, os.PathLike)):
        return source
    name = getattr(source, "name", None)
    return name if isinstance(name, (str, bytes)) and name else f"<{type(source).__name__}>"


def open_source(source: Source) -> BinaryIO:
    """Open a source; AudioError for what is no file that can be read, and for an empty one.

    Closing the result closes a file that was named, and leaves one that was open as it is.
    """
    raw = _open_named(source) if isinstance(source, (str, bytes, os.PathLike)) else Borrowed(source)
    try:
        empty = raw.seek(0, io.SEEK_END) == 0
        raw.seek(0)
    except OSError as error:
        raw.close()
        raise AudioError(name_of(source), f"can't be read: {error.strerror or error}.") from None
    if empty:
        raw.close()
        raise AudioError(name_of(source), "is empty (0 bytes).")
    return raw


def _open_named(path: Path) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "a pipe or device"
            raise AudioError(path, f"expected a file, got {kind}.")
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise AudioError(path, f"can't be opened: {error.strerror}.") from None
    except ValueError as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(path, f"can't be opened: {error}.") from None  # a path with a null byte


class Borrowed(io.RawIOBase, BinaryIO):
    """An open file of the caller, read from its first byte on, and not closed.

    Its errors are kept in `failure`, since a decoder in C that calls `readinto` can't pass them on.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at, self.failure = file, 0, ""
        self._size = file.seek(0, io.SEEK_END)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            self._file.seek(self._at)
            data = self._file.read(len(buffer)) or b""
        except Exception as error:
            self.failure, data = f"{type(error).__name__}: {error}"[:200], b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def opened_again(file: BinaryIO) -> BinaryIO | None:
    """Open the file behind one that is open, for another process to read; None where that can't be done.

    The position of the caller's file stays its own.
    """
    inner: Any = file._file if isinstance(file, Borrowed) else file
    if type(inner) not in (io.BufferedReader, io.FileIO) or sys.platform != "linux":
        return None
    try:
        return open(f"/proc/self/fd/{inner.fileno()}", "rb", buffering=0)
    except OSError:
        return None


class Spliced(io.RawIOBase, BinaryIO):
    """A file made of some bytes and a part of another file: from `start` up to `end`, or to its last byte."""

    def __init__(self, head: bytes, file: BinaryIO, start: int, end: int | None = None) -> None:
        self._head, self._file, self._start, self._at = head, file, start, 0
        self._size = len(head) + max(0, (size_of(file) if end is None else end) - start)

    @property
    def failure(self) -> str:
        """The error of the other file, if it keeps one."""
        return getattr(self._file, "failure", "")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._at))
        data = self._head[self._at : self._at + wanted]
        if len(data) < wanted:
            self._file.seek(self._start + self._at + len(data) - len(self._head))
            data += self._file.read(wanted - len(data))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def size_of(file: BinaryIO) -> int:
    """Return the number of bytes of a file, and leave its position."""
    with kept_position(file):
        return file.seek(0, io.SEEK_END)


def bytes_at(file: BinaryIO, position: int, count: int) -> bytes:
    """Read some bytes without a change of the position, which belongs to the decoder."""
    with kept_position(file):
        file.seek(position)
        return file.read(count)


@contextlib.contextmanager
def kept_position(file: BinaryIO) -> Iterator[None]:
    """Put the position of a file back where it was."""
    here = file.tell()
    try:
        yield
    finally:
        file.seek(here)
