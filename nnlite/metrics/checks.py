"""Arguments of the metrics, checked and brought to one form.

Targets and predictions become (n, k) bool, scores (n, k) float64.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array, check_iterable, shown

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def as_scores(who: str, values: ArrayLike, argument: str = "scores") -> FloatArray:
    """Return finite numbers (n,) or (n, k) as float64, which keeps the order and the ties of any smaller type."""
    array = as_array(who, argument, values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{who}: {argument}: expected real numbers, got an array of dtype {array.dtype}.")
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{who}: {argument}: expected shape (n_samples, n_classes) or (n_samples,), got {array.shape}."
        )
    if array.size == 0:
        raise ValueError(f"{who}: {argument}: expected at least one sample and one class, got shape {array.shape}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        where = f"row {place[0]}" + (f", column {place[1]}" if len(place) == 2 else "")
        count = int((~np.isfinite(array)).sum())
        raise ValueError(
            f"{who}: {argument}: expected finite numbers, got {array[place]} in {where} ({count} such values in all). "
            "A network that diverged, or features that hold NaN, give such scores."
        )
    return array


def as_indicator(who: str, values: ArrayLike, argument: str = "y_true") -> BoolArray:
    """Return an array (n,) or (n, k) of 0 and 1 (or of bool) as bool."""
    array = as_array(who, argument, values)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{who}: {argument}: expected shape (n_samples, n_classes) or (n_samples,), not empty, got {array.shape}."
        )
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{who}: {argument}: expected 0 and 1, got an array of dtype {array.dtype}.")
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{who}: {argument}: expected 0 and 1, got {array[place]} at {list(place)}. Class labels come as one "
            "(n_samples,) array, and then scores have shape (n_samples, n_classes)."
        )
    return array.astype(bool)


def one_hot(who: str, values: NDArray[Any], classes: Sequence[Any], argument: str) -> BoolArray:
    """Return class labels (n,) as (n, len(classes)) bool. Raise ValueError for a label that is no class."""
    try:
        position = {label: i for i, label in enumerate(classes)}
    except TypeError:
        raise ValueError(f"{who}: classes: expected strings or integers, got {shown(list(classes))}.") from None
    if len(position) != len(classes):
        raise ValueError(f"{who}: classes: expected distinct labels, got {list(classes)}.")
    labels = values.tolist()
    unknown = [row for row, label in enumerate(labels) if label not in position]
    if unknown:
        row = unknown[0]
        known = ", ".join(map(repr, list(classes)[:12])) + (", ..." if len(classes) > 12 else "")
        raise ValueError(
            f"{who}: {argument}: expected one of the {len(classes)} classes {known}, got {labels[row]!r} in row {row} "
            f"({len(unknown)} such rows in all)."
        )
    indicator = np.zeros((len(labels), len(classes)), dtype=bool)
    indicator[np.arange(len(labels)), [position[label] for label in labels]] = True
    return indicator


def as_classes(who: str, classes: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Return the class labels as a list."""
    labels = list(check_iterable(who, "classes", classes, "a sequence of class labels"))
    if isinstance(classes, str) or not labels:
        raise ValueError(f"{who}: classes: expected a sequence of class labels, got {shown(classes)}.")
    return labels


def as_targets_and_scores(
    who: str, y_true: ArrayLike, scores: ArrayLike, classes: Sequence[Any] | None = None, argument: str = "scores"
) -> tuple[BoolArray, FloatArray]:
    """Return targets (n, k) bool and scores (n, k) float64 of either form of targets; k is 1 when both are (n,)."""
    s = as_scores(who, scores, argument)
    raw = as_array(who, "y_true", y_true)
    if raw.ndim == 1 and s.ndim == 2:
        known = list(range(s.shape[1])) if classes is None else as_classes(who, classes)
        if len(known) != s.shape[1]:
            raise ValueError(
                f"{who}: classes: expected {s.shape[1]} labels, one a column of {argument}, got {len(known)}."
            )
        check_length(who, "y_true", len(raw), argument, len(s))
        return one_hot(who, raw, known, "y_true"), s
    y = as_indicator(who, raw)
    check_length(who, "y_true", len(y), argument, len(s))
    if y.shape != s.shape:
        raise ValueError(f"{who}: {argument}: expected the shape of y_true, {y.shape}, got {s.shape}.")
    return (y[:, None], s[:, None]) if y.ndim == 1 else (y, s)


def as_targets_and_predictions(
    who: str, y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any] | None = None
) -> tuple[BoolArray, BoolArray]:
    """Return targets and predictions, both (n, k) bool.

    Without `classes` the classes are the sorted labels that occur.
    """
    raw_true, raw_pred = as_array(who, "y_true", y_true), as_array(who, "y_pred", y_pred)
    if raw_true.ndim == 1 and raw_pred.ndim == 1:
        check_length(who, "y_true", len(raw_true), "y_pred", len(raw_pred))
        if len(raw_true) == 0:
            raise ValueError(f"{who}: y_true: expected at least one sample, got none.")
        for argument, raw in (("y_true", raw_true), ("y_pred", raw_pred)):
            if raw.dtype.kind == "f" and not np.isfinite(raw).all():
                raise ValueError(f"{who}: {argument}: expected class labels, got NaN or infinity.")
        known = label_union(raw_true, raw_pred) if classes is None else as_classes(who, classes)
        return one_hot(who, raw_true, known, "y_true"), one_hot(who, raw_pred, known, "y_pred")
    y, p = as_indicator(who, raw_true), as_indicator(who, raw_pred, "y_pred")
    check_length(who, "y_true", len(y), "y_pred", len(p))
    if y.shape != p.shape:
        raise ValueError(f"{who}: y_pred: expected the shape of y_true, {y.shape}, got {p.shape}.")
    return y, p


def label_union(*arrays: NDArray[Any]) -> list[Any]:
    """Return the sorted distinct labels of several arrays."""
    return sorted(set().union(*(array.tolist() for array in arrays)), key=lambda label: (isinstance(label, str), label))


def as_groups(
    who: str, groups: ArrayLike, n_samples: int, argument: str = "scores"
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the sorted distinct group names (integers or strings), and each row's position among them."""
    array = as_array(who, "groups", groups)
    if array.dtype.kind == "O" and all(isinstance(name, str) for name in array.flat):
        array = array.astype(str)
    if array.ndim != 1 or array.dtype.kind not in "iuUS":
        raise ValueError(
            f"{who}: groups: expected integers or strings of shape (n_samples,), got {array.dtype} of shape "
            f"{array.shape}."
        )
    check_length(who, "groups", len(array), argument, n_samples)
    if array.dtype.kind in "US" and (array == array.dtype.type()).any():
        row = int(np.flatnonzero(array == array.dtype.type())[0])
        raise ValueError(f"{who}: groups: expected a name in every row, got an empty one in row {row}.")
    names, position = np.unique(array, return_inverse=True)
    return names, position


def check_length(who: str, first: str, n_first: int, second: str, n_second: int) -> None:
    """Raise when two arguments don't have the same number of samples."""
    if n_first != n_second:
        raise ValueError(f"{who}: {first}: expected {n_second} samples, as many as in {second}, got {n_first}.")
