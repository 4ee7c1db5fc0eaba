"""Damage to bytes of any file, and the values that all other mutations draw from."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator

PATHS = ("../../escaped", "/tmp/escaped", "..\\..\\escaped", "C:\\escaped", "a/../../escaped", "~/escaped", "con", ".")
NAMES = ("__class__", "__init__", "__reduce__", "os.system", "builtins.eval", "layers.Base", "custom.X", "numpy.load")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**9,
    10**18, 10**79, 10**400, 0.5, -0.0, 1e-320, 1e38, 1e39, 1e308, float("nan"), float("inf"), float("-inf"), "", "x",
    "NaN", "1e999", "caf\u00e9", "\u202e", "\ud800", "\0", "a\nb", "a,b;c", '"', "'", "=1+1", "x" * 300, "x" * 200_000,
    [], {}, [[]], [None], {"a": 1}, [0] * 1000, *PATHS, *NAMES,
)  # fmt: skip
TOKENS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"9" * 5000, b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0", b"\n", b"\r", b"\r\n", b'"', b"'", b",", b";", b"=", b"#", b"{", b"}",
    b"]", b":", b"\\u0000", b"\\ud800", b"(", b"-1", b"99999999999999999999", b"O", b"|O", b"PK\x03\x04", b"PK\x05\x06",
    b"\x93NUMPY", b"\x80\x04", b"cos\nsystem\n(S'true'\ntR.", *(path.encode() for path in PATHS),
)  # fmt: skip


def pick(rng: Rng, items: Sequence[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def flip_bits(data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(len(data), size=int(2 ** rng.integers(0, 5))) if data else ():
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def set_bytes(data: bytes, rng: Rng) -> bytes:
    if not data:
        return data
    start = int(rng.integers(len(data)))
    value = int(pick(rng, (0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x0A)))
    return data[:start] + bytes([value]) * int(rng.integers(1, 9)) + data[start + 1 :]


def set_number(data: bytes, rng: Rng) -> bytes:
    """A number of two, four or eight bytes: a length, a size, an offset."""
    form = pick(rng, ("<H", "<I", "<Q", "<q"))
    width = struct.calcsize(form)
    if len(data) < width:
        return data
    start = int(rng.integers(len(data) - width + 1))
    limit = 2 ** (8 * width - (form == "<q")) - 1
    value = min(int(pick(rng, (0, 1, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**62, limit))), limit)
    return data[:start] + struct.pack(form, value) + data[start + width :]


def truncate(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def remove(data: bytes, rng: Rng) -> bytes:
    start, end = _cuts(data, 2, rng)
    return data[:start] + data[end:]


def repeat(data: bytes, rng: Rng) -> bytes:
    start, end = _cuts(data, 2, rng)
    return data[:end] + data[start:end] * int(rng.integers(1, 4)) + data[end:]


def swap(data: bytes, rng: Rng) -> bytes:
    a, b, c = _cuts(data, 3, rng)
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def insert(data: bytes, rng: Rng) -> bytes:
    start = int(rng.integers(len(data) + 1))
    new = pick(rng, TOKENS) if rng.random() < 0.8 else rng.bytes(int(rng.integers(1, 100)))
    return data[:start] + new + data[min(len(data), start + int(pick(rng, (0, 0, 1, len(new))))) :]


def nothing(data: bytes, rng: Rng) -> bytes:
    return pick(rng, (b"", b"\0" * 100, b"null", b"[]", b"{}", b"PK\x05\x06" + bytes(18), b"\x93NUMPY"))


BYTES: tuple[Callable[[bytes, Rng], bytes], ...] = (
    flip_bits, flip_bits, set_bytes, set_number, truncate, remove, repeat, swap, insert, insert, nothing,
)  # fmt: skip


def splice(data: bytes, other: bytes, rng: Rng) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: int(rng.integers(len(data) + 1))] + other[int(rng.integers(len(other) + 1)) :]


def _cuts(data: bytes, n: int, rng: Rng) -> list[int]:
    return sorted(rng.integers(len(data) + 1, size=n).tolist())
