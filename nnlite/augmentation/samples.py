"""Samples that are to be augmented: checks, and axes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.checks import as_array, is_integer

__all__ = ["as_float_samples", "check_axis", "over_axis"]


def as_float_samples(who: str, x: Any) -> NDArray[np.floating]:
    """Return samples as an array. Raise ValueError unless they are floats with an axis beside that of the samples."""
    x = as_array(who, "x", x)
    if x.dtype.kind != "f" or x.ndim < 2:
        raise ValueError(
            f"{who}: x: expected floats of shape (n_samples, ...), got shape {x.shape} and dtype {x.dtype}. Convert "
            "integers with x.astype(numpy.float32)."
        )
    return x


def check_axis(who: str, name: str, axis: Any, x: np.ndarray) -> int:
    """Return an axis counted from 0. Raise ValueError unless it is one of `x` and not that of the samples."""
    if not is_integer(axis) or not -x.ndim < axis < x.ndim or axis == 0:
        raise ValueError(
            f"{who}: {name}: expected an axis of x after that of the samples, 1 to {x.ndim - 1}, got {axis!r}."
        )
    return int(axis) % x.ndim


def over_axis(values: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    """Return values (n, length) with axes of length 1, so that the second axis stands at `axis` of `ndim`."""
    return values.reshape(len(values), *(values.shape[1] if k == axis else 1 for k in range(1, ndim)))
