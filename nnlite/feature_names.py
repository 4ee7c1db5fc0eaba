"""Names of the columns of data frames: what a model was fitted on is what it is asked about.

The wording of errors and warnings is scikit-learn's where its own tools look for it.
"""

import sys
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

SHOWN = 5
"""Names that an error lists of each kind."""


def feature_names(who: str, X: Any) -> np.ndarray | None:
    """Names of the columns of a data frame (pandas, polars, ...), of dtype object; None if it or they have none.

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


def check_feature_names(who: str, fitted: np.ndarray | None, given: np.ndarray | None) -> None:
    """Raise if the names of columns are others than those of the fit; warn if only one of the two has names.

    Parameters
    ----------
    who : str
        Name of the estimator.
    fitted, given : ndarray or None

    Raises
    ------
    ValueError
        When columns are missing, new, or in another order.
    """
    if given is None and fitted is None:
        return
    if fitted is None:
        _warn(f"X has feature names, but {who} was fitted without feature names")
    elif given is None:
        _warn(f"X does not have valid feature names, but {who} was fitted with feature names")
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


def _warn(message: str) -> None:
    """Show where the library was called from, however many of its functions lie between."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "nnlite":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=depth)
