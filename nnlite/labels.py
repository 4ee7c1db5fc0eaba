"""Labels: what a ``y`` may be, checked with errors that say what is wrong with it, and weights of samples and classes.

The checks take the name of the caller (``who``), with which their errors begin.
"""

import math
import numbers

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import check_integer

__all__ = [
    "as_weights",
    "check_matrix",
    "check_range",
    "checked_indices",
    "checked_numbers",
    "class_weights",
    "relative_weights",
    "weights_by_class",
]


def checked_numbers(who: str, y: ArrayLike) -> NDArray:
    """Return any array of real numbers or truth values; refuse names, objects and ragged rows."""
    try:
        values = np.asarray(y)
    except ValueError:
        raise ValueError(f"{who}: y: expected an array, got rows of different lengths.") from None
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{who}: y: expected numbers, got dtype {values.dtype}. "
            "numpy.unique(y, return_inverse=True) turns names into class indices."
        )
    return values


def checked_indices(who: str, labels: NDArray, n_classes: int, name: str = "y") -> NDArray[np.int64]:
    """Return class indices from 0 to ``n_classes - 1`` as int64; `name` is that of the argument, for errors."""
    if labels.dtype.kind not in "iu" and labels.size:
        raise ValueError(
            f"{who}: {name}: expected integer class indices, got dtype {labels.dtype}. Convert with {name}.astype(int)."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if wrong.size:
        raise ValueError(
            f"{who}: {name}: expected class indices from 0 to {n_classes - 1}, got {labels[wrong[0]]} at sample "
            f"{wrong[0]} ({wrong.size} such labels). Count classes from 0, or give the network more outputs."
        )
    return labels.astype(np.int64, copy=False)


def check_matrix(who: str, values: NDArray, n_outputs: int, what: str, name: str = "y") -> None:
    """Raise unless the shape is (samples, n_outputs)."""
    if values.ndim != 2 or values.shape[1] != n_outputs:
        raise ValueError(f"{who}: {name}: expected {what}, of shape (samples, {n_outputs}), got shape {values.shape}.")


def check_range(who: str, values: NDArray, low: float, high: float, what: str, name: str = "y") -> None:
    """Raise unless all values are from low to high; NaN and infinity are outside of any range."""
    wrong = np.argwhere(~((values >= low) & (values <= high) & np.isfinite(values)))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{who}: {name}: expected {what}, got {values[row, column]} at sample {row}, output {column} "
            f"({len(wrong)} such values)."
        )


def as_weights(who: str, sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    """Return the weight of each sample, (n_samples,) float64: ones for None; finite, not negative, not all zero."""
    if sample_weight is None:
        return np.ones(n_samples)
    try:
        weight = np.asarray(sample_weight)
    except ValueError:
        raise ValueError(f"{who}: sample_weight: expected an array, got rows of different lengths.") from None
    if weight.shape != (n_samples,):
        raise ValueError(f"{who}: sample_weight: expected shape ({n_samples},), one a sample, got {weight.shape}.")
    if weight.dtype.kind not in "biuf":
        raise ValueError(f"{who}: sample_weight: expected real numbers, got an array of dtype {weight.dtype}.")
    weight = weight.astype(np.float64)
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ValueError(
            f"{who}: sample_weight: expected finite numbers of at least 0, not all zero, got {weight.min()} to "
            f"{weight.max()}."
        )
    return weight


def relative_weights(who: str, sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    """Return `as_weights` times a power of two: the largest is in [1, 2).

    Use it where only ratios count. No digit changes, and no sum overflows.
    """
    weight = as_weights(who, sample_weight, n_samples)
    return np.ldexp(weight, 1 - np.frexp(weight.max())[1])


def class_weights(y: ArrayLike, class_weight: str | dict[int, float] | None, n_classes: int) -> NDArray[np.float64]:
    """Turn weights of classes into weights of samples.

    With ``"balanced"`` a class weighs the inverse of its share, ``sum(counts) / (classes that occur * count)``: every
    class that occurs has the same total weight and the mean weight of a label is 1. (G. King and L. Zeng, "Logistic
    regression in rare events data", 2001; scikit-learn's ``class_weight="balanced"``.)

    A sample with several labels weighs the mean of its labels' weights, one without any weighs 1. To balance each
    question of a multi-label problem by itself, see `SigmoidCrossEntropy`'s ``pos_weight``.

    Parameters
    ----------
    y : array_like of shape (N,) or (N, n_classes)
        Class indices, or indicators (degrees in [0, 1] count in proportion).
    class_weight : "balanced", dict or None
        A dict gives the weight of a class by its index; classes that it leaves out weigh 1. None: all weigh 1.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray of shape (N,)
        float64.

    Raises
    ------
    ValueError
        If labels don't fit the number of classes, or a weight is negative, not finite, or of a class that isn't there.

    Examples
    --------
    >>> class_weights([0, 0, 0, 1], "balanced", n_classes=2).round(3)
    array([0.667, 0.667, 0.667, 2.   ])
    >>> class_weights([[1, 0], [1, 1], [0, 0]], {1: 3.0}, n_classes=2)
    array([1., 2., 1.])
    """
    return weights_by_class("class_weights", y, class_weight, n_classes)


def weights_by_class(
    who: str, y: ArrayLike, class_weight: str | dict[int, float] | None, n_classes: int
) -> NDArray[np.float64]:
    """Return what `class_weights` does; errors begin with `who`."""
    check_integer(who, "n_classes", n_classes)
    labels = checked_numbers(who, y)
    single = labels.ndim == 1
    if single:
        labels = checked_indices(who, labels, n_classes)
        counts = np.bincount(labels, minlength=n_classes).astype(np.float64)
    else:
        check_matrix(who, labels, n_classes, "class indices of shape (samples,) or indicators")
        check_range(who, labels, 0.0, 1.0, "indicators from 0 to 1")
        counts = labels.sum(axis=0, dtype=np.float64)
    per_class = _per_class(f"{who}: class_weight", class_weight, counts)
    if single:
        return per_class[labels]
    given = labels.sum(axis=1, dtype=np.float64)
    total = (labels * per_class).sum(axis=1)
    return np.divide(total, given, out=np.ones(len(labels)), where=given > 0)


def _per_class(
    who: str, class_weight: str | dict[int, float] | None, counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    weights = np.ones(len(counts))
    if isinstance(class_weight, dict):
        for index, weight in class_weight.items():
            if isinstance(index, bool) or not isinstance(index, numbers.Integral) or not 0 <= index < len(counts):
                raise ValueError(f"{who}: expected class indices from 0 to {len(counts) - 1} as keys, got {index!r}.")
            if not isinstance(weight, numbers.Real) or not 0 <= float(weight) < math.inf:
                raise ValueError(f"{who}: expected a finite weight of 0 or more for class {index}, got {weight!r}.")
            weights[index] = weight
    elif isinstance(class_weight, str) and class_weight == "balanced":
        occurs = counts > 0
        weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    elif class_weight is not None:
        raise ValueError(f"{who}: expected 'balanced', a dict or None, got {class_weight!r}.")
    return weights
