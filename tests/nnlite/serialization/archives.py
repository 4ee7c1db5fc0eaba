"""A good archive, and forged ones whose sizes and checksums are right."""

import io
import json
import zlib

import numpy as np

from nnlite.serialization import layout
from nnlite.serialization.layout import Member

HEADER = {"epoch": 3, "rates": [0.1, 0.01], "name": "caf\u00e9", "nothing": None, "deep": {"flag": True}}
ARRAYS = {
    "0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "velocity/0.bias": np.array([np.nan, -0.0]),
    "flags": np.array([True, False, True]),
    "step": np.array(7),
    "none": np.zeros((2, 0), np.uint16),
}


def content(path):
    return sorted(other.name for other in path.parent.iterdir())


def row(shape=(1,), dtype="float64"):
    return {"shape": list(shape), "dtype": dtype}


def document(**changes):
    whole = {"format": "nnlite", "format_version": 1, "library_version": "0.1", "arrays": {}, "header": {}} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def forged(header, contents, directory=True):
    """Return a zip file of these members in the layout of the library, with right sizes and checksums."""
    members = [("header.json", header), *contents]
    described = [Member(name, len(data), zlib.crc32(data)) for name, data in members]
    data = b"".join(layout.local_header(d) + part for d, (_, part) in zip(described, members, strict=True))
    return data + (layout.directory(described) if directory else b"")
