"""Samples as users give them: arrays of any real type, lists, data frames with names, and what is read piece by piece.

Wording of errors and warnings is scikit-learn's where its own tools look for it. Functions take the name of the caller
(``who``, such as ``NetworkClassifier.fit``), with which their errors begin.
"""

import math
import sys
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

SHOWN = 5
"""Names that an error lists of each kind."""


def as_samples(who: str, X: Any) -> Any:
    """Return `X` as something with a shape that can be indexed by rows.

    That is an array, or something that stays where it is until it is read.

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
    _check_dense(who, X, "X")
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


def feature_names(who: str, X: Any) -> np.ndarray | None:
    """Return the names of the columns of a data frame (pandas, polars, ...), dtype object; None if there are none.

    Parameters
    ----------
    who : str
        What errors begin with.
    X : data frame or anything else
        Names are the strings in ``X.columns``; other labels, such as pandas' numbers, are no names.

    Raises
    ------
    TypeError
        If some are strings and some are not.
    """
    columns = getattr(X, "columns", None)
    if columns is None or callable(columns) or getattr(X, "ndim", 2) != 2:
        return None
    labels = list(columns)
    are_names = [isinstance(label, str) for label in labels]
    if any(are_names) and not all(are_names):
        kinds = sorted({type(label).__qualname__ for label in labels})
        raise TypeError(
            f"{who}: Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. X.columns = X.columns.astype(str) makes names of all."
        )
    return np.array(labels, object) if labels and all(are_names) else None


def check_like(
    who: str,
    X: Any,
    names: np.ndarray | None,
    fitted_shape: tuple[int, ...],
    fitted_names: np.ndarray | None,
) -> None:
    """Raise unless samples have the shape, and columns the names, of those that a model was fitted on.

    Parameters
    ----------
    who : str
    X : array_like (n_samples, ...)
    names : ndarray or None
        As `feature_names` returns them.
    fitted_shape : tuple of int
        Shape of a sample.
    fitted_names : ndarray or None

    Raises
    ------
    ValueError

    Warns
    -----
    UserWarning
        If only one of the two has names.
    """
    check_feature_names(who, fitted_names, names)
    check_sample_shape(who, tuple(X.shape[1:]), fitted_shape)


def check_sample_shape(who: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise unless samples have the shape that a model was made for.

    Parameters
    ----------
    who : str
    shape, expected : tuple of int
        Without the axis of the samples.

    Raises
    ------
    ValueError
    """
    if shape != expected:
        raise ValueError(
            f"{who}: X: expected samples of shape {expected}, got {shape}: X has {math.prod(shape)} features, but "
            f"{estimator_of(who)} is expecting {math.prod(expected)} features as input."
        )


def check_feature_names(who: str, fitted: np.ndarray | None, given: np.ndarray | None) -> None:
    """Raise if the names of columns are others than those of the fit; warn if only one of the two has names.

    Parameters
    ----------
    who : str
    fitted, given : ndarray or None

    Raises
    ------
    ValueError
        When columns are missing, new, or in another order.
    """
    if given is None and fitted is None:
        return
    if fitted is None:
        warn_caller(f"X has feature names, but {estimator_of(who)} was fitted without feature names")
    elif given is None:
        warn_caller(f"X does not have valid feature names, but {estimator_of(who)} was fitted with feature names")
    elif given.tolist() != fitted.tolist():
        new, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
        message = "The feature names should match those that were passed during fit.\n"
        if new:
            message += "Feature names unseen at fit time:\n" + _listed(new)
        if missing:
            message += "Feature names seen at fit time, yet now missing:\n" + _listed(missing)
        if not new and not missing:
            message += "Feature names must be in the same order as they were in fit.\n"
        raise ValueError(f"{who}: X: {message}Take the columns of the fit: X[list(model.feature_names_in_)].")


def _listed(names: Iterable[str]) -> str:
    lines = [f"- {name}\n" for name in names]
    return "".join(lines[:SHOWN]) + ("- ...\n" if len(lines) > SHOWN else "")


def estimator_of(who: str) -> str:
    """Return the name of the estimator of which `who` is a method.

    >>> estimator_of("NetworkClassifier.fit: validation_data")
    'NetworkClassifier'
    """
    return who.partition(".")[0]


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called the library, however many of its functions lie between."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "nnlite":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, category, stacklevel=depth)


def check_targets_given(who: str, y: Any) -> None:
    """Raise unless there are targets, in a dense array."""
    if y is None:
        raise ValueError(f"{who}: requires y to be passed, but the target y is None.")
    _check_dense(f"{who}: y", y, "y")


def _check_dense(who: str, values: Any, name: str) -> None:
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise TypeError(f"{who}: expected a dense array, got sparse data. {name}.toarray() makes it dense.")
