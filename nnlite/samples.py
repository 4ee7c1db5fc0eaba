"""Samples as users have them: arrays of any real type, lists, data frames, and what is read piece by piece."""

import math
from typing import Any

import numpy as np


def as_samples(who: str, X: Any) -> Any:
    """`X` as something with a shape that can be indexed by rows: an array, or what stays where it is until it is read.

    Parameters
    ----------
    who : str
        What errors begin with.
    X : array_like (n_samples, ...)
        A memory-mapped array, `Rows` and the like stay as they are; a list or data frame becomes an array.

    Raises
    ------
    ValueError, TypeError
        If it has no samples, no axis beside that of the samples, or is no array of real numbers.
    """
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        raise TypeError(f"{who}: expected a dense array, got sparse data. X.toarray() makes it dense.")
    indexed = hasattr(X, "shape") and hasattr(X, "__getitem__") and not hasattr(X, "columns")
    if not indexed or isinstance(X, np.generic) or (isinstance(X, np.ndarray) and X.dtype == object):
        X = _as_array(who, X)
    shape = tuple(X.shape)
    if len(shape) < 2:
        raise ValueError(
            f"{who}: expected shape (n_samples, *shape of a sample), got {shape}. Reshape your data with "
            "X.reshape(-1, 1) if it has one feature, or with X[np.newaxis] if it is one sample."
        )
    if not shape[0]:
        raise ValueError(f"{who}: expected one sample or more, got 0 samples (shape={shape}).")
    if not all(shape):
        raise ValueError(f"{who}: got 0 feature(s) (shape={shape}) while a minimum of 1 is required.")
    kind = X.dtype.kind if isinstance(X, np.ndarray) else "f"  # what is left where it is shows when it is read
    if kind == "c":
        raise ValueError(f"{who}: Complex data not supported: expected real numbers, got dtype {X.dtype}.")
    if kind not in "biuf":
        raise ValueError(f"{who}: expected numbers, got dtype {X.dtype}.")
    return X


def _as_array(who: str, X: Any) -> np.ndarray:
    try:
        array = np.asarray(X)
    except ValueError:
        raise ValueError(f"{who}: expected an array, got rows of different lengths.") from None
    if array.dtype != object:
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{who}: expected numbers, got objects: {error}.") from error


def check_sample_shape(who: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise unless samples have the shape that a model was made for.

    Parameters
    ----------
    who : str
        Name of the estimator.
    shape, expected : tuple of int
        Without the axis of the samples.

    Raises
    ------
    ValueError
    """
    if shape != expected:
        raise ValueError(
            f"{who}: X: expected samples of shape {expected}, got {shape}: X has {math.prod(shape)} features, but "
            f"{who} is expecting {math.prod(expected)} features as input."
        )
