"""The recordings that come along, whole, as the tools are compared on them."""

import functools
from pathlib import Path

import numpy as np

import mfcc

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "data"
RECORDINGS = ("Illurock.opus", "return_to_home.ogg")


def whole(name, sr, *, quiet=False):
    """Return the samples of a recording; `quiet` turns five seconds down by 60 dB, and appends two of silence."""
    y = _loaded(name, sr).copy()
    if not quiet:
        return y
    y[5 * sr : 10 * sr] *= np.float32(1e-3)
    return np.append(y, np.zeros(2 * sr, np.float32))


@functools.cache
def _loaded(name, sr):
    return mfcc.load(FOLDER / name, sr)[0]
