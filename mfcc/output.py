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

from mfcc import framing
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
    times, names = offset + frame_times(recipe, values.shape[1]), feature_names(recipe, deltas)
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


def frame_times(recipe: MFCC, n_frames: int) -> np.ndarray:
    """Return the time of the middle of each frame in seconds.

    Examples
    --------
    >>> frame_times(MFCC(), 3).round(4).tolist()
    [0.0464, 0.1393, 0.2322]
    """
    first = framing.first_start(recipe.frame_length, recipe.hop_length, center=recipe.center)
    return (first + recipe.frame_length / 2 + np.arange(n_frames) * recipe.hop_length) / recipe.sr


def feature_names(recipe: MFCC, deltas: int = 0) -> list[str]:
    """Return the names of the rows that a recipe returns, and of deltas behind them.

    Examples
    --------
    >>> feature_names(MFCC(n_mfcc=3, c0="last", energy="raw"), deltas=1)
    ['c1', 'c2', 'energy', 'd_c1', 'd_c2', 'd_energy']
    >>> feature_names(MFCC(output="mel"))[:2], feature_names(MFCC(output="spectrum"))[-1]
    (['band_1', 'band_2'], 'bin_1024')
    """
    if recipe.output == "mfcc":
        names = coefficient_names(recipe)
    elif recipe.output in ("mel", "log_mel"):
        names = [f"band_{i}" for i in range(1, recipe.n_mels + 1)]
    else:
        names = [f"bin_{i}" for i in range(recipe.n_features)]
    return [f"{'d' * order}{'_' * (order > 0)}{name}" for order in range(deltas + 1) for name in names]


def coefficient_names(recipe: MFCC) -> list[str]:
    """Return the names of the coefficients of a recipe: c0, c1, ..., energy.

    Examples
    --------
    >>> coefficient_names(MFCC(n_mfcc=4)), coefficient_names(MFCC(n_mfcc=3, c0="last", energy="raw"))
    (['c1', 'c2', 'c3'], ['c1', 'c2', 'energy'])
    """
    names = [f"c{i}" for i in range(1, recipe.n_mfcc)]
    c0 = "energy" if recipe.energy is not None and recipe.energy_place == "c0" else "c0"
    if recipe.c0 == "first":
        names.insert(0, c0)
    elif recipe.c0 == "last":
        names.append(c0)
    if recipe.energy is not None and recipe.energy_place == "append":
        names.append("energy")
    return names
