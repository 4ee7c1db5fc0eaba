"""Comparisons of arrays, for the checks."""

from typing import NoReturn

import numpy as np

from nnlite.layers.base import Params


def distance(actual: np.ndarray, expected: np.ndarray) -> float:
    """Return the Euclidean distance relative to the length of the expected."""
    length = float(np.linalg.norm(expected)) or 1.0
    return float(np.linalg.norm(actual.astype(np.float64) - expected)) / length


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
    )


def same_dicts(a: Params, b: Params) -> bool:
    return a.keys() == b.keys() and all(same_bits(a[name], b[name]) for name in a)


def require(condition: bool, message: str) -> None:
    if not condition:
        fail(message)


def fail(message: str) -> NoReturn:
    raise AssertionError(message)
