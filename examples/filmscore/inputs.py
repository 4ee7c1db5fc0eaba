"""The inputs that networks see of a tile, and the way back from their gradient to the gradient of the tile.

A new input is a pair of functions here and a row in `INPUTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from filmscore.modulation import band_energies, centred, cosines, log_energies_gradient
from filmscore.movement import movement, movement_gradient

BLOCK = 1024
"""Tiles that are worked on at a time."""

EDGES = (1, 2, 4, 7, 12, 20, 32, 51)
"""First bins of the bands of modulation frequency, and the end; a bin is one over the tile's duration."""

FLOOR = 0.01
"""Added to an energy before its logarithm."""


@dataclass(frozen=True)
class Input:
    """A function of tiles, shape (n, coefficients, frames, 1), whose values a network takes.

    Attributes
    ----------
    values : function
        Tiles to what the network sees of them.
    gradient : function
        Tiles, and the gradient with respect to what the network sees of them, to the gradient with respect to the
        tiles.
    time_axis : int or None
        The axis of the values along which time runs; None if there is none.
    without_mean : bool
        Whether the mean of each coefficient over the tile is left out of the values.
    """

    values: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]
    time_axis: int | None
    without_mean: bool = False

    def __call__(self, tiles: np.ndarray) -> np.ndarray:
        return self.values(tiles)


def coefficients(tiles: np.ndarray) -> np.ndarray:
    """Return the tiles as they are, shape (n, coefficients, frames, 1)."""
    return tiles


def coefficients_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the gradient as it is: the tiles are the inputs."""
    return gradient


def frames(tiles: np.ndarray) -> np.ndarray:
    """Return tiles as sequences of frames, shape (n, frames, coefficients), as recurrent layers take them."""
    return np.ascontiguousarray(tiles[..., 0].transpose(0, 2, 1))


def frames_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the gradient with its axes in the order of the tiles."""
    return gradient.transpose(0, 2, 1)[..., np.newaxis]


def log_mel(tiles: np.ndarray) -> np.ndarray:
    """Return the logarithms of the 41 mel bands that 40 orthonormal coefficients stand for, less each frame's mean.

    Returns
    -------
    array of shape (n, 41, frames, 1)
    """
    return np.einsum("kb,nkfc->nbfc", cosines(tiles.shape[1]), tiles, optimize=True)


def log_mel_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Multiply by the transpose of the matrix that makes the bands of each frame."""
    return np.einsum("kb,nbfc->nkfc", cosines(tiles.shape[1]), gradient, optimize=True)


def centred_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Take the mean from the gradient too: the matrix that takes a mean away is symmetric."""
    return gradient - gradient.mean(axis=2, keepdims=True)


def modulation(tiles: np.ndarray) -> np.ndarray:
    """Return the log energy of each coefficient in bands of modulation frequency: how much and how fast it moves.

    The mean of a tile plays no part, and so neither does what a mixing desk or a codec does to a whole recording. There
    are seven bands, from 0.11 to 5.4 Hz for 100 frames of 93 ms. The frames are weighted by a Hann window, and the
    energy of a band is the mean over its bins.

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
    energies = np.empty((len(tiles), tiles.shape[1], len(EDGES) - 1, 1), np.float32)
    for start in range(0, len(tiles), BLOCK):
        energies[start : start + BLOCK] = band_energies(tiles[start : start + BLOCK], EDGES)
    return np.log(energies + FLOOR)


def modulation_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Go back through the logarithms of the energies."""
    back = np.empty_like(tiles)
    for start in range(0, len(tiles), BLOCK):
        block = slice(start, start + BLOCK)
        back[block] = log_energies_gradient(tiles[block], gradient[block], EDGES, FLOOR)
    return back


INPUTS = {
    "mfcc": Input(coefficients, coefficients_gradient, time_axis=2),
    "frames": Input(frames, frames_gradient, time_axis=1),
    "log_mel": Input(log_mel, log_mel_gradient, time_axis=2),
    "centred": Input(centred, centred_gradient, time_axis=2, without_mean=True),
    "modulation": Input(modulation, modulation_gradient, time_axis=None, without_mean=True),
    "movement": Input(movement, movement_gradient, time_axis=None, without_mean=True),
}
"""Inputs by the names that the files of models have for them."""
