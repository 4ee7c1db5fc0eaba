"""A selection of samples that is read when it is indexed, and reading from a file ahead of need."""

import mmap
import os
from typing import Any

import numpy as np

from nnlite.checks import as_array, shown


class Rows:
    """A selection of rows of an array, possibly memory-mapped or coded. Indexing it reads them.

    Only a file name is sent to another process for a memory-mapped array, and only these rows for an array in memory;
    anything else is pickled as it defines itself.

    Parameters
    ----------
    x : array_like (n_samples, ...)
        Anything with a shape that can be indexed with an array of integers.
    rows : ndarray of int
        Indices of the samples, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> some = Rows(np.arange(10) * 10, np.array([7, 2, 5]))
    >>> some.shape, some[1:]
    ((3,), array([20, 50]))
    """

    def __init__(self, x: Any, rows: np.ndarray) -> None:
        if len(getattr(x, "shape", ())) < 1:
            raise TypeError(f"Rows: x: expected an array of samples, got {shown(x)}.")
        self._x = x
        self._rows = as_array("Rows", "rows", rows)
        if self._rows.ndim != 1 or (self._rows.dtype.kind not in "iu" and self._rows.size):
            raise ValueError(f"Rows: rows: expected integers of shape (n_rows,), got {shown(rows)}.")
        self.shape = (len(self._rows), *x.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        return self._x[self._rows[index]]

    def fetch(self, index: Any) -> None:
        """Ask the system to read samples ahead: see `fetch`."""
        fetch(self._x, self._rows[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[:], dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self._x, np.ndarray):
            return Rows, (self._x, self._rows)
        file = _file_of(self._x)
        if file is None:
            return Rows, (np.ascontiguousarray(self[:]), np.arange(len(self)))
        return _mapped_rows, (*file, self._rows)


def _file_of(x: np.ndarray) -> tuple[Any, ...] | None:
    """Return (file name, dtype, offset in bytes, shape) of an array that is a memory-mapped file or one piece of it."""
    root: Any = x
    while isinstance(root.base, np.ndarray):
        root = root.base
    on_disk = isinstance(root, np.memmap) and root.filename is not None and root.mode != "c"
    if not on_disk or not x.flags.c_contiguous:
        return None
    start = x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return str(root.filename), x.dtype, int(root.offset) + start, x.shape


def _mapped_rows(filename: str, dtype: np.dtype, offset: int, shape: tuple[int, ...], rows: np.ndarray) -> Rows:
    return Rows(np.memmap(filename, dtype, "r", offset, shape), rows)


def fetch(x: Any, rows: np.ndarray) -> None:
    """Ask the system to read rows of a memory-mapped array ahead; it does so while others compute.

    Without it a thread that needs a row of a file waits for the disk, row by row. Nothing happens for an array that is
    in memory, or of which rows are not in one piece.

    Parameters
    ----------
    x : ndarray, Rows or anything else
    rows : ndarray of int
    """
    if isinstance(x, Rows):
        x.fetch(rows)
        return
    mapping = _mapping(x)
    if mapping is None or not hasattr(mapping, "madvise") or not hasattr(mmap, "MADV_WILLNEED"):
        return
    if not x.flags.c_contiguous:
        return
    memory = np.frombuffer(mapping, np.uint8)
    first = x.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    length = x.strides[0]
    for row in rows.tolist():
        start = first + row * length
        page = start - start % mmap.PAGESIZE
        mapping.madvise(mmap.MADV_WILLNEED, page, start + length - page)


def stays_in_memory(x: Any) -> bool:
    """Return whether rows of `x` that were read once will be in memory when they are read again."""
    while isinstance(x, Rows):
        x = x._x
    mapping = _mapping(x)
    return mapping is None or not hasattr(os, "sysconf") or len(mapping) < _memory_bytes() // 2


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _mapping(x: Any) -> mmap.mmap | None:
    """Return the mapping that an array lies in."""
    while isinstance(x, np.ndarray):
        x = x.base
    return x if isinstance(x, mmap.mmap) else None
