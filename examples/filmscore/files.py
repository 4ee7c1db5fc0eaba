"""The content of files: its SHA-256, and writing it whole into a folder that may not exist yet."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nnlite.serialization import atomic_write


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file with `nnlite.serialization.atomic_write`, and make its folder if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        yield file


def open_plain(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading if it is a plain one: opening a pipe would wait for a writer.

    Raises
    ------
    OSError
        When it can't be opened, or is no plain file.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "expected a plain file, got a pipe or a device", os.fspath(path))
    return file


def sha256(path: Path) -> str:
    """Return the SHA-256 of a plain file's content, in hexadecimal."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
