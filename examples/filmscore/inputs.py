"""What a network sees of a tile: the coefficients, the mel bands, or how the coefficients move."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

BLOCK = 1024
"""Tiles that are worked on at a time."""

EDGES = (1, 2, 4, 7, 12, 20, 32, 51)
"""First bins of the bands of modulation frequency, and the end; a bin is one over the tile's duration."""

FLOOR = 0.01
"""What is added to an energy before its logarithm."""


def coefficients(tiles: np.ndarray) -> np.ndarray:
    """Tiles as they are, shape (n, coefficients, frames, 1)."""
    return tiles


def frames(tiles: np.ndarray) -> np.ndarray:
    """Tiles as sequences of frames, shape (n, frames, coefficients): what recurrent layers take."""
    return np.ascontiguousarray(tiles[..., 0].transpose(0, 2, 1))


def log_mel(tiles: np.ndarray) -> np.ndarray:
    """Logarithms of the 41 mel bands that 40 orthonormal coefficients stand for, each frame's mean removed.

    Returns
    -------
    array of shape (n, 41, frames, 1)
    """
    return np.einsum("kb,nkfc->nbfc", cosines(tiles.shape[1]), tiles, optimize=True)


def cosines(n_coefficients: int) -> np.ndarray:
    """What each coefficient but C0 stands for, over the mel bands: orthonormal rows, (n_coefficients, bands)."""
    n = n_coefficients + 1
    k, band = np.arange(1, n)[:, None], np.arange(n)
    return (np.sqrt(2 / n) * np.cos(np.pi * k * (band + 0.5) / n)).astype(np.float32)


def centred(tiles: np.ndarray) -> np.ndarray:
    """Tiles without each coefficient's mean over the tile: cepstral mean normalisation."""
    return tiles - tiles.mean(axis=2, keepdims=True)


def modulation(tiles: np.ndarray) -> np.ndarray:
    """Logarithm of each coefficient's energy in bands of modulation frequency: how much it moves, and how fast.

    A tile's mean is left out of it, and with it what a mixing desk or a codec does to all of a recording. Seven bands
    from 0.11 to 5.4 Hz for 100 frames of 93 ms; a Hann window, energies are means over the bins of a band.

    Returns
    -------
    array of shape (n, coefficients, 7, 1)

    Notes
    -----
    McKinney and Breebaart 2003, "Features for audio and music classification"; Lee, Shih, Yu and Lin 2009, "Automatic
    music genre classification based on modulation spectral analysis of spectral and cepstral features".
    """
    n_frames = tiles.shape[2]
    if n_frames // 2 + 1 < EDGES[-1]:
        raise ValueError(f"modulation: expected tiles of {2 * EDGES[-1] - 2} frames or more, got {n_frames}")
    window = hann(n_frames)
    energies = np.empty((len(tiles), tiles.shape[1], len(EDGES) - 1, 1), np.float32)
    for start in range(0, len(tiles), BLOCK):
        block = tiles[start : start + BLOCK]
        power = np.abs(np.fft.rfft(centred(block) * window, axis=2)) ** 2
        for band, (first, end) in enumerate(pairwise(EDGES)):
            energies[start : start + BLOCK, :, band] = power[:, :, first:end].mean(axis=2)
    return np.log(energies + FLOOR)


def hann(n_frames: int) -> np.ndarray:
    """Window of `modulation`, shape (n_frames, 1)."""
    return np.hanning(n_frames).astype(np.float32)[:, None]


INPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mfcc": coefficients,
    "frames": frames,
    "log_mel": log_mel,
    "centred": centred,
    "modulation": modulation,
}
"""By the name under which a model's file keeps it."""
