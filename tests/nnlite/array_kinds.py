"""The same numbers as arrays of every kind that users pass."""

import numpy as np

import nnlite as nn


def _read_only(x, folder):
    x = x.astype(np.float32)
    x.flags.writeable = False
    return x


def _mapped(x, folder):
    np.save(folder / "x.npy", x.astype(np.float32))
    return np.load(folder / "x.npy", mmap_mode="r")


KINDS = {
    "float16": lambda x, folder: x.astype(np.float16),
    "float32": lambda x, folder: x.astype(np.float32),
    "float64": lambda x, folder: x.astype(np.float64),
    "longdouble": lambda x, folder: x.astype(np.longdouble),
    "int8": lambda x, folder: x.astype(np.int8),
    "swapped float32": lambda x, folder: x.astype(">f4"),
    "swapped float64": lambda x, folder: x.astype(">f8"),
    "swapped integers": lambda x, folder: x.astype(">i2"),
    "columns first": lambda x, folder: np.asfortranarray(x.astype(np.float32)),
    "every other column": lambda x, folder: np.repeat(x, 2, axis=1).astype(np.float32)[:, ::2],
    "backwards": lambda x, folder: np.ascontiguousarray(x.astype(np.float32)[::-1])[::-1],
    "not aligned": lambda x, folder: (
        np.frombuffer(b"\0" + x.astype(np.float32).tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    ),
    "read-only": _read_only,
    "memory-mapped": _mapped,
}
"""Name -> function of an array of small integers and of a folder for files."""

ROWS = {"rows": lambda x, folder: nn.Rows(np.repeat(x, 2, axis=0).astype(np.float32), np.arange(0, 2 * len(x), 2))}
"""What is read where it is, which only training and inference take."""
