"""Checks of arguments. Errors say who, which argument, what was expected, what came and what to do."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_CHECKED = 1 << 20
"""Samples that are looked at for NaN at a time."""


def check_integer(
    who: str, name: str, value: Any, *, minimum: int = 1, maximum: int | None = None, hint: str = ""
) -> int:
    """Return value as an int from `minimum` to `maximum`; TypeError for what is no integer, ValueError for another."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{who}: {name}: expected an integer, got {value!r}.{_spaced(hint)}")
    try:
        number = operator.index(value)
    except TypeError:
        if not (isinstance(value, (float, np.floating)) and float(value).is_integer()):
            raise TypeError(f"{who}: {name}: expected an integer, got {value!r}.{_spaced(hint)}") from None
        number = int(value)
    if number < minimum:
        raise ValueError(f"{who}: {name}: expected an integer of at least {minimum}, got {number}.{_spaced(hint)}")
    if maximum is not None and number > maximum:
        shown = f"{number:,}" if number < 10**18 else "more than 1e18"
        raise ValueError(f"{who}: {name}: expected an integer of at most {maximum:,}, got {shown}.{_spaced(hint)}")
    return number


def check_number(
    who: str,
    name: str,
    value: Any,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
    hint: str = "",
) -> float:
    """Return value as a finite float with minimum <= value <= maximum and value > above."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or not np.isscalar(value) or isinstance(value, complex):
        raise TypeError(f"{who}: {name}: expected a number, got {value!r}.{_spaced(hint)}")
    real: Any = value  # type checkers take what np.isscalar says for more than it is
    try:
        number = float(real)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf if real > 0 else -math.inf
    if not (math.isfinite(number) and minimum <= number <= maximum and number > above):
        bounds = []
        if above > -math.inf:
            bounds.append(f"above {above:g}")
        elif minimum > -math.inf:
            bounds.append(f"of at least {minimum:g}")
        if maximum < math.inf:
            bounds.append(f"at most {maximum:g}")
        expected = " and ".join(["a finite number " + bounds[0], *bounds[1:]]) if bounds else "a finite number"
        raise ValueError(f"{who}: {name}: expected {expected}, got {number:g}.{_spaced(hint)}")
    return number


def check_choice(who: str, name: str, value: Any, choices: Collection[Any], *, hint: str = "") -> Any:
    """Return value if it is one of the choices, of the same type; ValueError that lists them otherwise."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
        if isinstance(choice, int) and not isinstance(choice, bool) and _same_integer(value, choice):
            return choice
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{who}: {name}: expected one of {listed}, got {value!r}.{_spaced(hint)}")


def check_flag(who: str, name: str, value: Any) -> bool:
    """Return value if it is True or False; TypeError otherwise."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{who}: {name}: expected True or False, got {value!r}.")
    return bool(value)


def check_samples(who: str, y: Any, *, integer_full_scale: float | str | None = None) -> np.ndarray:
    """Return mono samples as a contiguous array of float32 or float64, without a check that they are finite.

    Integers are divided by `integer_full_scale`, the number that stands for full scale, or by that of their type if it
    is "type"; of unsigned ones it is subtracted first, because their silence is in the middle. Without one they are
    refused.
    """
    if isinstance(y, tuple) and len(y) == 2 and np.ndim(y[0]) == 1 and np.ndim(y[1]) == 0:
        raise TypeError(
            f"{who}: y: expected samples, got a pair of samples and a number. If it is what mfcc.load returns, take it "
            f"apart: y, sr = mfcc.load(path, recipe.sr). mfcc.features(path, recipe) does it all."
        )
    y = np.asarray(y)
    if y.dtype == bool or not (np.issubdtype(y.dtype, np.floating) or np.issubdtype(y.dtype, np.integer)):
        raise TypeError(f"{who}: y: expected samples as float32 or float64, got an array of {y.dtype}.")
    if y.ndim != 1:
        mix = ""
        if y.ndim == 2:
            mix = f" Mix the channels down first: y.mean(axis={int(np.argmin(y.shape))})."
        raise ValueError(f"{who}: y: expected mono samples of shape (n_samples,), got shape {y.shape}.{mix}")
    if np.issubdtype(y.dtype, np.integer):
        unsigned, of_type = y.dtype.kind == "u", 2 ** (8 * y.itemsize - 1)
        if integer_full_scale is None:
            formula = f"(y - {of_type}.0) / {of_type}.0" if unsigned else f"y / {of_type}.0"
            raise TypeError(
                f"{who}: y: expected floating-point samples (full scale is 1.0), got integers ({y.dtype}) without a "
                f"scale. Convert them, {formula} for the full scale of their type, or let the recipe do it: "
                f"integer_full_scale='type'."
            )
        dtype = np.float32 if y.itemsize <= 2 else np.float64
        full_scale = dtype(of_type if isinstance(integer_full_scale, str) else integer_full_scale)
        x = y.astype(dtype)
        if unsigned:
            x -= full_scale
        x /= full_scale
        return np.ascontiguousarray(x)
    return np.require(y, np.float32 if y.itemsize <= 4 else np.float64, ["C", "A"])


def check_finite(who: str, y: np.ndarray, *, first: int = 0) -> None:
    """Raise ValueError, with number and place, for samples that are NaN or infinite; y[0] is sample number `first`."""
    n_bad, place = 0, 0
    for start in range(0, y.size, _CHECKED):  # a mask of all samples would take a gigabyte for half a day of sound
        finite = np.isfinite(y[start : start + _CHECKED])
        if not finite.all():
            bad = np.flatnonzero(~finite)
            place = place if n_bad else start + int(bad[0])
            n_bad += bad.size
    if n_bad:
        raise ValueError(
            f"{who}: y: expected finite samples, got {n_bad} of {y.size} that are NaN or infinite "
            f"(the first at index {first + place}). Repair or cut the recording: np.nan_to_num(y) replaces them."
        )


def check_features(who: str, features: ArrayLike) -> np.ndarray:
    """Return finite features of shape (..., n_frames) as float32 or float64."""
    x = np.asarray(features)
    if x.dtype == bool or not (np.issubdtype(x.dtype, np.floating) or np.issubdtype(x.dtype, np.integer)):
        raise TypeError(f"{who}: features: expected real numbers, got an array of {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{who}: features: expected an array of shape (..., n_frames), got a scalar.")
    bad = x.size - int(np.isfinite(x).sum())
    if bad:
        raise ValueError(
            f"{who}: features: expected finite numbers, got {bad} of {x.size} that are NaN or infinite. Repair or "
            f"leave out the frames that hold them."
        )
    return x if x.dtype == np.float32 else x.astype(np.float64)


def check_rows(who: str, name: str, values: ArrayLike, rows: int, called: str) -> np.ndarray:
    """Return finite numbers of shape (rows, n_frames), n_frames at least 1, as float32 or float64."""
    x = np.asarray(values)
    if x.dtype == bool or not (np.issubdtype(x.dtype, np.floating) or np.issubdtype(x.dtype, np.integer)):
        raise TypeError(f"{who}: {name}: expected real numbers, got an array of {x.dtype}.")
    if x.ndim != 2 or x.shape[0] != rows or x.shape[1] == 0:
        turned = " Its axes are the other way round: transpose it." if x.ndim == 2 and x.shape[1] == rows else ""
        raise ValueError(
            f"{who}: {name}: expected shape ({called} = {rows}, n_frames) with at least one frame, got shape {x.shape}."
            f"{turned}"
        )
    bad = x.size - int(np.isfinite(x).sum())
    if bad:
        raise ValueError(f"{who}: {name}: expected finite numbers, got {bad} of {x.size} that are NaN or infinite.")
    return x if x.dtype == np.float32 else x.astype(np.float64)


def check_rng(who: str, rng: np.random.Generator) -> None:
    """Raise TypeError if rng is no numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{who}: rng: expected a numpy.random.Generator, got {type(rng).__name__}. "
            f"Take np.random.default_rng(seed)."
        )


def _same_integer(value: Any, choice: int) -> bool:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return bool(value == choice)


def _spaced(hint: str) -> str:
    return f" {hint}" if hint else ""
