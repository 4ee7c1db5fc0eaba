"""Features in files: written whole or not at all, and read back with NumPy or a spreadsheet."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from mfcc import framing
from mfcc.recipe import MFCC
from mfcc.tiles import Tiles

FORMATS = ("npz", "npy", "csv")


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


def write_features(path: str, values: np.ndarray, recipe: MFCC, format: str, offset: float = 0.0) -> None:
    """Write the coefficients of a recording, shape (n_coefficients, n_frames), in one of `FORMATS`.

    "npz" holds `values`, `times` (of the middle of each frame, in seconds) and `recipe` (JSON); "npy" the values; "csv"
    has a frame in each row: its time and its coefficients, under their names.
    """
    times = offset + frame_times(recipe, values.shape[1])
    with atomic(path) as file:
        if format == "npz":
            np.savez(file, values=values, times=times, recipe=np.array(json.dumps(recipe.to_dict())))
        elif format == "npy":
            np.save(file, values)
        else:
            names = ",".join(["time_s", *coefficient_names(recipe)])
            formats = ["%.6f"] + ["%.9g"] * len(values)  # nine digits tell any two float32 apart
            np.savetxt(file, np.column_stack([times, values.T]), formats, ",", header=names, comments="")


def write_tiles(path: str, tiles: Tiles) -> None:
    """Write tiles as npz: the arrays of `Tiles` under their names, and `recipe` (JSON)."""
    with atomic(path) as file:
        np.savez(
            file,
            values=tiles.values,
            start_s=tiles.start_s,
            level_dbfs=tiles.level_dbfs,
            silent=tiles.silent,
            recipe=np.array(json.dumps(tiles.recipe.to_dict())),
        )


def frame_times(recipe: MFCC, n_frames: int) -> np.ndarray:
    """Return the time of the middle of each frame in seconds.

    Examples
    --------
    >>> frame_times(MFCC(), 3).round(4).tolist()
    [0.0464, 0.1393, 0.2322]
    """
    first = framing.first_start(recipe.frame_length, recipe.hop_length, center=recipe.center)
    return (first + recipe.frame_length / 2 + np.arange(n_frames) * recipe.hop_length) / recipe.sr


def coefficient_names(recipe: MFCC) -> list[str]:
    """Return the names of the rows that a recipe returns: c0, c1, ..., energy.

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
