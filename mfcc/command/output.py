"""Features in files: written whole or not at all, and read back with NumPy, a spreadsheet or HTK."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from mfcc.feature_names import feature_names
from mfcc.htk import parameter_file
from mfcc.recipe import MFCC
from mfcc.tiling import Tiles

FORMATS = ("npz", "npy", "csv", "htk")

# Rows of a table that are turned into text at a time.
_ROWS = 4096


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


def write_features(
    file: BinaryIO,
    values: np.ndarray,
    recipe: MFCC,
    format: str,
    *,
    offset: float = 0.0,
    deltas: int = 0,
    zero_mean: bool = False,
    after: dict[str, Any] | None = None,
) -> None:
    """Write the features of a recording, shape (n_features, n_frames), in one of `FORMATS`.

    "npz" holds `values`, their `names`, the `times` of the middle of each frame in seconds, `recipe` and `after`, what
    was done with what the recipe gave (both JSON); "npy" the values; "csv" has a frame in each row: its time and its
    features, under their names; "htk" is a parameter file.
    """
    if format == "htk":
        parameter_file.write(
            file, values, recipe.hop_length / recipe.sr, parameter_file.kind(recipe, deltas, zero_mean)
        )
        return
    if format == "npy":
        _write_array(file, values)
        return
    times, names = offset + recipe.frame_times(values.shape[1]), feature_names(recipe, deltas)
    if format == "npz":
        about = {"recipe": json.dumps(recipe.to_dict()), "after": json.dumps(after or {})}
        write_npz(file, {"values": values, "names": np.array(names), "times": times} | about)
        return
    file.write((",".join(["time_s", *names]) + "\n").encode())
    formats = ["%.6f"] + ["%.9g"] * len(values)  # nine digits tell any two float32 apart
    for first in range(0, len(times), _ROWS):
        rows = slice(first, first + _ROWS)
        np.savetxt(file, np.column_stack([times[rows], values[:, rows].T]), formats, ",")


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
                _write_array(member, np.asarray(array))


def _write_array(file: Any, array: np.ndarray) -> None:
    """Write an array as npy in C order, row by row: no copy of it is made, however it lies in memory."""
    described = np.lib.format.header_data_from_array_1_0(array) | {"fortran_order": False}
    np.lib.format.write_array_header_1_0(file, described)
    for row in array if array.ndim > 1 else [array]:
        file.write(np.ascontiguousarray(row).tobytes())
