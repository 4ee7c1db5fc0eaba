"""Headers of npy files that tell of their elements what is not so."""

import struct

from tests.faults.mutate.raw import Rng, pick

DESCRIPTIONS = (
    "'|O'", "'O'", "'<f4'", "'>f8'", "'<f2'", "'|u1'", "'|b1'", "'<c16'", "'<M8[s]'", "'<U1000000'", "'|V10'", "'|S0'",
    "[('a', '<f4')]", "[('a', '|O')]", "[('', '')]", "'<f99'", "3", "None", "__import__('os')", "'<f4' * 10**8",
    "{'names': ['a'], 'formats': ['O']}", "('<f4', (10**9,))", "('<f4', (100000, 100000))", "'x' * 10**10",
)  # fmt: skip
SHAPES = (
    "()", "(1,)", "(-1,)", "(-1, -1)", "(0,)", "(0, 2**62)", "(4611686018427387904, 4)", "(9223372036854775807,)",
    "(18446744073709551616,)", "(1000000000000,)", "(1.0,)", "('a',)", "(True,)", "[1]", "3", "None", "((1,),)",
    "(1,) * 100", "(" * 100 + ")" * 100, "(10**100000,)", "9**9**9**9", "(lambda: 0)()", "1,", "(1,1,1,1,1,1,1,1,1)",
)  # fmt: skip
HEADERS = ("{}", "[]", "(" * 5000, "{'descr': 1}", "x" * 9000, "\\" * 99, "{'a': " * 90, "-" * 9000 + "1")


def mutate_npy(data: bytes, rng: Rng) -> bytes:
    """Another header before the same elements."""
    if len(data) < 10:
        return data
    _, descr, shape, rest = parts_of(data)
    if rng.random() < 0.6:
        axes = rng.integers(-1, 5, rng.integers(0, 5)).tolist()
        shape = pick(rng, SHAPES) if rng.random() < 0.6 else str(tuple(axes))
    if rng.random() < 0.5:
        descr = pick(rng, DESCRIPTIONS)
    order = pick(rng, ("False", "False", "True", "3", "print('x')"))
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    if rng.random() < 0.1:
        text = pick(rng, (*HEADERS, text + " + 1", text * 2))
    version = bytes(pick(rng, ([1, 0], [1, 0], [1, 0], [2, 0], [3, 0], [9, 9])))
    return with_header(version, text, rest, None if rng.random() < 0.9 else int(pick(rng, (0, 1, 65535, 2**31))))


def parts_of(data: bytes) -> tuple[bytes, str, str, bytes]:
    """(version, descr, shape, elements) of a good file, or something of the kind."""
    length = int.from_bytes(data[8:10], "little")
    header = data[10 : 10 + length].decode("latin-1")
    descr = header.partition("'descr': ")[2].partition(", 'fortran")[0] or "'<f4'"
    shape = header.partition("'shape': ")[2].partition(", }")[0] or "(1,)"
    return data[6:8], descr, shape, data[10 + length :]


def with_header(version: bytes, text: str, elements: bytes, claimed: int | None = None) -> bytes:
    padded = (text + " " * (-(len(text) + 11) % 64) + "\n").encode("latin-1", "replace")
    length = len(padded) if claimed is None else claimed
    size = struct.pack("<H", min(length, 65535)) if version == b"\1\0" else struct.pack("<I", length)
    return b"\x93NUMPY" + version + size + padded + elements
