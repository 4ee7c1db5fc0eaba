"""The history of a training: rows, one an epoch, and the columns of numbers that files hold."""

from typing import Any

import numpy as np

from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown


def history_to_arrays(history: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the columns of a history; a number that a row doesn't have is NaN.

    Parameters
    ----------
    history : list of dict

    Examples
    --------
    >>> history_to_arrays([{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25}])
    {'epoch': array([0, 1]), 'loss': array([0.5 , 0.25])}
    """
    names = dict.fromkeys(name for row in history for name in row)
    return {
        name: np.array([row.get(name, np.nan) for row in history], np.int64 if name == "epoch" else np.float64)
        for name in names
    }


def history_from_arrays(columns: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return the rows of a history.

    Parameters
    ----------
    columns : dict of ndarray

    Raises
    ------
    FileFormatError
        If the columns are no history.
    """
    shapes = {column.shape for column in columns.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise FileFormatError(f"history: expected columns of one length, got shapes {shown(sorted(shapes))}.")
    for name, column in columns.items():
        if column.dtype != (np.int64 if name == "epoch" else np.float64):
            raise FileFormatError(f"history: {name}: expected int64 for epochs and float64 else, got {column.dtype}.")
    lists = {name: column.tolist() for name, column in columns.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
