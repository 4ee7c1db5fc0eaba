"""HTK's parameter files, which hold features.

S. Young et al., "The HTK Book" (2006), section 5.10: a header of 12 bytes (number of frames, hop in units of 100 ns,
bytes a frame, kind), then the frames as 32-bit floating-point numbers; all is big-endian.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from mfcc.recipe import MFCC

_KINDS = {"MFCC": 6, "FBANK": 7, "MELSPEC": 8, "USER": 9}
_QUALIFIERS = {"E": 0o100, "D": 0o400, "A": 0o1000, "Z": 0o4000, "0": 0o20000, "T": 0o100000}
_MOST_FEATURES = 0x7FFF // 4
_FRAMES_AT_A_TIME = 4096


def kind(recipe: MFCC, deltas: int = 0, zero_mean: bool = False) -> str:
    """Return HTK's name for the features of a recipe, "MFCC_0_D_A" for example.

    It is USER where HTK has no name for them: spectra, decibels, and coefficients in another order than HTK's, which
    has C0 and energy behind the others (c0="last").

    Examples
    --------
    >>> import mfcc
    >>> kind(mfcc.HTK, deltas=2), kind(mfcc.LIBROSA), kind(mfcc.HTK.replace(output="log_mel"))
    ('MFCC_0_D_A', 'USER', 'FBANK')
    """
    name = "USER"
    if recipe.output == "mfcc" and recipe.c0 != "first":
        in_place = recipe.energy is not None and recipe.energy_place == "c0"
        name = "MFCC" + ("_0" if recipe.c0 == "last" and not in_place else "") + ("_E" if recipe.energy else "")
    elif recipe.output == "mel":
        name = "MELSPEC"
    elif recipe.output == "log_mel" and recipe.log == "natural":
        name = "FBANK"
    return name + "_Z" * zero_mean + "".join(("_D", "_A", "_T")[:deltas])


def check_size(who: str, n_features: int) -> None:
    """Raise ValueError for more features than the header can count."""
    if n_features > _MOST_FEATURES:
        raise ValueError(
            f"{who}: expected at most {_MOST_FEATURES} features a frame in an HTK file, got {n_features}. Lower n_fft."
        )


def write(file: BinaryIO, values: np.ndarray, hop_s: float, kind: str) -> None:
    """Write features, shape (n_features, n_frames), of frames hop_s seconds apart; `kind` is HTK's name for them."""
    n_features, n_frames = values.shape
    check_size("write", n_features)
    name, *qualifiers = kind.split("_")
    code = _KINDS[name] + sum(_QUALIFIERS[qualifier] for qualifier in qualifiers)
    file.write(struct.pack(">iihH", n_frames, round(hop_s * 1e7), 4 * n_features, code))
    for first in range(0, n_frames, _FRAMES_AT_A_TIME):
        file.write(values[:, first : first + _FRAMES_AT_A_TIME].T.astype(">f4").tobytes())
