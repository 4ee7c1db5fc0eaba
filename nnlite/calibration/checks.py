"""Checks of what the functions of calibration take: scores, targets, probabilities and shares of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def finite(who: str, name: str, values: ArrayLike, ndim: tuple[int, ...] = (1, 2)) -> np.ndarray:
    """Return values as float64; ValueError for NaN, infinity, another number of axes or nothing at all."""
    array = np.asarray(values, np.float64)
    if array.ndim not in ndim or array.size == 0:
        shapes = " or ".join({1: "(n_samples,)", 2: "(n_samples, n_classes)"}[n] for n in ndim)
        raise ValueError(f"{who}: {name}: expected shape {shapes} with at least one sample, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{who}: {name}: expected finite numbers, got {array[~np.isfinite(array)][0]}")
    return array


def targets(who: str, y: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return targets as bool; ValueError for another shape than that of the scores, or for numbers but 0 and 1."""
    array = np.asarray(y)
    if array.shape != shape:
        raise ValueError(f"{who}: y: expected shape {shape}, that of the scores, got {array.shape}")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{who}: y: expected 0 and 1, got {array[~np.isin(array, (0, 1))][0]!r}")
    return array.astype(bool)


def probabilities(who: str, name: str, values: ArrayLike, ndim: tuple[int, ...] = (1, 2)) -> np.ndarray:
    """Return values as float64; ValueError unless all are from 0 to 1."""
    array = finite(who, name, values, ndim)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"{who}: {name}: expected probabilities from 0 to 1, got {array.min():g} to {array.max():g}. "
            "Log-odds become probabilities by nnlite.calibration.sigmoid."
        )
    return array


def shares(who: str, name: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return shares of classes as float64 of the scores' shape behind the samples; ValueError unless 0 < share < 1."""
    array = np.asarray(values, np.float64)
    if array.shape not in (shape[1:], ()):
        raise ValueError(f"{who}: {name}: expected one share for each of the classes {shape[1:]}, got {array.shape}")
    if not ((array > 0) & (array < 1)).all():
        bad = array[~((array > 0) & (array < 1))].flat[0]
        raise ValueError(f"{who}: {name}: expected shares above 0 and below 1, got {bad:g}. A share is a part of 1.")
    return np.broadcast_to(array, shape[1:])
