"""A recording as decoders give it: frames from front to back, with an account of how many there should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

# A shortfall of less is the rounding of codecs and headers, nothing that anyone cut off.
TOLERANCE_S = 0.1

UNKNOWN_FRAMES = (1 << 63) - 1
"""The number of frames of a recording that does not state it."""


@dataclass(frozen=True)
class Length:
    """The length of a recording.

    Attributes
    ----------
    frames : int
        Samples a channel that can be decoded as far as the headers tell; a bound where they don't.
    stated : int or None
        Samples a channel that there should be; None if nothing states it.
    damage : str
        What is known to be wrong before anything is decoded; else "".
    tolerance_s : float
        How many seconds less than stated are taken for the rounding of a codec.
    """

    frames: int
    stated: int | None
    damage: str = ""
    tolerance_s: float = TOLERANCE_S


class Reader(Protocol):
    """An open recording that decodes itself; a class for each program or library that decodes.

    Attributes
    ----------
    format : str
        The name of the format, by the content.
    sr, channels : int
    length : Length
    """

    format: str
    sr: int
    channels: int
    length: Length

    def read(self, buffer: np.ndarray) -> tuple[int, str]:
        """Fill an array (frames, channels) of float32 or float64.

        Returns
        -------
        count : int
            Frames that were decoded: fewer than asked for, or 0, at the end.
        failure : str
            What stopped the decoder; "" if nothing did.
        """

    def seek(self, frame: int) -> int:
        """Go to a frame, or before it; return to which. What is decoded from there to `frame` makes `frame` right."""

    def close(self) -> None:
        """Close what this opened."""
