"""Arguments of the splits, checked and brought to one form."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array, check_iterable, shown

FloatArray = NDArray[np.float64]


def as_labels(who: str, labels: ArrayLike) -> tuple[NDArray[np.bool_], list[str]]:
    """Return (n, k) bool of labels (n, k) of 0 and 1, or of class labels (n,); and the names of the classes."""
    array = as_array(who, "labels", labels)
    if array.ndim == 1 and array.dtype.kind in "biuUS" and array.size:
        classes, position = np.unique(array, return_inverse=True)
        return position[:, None] == np.arange(len(classes)), [str(name) for name in classes.tolist()]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"{who}: labels: expected shape (n_samples, n_classes) of 0 and 1, or (n_samples,) class labels, got "
            f"{array.dtype} of shape {array.shape}."
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"{who}: labels: expected 0 and 1, got other values ({array.dtype}).")
    return array.astype(bool), [str(i) for i in range(array.shape[1])]


def as_folds(who: str, folds: ArrayLike) -> NDArray[Any]:
    """Return the fold of each sample, (n,) whole numbers from 0."""
    array = as_array(who, "folds", folds)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.size == 0 or array.min() < 0:
        raise ValueError(f"{who}: folds: expected whole numbers from 0, one a sample, got {shown(folds)}.")
    return array


def as_groups(who: str, groups: ArrayLike) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the sorted distinct group names (integers or strings), and each row's position among them."""
    array = as_array(who, "groups", groups)
    if array.dtype.kind == "O" and all(isinstance(name, str) for name in array.flat):
        array = array.astype(str)
    if array.ndim != 1 or array.dtype.kind not in "iuU" or array.size == 0:
        raise ValueError(
            f"{who}: groups: expected integers or strings of shape (n_samples,), got {array.dtype} of shape "
            f"{array.shape}. A sample without a group can't be split."
        )
    if array.dtype.kind == "U" and (array == "").any():
        row = int(np.flatnonzero(array == "")[0])
        raise ValueError(f"{who}: groups: expected a name in every row, got an empty one in row {row}.")
    names, position = np.unique(array, return_inverse=True)
    return names, position


def as_weights(who: str, weights: ArrayLike | None, n_samples: int) -> FloatArray:
    """Return the weights, (n,) float64; ones for None."""
    if weights is None:
        return np.ones(n_samples)
    array = as_array(who, "weights", weights)
    if array.shape != (n_samples,) or array.dtype.kind not in "biuf":
        raise ValueError(f"{who}: weights: expected {n_samples} numbers, got {array.dtype} of shape {array.shape}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all() or (array < 0).any() or array.sum() == 0:
        raise ValueError(f"{who}: weights: expected finite numbers of at least 0, not all 0.")
    return array


def as_names(who: str, class_names: Sequence[str] | None, default: list[str]) -> list[str]:
    """Return the names of the classes for messages."""
    if class_names is None:
        return default
    names = [str(name) for name in check_iterable(who, "class_names", class_names, f"{len(default)} names")]
    if isinstance(class_names, str) or len(names) != len(default):
        raise ValueError(f"{who}: class_names: expected {len(default)} names, got {class_names!r}.")
    return names


def check_length(who: str, argument: str, n: int, expected: int) -> None:
    """Raise when an argument doesn't have one entry a sample."""
    if n != expected:
        raise ValueError(f"{who}: {argument}: expected {expected} samples, as many as in labels, got {n}.")
