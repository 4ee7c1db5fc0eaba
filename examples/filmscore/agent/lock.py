"""One writer at a time: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from filmscore.agent.schema import LibraryError

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str], wait: bool) -> None:
        file.seek(0x7FFF0000)  # behind the text, so that others can read the text
        while True:
            try:
                return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise BlockingIOError from None

else:
    import fcntl

    def _take(file: IO[str], wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


FILE = "lock"


@contextlib.contextmanager
def locked(folder: Path, say: Callable[[str], None], *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a library. A second process reports that another scan is running, and waits.

    Parameters
    ----------
    folder : Path
        Folder of the library.
    say : callable
        A function that takes the message that another scan is running.
    wait : bool
        Whether a second process waits; if not, it gets a LibraryError.

    Raises
    ------
    LibraryError
        When another scan is at work and `wait` is False, or the folder can't be written to.
    """
    try:
        file = open(folder / FILE, "a+", encoding="ascii", errors="replace")
    except OSError as error:
        raise LibraryError(f"{folder / FILE}: {error.strerror}. A scan must be able to write there.") from error
    with file:
        try:
            _take(file, wait=False)
        except BlockingIOError:
            file.seek(0)
            message = f"{folder}: another scan is at work (process {file.read(20).strip() or 'unknown'})"
            if not wait:
                raise LibraryError(f"{message}. Try again when it is done.") from None
            say(f"{message}; waiting for it to end")
            _take(file, wait=True)
        with contextlib.suppress(OSError):  # on a full disk the process number can't be written
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
        yield
