"""Files that are written whole or not at all, and arrays in NumPy's formats."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from mfcc.tiling import Tiles


@contextlib.contextmanager
def atomic(path: str) -> Iterator[BinaryIO]:
    """Open a new file beside `path` for writing; without an error it takes the place of `path`, else it is removed."""
    folder = os.path.dirname(path) or "."
    temporary = os.path.join(folder, f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":  # the new name has to survive a power cut too
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_tiles(file: BinaryIO, tiles: Tiles) -> None:
    """Write tiles as npz: the arrays of `Tiles` under their names, and `recipe` (JSON)."""
    names = ("values", "start_s", "level_dbfs", "silent")
    recipe = json.dumps(tiles.recipe.to_dict())
    write_npz(file, {name: getattr(tiles, name) for name in names} | {"recipe": recipe})


def write_npz(file: BinaryIO, arrays: dict[str, Any]) -> None:
    """Write arrays as npz, uncompressed; the same arrays give the same bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                write_array(member, np.asarray(array))


def write_array(file: Any, array: np.ndarray) -> None:
    """Write an array as npy in C order, row by row: no copy of it is made, however it lies in memory."""
    described = np.lib.format.header_data_from_array_1_0(array) | {"fortran_order": False}
    np.lib.format.write_array_header_1_0(file, described)
    for row in array if array.ndim > 1 else [array]:
        file.write(np.ascontiguousarray(row).tobytes())
