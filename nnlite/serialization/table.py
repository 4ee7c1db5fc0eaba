"""The table of arrays: names, shapes and dtypes that a file may have."""

import math
from typing import Any, NamedTuple

import numpy as np

from nnlite.serialization import layout
from nnlite.serialization.errors import FileFormatError, shown
from nnlite.serialization.layout import HEADER_MEMBER

_CODES = ("<f2", "<f4", "<f8", "<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8", "?")
DTYPES = {dtype.name: dtype for dtype in map(np.dtype, _CODES)}
MAX_ARRAYS = 2**16 - 3  # with the header, what a zip file holds without its 64-bit extensions
MAX_AXES = 32
MAX_NAME = 200


class Entry(NamedTuple):
    """A row of the table."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def member(self) -> str:
        """The name of the member in the zip file."""
        return f"{self.name}.npy"

    @property
    def prefix(self) -> bytes:
        """The bytes that stand before the elements."""
        return layout.npy_header(self.shape, self.dtype)

    @property
    def size(self) -> int:
        """The bytes of the member."""
        return len(self.prefix) + math.prod(self.shape) * self.dtype.itemsize


def entry_of(name: Any, array: Any) -> Entry:
    """Return the row of an array that is to be written.

    Raises
    ------
    TypeError, ValueError
        If it can't be.
    """
    who = "write_archive: arrays"
    if not isinstance(name, str):
        raise TypeError(f"{who}: expected strings as names, got {shown(name)}.")
    if problem := _name_problem(name):
        raise ValueError(f"{who}: {shown(name)}: {problem}")
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{who}: {name}: expected an ndarray, got {type(array).__name__}.")
    if array.dtype.name not in DTYPES:
        raise TypeError(f"{who}: {name}: expected one of {', '.join(DTYPES)}, got dtype {array.dtype}.")
    if problem := _shape_problem(array.shape, array.dtype):
        raise ValueError(f"{who}: {name}: {problem}")
    return Entry(name, array.shape, DTYPES[array.dtype.name])


def to_json(entries: list[Entry]) -> dict[str, Any]:
    """Return the table as it stands in the header."""
    return {entry.name: {"shape": list(entry.shape), "dtype": entry.dtype.name} for entry in entries}


def parse(table: Any) -> list[Entry]:
    """Return the rows of a table that anyone may have written."""
    if not isinstance(table, dict):
        raise FileFormatError(f"header.json: arrays: expected an object, got {shown(table)}.")
    if len(table) > MAX_ARRAYS:
        raise FileFormatError(f"header.json: arrays: expected at most {MAX_ARRAYS}, got {len(table)}.")
    return [_parse_row(name, row) for name, row in table.items()]


def _parse_row(name: str, row: Any) -> Entry:
    where = f"header.json: arrays: {shown(name)}"
    if problem := _name_problem(name):
        raise FileFormatError(f"{where}: {problem}")
    if not isinstance(row, dict) or row.keys() != {"shape", "dtype"}:
        raise FileFormatError(f"{where}: expected shape and dtype, got {shown(row)}.")
    shape, dtype = row["shape"], row["dtype"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FileFormatError(f"{where}: dtype: expected one of {', '.join(DTYPES)}, got {shown(dtype)}.")
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise FileFormatError(f"{where}: shape: expected a list of integers of 0 or more, got {shown(shape)}.")
    if problem := _shape_problem(tuple(shape), DTYPES[dtype]):
        raise FileFormatError(f"{where}: {problem}")
    return Entry(name, tuple(shape), DTYPES[dtype])


def _name_problem(name: str) -> str | None:
    """Return why an array can't have this name, or None if it can.

    Other software that unpacks the file must be safe too.
    """
    if not 0 < len(name) <= MAX_NAME:
        return f"expected a name of 1 to {MAX_NAME} characters, got {len(name)}."
    if not name.isprintable() or any(sign in name for sign in '\\:*?"<>|'):
        return "expected a name of printable characters that may stand in a file name."
    if any(part.strip(". ") == "" for part in name.split("/")):
        return 'expected a name without empty parts, "." and "..".'
    if name == HEADER_MEMBER or name.endswith(".npy"):
        return f'expected a name other than {HEADER_MEMBER} that doesn\'t end in ".npy".'
    return None


def _shape_problem(shape: tuple[int, ...], dtype: np.dtype) -> str | None:
    if len(shape) > MAX_AXES:
        return f"expected at most {MAX_AXES} axes, got {len(shape)}."
    # An axis of length 0 must not hide others of any length.
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > layout.MAX_FILE_SIZE:
        return (
            f"expected less than 4 GiB, got shape {shown(shape)} of {dtype.name}. A data set belongs into .npy files."
        )
    return None
