"""The content of files: its SHA-256, and writing it whole into a folder that may not exist yet."""

import hashlib
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


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
