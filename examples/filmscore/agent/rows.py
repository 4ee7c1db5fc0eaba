"""Arrays that only grow: rows of numbers in a file, mapped into memory by readers.

A file does not know how many of its rows count: SQLite does. Rows are written behind the last one that counts, forced
to the disk, and count once the transaction that says so is committed. Whatever a killed process wrote beyond is
overwritten by the next.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from filmscore.agent.schema import LibraryError
from filmscore.files import open_plain

HEADER = 64
"""Bytes before the first row, which say what the rows are and which library they belong to."""


class RowFile:
    """A file of rows.

    Parameters
    ----------
    path : Path
    library : str
        Identity of the library that it belongs to.
    dtype : str
        "<f4" or "|i1".
    width : int
        Numbers a row.
    """

    def __init__(self, path: Path, library: str, dtype: str, width: int) -> None:
        self.path, self.dtype, self.width = path, np.dtype(dtype), width
        self._header = f"filmscore rows 1 {library} {dtype} {width}\n".encode().ljust(HEADER)

    def create(self) -> None:
        """Write a file without rows."""
        with open(self.path, "wb") as file:
            file.write(self._header)
            file.flush()
            os.fsync(file.fileno())

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write rows from row `first` on, and wait until they are on the disk."""
        data = np.ascontiguousarray(rows, self.dtype).reshape(-1, self.width)
        with open(self.path, "r+b", buffering=0) as file:
            self._check(file.read(HEADER))
            file.seek(HEADER + first * self.width * self.dtype.itemsize)
            left = memoryview(data.tobytes())
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())

    def map(self, n_rows: int) -> np.ndarray:
        """Return the first rows, read-only, shape (n_rows, width).

        Raises
        ------
        LibraryError
            When the file is not there, belongs to another library, or is shorter.
        """
        try:
            with open_plain(self.path) as file:
                self._check(file.read(HEADER))
                size, expected = os.fstat(file.fileno()).st_size, HEADER + n_rows * self.width * self.dtype.itemsize
                if size < expected:
                    raise LibraryError(
                        f"{self.path}: expected {expected} bytes for {n_rows} rows, got {size}: it is damaged. "
                        "Scan the folders into a new library."
                    )
                if n_rows == 0:
                    return np.empty((0, self.width), self.dtype)
                return np.asarray(np.memmap(file, self.dtype, "r", HEADER, (n_rows, self.width)))
        except OSError as error:
            raise LibraryError(f"{self.path}: {error.strerror}. It belongs to the library beside it.") from error

    def _check(self, header: bytes) -> None:
        if header != self._header:
            raise LibraryError(
                f"{self.path}: expected rows of the library beside it, got something else: it was replaced or damaged. "
                "Scan the folders into a new library."
            )
