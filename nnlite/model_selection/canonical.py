"""A canonical text: one for equal values, so that they can be told apart, hashed and found again in a file."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def canonical_json(value: Any, who: str) -> str:
    """Return JSON with sorted names and no spaces; tuples become lists, NumPy's scalars numbers, paths strings.

    Raises
    ------
    ValueError
        For NaN, infinity and what JSON can't hold, beginning with `who`.
    """
    try:
        return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{who}: expected finite numbers, strings, booleans, None, lists and dictionaries of them, got {value!r} "
            f"({error}). Pass paths and names instead of arrays and objects."
        ) from None


def digest(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(encoded(text)).hexdigest()


def encoded(text: str) -> bytes:
    """Return JSON in UTF-8.

    Half a surrogate pair, as in the name of a file that can't be decoded, is written in JSON's own notation.
    """
    return text.encode("utf-8", "backslashreplace")


def from_json(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] = dict) -> Any:
    """Return the value of a JSON text that anyone may have written; `pairs` makes the objects.

    Raises
    ------
    ValueError
        If it is no JSON in the strict sense, without NaN and infinity, or goes too deep.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("lists and dictionaries too deep inside of each other") from None


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"expected finite numbers, got {text[:30]}")
    return number


def plain(value: Any) -> Any:
    """Return the value in types that JSON knows: NumPy's scalars as numbers, paths as strings, tuples as lists."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("names in a dictionary must be strings")
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
