"""Metrics of predicted numbers."""

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nnlite.labels import relative_weights
from nnlite.metrics.averages import UndefinedMetricWarning
from nnlite.metrics.checks import as_scores, check_length


def r2(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: Literal["macro"] | None = "macro",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return the coefficient of determination R2: ``1 - sum (y - p)**2 / sum (y - mean(y))**2``.

    1 is perfect, 0 what the mean of `y_true` would get as a prediction. An output whose targets are all the same has 1
    if it is predicted exactly and else 0, as in scikit-learn.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_samples,) or (n_samples, n_outputs)
    average : {"macro", None}
        Mean over the outputs, or one figure for each.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    float, or array of shape (n_outputs,)
        NaN for fewer than two samples, with an `UndefinedMetricWarning`.

    Examples
    --------
    >>> round(r2([1.0, 2.0, 4.0], [1.5, 2.0, 3.5]), 4)
    0.8929
    """
    who = "r2"
    if average is not None and not (isinstance(average, str) and average == "macro"):
        raise ValueError(f'{who}: average: expected "macro" or None, got {average!r}.')
    y, p = as_scores(who, y_true, "y_true"), as_scores(who, y_pred, "y_pred")
    check_length(who, "y_true", len(y), "y_pred", len(p))
    if y.shape != p.shape:
        raise ValueError(f"{who}: y_pred: expected the shape of y_true, {y.shape}, got {p.shape}.")
    y, p = (array[:, None] if array.ndim == 1 else array for array in (y, p))
    weight = relative_weights(who, sample_weight, len(y))
    if len(y) < 2:
        warnings.warn(f"{who}: undefined for fewer than two samples.", UndefinedMetricWarning, stacklevel=2)
        return float("nan") if average else np.full(y.shape[1], np.nan)
    seen = y[weight > 0]
    constant = (seen == seen[0]).all(axis=0)  # rounding leaves their mean beside them
    mean = weight @ y / weight.sum()
    # Relative to the largest difference: squares of large numbers overflow.
    size = np.maximum(np.abs(y - mean).max(axis=0), np.abs(y - p).max(axis=0))
    size[size == 0] = 1.0
    missed, spread = weight @ np.square((y - p) / size), weight @ np.square((y - mean) / size)
    values = np.where(constant, np.where(missed == 0, 1.0, 0.0), 1.0 - missed / np.where(constant, 1.0, spread))
    return float(values.mean()) if average else values
