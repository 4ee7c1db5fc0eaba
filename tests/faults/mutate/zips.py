"""Zip files with members of other names, content, packing and claims."""

import io
import math
import re
import warnings
import zipfile
from collections.abc import Sequence

from tests.faults.mutate.arrays import mutate_npy, parts_of, with_header
from tests.faults.mutate.raw import BYTES, NAMES, PATHS, Rng, pick

BOMB = 2**27
"""Bytes of a member that hardly takes room in the file."""


def members_of(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def mutate_zip(data: bytes, rng: Rng) -> bytes:
    members = members_of(data)
    for _ in range(int(rng.integers(1, 3))):
        k, action = int(rng.integers(len(members))), int(rng.integers(16))
        name, content = members[k]
        if action <= 1:
            members[k] = (pick(rng, (*PATHS, *NAMES, "", name + "/", "/" + name, name.upper(), "x" * 5000)), content)
        elif action <= 3:
            members.append((name, mutate_npy(content, rng)))  # the name twice
        elif action == 4:
            members.insert(k, (pick(rng, PATHS), b"escaped"))
        elif action == 5 and len(members) > 1:
            del members[k]
        elif action == 6:
            members[k] = (name, bomb(content, rng))
        elif action == 7:
            members[k] = (name, packed(members, rng))  # a zip file in itself
        else:
            members[k] = (name, mutate_npy(content, rng) if rng.random() < 0.8 else pick(rng, BYTES)(content, rng))
    whole = packed(members, rng)
    choice = rng.random()
    return pick(rng, BYTES)(whole, rng) if choice < 0.1 else lie(whole, rng) if choice < 0.4 else whole


def bomb(content: bytes, rng: Rng) -> bytes:
    """An array like that of the member, with as many rows, all of zeros, as make 128 MB."""
    if not content.startswith(b"\x93NUMPY"):
        return b" " * BOMB
    version, descr, shape, _ = parts_of(content)
    digits = re.findall(r"\d+", descr)
    row = math.prod(map(int, re.findall(r"\d+", shape)[1:])) * int(digits[0] if digits else 1)
    rows = max(1, BOMB // max(1, row))
    shape = re.sub(r"\d+", str(rows), shape, count=1)
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return with_header(version, text, bytes(min(BOMB, rows * row)))


def packed(members: Sequence[tuple[str, bytes]], rng: Rng) -> bytes:
    file = io.BytesIO()
    method = pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    if rng.random() < 0.05:
        method = pick(rng, (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that come twice
        for name, content in members:
            info = zipfile.ZipInfo(name or "?", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if len(content) > 2**20 else method
            info.external_attr = int(pick(rng, (0, 0o777 << 16, 0o120777 << 16, 0o40777 << 16)))  # also links, folders
            with archive.open(info, "w") as member:
                member.write(content)
    return file.getvalue()


RECORDS = (
    (b"PK\x03\x04", ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))),
    (b"PK\x01\x02", ((6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4))),
    (b"PK\x05\x06", ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))),
)
"""Signature of a record, and (place, width) of its numbers: sizes, checksums, flags, methods, offsets, counts."""


def lie(data: bytes, rng: Rng) -> bytes:
    """A number of a zip header that is another."""
    signature, fields = pick(rng, RECORDS)
    places = [match.start() for match in re.finditer(re.escape(signature), data)]
    if not places:
        return data
    start, (offset, width) = pick(rng, places), pick(rng, fields)
    value = int(pick(rng, (0, 1, 8, 99, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, int(rng.integers(2**32)))))
    changed = bytearray(data)
    changed[start + offset : start + offset + width] = (value % 2 ** (8 * width)).to_bytes(width, "little")
    return bytes(changed[: len(data)])
