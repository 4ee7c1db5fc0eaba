"""The mel scale of pitch and banks of triangular filters on it.

S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans.
ASSP 28 (1980); S. Young et al., "The HTK Book"; M. Slaney, "Auditory Toolbox" (1998).
"""

from __future__ import annotations

import functools
import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from mfcc.checks import check_choice, check_flag, check_integer, check_number

FORMULAS = ("htk", "slaney")
SHAPES = ("hz", "mel", "bins")
NORMS = (None, "slaney")

# Slaney's scale: linear below 1 kHz (200 / 3 Hz a mel), 27 logarithmic steps from 1 to 6.4 kHz above.
_SLANEY_KNEE = 1000.0
_SLANEY_KNEE_MEL = 15.0
_SLANEY_LOG = np.log(6.4) / 27.0


def hz_to_mel(f: ArrayLike, *, formula: Literal["htk", "slaney"] = "htk") -> np.ndarray:
    """Convert frequencies in Hz to mel, elementwise, in float64.

    "htk" is 1127 ln(1 + f / 700); "slaney" is linear up to 1 kHz (15 mel) and logarithmic above.

    Raises
    ------
    ValueError
        For negative frequencies and an unknown formula.

    Examples
    --------
    >>> float(hz_to_mel(0)), round(float(hz_to_mel(1000)), 2), float(hz_to_mel(1000, formula="slaney"))
    (0.0, 999.99, 15.0)
    """
    check_choice("hz_to_mel", "formula", formula, FORMULAS)
    f = np.asarray(f, np.float64)
    if np.any(f < 0):
        raise ValueError(f"hz_to_mel: f: expected frequencies of at least 0 Hz, got {f.min():g}.")
    if formula == "htk":
        return 1127.0 * np.log1p(f / 700.0)
    above = np.log(np.maximum(f, _SLANEY_KNEE) / _SLANEY_KNEE) / _SLANEY_LOG
    return np.minimum(f, _SLANEY_KNEE) * 3.0 / 200.0 + above


def mel_to_hz(m: ArrayLike, *, formula: Literal["htk", "slaney"] = "htk") -> np.ndarray:
    """Convert mel to frequencies in Hz, elementwise, in float64: the inverse of `hz_to_mel`.

    Examples
    --------
    >>> round(float(mel_to_hz(hz_to_mel(440.0))), 6), float(mel_to_hz(15, formula="slaney"))
    (440.0, 1000.0)
    """
    check_choice("mel_to_hz", "formula", formula, FORMULAS)
    m = np.asarray(m, np.float64)
    if np.any(m < 0):
        raise ValueError(f"mel_to_hz: m: expected mels of at least 0, got {m.min():g}.")
    if formula == "htk":
        return 700.0 * np.expm1(m / 1127.0)
    above = np.exp(_SLANEY_LOG * (np.maximum(m, _SLANEY_KNEE_MEL) - _SLANEY_KNEE_MEL))
    return np.minimum(m, _SLANEY_KNEE_MEL) * 200.0 / 3.0 * above


def mel_edges(n_mels: int, *, fmin: float, fmax: float, formula: Literal["htk", "slaney"] = "htk") -> np.ndarray:
    """Return the corners of n_mels triangles in Hz, shape (n_mels + 2,), equally spaced in mel from fmin to fmax.

    Filter i rises from edge i to its centre at edge i + 1 and falls to edge i + 2.
    """
    low, high = hz_to_mel([fmin, fmax], formula=formula)
    edges = mel_to_hz(np.linspace(low, high, n_mels + 2), formula=formula)
    edges[[0, -1]] = fmin, fmax
    return edges


def mel_filterbank(
    sr: float,
    n_fft: int,
    n_mels: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    formula: Literal["htk", "slaney"] = "htk",
    shape: Literal["hz", "mel", "bins"] = "hz",
    norm: Literal["slaney"] | None = None,
    skip_edge_bins: bool = False,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Return the weights of triangular filters, shape (n_mels, n_fft // 2 + 1): mel spectrum = weights @ spectrum.

    Parameters
    ----------
    sr : float
        Sampling rate in Hz.
    n_fft : int
        Length of the Fourier transform in samples, at least 2; bin k lies at k * sr / n_fft Hz.
    n_mels : int
        Number of filters, at least 1.
    fmin, fmax : float
        Where the first filter begins and the last ends, in Hz, 0 <= fmin < fmax <= sr / 2; None is sr / 2.
    formula : "htk" or "slaney"
        The mel scale on which the filters are equally spaced; see `hz_to_mel`.
    shape : "hz", "mel" or "bins"
        What the slopes of the triangles are linear in: frequency (librosa, torchaudio), mel (HTK, Kaldi), or the number
        of the bin after corners have been rounded down to bins (python_speech_features).
    norm : None or "slaney"
        None: triangles of height 1. "slaney": of area 1, that is, times 2 / (upper - lower corner in Hz).
    skip_edge_bins : bool
        Leave out the bins of 0 Hz and sr / 2, the one nearest to fmin and those less than half a bin below fmax (HTK).
    dtype : data type
        Weights are computed in float64 and rounded to this type.

    Raises
    ------
    ValueError
        For frequencies beyond sr / 2 or out of order, and for unknown names.

    Warns
    -----
    UserWarning
        If filters are so narrow that no bin falls into them: their output would be constant.

    Examples
    --------
    >>> mel_filterbank(8000, 8, 2, dtype=np.float64).round(3).tolist()
    [[0.0, 0.676, 0.0, 0.0, 0.0], [0.0, 0.324, 0.906, 0.453, 0.0]]
    """
    who = "mel_filterbank"
    sr = check_number(who, "sr", sr, above=0, hint="It is the sampling rate in Hz.")
    n_fft = check_integer(who, "n_fft", n_fft, minimum=2)
    n_mels = check_integer(who, "n_mels", n_mels)
    fmin, fmax = check_band(who, sr, fmin, fmax)
    check_choice(who, "formula", formula, FORMULAS)
    check_choice(who, "shape", shape, SHAPES)
    check_choice(who, "norm", norm, NORMS)
    check_flag(who, "skip_edge_bins", skip_edge_bins)
    weights = _weights(sr, n_fft, n_mels, fmin, fmax, formula, shape, norm, bool(skip_edge_bins))
    warn_of_empty_filters(who, weights, sr, n_fft, fmin, fmax, formula)
    return weights.astype(dtype)


def check_band(who: str, sr: float, fmin: float, fmax: float | None) -> tuple[float, float]:
    """Return fmin and fmax in Hz with None replaced; ValueError unless 0 <= fmin < fmax <= sr / 2."""
    fmin = check_number(who, "fmin", fmin, minimum=0)
    if fmax is None:
        fmax = sr / 2
    fmax = check_number(who, "fmax", fmax, above=0)
    if fmax > sr / 2:
        raise ValueError(f"{who}: fmax: expected at most sr / 2 = {sr / 2:g} Hz, got {fmax:g}. Lower fmax or raise sr.")
    if fmin >= fmax:
        raise ValueError(f"{who}: fmin: expected less than fmax = {fmax:g} Hz, got {fmin:g}.")
    return fmin, fmax


def warn_of_empty_filters(
    who: str, weights: np.ndarray, sr: float, n_fft: int, fmin: float, fmax: float, formula: str, *, stacklevel: int = 3
) -> None:
    """Warn if rows of weights are zero, and say how many and what to change."""
    empty = np.flatnonzero(~weights.any(axis=1))
    if empty.size:
        n_mels = len(weights)
        centre = mel_edges(n_mels, fmin=fmin, fmax=fmax, formula=formula)[1 + empty[0]]  # type: ignore[arg-type]
        warnings.warn(
            f"{who}: {empty.size} of {n_mels} mel filters are empty (the first at {centre:.0f} Hz): no bin of the FFT, "
            f"{sr / n_fft:.1f} Hz apart, falls into them, so their output is constant. Lower n_mels, or raise n_fft or "
            f"fmin.",
            UserWarning,
            stacklevel=stacklevel,
        )


@functools.lru_cache(maxsize=32)
def _weights(
    sr: float,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float,
    formula: Literal["htk", "slaney"],
    shape: str,
    norm: str | None,
    skip_edge_bins: bool,
) -> np.ndarray:
    """The bank in float64, read-only because it is shared between callers."""
    corners: np.ndarray
    x: np.ndarray
    edges = mel_edges(n_mels, fmin=fmin, fmax=fmax, formula=formula)
    bins = np.arange(n_fft // 2 + 1)
    frequencies = bins * (sr / n_fft)
    if shape == "hz":
        corners, x = edges, frequencies
    elif shape == "mel":
        low, high = hz_to_mel([fmin, fmax], formula=formula)
        corners, x = np.linspace(low, high, n_mels + 2), hz_to_mel(frequencies, formula=formula)
    else:
        corners, x = np.floor((n_fft + 1) * edges / sr), bins
    lower, centre, upper = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # rounded corners may coincide
        rising = np.where(x < centre, (x - lower) / (centre - lower), 0.0)
        falling = np.where(x >= centre, (upper - x) / (upper - centre), 0.0)
    weights = np.where((x > lower) & (x < upper), rising + falling, 0.0)
    if shape == "bins":  # a rounded centre on its lower corner still counts
        weights = np.where((x == centre) & (centre < upper), 1.0, weights)
    if norm == "slaney":
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    if skip_edge_bins:
        first = max(1, int(fmin * n_fft / sr + 1.5))
        last = min((n_fft - 1) // 2, int(fmax * n_fft / sr - 0.5))
        weights[:, :first] = 0.0
        weights[:, last + 1 :] = 0.0
    weights.flags.writeable = False
    return weights
