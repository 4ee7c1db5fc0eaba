"""JSON with bounds: the same rules for headers that are written and that are read."""

import json
import math
from typing import Any

import numpy as np

from nnlite.serialization.errors import FileFormatError, shown

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 32
MAX_BITS, MAX_DIGITS = 256, 78  # the state of a random generator, with its sign


def encode(value: dict[str, Any]) -> bytes:
    """Return the JSON text of a dict that `plain` returned."""
    text = json.dumps(value, allow_nan=False, indent=1).encode()
    if len(text) > MAX_BYTES:
        raise ValueError(
            f"header: expected at most {MAX_BYTES} bytes of JSON, got {len(text)}. Put long lists of numbers into "
            "arrays."
        )
    return text


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """Return a copy that JSON gives back as it is: tuples become lists, NumPy's scalars Python's.

    Raises
    ------
    ValueError
        Naming the place, if there is something in it that JSON can't hold.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"{where[:200]}: expected at most {MAX_DEPTH} levels of lists and dicts, got more.")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{where}: expected strings as keys, got {shown(key)}.")
        return {str(key): plain(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
    hint = ""
    if isinstance(value, float):
        hint = " None can stand for a missing number; an array may hold NaN."
    elif isinstance(value, np.ndarray):
        hint = " Take array.tolist(), or store it among the arrays."
    raise ValueError(
        f"{where}: expected None, a truth value, a string, a finite number (of at most 256 bits), or a list or dict of "
        f"these, got {shown(value)}.{hint}"
    )


def decode(data: bytes) -> dict[str, Any]:
    """Return the dict of a JSON text that anyone may have written.

    Raises
    ------
    FileFormatError
        If it is no JSON in the strict sense (NaN, infinity, a key twice), no dict, too deep, or its numbers too long.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_no_constant,
            object_pairs_hook=_pairs,
        )
    except RecursionError:
        raise FileFormatError(f"header: expected at most {MAX_DEPTH} levels of lists and dicts, got more.") from None
    except FileFormatError:
        raise
    except ValueError as error:
        raise FileFormatError(f"header: expected JSON, got text that is none: {error}.") from error
    if not isinstance(value, dict):
        raise FileFormatError(f"header: expected a JSON object, got {shown(value)}.")
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH + 2:  # the caller's header stands two levels down
            raise FileFormatError(f"header: expected at most {MAX_DEPTH} levels of lists and dicts, got more.")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level, depth = below, depth + 1


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise FileFormatError(f"header: expected integers of at most {MAX_DIGITS} digits, got {len(text)}.")
    if (number := int(text)).bit_length() > MAX_BITS:
        raise FileFormatError(f"header: expected integers of at most {MAX_BITS} bits, got {number.bit_length()}.")
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FileFormatError(f"header: expected finite numbers, got {shown(text)}.")
    return number


def _no_constant(text: str) -> None:
    raise FileFormatError(f"header: expected finite numbers, got {text}.")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise FileFormatError(f"header: expected each key once, got {shown(twice)} twice.")
    return result
