"""Checks of arguments: an error says who was called, which argument is wrong, what was expected and what came.

`who` is the public function that the user called, `name` the argument. Checks run once a call, not in inner loops.
"""

import contextlib
import math
import numbers
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def is_integer(value: Any) -> bool:
    """Return whether `value` is an integer, Python's or NumPy's, and no truth value.

    >>> [is_integer(value) for value in (3, np.int64(-3), 2.0, True)]
    [True, True, False, False]
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_positive_integer(value: Any) -> bool:
    """Return whether `value` is an integer of at least 1.

    >>> [is_positive_integer(value) for value in (3, np.int64(3), 0, 2.0, True)]
    [True, True, False, False, False]
    """
    return is_integer(value) and int(value) >= 1


def is_number(value: Any) -> bool:
    """Return whether `value` is a real number, finite or not, and no truth value.

    >>> [is_number(value) for value in (3, np.float32(0.5), math.nan, True, "3")]
    [True, True, True, False, False]
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_one_of(value: Any, choices: Collection[str]) -> bool:
    """Return whether `value` is one of some strings; an array is not, and is not compared."""
    return isinstance(value, str) and value in choices


def check_integer(
    who: str, name: str, value: Any, low: int = 1, high: float = math.inf, expected: str = "a positive integer"
) -> int:
    """Return an integer as Python's own. Raise ValueError unless it lies from `low` to `high`."""
    if not is_integer(value) or not low <= value <= high:
        raise wrong(who, name, expected, value)
    return int(value)


def check_number(
    who: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf, expected: str = "a finite number"
) -> float:
    """Return a finite number as Python's own. Raise ValueError unless it lies from `low` to `high`."""
    if not is_number(value) or not math.isfinite(value) or not low <= value <= high:
        raise wrong(who, name, expected, value)
    return float(value)


def check_flag(who: str, name: str, value: Any) -> bool:
    """Return a truth value as Python's own. Raise ValueError for anything else."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(who, name, "True or False", value)
    return bool(value)


def check_callable(who: str, name: str, value: Any, expected: str = "a function") -> None:
    """Raise TypeError unless `value` can be called."""
    if not callable(value):
        raise wrong(who, name, expected, value, TypeError)


def check_instance(who: str, name: str, value: Any, kind: type | tuple[type, ...], expected: str) -> None:
    """Raise TypeError unless `value` is of a kind."""
    if not isinstance(value, kind):
        raise wrong(who, name, expected, value, TypeError)


def check_mapping(who: str, name: str, value: Any, expected: str = "a dict") -> None:
    """Raise TypeError unless `value` is a dict or another mapping."""
    check_instance(who, name, value, Mapping, expected)


def check_iterable(who: str, name: str, value: Any, expected: str) -> Iterable[Any]:
    """Return `value`. Raise TypeError unless it can be iterated over."""
    try:
        iter(value)
    except TypeError:
        raise wrong(who, name, expected, value, TypeError) from None
    return value


def check_path(who: str, name: str, value: Any) -> None:
    """Raise TypeError unless `value` is the path of a file."""
    check_instance(who, name, value, (str, os.PathLike), "a path")


def check_rng(who: str, rng: Any) -> None:
    """Raise TypeError unless `rng` is a generator of NumPy."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{who}: rng: expected a numpy.random.Generator, got {shown(rng)}. "
            "numpy.random.default_rng(seed) makes one."
        )


def check_seeds(who: str, name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a sequence of integers from which a generator can be seeded."""
    expected = "a tuple of integers of at least 0"
    if not all(is_integer(word) and word >= 0 for word in check_iterable(who, name, value, expected)):
        raise wrong(who, name, expected, value)


def count_samples(who: str, name: str, value: Any) -> int:
    """Return the length of an array of samples. Raise TypeError for what has no length."""
    try:
        return len(value)
    except TypeError:
        raise wrong(who, name, "an array of samples", value, TypeError) from None


def as_array(who: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as an array. Raise ValueError for rows of different lengths."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{who}: {name}: expected an array, got rows of different lengths.") from None


def as_numbers(who: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as an array of real numbers or truth values. Raise ValueError for anything else."""
    array = as_array(who, name, value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{who}: {name}: expected real numbers, got dtype {array.dtype}.")
    return array


def as_float_dtype(who: str, dtype: DTypeLike, half: bool = False) -> np.dtype:
    """Return a dtype. Raise ValueError unless it is float32 or float64, or with `half` float16."""
    try:
        checked = np.dtype(dtype)
    except (TypeError, ValueError):
        checked = np.dtype(object)
    if checked not in (np.float32, np.float64) and not (half and checked == np.float16):
        raise wrong(who, "dtype", "float16, float32 or float64" if half else "float32 or float64", dtype)
    return checked


@contextlib.contextmanager
def speaking(who: str) -> Iterator[None]:
    """Put `who` before the errors of a part that speaks in its own name: ``train: SGD: state: expected ...``."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        raise type(error)(f"{who}: {error}") from error


def wrong(who: str, name: str, expected: str, value: Any, kind: type[Exception] = ValueError) -> Exception:
    """Return the error about an argument."""
    return kind(f"{who}: {name}: expected {expected}, got {shown(value)}.")


def shown(value: Any) -> str:
    """Return the `repr` of a value, cut to a length that fits a message."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
