"""The mel scale of pitch and banks of triangular filters on it.

S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans.
ASSP 28 (1980); S. Young et al., "The HTK Book"; M. Slaney, "Auditory Toolbox" (1998).
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from mfcc.checks import check_choice, check_flag, check_float_type, check_integer, check_number, check_reals

FORMULAS = ("htk", "slaney")
SHAPES = ("hz", "mel", "bins")
NORMS = (None, "slaney")

# More is a mistake, and would not fit into memory: banks are dense while they are made.
MOST_FFT = 2**20
_MOST_MELS = 4096
_MOST_WEIGHTS = 20_000_000

# Hz. Beyond these, and in a narrower band, corners of filters are no longer different numbers.
LOWEST_SR, HIGHEST_SR = 1e-6, 1e12
_NARROWEST = 1e-6  # of sr

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
    f = check_reals("hz_to_mel", "f", f)
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
    m = check_reals("mel_to_hz", "m", m)
    if np.any(m < 0):
        raise ValueError(f"mel_to_hz: m: expected mels of at least 0, got {m.min():g}.")
    if formula == "htk":
        return 700.0 * np.expm1(m / 1127.0)
    above = np.exp(_SLANEY_LOG * (np.maximum(m, _SLANEY_KNEE_MEL) - _SLANEY_KNEE_MEL))
    return np.minimum(m, _SLANEY_KNEE_MEL) * 200.0 / 3.0 * above


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
    warp: float = 1.0,
    warp_low: float | None = None,
    warp_high: float | None = None,
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
    warp, warp_low, warp_high : float
        Vocal tract length normalisation, HTK's WARPFREQ, WARPLCUTOFF and WARPUCUTOFF: corners of the filters between
        about warp_low and warp_high, in Hz, are divided by warp; towards fmin and fmax the change fades. 1 is off.
    dtype : float32 or float64
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
    dtype = check_float_type("mel_filterbank", dtype)
    bank = FilterBank(
        sr, n_fft, n_mels, fmin, fmax, formula, shape, norm, skip_edge_bins, warp, warp_low, warp_high
    ).checked("mel_filterbank")
    weights = filter_weights(bank)
    warn_of_empty_filters("mel_filterbank", bank, weights)
    return weights.astype(dtype)


class FilterBank(NamedTuple):
    """The arguments of `mel_filterbank` as one value."""

    sr: float
    n_fft: int
    n_mels: int
    fmin: float
    fmax: float | None
    formula: Literal["htk", "slaney"]
    shape: Literal["hz", "mel", "bins"]
    norm: Literal["slaney"] | None
    skip_edge_bins: bool
    warp: float
    warp_low: float | None
    warp_high: float | None

    def checked(self, who: str) -> FilterBank:
        """Return it with fmax filled in and every value in its own type; ValueError or TypeError for a wrong one."""
        hint = "It is the sampling rate in Hz."
        sr = check_number(who, "sr", self.sr, minimum=LOWEST_SR, maximum=HIGHEST_SR, hint=hint)
        fmin = check_number(who, "fmin", self.fmin, minimum=0)
        fmax = check_number(who, "fmax", sr / 2 if self.fmax is None else self.fmax, above=0)
        if fmax > sr / 2:
            raise ValueError(
                f"{who}: fmax: expected at most sr / 2 = {sr / 2:g} Hz, got {fmax:g}. Lower fmax or raise sr."
            )
        if fmin >= fmax:
            raise ValueError(f"{who}: fmin: expected less than fmax = {fmax:g} Hz, got {fmin:g}.")
        if fmax - fmin < _NARROWEST * sr:
            raise ValueError(
                f"{who}: fmax: expected at least {_NARROWEST * sr:g} Hz (sr / 1,000,000) more than fmin = {fmin:g} Hz, "
                f"got {fmax:g}. Both are in Hz."
            )
        n_fft = check_integer(who, "n_fft", self.n_fft, minimum=2, maximum=MOST_FFT)
        most = min(_MOST_MELS, _MOST_WEIGHTS // (n_fft // 2 + 1))
        bank = FilterBank(
            sr=sr,
            n_fft=n_fft,
            n_mels=check_integer(who, "n_mels", self.n_mels, maximum=most, hint=f"That is with n_fft={n_fft}."),
            fmin=fmin,
            fmax=fmax,
            formula=check_choice(who, "formula", self.formula, FORMULAS),
            shape=check_choice(who, "shape", self.shape, SHAPES),
            norm=check_choice(who, "norm", self.norm, NORMS),
            skip_edge_bins=check_flag(who, "skip_edge_bins", self.skip_edge_bins),
            warp=check_number(who, "warp", self.warp, above=0, hint="Usual is 0.8 to 1.2; 1 is off."),
            warp_low=None if self.warp_low is None else check_number(who, "warp_low", self.warp_low, above=0),
            warp_high=None if self.warp_high is None else check_number(who, "warp_high", self.warp_high, above=0),
        )
        bank._check_warp(who)
        return bank

    def _check_warp(self, who: str) -> None:
        if self.warp == 1:
            return
        for name in ("warp_low", "warp_high"):
            if getattr(self, name) is None:
                raise ValueError(f"{who}: {name}: expected a frequency in Hz with warp={self.warp:g}, got None.")
        assert self.warp_low is not None and self.warp_high is not None and self.fmax is not None
        knees = [self.fmin, *(2 * f / (1 + 1 / self.warp) for f in (self.warp_low, self.warp_high)), self.fmax]
        warped = [self.fmin, *(f / self.warp for f in knees[1:3]), self.fmax]
        if sorted(set(knees)) != knees or sorted(set(warped)) != warped:
            raise ValueError(
                f"{who}: warp_low, warp_high: expected two frequencies between fmin and fmax = {self.fmax:g} Hz "
                f"that keep their order with warp={self.warp:g}, got {self.warp_low:g} and {self.warp_high:g}. The "
                f"knees would move from {knees[1]:.0f} and {knees[2]:.0f} to {warped[1]:.0f} and {warped[2]:.0f} Hz."
            )

    def edges(self) -> np.ndarray:
        """Return the corners of the triangles in Hz, shape (n_mels + 2,): filter i from i over i + 1 to i + 2."""
        assert self.fmax is not None
        if self.shape == "bins" and self.formula == "htk" and self.warp == 1:
            # As python_speech_features has it: by rounding, a corner on a bin may fall to the one below.
            low, high = 2595 * np.log10(1 + np.array([self.fmin, self.fmax]) / 700.0)
            return 700 * (10 ** (np.linspace(low, high, self.n_mels + 2) / 2595.0) - 1)
        low, high = hz_to_mel([self.fmin, self.fmax], formula=self.formula)
        edges = mel_to_hz(np.linspace(low, high, self.n_mels + 2), formula=self.formula)
        edges[[0, -1]] = self.fmin, self.fmax
        if self.warp == 1:
            return edges
        assert self.warp_low is not None and self.warp_high is not None
        knees = np.array([self.fmin, self.warp_low, self.warp_high, self.fmax])
        knees[1:3] *= 2 / (1 + 1 / self.warp)
        return np.interp(edges, knees, [self.fmin, *(knees[1:3] / self.warp), self.fmax])


@functools.lru_cache(maxsize=32)
def filter_weights(bank: FilterBank) -> np.ndarray:
    """Return the weights in float64, read-only because they are shared between callers."""
    corners: np.ndarray
    x: np.ndarray
    edges = bank.edges()
    per_bin = bank.sr / bank.n_fft
    bins = np.arange(bank.n_fft // 2 + 1)
    if bank.shape == "hz":
        corners, x = edges, bins * per_bin
    elif bank.shape == "mel":
        corners, x = hz_to_mel(edges, formula=bank.formula), hz_to_mel(bins * per_bin, formula=bank.formula)
    else:
        corners, x = np.floor((bank.n_fft + 1) * edges / bank.sr), bins
    lower, centre, upper = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # corners may coincide, or nearly so
        rising = np.where(x < centre, (x - lower) / (centre - lower), 0.0)
        falling = np.where(x >= centre, (upper - x) / (upper - centre), 0.0)
    weights = np.where((x > lower) & (x < upper), rising + falling, 0.0)
    if bank.shape == "bins":  # a rounded centre on its lower corner still counts
        weights = np.where((x == centre) & (centre < upper), 1.0, weights)
    if bank.norm == "slaney":
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    if bank.skip_edge_bins:
        assert bank.fmax is not None
        first = max(1, math.floor(bank.fmin * bank.n_fft / bank.sr + 1.5))
        last = min((bank.n_fft - 1) // 2, math.floor(bank.fmax * bank.n_fft / bank.sr + 0.5) - 1)
        weights[:, :first] = 0.0
        weights[:, max(0, last + 1) :] = 0.0
    weights.flags.writeable = False
    return weights


def warn_of_empty_filters(who: str, bank: FilterBank, weights: np.ndarray, stacklevel: int = 3) -> None:
    """Warn if rows of weights are zero, and say how many and what to change."""
    empty = np.flatnonzero(~weights.any(axis=1))
    if empty.size:
        centre = bank.edges()[1 + empty[0]]
        warnings.warn(
            f"{who}: {empty.size} of {bank.n_mels} mel filters are empty (the first at {centre:.0f} Hz): no bin of the "
            f"FFT, {bank.sr / bank.n_fft:.1f} Hz apart, falls into them, so their output is constant. Lower n_mels, or "
            f"raise n_fft or fmin.",
            UserWarning,
            stacklevel=stacklevel,
        )
