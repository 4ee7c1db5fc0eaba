"""The key of a recording: its tonic, and whether it is major or minor.

C. L. Krumhansl, "Cognitive Foundations of Musical Pitch" (1990), chapter 4: the mean chroma is compared with the
profile of each key.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from mfcc.descriptors.pitch_classes import PITCH_CLASSES, chroma
from mfcc.descriptors.time_frequency import Spectrogram, checked_spectrogram

# How well each pitch class fits, from the tonic upwards: ratings of listeners (Krumhansl and Kessler 1982).
_PROFILES: dict[Literal["major", "minor"], tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


class Key(NamedTuple):
    """The key of a recording, and how sure it is.

    Attributes
    ----------
    tonic : str
        C, C#, D, D#, E, F, F#, G, G#, A, A# or B.
    mode : "major" or "minor"
    correlation : float
        With the profile of the key, from -1 to 1.
    margin : float
        How much larger that is than the best of the other mode. Near 0, major and minor fit alike.
    """

    tonic: str
    mode: Literal["major", "minor"]
    correlation: float
    margin: float

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"


def key(spectrogram: Spectrogram) -> Key | None:
    """Return the key that fits a recording best, or None if nothing in it has a pitch class (silence).

    Parameters
    ----------
    spectrogram : Spectrogram
        One key is found: of a recording that modulates, take excerpts.

    Raises
    ------
    TypeError
        For what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> t = np.arange(44100) / 22050
    >>> chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 261.63, 329.63))
    >>> str(key(spectrogram(chord, 22050)))
    'A minor'
    """
    mean = chroma(checked_spectrogram("key", spectrogram)).mean(axis=1, dtype=np.float64)
    if np.ptp(mean) == 0:
        return None
    best: dict[Literal["major", "minor"], tuple[float, int]] = {}
    for mode, profile in _PROFILES.items():
        fits = [float(np.corrcoef(mean, np.roll(profile, tonic))[0, 1]) for tonic in range(len(mean))]
        best[mode] = max((fit, -tonic) for tonic, fit in enumerate(fits))
    mode = max(best, key=lambda name: best[name])
    (correlation, tonic), (other, _) = best[mode], best["minor" if mode == "major" else "major"]
    return Key(PITCH_CLASSES[-tonic], mode, correlation, correlation - other)
