"""The shape of spectra: where their weight lies, how far it spreads, how much they are like noise.

G. Peeters, "A large set of audio features for sound description in the CUIDADO project" (2004); D.-N. Jiang and others,
"Music type classification by spectral contrast feature", ICME 2002. Conventions are those of librosa.
"""

from __future__ import annotations

import numpy as np

from mfcc.checks import check_integer, check_number
from mfcc.descriptors.time_frequency import Spectrogram, checked_spectrogram

_MOST_BANDS = 64


def spectral_centroid(spectrogram: Spectrogram) -> np.ndarray:
    """Return the mean frequency of each frame in Hz, weighted by magnitude, shape (n_frames,): how bright it sounds.

    A frame of silence has 0.

    Raises
    ------
    TypeError
        For what is no Spectrogram.

    Examples
    --------
    >>> from mfcc import spectrogram
    >>> tone = np.sin(2 * np.pi * 1000 / 22050 * np.arange(22050))
    >>> round(float(np.median(spectral_centroid(spectrogram(tone, 22050)))))
    1000
    """
    return _moments(checked_spectrogram("spectral_centroid", spectrogram))[0]


def spectral_bandwidth(spectrogram: Spectrogram) -> np.ndarray:
    """Return the standard deviation of frequency in each frame in Hz, weighted by magnitude, shape (n_frames,).

    A frame of silence has 0.

    Raises
    ------
    TypeError
        For what is no Spectrogram.
    """
    return _moments(checked_spectrogram("spectral_bandwidth", spectrogram))[1]


def spectral_rolloff(spectrogram: Spectrogram, *, roll_percent: float = 0.85) -> np.ndarray:
    """Return the frequency in Hz below which a share of the magnitude of each frame lies, shape (n_frames,).

    Parameters
    ----------
    spectrogram : Spectrogram
    roll_percent : float
        The share, between 0 and 1.

    Raises
    ------
    ValueError, TypeError
        For a share out of range and what is no Spectrogram.
    """
    from mfcc.kernels import spectra

    who = "spectral_rolloff"
    x = checked_spectrogram(who, spectrogram)
    share = check_number(who, "roll_percent", roll_percent, above=0.0, maximum=1.0, hint="Usual is 0.85.")
    out = np.empty(len(x.frames))
    spectra.rolloff(x.frames, x.sr / x.n_fft, share, out)
    return out.astype(x.frames.dtype)


def spectral_flatness(spectrogram: Spectrogram, *, amin: float = 1e-10) -> np.ndarray:
    """Return the geometric mean of each frame's power over the arithmetic mean, shape (n_frames,).

    It is 1 for a flat spectrum, about 0.56 for white noise and near 0 for tones.

    Parameters
    ----------
    spectrogram : Spectrogram
    amin : float
        Power below it counts as this much. A frame of silence is flat.

    Raises
    ------
    ValueError, TypeError
        For an amin that is not above 0 and what is no Spectrogram.
    """
    from mfcc.kernels import spectra

    who = "spectral_flatness"
    x = checked_spectrogram(who, spectrogram)
    amin = check_number(who, "amin", amin, minimum=1e-300, maximum=1e300, hint="Usual is 1e-10.")
    out = np.empty(len(x.frames))
    spectra.flatness(x.frames, amin, out)
    return out.astype(x.frames.dtype)


def spectral_contrast(
    spectrogram: Spectrogram, *, fmin: float = 200.0, n_bands: int = 6, quantile: float = 0.02
) -> np.ndarray:
    """Return how far peaks lie above valleys in each octave, in decibels, shape (n_bands + 1, n_frames).

    Parameters
    ----------
    spectrogram : Spectrogram
    fmin : float
        The first band ends at fmin Hz, the next at twice as much, and so on; the last one at sr / 2.
    n_bands : int
        Number of bands above fmin.
    quantile : float
        The share of a band's bins that are its peaks, and that are its valleys; at most 0.5.

    Returns
    -------
    array
        The difference of 10 log10 of both means, as librosa has it, each at least 1e-10 and raised to at most 80 dB
        below its loudest value. Of noise it is small, of tones large.

    Raises
    ------
    ValueError, TypeError
        For bands beyond sr / 2, a band without a bin, other arguments out of range, and what is no Spectrogram.
    """
    from mfcc.kernels import spectra

    who = "spectral_contrast"
    x = checked_spectrogram(who, spectrogram)
    fmin = check_number(who, "fmin", fmin, above=0.0, hint="It is in Hz.")
    n_bands = check_integer(who, "n_bands", n_bands, maximum=_MOST_BANDS)
    quantile = check_number(who, "quantile", quantile, above=0.0, maximum=0.5, hint="Usual is 0.02.")
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
    if edges[-2] >= x.sr / 2:
        raise ValueError(
            f"{who}: n_bands: expected the last band to begin below sr / 2 = {x.sr / 2:g} Hz, got {edges[-2]:g} Hz. "
            f"Lower n_bands or fmin."
        )
    frequencies = x.frequencies
    first = np.searchsorted(frequencies, edges[:-1], "left")
    last = np.searchsorted(frequencies, edges[1:], "right")  # behind the band's last bin
    if (first == last).any():
        raise _without_bins(who, x)
    first[1:] -= 1  # a band begins with the last bin of the one below, and leaves its own last bin to the next
    last[-1] = len(frequencies)
    count = np.maximum(np.rint(quantile * (last - first)), 1).astype(np.int64)
    last[:-1] -= 1
    if (first >= last).any():
        raise _without_bins(who, x)
    valley, peak = np.empty((2, n_bands + 1, len(x.frames)))
    spectra.extremes(x.frames, first, last, count, valley, peak, *np.empty((2, count.max())))
    return (decibels(peak) - decibels(valley)).astype(x.frames.dtype)


def decibels(power: np.ndarray, amin: float = 1e-10, top_db: float = 80.0) -> np.ndarray:
    """Return 10 log10 of power, each value at least that of amin and at most top_db below the largest."""
    values = 10.0 * np.log10(np.maximum(power, amin))
    return np.maximum(values, values.max() - top_db)


def _without_bins(who: str, x: Spectrogram) -> ValueError:
    return ValueError(
        f"{who}: spectrogram: expected bins in every band, got none in one: they are {x.sr / x.n_fft:.1f} Hz apart. "
        f"Raise n_fft or fmin."
    )


def _moments(x: Spectrogram) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of frequency in Hz."""
    from mfcc.kernels import spectra

    centroid, bandwidth = np.empty((2, len(x.frames)))
    spectra.moments(x.frames, x.sr / x.n_fft, float(np.finfo(x.frames.dtype).tiny), centroid, bandwidth)
    return centroid.astype(x.frames.dtype), bandwidth.astype(x.frames.dtype)
