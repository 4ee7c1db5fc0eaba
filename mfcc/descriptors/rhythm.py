"""Onsets and tempo.

S. Boeck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013; D. Ellis, "Beat tracking by
dynamic programming", J. New Music Research 36 (2007). Conventions are those of librosa.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from mfcc import mel
from mfcc.checks import check_number
from mfcc.descriptors.spectral_shape import decibels
from mfcc.descriptors.time_frequency import Spectrogram, checked_spectrogram
from mfcc.fft import irfft, next_good_length, rfft
from mfcc.windows import get_window

_BANDS = 128
_WINDOW_S = 8.0  # seconds over which onsets are compared with themselves
_BLOCK = 512  # windows at a time


def onset_strength(spectrogram: Spectrogram) -> np.ndarray:
    """Return how much each frame is louder than the one before, in decibels, shape (n_frames,).

    It is the mean over 128 mel bands of what rises, shifted by half a frame so that a value lies at its onset.

    Raises
    ------
    TypeError
        For what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> click = np.zeros(22050)
    >>> click[11025:11035] = 1
    >>> onset_strength(spectrogram(click, 22050)).argmax().item() * 512 / 22050
    0.51...
    """
    return _onsets(checked_spectrogram("onset_strength", spectrogram))


def tempo(spectrogram: Spectrogram, *, start_bpm: float = 120.0) -> float:
    """Return the tempo of a recording in beats a minute; NaN without any onset.

    It is the distance in time at which the onsets of 8 seconds are most like themselves, weighted by how usual a tempo
    is. A tempo of half or double the beat that people tap is a common error of this, as of others.

    Parameters
    ----------
    spectrogram : Spectrogram
        With the defaults of `spectrogram` at 22,050 Hz there are 43 frames a second, and tempi around 120 lie 5 apart.
    start_bpm : float
        The most usual tempo: the weight falls by the factor exp(-1/2) an octave from there.

    Raises
    ------
    ValueError, TypeError
        For a start_bpm out of range, frames that are more than 2 seconds apart, and what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> y = np.zeros(30 * 22050)
    >>> for beat in range(0, len(y), 11025):
    ...     y[beat : beat + 10] = 1
    >>> round(tempo(spectrogram(y, 22050)))
    117
    """
    x = checked_spectrogram("tempo", spectrogram)
    start_bpm = check_number("tempo", "start_bpm", start_bpm, above=0.0, maximum=10_000.0, hint="Usual is 120.")
    length = math.floor(_WINDOW_S * x.sr / x.hop_length)
    if length < 4:
        raise ValueError(
            f"tempo: spectrogram: expected frames at most 2 seconds apart, got {x.hop_length / x.sr:g} s. "
            f"Lower hop_length."
        )
    onsets = _onsets(x).astype(np.float64)
    if not onsets.any():
        return math.nan
    likeness = _self_likeness(onsets, length)
    bpm = 60.0 * x.sr / (x.hop_length * np.arange(1, length))
    weight = -0.5 * np.log2(bpm / start_bpm) ** 2
    weight[: np.argmax(bpm < 320.0)] = -np.inf
    return float(bpm[np.argmax(np.log1p(1e6 * likeness[1:]) + weight)])


def _onsets(x: Spectrogram) -> np.ndarray:
    from mfcc.kernels import spectra

    levels = np.empty((_BANDS, len(x.frames)))
    spectra.banded_powers(x.frames, *_bands(x.sr, x.n_fft), levels)
    levels = decibels(levels)
    rises = np.maximum(levels[:, 1:] - levels[:, :-1], 0.0).mean(axis=0)
    delay = 1 + x.n_fft // (2 * x.hop_length)
    return np.concatenate([np.zeros(delay), rises])[: len(x.frames)].astype(x.frames.dtype)


@functools.lru_cache(maxsize=8)
def _bands(sr: float, n_fft: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first bin of each mel filter, where its weights begin (and the last one's end), and all weights."""
    from mfcc.chain import sparse

    bank = mel.FilterBank(sr, n_fft, _BANDS, 0.0, None, "slaney", "hz", "slaney", False, 1.0, None, None)
    return sparse(mel.filter_weights(bank.checked("onset_strength")))


def _self_likeness(onsets: np.ndarray, length: int) -> np.ndarray:
    """Return the autocorrelation within windows of `length` frames around each, each with largest 1, and their mean."""
    half, n = length // 2, len(onsets)
    padded = np.pad(onsets, half, mode="linear_ramp")
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[:n]
    taper, n_fft = get_window("hann", length), next_good_length(2 * length - 1)
    total = np.zeros(length)
    for first in range(0, len(windows), _BLOCK):
        spectrum = rfft(windows[first : first + _BLOCK] * taper, n_fft)
        found = irfft(spectrum.real**2 + spectrum.imag**2, n_fft)[:, :length]
        largest = np.abs(found).max(axis=1, keepdims=True)
        total += (found / np.where(largest < np.finfo(float).tiny, 1.0, largest)).sum(axis=0)
    return total / len(windows)
