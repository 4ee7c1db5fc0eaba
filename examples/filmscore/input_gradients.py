"""The way back through what a network sees of a tile: from the gradient of its inputs to that of the tile.

Each function takes the tiles and the gradient with respect to what the function of the same name in `filmscore.inputs`
makes of them, and returns that with respect to the tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from filmscore import inputs


def coefficients(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The tiles are the inputs."""
    return gradient


def frames(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Axes change places again."""
    return gradient.transpose(0, 2, 1)[..., np.newaxis]


def log_mel(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The inputs are a matrix times each frame: the gradient goes through its transpose."""
    return np.einsum("kb,nbfc->nkfc", inputs.cosines(tiles.shape[1]), gradient, optimize=True)


def centred(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Taking the mean away is a symmetric matrix."""
    return gradient - gradient.mean(axis=2, keepdims=True)


def modulation(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Through logarithm, mean of a band, power, Fourier transform, window and mean.

    With F the transform of the windowed frames x_t of a coefficient and P = abs(F)**2,
    ``dP_f / dx_t = 2 Re(F_f exp(2 pi i f t / T))``: the sum over bins is the inverse transform of F times the gradient
    with respect to P.
    """
    n_frames = tiles.shape[2]
    window = inputs.hann(n_frames)
    back = np.empty_like(tiles)
    for start in range(0, len(tiles), inputs.BLOCK):
        block = slice(start, start + inputs.BLOCK)
        spectrum = np.fft.rfft(inputs.centred(tiles[block]) * window, axis=2)
        power = np.abs(spectrum) ** 2
        slope = np.zeros_like(power)
        for band, (first, end) in enumerate(pairwise(inputs.EDGES)):
            energy = power[:, :, first:end].mean(axis=2) + inputs.FLOOR
            slope[:, :, first:end] = (gradient[block, :, band] / energy / (end - first))[:, :, np.newaxis]
        weighted = slope * spectrum
        if n_frames % 2 == 0:
            weighted[:, :, n_frames // 2] *= 2  # irfft counts this bin once, and all others twice
        back[block] = centred(tiles[block], n_frames * np.fft.irfft(weighted, n_frames, axis=2) * window)
    return back


GRADIENTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mfcc": coefficients,
    "frames": frames,
    "log_mel": log_mel,
    "centred": centred,
    "modulation": modulation,
}
"""By the names of `filmscore.inputs.INPUTS`."""
