"""Loudness and sign changes of the samples of frames."""

from __future__ import annotations

import numpy as np

from mfcc import framing
from mfcc.checks import check_integer
from mfcc.descriptors.time_frequency import checked_samples


def rms(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Return the root mean square of the samples of each frame, shape (n_frames,): 20 log10 of it is its level in dBFS.

    Parameters
    ----------
    y : array, shape (n_samples,)
        Mono samples, full scale 1.0; integers are divided by the full scale of their type. float32 gives float32.
    frame_length, hop_length : int
        Length of a frame, and from one to the next, in samples. Frames are centred, with zeros beyond the ends.

    Raises
    ------
    ValueError, TypeError
        For samples that are not mono, not finite, or none at all, and for arguments out of range.

    Examples
    --------
    >>> rms(np.full(4096, 0.5)).round(3).tolist()
    [0.354, 0.433, 0.5, 0.5, 0.5, 0.5, 0.5, 0.433, 0.354]
    """
    from mfcc.kernels import spectra

    padded, length, hop, n = _padded("rms", y, frame_length, hop_length, "constant")
    out = np.empty(n)
    spectra.root_mean_squares(padded, length, hop, out)
    return out.astype(padded.dtype)


def zero_crossing_rate(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Return the share of samples of each frame that have another sign than the one before, shape (n_frames,).

    Samples within 1e-10 of 0 count as positive. Beyond the ends of the signal its outermost sample is repeated.

    Parameters
    ----------
    y, frame_length, hop_length
        As for `rms`.

    Raises
    ------
    ValueError, TypeError
        As `rms`.

    Examples
    --------
    >>> zero_crossing_rate(np.array([1.0, -1.0] * 2048)).max().round(3).item()
    1.0
    """
    from mfcc.kernels import spectra

    padded, length, hop, n = _padded("zero_crossing_rate", y, frame_length, hop_length, "edge")
    out = np.empty(n)
    spectra.sign_changes(padded, length, hop, padded.dtype.type(1e-10), out)
    return out


def _padded(who: str, y: np.ndarray, length: int, hop: int, pad_mode: str) -> tuple[np.ndarray, int, int, int]:
    """Return the samples under all frames, length and hop of frames, and their number."""
    length = check_integer(who, "frame_length", length, maximum=1 << 26)
    hop = check_integer(who, "hop_length", hop, maximum=1 << 31)
    y = checked_samples(who, y)
    n = framing.n_frames(len(y), length, hop, center=True)
    start = framing.first_start(length, hop, center=True)
    end = start + (n - 1) * hop + length
    padded = framing.samples_between(y, start, end, center=True, pad_mode=pad_mode, frame_length=length)
    return padded, length, hop, n
