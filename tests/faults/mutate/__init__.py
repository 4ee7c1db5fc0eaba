"""Damage and malice: bytes of a good file in, bytes of a worse one out.

Each mutation draws from the generator that it is given, so a case can be made again from its number.
"""

import json
from collections.abc import Callable, Sequence

from tests.faults.mutate.archives import mutate_archive
from tests.faults.mutate.arrays import mutate_npy
from tests.faults.mutate.databases import mutate_database
from tests.faults.mutate.packages import mutate_package
from tests.faults.mutate.raw import BYTES, Rng, flip_bits, pick, splice
from tests.faults.mutate.text import mutate_csv, mutate_json, mutate_json_lines
from tests.faults.mutate.zips import mutate_zip


def mutated(data: bytes, others: Sequence[bytes], rng: Rng) -> bytes:
    """A worse file: damaged anywhere, or changed by someone who knows its format."""
    choice = rng.random()
    if choice < 0.1:
        return splice(data, pick(rng, others), rng)
    if choice < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            data = pick(rng, BYTES)(data, rng)
        return data
    return knowing(data)(data, rng)


def knowing(data: bytes) -> Callable[[bytes, Rng], bytes]:
    """The mutation that knows the format of a good file."""
    if data.startswith(b"PK\x03\x04"):
        return mutate_archive if data[30:41] == b"header.json" else mutate_zip
    if data.startswith(b"\x93NUMPY"):
        return mutate_npy
    if data.startswith(b"SQLite format 3"):
        return mutate_database
    if data.startswith(b"!<arch>"):
        return mutate_package
    if data.startswith(b"{"):
        return mutate_json if _is_json(data) else mutate_json_lines
    return mutate_csv if _is_text(data) else flip_bits


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except ValueError:
        return False
    return True


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True
