"""Checks of arguments. Errors say who, which argument, what was expected, what came and what to do."""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Collection, Iterable
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
        raise TypeError(f"{who}: {name}: expected an integer, got {shown(value)}.{_spaced(hint)}")
    try:
        number = operator.index(value)
    except TypeError:
        if not (isinstance(value, (float, np.floating)) and float(value).is_integer()):
            raise TypeError(f"{who}: {name}: expected an integer, got {shown(value)}.{_spaced(hint)}") from None
        number = int(value)
    if number < minimum:
        raise ValueError(
            f"{who}: {name}: expected an integer of at least {minimum}, got {shown(number)}.{_spaced(hint)}"
        )
    if maximum is not None and number > maximum:
        got = f"{number:,}" if number < 10**18 else "more than 1e18"
        raise ValueError(f"{who}: {name}: expected an integer of at most {maximum:,}, got {got}.{_spaced(hint)}")
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
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{who}: {name}: expected a number, got {shown(value)}.{_spaced(hint)}")
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
    raise ValueError(f"{who}: {name}: expected one of {listed}, got {shown(value)}.{_spaced(hint)}")


def check_flag(who: str, name: str, value: Any) -> bool:
    """Return value if it is True or False; TypeError otherwise."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{who}: {name}: expected True or False, got {shown(value)}.")
    return bool(value)


def check_float_type(who: str, dtype: Any, types: tuple[type, ...] = (np.float32, np.float64)) -> np.dtype[Any]:
    """Return one of some floating-point types; TypeError for what is no data type, ValueError for another one."""
    listed = " or ".join(np.dtype(each).name for each in types)
    try:
        given = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError, OverflowError, MemoryError):
        given = None
    if given is None:
        raise TypeError(f"{who}: dtype: expected {listed}, got {shown(dtype)}.")
    if given not in types:
        raise ValueError(f"{who}: dtype: expected {listed}, got {given.name}.")
    return given


def check_axis(who: str, axis: Any, ndim: int) -> int:
    """Return an axis of an array of ndim axes, counted from the front or, below 0, from the back."""
    return check_integer(who, "axis", axis, minimum=-ndim, maximum=ndim - 1, hint=f"The array has {ndim} axes.")


def check_array(who: str, name: str, value: Any) -> np.ndarray:
    """Return value as an array; TypeError for nested lists of unequal lengths and whatever else makes none."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise TypeError(f"{who}: {name}: expected an array of numbers, got {shown(value)} ({error}).") from None


def check_reals(who: str, name: str, value: Any) -> np.ndarray:
    """Return real numbers as an array of float64; TypeError for what is none."""
    x = check_array(who, name, value)
    if x.dtype.kind not in "fiu":
        raise TypeError(f"{who}: {name}: expected real numbers, got an array of {x.dtype}.")
    return x.astype(np.float64)


def check_is(who: str, name: str, value: Any, kind: type) -> None:
    """Raise TypeError if value is not of a class."""
    if not isinstance(value, kind):
        raise TypeError(f"{who}: {name}: expected a {kind.__name__}, got {type(value).__name__}.")


def shown(value: Any) -> str:
    """Return a value as an error shows it: its first 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_samples(who: str, y: Any, *, integer_full_scale: float | str | None = None) -> np.ndarray:
    """Return mono samples as a contiguous array of float32 or float64, without a check that they are finite.

    Integers are divided by `integer_full_scale`, the number that stands for full scale, or by that of their type if it
    is "type"; of unsigned ones it is subtracted first, because their silence is in the middle. Without one they are
    refused.
    """
    if isinstance(y, (str, bytes, os.PathLike)) or hasattr(y, "read"):
        raise TypeError(
            f"{who}: y: expected samples, got {type(y).__name__}. Of a recording take mfcc.features(path, recipe)."
        )
    if isinstance(y, (tuple, list)) and len(y) == 2 and np.ndim(y[0]) == 1 and np.ndim(y[1]) == 0:
        raise TypeError(
            f"{who}: y: expected samples, got a pair of samples and a number. If it is what mfcc.load returns, take it "
            f"apart: y, sr = mfcc.load(path, recipe.sr). mfcc.features(path, recipe) does it all."
        )
    y = check_array(who, "y", y)
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


def check_blocks(who: str, blocks: Any) -> None:
    """Raise TypeError for what is no iterable of blocks of samples, but all samples at once, or a recording."""
    check_no_recording(who, blocks, "mfcc.stream(path, recipe)")
    if isinstance(blocks, np.ndarray) and blocks.ndim < 2 and blocks.dtype != object:
        raise TypeError(
            f"{who}: blocks: expected an iterable of arrays, got one array of shape {blocks.shape}. Of all samples at "
            "once take recipe(y), or [y] for a single block."
        )
    if isinstance(blocks, tuple) and len(blocks) == 2 and np.ndim(blocks[1]) == 0:
        raise TypeError(
            f"{who}: blocks: expected an iterable of arrays, got a pair of samples and a number. If it is what "
            "mfcc.load returns, take it apart: y, sr = mfcc.load(path, recipe.sr); recipe(y)."
        )
    check_iterable(who, blocks)


def check_no_recording(who: str, blocks: Any, instead: str) -> None:
    """Raise TypeError for a recording in place of blocks; `instead` is the call that takes one."""
    if isinstance(blocks, (str, bytes, os.PathLike)) or hasattr(blocks, "read"):
        raise TypeError(
            f"{who}: blocks: expected an iterable of arrays, got {type(blocks).__name__}. Of a recording take "
            f"{instead}."
        )


def check_iterable(who: str, blocks: Any) -> None:
    """Raise TypeError for what is no iterable of arrays."""
    if not isinstance(blocks, Iterable):
        raise TypeError(f"{who}: blocks: expected an iterable of arrays, got {shown(blocks)}.")


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
    x = check_array(who, "features", features)
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
    return _in_own_type(x)


def check_rows(who: str, name: str, values: ArrayLike, rows: int, called: str) -> np.ndarray:
    """Return finite numbers of shape (rows, n_frames), n_frames at least 1, as float32 or float64."""
    x = check_array(who, name, values)
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
    return _in_own_type(x)


def _in_own_type(x: np.ndarray) -> np.ndarray:
    """Return float32 of any byte order as float32, and whatever else as a copy in float64."""
    if x.dtype.newbyteorder("=") == np.float32:
        return x.astype(np.float32, copy=False)
    return x.astype(np.float64)


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
