"""Formats of files of features. A new one is a function here and its row in `FORMATS`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mfcc.command.output import write_array, write_npz
from mfcc.feature_names import feature_names
from mfcc.htk import parameter_file
from mfcc.recipe import MFCC

# Rows of a table that are turned into text at a time.
_ROWS = 4096


@dataclass(frozen=True, kw_only=True)
class Features:
    """The features of a recording, and what a file says about them.

    Attributes
    ----------
    values : array, shape (n_features, n_frames)
    recipe : MFCC
    offset : float
        Where the excerpt begins, in seconds.
    deltas : int
        How many orders of slopes over time follow the recipe's features.
    zero_mean : bool
        Whether the mean over the recording was subtracted.
    after : mapping
        All that was done after the recipe, by name, fit for JSON.
    """

    values: np.ndarray
    recipe: MFCC
    offset: float = 0.0
    deltas: int = 0
    zero_mean: bool = False
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def times(self) -> np.ndarray:
        """Time of the middle of each frame in seconds."""
        return self.offset + self.recipe.frame_times(self.values.shape[1])

    @property
    def names(self) -> list[str]:
        """Names of the rows."""
        return feature_names(self.recipe, self.deltas)


def write_as_npz(file: BinaryIO, features: Features) -> None:
    """Write `values`, their `names`, the `times` of frames, and `recipe` and `after` as JSON."""
    arrays = {"values": features.values, "names": np.array(features.names), "times": features.times}
    about = {"recipe": json.dumps(features.recipe.to_dict()), "after": json.dumps(features.after)}
    write_npz(file, arrays | about)


def write_as_npy(file: BinaryIO, features: Features) -> None:
    """Write the values alone."""
    write_array(file, features.values)


def write_as_csv(file: BinaryIO, features: Features) -> None:
    """Write a line for each frame, its time and its features, below their names."""
    values, times = features.values, features.times
    file.write((",".join(["time_s", *features.names]) + "\n").encode())
    formats = ["%.6f"] + ["%.9g"] * len(values)  # nine digits tell any two float32 apart
    for first in range(0, len(times), _ROWS):
        rows = slice(first, first + _ROWS)
        np.savetxt(file, np.column_stack([times[rows], values[:, rows].T]), formats, ",")


def write_as_htk(file: BinaryIO, features: Features) -> None:
    """Write a parameter file of HTK."""
    recipe = features.recipe
    kind = parameter_file.kind(recipe, features.deltas, features.zero_mean)
    parameter_file.write(file, features.values, recipe.hop_length / recipe.sr, kind)


class Format(NamedTuple):
    """A format: its writer, whether a terminal can show it, and a check of the number of features."""

    write: Callable[[BinaryIO, Features], None]
    is_text: bool = False
    check_size: Callable[[str, int], None] | None = None  # who, n_features; raises ValueError


FORMATS = {
    "npz": Format(write_as_npz),
    "npy": Format(write_as_npy),
    "csv": Format(write_as_csv, is_text=True),
    "htk": Format(write_as_htk, check_size=parameter_file.check_size),
}
"""All formats by the suffix of their files."""
