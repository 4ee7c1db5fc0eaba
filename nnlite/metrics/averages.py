"""The averaging function of all metrics that exist per class."""

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nnlite.checks import is_one_of
from nnlite.metrics.checks import BoolArray, FloatArray

Average = Literal["macro", "weighted", "micro", "samples"] | None
PerColumn = Callable[[BoolArray, Any, FloatArray], FloatArray]


class UndefinedMetricWarning(UserWarning):
    """A metric, or a class's part in an average, is 0/0 on the given data."""


def average_columns(
    who: str,
    per_column: PerColumn,
    y: BoolArray,
    values: NDArray[Any],
    weight: FloatArray,
    average: Average,
    stacklevel: int = 3,
) -> FloatArray:
    """Return a metric per class, or one of its averages.

    ``per_column(y, values, weight)`` of (n, k), (n, k) and (n,) returns (..., k), NaN where a column is not evaluable.
    The averages are explained in :mod:`nnlite.metrics`.
    """
    check_average(who, average)
    match average:
        case None:
            return per_column(y, values, weight)
        case "macro":
            return mean_of_defined(who, per_column(y, values, weight), None, "class", stacklevel)
        case "weighted":
            return mean_of_defined(who, per_column(y, values, weight), weight @ y, "class", stacklevel)
        case "micro":
            pooled = per_column(y.reshape(-1, 1), values.reshape(-1, 1), np.repeat(weight, y.shape[1]))
            return mean_of_defined(who, pooled, None, "pool of all classes", stacklevel)
        case "samples":
            by_sample = per_column(y.T, values.T, np.ones(y.shape[1]))
            return mean_of_defined(who, by_sample, weight, "sample", stacklevel)


def check_average(who: str, average: Average) -> None:
    """Raise ValueError unless `average` is one of those that all metrics know."""
    if average is not None and not is_one_of(average, ("macro", "weighted", "micro", "samples")):
        raise ValueError(f'{who}: average: expected None, "macro", "weighted", "micro" or "samples", got {average!r}.')


def mean_of_defined(
    who: str, values: FloatArray, weight: FloatArray | None, unit: str, stacklevel: int = 2
) -> FloatArray:
    """Return the weighted mean over the last axis, without NaN. One warning says what was left out.

    It is NaN if nothing is left.
    """
    undefined = np.isnan(values)
    places = np.flatnonzero(undefined.reshape(-1, values.shape[-1]).any(axis=0))
    if len(places):
        shown = ", ".join(map(str, places[:10].tolist())) + (", ..." if len(places) > 10 else "")
        warnings.warn(
            f"{who}: {len(places)} of {values.shape[-1]} figures, one a {unit}, are undefined (no positives, or "
            f"nothing to compare them with) and left out of the mean: {shown}.",
            UndefinedMetricWarning,
            stacklevel=stacklevel + 1,
        )
    kept = np.where(undefined, 0.0, 1.0 if weight is None else weight)
    total = kept.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.where(
            total > 0, (np.where(undefined, 0.0, values) * kept).sum(axis=-1) / np.where(total > 0, total, 1.0), np.nan
        )
