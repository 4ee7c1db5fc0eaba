"""Archives of nnlite in which every size and checksum is right, and only what they say is wrong."""

import io
import json
import zlib
from collections.abc import Sequence

import numpy as np

from nnlite.serialization import layout
from nnlite.serialization.layout import Member
from tests.faults.mutate.raw import PATHS, Rng, pick
from tests.faults.mutate.text import mutate_tree, to_json
from tests.faults.mutate.zips import members_of

Members = list[tuple[str, bytes]]
NUMBERS = (np.nan, np.inf, -np.inf, 0, -1, 1e38, 1e308, 5e-324)
DTYPES = ("<f2", "<f4", "<f8", "|i1", "<i8", "|u1", "?")


def mutate_archive(data: bytes, rng: Rng) -> bytes:
    members = members_of(data)
    name, document = members[0]
    if rng.random() < 0.75 or len(members) == 1:
        tree = json.loads(document)
        part = pick(rng, ("header", "header", "header", "arrays", None))
        if part is None:
            tree = mutate_tree(tree, rng)
        else:
            tree[part] = mutate_tree(tree[part], rng)
        members[0] = (name, to_json(tree, rng))
    else:
        k = int(rng.integers(1, len(members)))
        array = np.load(io.BytesIO(members[k][1]), allow_pickle=False)
        members = with_array(members, k, _worse(array, rng))
    if rng.random() < 0.1:
        members[int(rng.integers(len(members)))] = (pick(rng, (*PATHS, "a.npy")), b"escaped")
    return forged(members)


def _worse(array: np.ndarray, rng: Rng) -> np.ndarray:
    action = int(rng.integers(6))
    if action <= 2 and array.size:
        array = array.copy()
        with np.errstate(all="ignore"):
            values = np.array(pick(rng, (0, 1, 2**62) if array.dtype.kind in "biu" else NUMBERS)).astype(array.dtype)
        array.reshape(-1)[rng.integers(array.size, size=int(rng.integers(1, 5)))] = values
        return array
    if action == 3:
        return array.reshape(-1)[: int(rng.integers(array.size + 1))]
    if action == 4:
        return array[np.newaxis]
    with np.errstate(all="ignore"):
        return array.astype(pick(rng, DTYPES))


def with_array(members: Members, k: int, array: np.ndarray) -> Members:
    """The members with another array, about which the table says the truth."""
    dtype = array.dtype.newbyteorder("<")
    tree = json.loads(members[0][1])
    tree["arrays"][members[k][0].removesuffix(".npy")] = {"shape": list(array.shape), "dtype": array.dtype.name}
    content = layout.npy_header(array.shape, dtype) + np.ascontiguousarray(array, dtype).tobytes()
    return [(members[0][0], json.dumps(tree).encode()), *members[1:k], (members[k][0], content), *members[k + 1 :]]


def forged(members: Sequence[tuple[str, bytes]]) -> bytes:
    described = [Member(name, len(content), zlib.crc32(content)) for name, content in members]
    parts = [layout.local_header(d) + content for d, (_, content) in zip(described, members, strict=True)]
    return b"".join(parts) + layout.directory(described)
