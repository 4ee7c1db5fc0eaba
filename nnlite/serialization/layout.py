"""The bytes around the data: those of a zip file with stored members, and those of an npy member.

This module writes them itself, without `zipfile` and `numpy.lib.format`: so a reader knows beforehand what each byte
must be. It compares, and parses nothing.

References
----------
PKWARE, ".ZIP File Format Specification" (APPNOTE.TXT), 4.3.7, 4.3.12 and 4.3.16.
NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", version 1.0.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

HEADER_MEMBER = "header.json"
MAX_FILE_SIZE = 2**32 - 2  # what a zip file holds without its 64-bit extensions

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")

LOCAL_SIGNATURE = b"PK\x03\x04"
_VERSION, _UTF8, _STORED = 20, 0x800, 0
_TIME, _DATE = 0, 0x21  # 1 January 1980: equal content gives equal bytes


class Member(NamedTuple):
    """A file inside of the zip file; `crc` is the CRC-32 of its bytes."""

    name: str
    size: int
    crc: int


def local_size(name: str) -> int:
    """Return the length of `local_header`."""
    return _LOCAL.size + len(name.encode())


def local_header(member: Member) -> bytes:
    """Return the bytes that stand before those of a member."""
    name = member.name.encode()
    return _LOCAL.pack(LOCAL_SIGNATURE, *_description(member, name)) + name


def claimed(header: bytes) -> tuple[int, int]:
    """Return the (size, crc) that a local header claims."""
    fields = _LOCAL.unpack_from(header)
    return fields[7], fields[6]


def directory_size(names: Sequence[str]) -> int:
    """Return the length of `directory`."""
    return sum(_CENTRAL.size + len(name.encode()) for name in names) + _END.size


def directory(members: Sequence[Member]) -> bytes:
    """Return the bytes that stand after the last member: the list of all, and its end record."""
    parts, offset = [], 0
    for member in members:
        name = member.name.encode()
        parts.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, *_description(member, name), 0, 0, 0, 0, offset) + name)
        offset += local_size(member.name) + member.size
    entries = b"".join(parts)
    count = len(members)
    return entries + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(entries), offset, 0)


def _description(member: Member, name: bytes) -> tuple[int, ...]:
    """Return the fields that local header and directory share; no extra field."""
    return (_VERSION, _UTF8, _STORED, _TIME, _DATE, member.crc, member.size, member.size, len(name), 0)


def npy_header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    r"""Return the bytes that stand before the elements of an array of little-endian `dtype` in C order.

    >>> npy_header((2, 3), np.dtype("<f4"))[:69]
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    """
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    padding = -(10 + len(text) + 1) % 64
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + padding + 1) + f"{text}{' ' * padding}\n".encode()
