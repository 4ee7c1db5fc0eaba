"""Arrays from npy and npz files of unknown origin: a file can't claim more data than its size allows.

`numpy.load` reads these files too, but believes what they claim: a member of some kilobytes may ask for gigabytes, and
a header for an array that its file does not hold.
"""

from __future__ import annotations

import errno
import functools
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

MAX_RATIO = 32
"""Most bytes that one byte of a compressed member may stand for; real features need less than two."""

_HEADER = re.compile(
    rb"\{'descr': '([<|][fiu][1248])', 'fortran_order': False, 'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?)\), \} *\n"
)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, LookupError)
"""Errors of `zipfile` for files that are no zip file, or are packed or encrypted in ways it can't read."""


def map_array(path: Path) -> np.ndarray:
    """Return the array of an npy file, read-only, as a memory map.

    Raises
    ------
    ValueError
        When the file is no npy file of plain numbers in C order, or is not as long as it says.
    """
    with open(path, "rb") as file:
        dtype, shape = _read_header(file, path.name)
        expected, size = file.tell() + math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size
        if size != expected:
            raise ValueError(f"{path.name}: expected {expected} bytes for {dtype} of shape {shape}, got {size}")
        if not math.prod(shape):
            return np.empty(shape, dtype)
        return np.memmap(file, dtype, "r", file.tell(), shape)


@contextmanager
def open_arrays(path: Path) -> Iterator[Callable[[str], np.ndarray]]:
    """Yield a function that reads the members of an npz file by their names.

    Raises
    ------
    ValueError
        When the file is no zip file or broken, or a member is not there, is no array of plain numbers, or claims more
        than its packed size can stand for.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            yield functools.partial(_read_member, archive, os.fstat(file.fileno()).st_size)
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset before the beginning of the file
            raise
        raise ValueError(f"{path.name}: broken: {error}") from error
    except _BROKEN as error:
        raise ValueError(f"{path.name}: broken: {type(error).__name__}: {str(error)[:200]}") from error


def _read_member(archive: zipfile.ZipFile, size: int, name: str) -> np.ndarray:
    info = archive.NameToInfo.get(f"{name}.npy")
    if info is None:
        raise ValueError(f"expected an array {name!r}, found none")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name}: expected it stored or deflated, got compression method {info.compress_type}")
    packed = min(info.compress_size, size)
    if info.file_size > MAX_RATIO * packed + 1024:
        raise ValueError(
            f"{name}: expected at most {MAX_RATIO} bytes for a packed one, got {info.file_size} for {packed}"
        )
    with archive.open(info) as file:
        dtype, shape = _read_header(file, name)
        expected = file.tell() + math.prod(shape) * dtype.itemsize
        if info.file_size != expected:
            raise ValueError(f"{name}: expected {expected} bytes for {dtype} of shape {shape}, got {info.file_size}")
        data = file.read()  # to the end, where the checksum is checked
    return np.frombuffer(bytearray(data), dtype).reshape(shape)


def _read_header(file: IO[bytes], name: str) -> tuple[np.dtype, tuple[int, ...]]:
    """Return type and shape from the header of an npy file, as NumPy writes it."""
    start = file.read(10)
    length = int.from_bytes(start[8:10], "little")
    found = _HEADER.fullmatch(file.read(length)) if start[:8] == b"\x93NUMPY\x01\x00" else None
    if found is None:
        raise ValueError(f"{name}: expected an npy array of plain numbers in C order, got something else")
    shape = tuple(int(axis) for axis in found[2].split(b",") if axis.strip())
    if len(shape) > 8:
        raise ValueError(f"{name}: expected at most 8 axes, got {len(shape)}")
    try:
        return np.dtype(found[1].decode()), shape
    except TypeError:
        raise ValueError(f"{name}: expected a dtype of plain numbers, got {found[1].decode()}") from None
