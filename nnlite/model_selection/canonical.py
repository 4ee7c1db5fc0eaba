"""One text for equal values, so that they can be told apart, hashed and found again in a file."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np


def canonical_json(value: Any, who: str) -> str:
    """JSON with sorted names and no spaces; tuples become lists, NumPy's scalars numbers, paths strings.

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
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def plain(value: Any) -> Any:
    """The value in types that JSON knows: NumPy's scalars as numbers, paths as strings, tuples as lists."""
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
