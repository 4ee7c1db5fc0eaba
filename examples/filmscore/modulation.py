"""Rows of a tile to their energy in bands of modulation frequency, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def hann(n_frames: int) -> np.ndarray:
    """Return the window of the frames, shape (n_frames, 1)."""
    return np.hanning(n_frames).astype(np.float32)[:, None]


def centred(tiles: np.ndarray) -> np.ndarray:
    """Return tiles without each coefficient's mean over the tile: cepstral mean normalisation."""
    return tiles - tiles.mean(axis=2, keepdims=True)


def cosines(n_coefficients: int) -> np.ndarray:
    """Return the cosine over the mel bands of each coefficient but C0: orthonormal rows, (n_coefficients, bands)."""
    n = n_coefficients + 1
    k, band = np.arange(1, n)[:, None], np.arange(n)
    return (np.sqrt(2 / n) * np.cos(np.pi * k * (band + 0.5) / n)).astype(np.float32)


def band_energies(rows: np.ndarray, edges: Sequence[int], divisor: float = 1.0) -> np.ndarray:
    """Return the mean power of each row in bands of modulation frequency, shape (n, rows, len(edges) - 1, 1).

    Parameters
    ----------
    rows : array of shape (n, rows, frames, 1)
    edges : sequence of int
        First bins of the bands, and the end.
    divisor : float
        Of the power.
    """
    energies = np.empty((*rows.shape[:2], len(edges) - 1, 1), np.float32)
    power = np.abs(np.fft.rfft(centred(rows) * hann(rows.shape[2]), axis=2)) ** 2 / divisor
    for band, (first, end) in enumerate(pairwise(edges)):
        energies[:, :, band] = power[:, :, first:end].mean(axis=2)
    return energies


def log_energies_gradient(
    rows: np.ndarray, gradient: np.ndarray, edges: Sequence[int], floor: float, divisor: float = 1.0
) -> np.ndarray:
    """Go back to the rows through logarithm (of energy + floor), mean of a band, power, Fourier transform and window.

    With F the transform of the windowed frames x_t of a row and P = abs(F)**2,
    ``dP_f / dx_t = 2 Re(F_f exp(2 pi i f t / T))``: the sum over bins is the inverse transform of F times the gradient
    with respect to P.
    """
    n_frames = rows.shape[2]
    window = hann(n_frames)
    spectrum = np.fft.rfft(centred(rows) * window, axis=2)
    power = np.abs(spectrum) ** 2 / divisor
    slope = np.zeros_like(power)
    for band, (first, end) in enumerate(pairwise(edges)):
        energy = power[:, :, first:end].mean(axis=2) + floor
        slope[:, :, first:end] = (gradient[:, :, band] / energy / (end - first) / divisor)[:, :, np.newaxis]
    weighted = slope * spectrum
    if n_frames % 2 == 0:
        weighted[:, :, n_frames // 2] *= 2  # irfft counts this bin once, and all others twice
    return centred(n_frames * np.fft.irfft(weighted, n_frames, axis=2) * window)
