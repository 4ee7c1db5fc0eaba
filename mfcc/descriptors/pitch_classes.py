"""Chroma: how much of the sound lies on each of the twelve pitch classes, whatever the octave.

T. Fujishima, "Realtime chord recognition of musical sound", ICMC 1999; D. Ellis, "Chroma feature analysis and
synthesis" (2007), of which the filters are, as in librosa.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from mfcc.checks import check_number
from mfcc.descriptors.time_frequency import Spectrogram, checked_spectrogram

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""Names of the rows of `chroma`."""

_N = len(PITCH_CLASSES)
# The filters weigh octaves by a bell: its middle in octaves above 27.5 Hz, and its width.
_CENTRE_OCTAVE, _OCTAVE_WIDTH = 5.0, 2.0
# Peaks that count for the tuning: Hz, and share of a frame's largest power.
_LOWEST, _HIGHEST, _THRESHOLD = 150.0, 4000.0, 0.1


def chroma(spectrogram: Spectrogram, *, tuning: float | None = None) -> np.ndarray:
    """Return the power on each pitch class, C to B, of each frame, shape (12, n_frames); the largest of a frame is 1.

    Parameters
    ----------
    spectrogram : Spectrogram
    tuning : float, optional
        How far A lies from 440 Hz, in semitones. Default: `estimate_tuning` of the whole spectrogram.

    Returns
    -------
    array
        A frame of silence has zeros.

    Raises
    ------
    ValueError, TypeError
        For a tuning that is no finite number, and what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> tone = np.sin(2 * np.pi * 440 / 22050 * np.arange(22050))
    >>> chroma(spectrogram(tone, 22050)).mean(axis=1).argmax().item()  # A
    9
    """
    from mfcc.kernels import spectra

    x = checked_spectrogram("chroma", spectrogram)
    if tuning is None:
        tuning = _tuning(x)
    else:
        tuning = check_number("chroma", "tuning", tuning, minimum=-120, maximum=120, hint="It is in semitones.")
    out = np.empty((_N, len(x.frames)))
    spectra.weighted_powers(x.frames, _filters(x.sr, x.n_fft, tuning), np.empty(x.frames.shape[1]), out)
    largest = out.max(axis=0)
    out /= np.where(largest < np.finfo(x.frames.dtype).tiny, 1.0, largest)
    return out.astype(x.frames.dtype)


def estimate_tuning(spectrogram: Spectrogram) -> float:
    """Return how far a recording is from A = 440 Hz, in semitones from -0.5 to 0.49; 0 if there are no tones.

    It is the most frequent deviation of spectral peaks from the nearest semitone, in steps of 0.01.

    Raises
    ------
    TypeError
        For what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> sharp = np.sin(2 * np.pi * 447.0 / 22050 * np.arange(22050))
    >>> round(estimate_tuning(spectrogram(sharp, 22050)), 1)
    0.3
    """
    return _tuning(checked_spectrogram("estimate_tuning", spectrogram))


def _tuning(x: Spectrogram) -> float:
    from mfcc.kernels import spectra

    step = x.sr / x.n_fft
    begin, end = np.searchsorted(x.frequencies, [_LOWEST, min(_HIGHEST, x.sr / 2)])
    most = len(x.frames) * max(1, (end - begin + 1) // 2 + 1)  # every other bin may be a peak
    place, height = np.empty((2, most))
    n = spectra.power_peaks(x.frames, begin, end, _THRESHOLD, place, height)
    if n == 0:
        return 0.0
    place, height = place[:n], height[:n]
    frequency = place[height >= np.median(height)] * step
    residual = np.mod(_N * np.log2(frequency / 27.5), 1.0)
    residual[residual >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, 101)
    return float(edges[np.argmax(np.histogram(residual, edges)[0])])


@functools.lru_cache(maxsize=8)
def _filters(sr: float, n_fft: int, tuning: float) -> np.ndarray:
    """Return the weights of the bins for each pitch class, shape (12, n_fft // 2 + 1), read-only."""
    frequency = np.arange(1, n_fft) * (sr / n_fft)
    pitch = _N * np.log2(frequency / (27.5 * 2.0 ** (tuning / _N)))  # in semitones above the lowest A
    pitch = np.concatenate([[pitch[0] - 1.5 * _N], pitch])  # 0 Hz has none: a place apart
    width = np.concatenate([np.maximum(np.diff(pitch), 1.0), [1.0]])
    distance = np.mod(pitch - np.arange(_N)[:, None] + _N / 2, _N) - _N / 2
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.sqrt(np.sum(weights**2, axis=0))
    weights *= np.exp(-0.5 * ((pitch / _N - _CENTRE_OCTAVE) / _OCTAVE_WIDTH) ** 2)
    weights = np.ascontiguousarray(np.roll(weights, -3, axis=0)[:, : math.floor(n_fft / 2) + 1])  # from A to C
    weights.flags.writeable = False
    return weights
