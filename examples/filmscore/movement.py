"""Log-mel tiles to how their bands, the cosines over these and their rises move; and the way back."""

from __future__ import annotations

import functools

import numpy as np

from filmscore.modulation import band_energies, cosines, log_energies_gradient

EDGES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 90)
"""First bins of the bands of modulation frequency, and the end: nine bands from 0.1 to 9.6 Hz for tiles of 9.3 s."""

FLOOR = 0.1
"""Added to an energy, which is divided by the number of frames, before its logarithm."""

N_GROUPS, N_COSINES, N_RANGES = 16, 20, 3
"""Rows: groups of neighbouring mel bands, cosines over all of them, ranges of frequency that rise."""

RISE = 5.0
"""Factor on rises, which are small beside the movement of the bands."""

BLOCK = 128
"""Tiles that are worked on at a time."""


def movement(tiles: np.ndarray) -> np.ndarray:
    """Return how much log-mel bands, their cosines and their rises move, and how fast.

    The rows are the means of 16 groups of neighbouring bands, the first 20 cosines over all bands (MFCCs without the
    constant one), and the mean rises from frame to frame in three ranges of frequency, where falls count as 0: the
    onsets of notes. Of each row it is the logarithm of the energy in nine bands of modulation frequency, as in
    `filmscore.inputs.modulation`.

    Parameters
    ----------
    tiles : array of shape (n, mel bands, frames, 1)
        Natural logarithms of mel bands; 43 frames a second reach up to 9.6 Hz.

    Returns
    -------
    array of float32, shape (n, 39, 9, 1)

    Notes
    -----
    Onsets from rectified rises of log-mel bands: S. Dixon, "Onset detection revisited", DAFx 2006.
    """
    n_bands, n_frames = tiles.shape[1:3]
    if n_frames // 2 + 1 < EDGES[-1]:
        raise ValueError(f"movement: expected tiles of {2 * EDGES[-1] - 2} frames or more, got {n_frames}")
    if n_bands < N_COSINES + 1:
        raise ValueError(f"movement: expected at least {N_COSINES + 1} mel bands, got {n_bands}")
    energies = np.empty((len(tiles), N_GROUPS + N_COSINES + N_RANGES, len(EDGES) - 1, 1), np.float32)
    for start in range(0, len(tiles), BLOCK):
        rows = moving_rows(np.asarray(tiles[start : start + BLOCK]))
        energies[start : start + BLOCK] = band_energies(rows, EDGES, n_frames)
    return np.log(energies + FLOOR)


def movement_gradient(tiles: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Go back through the energies of the rows, and the matrices that make rows of bands and of their rises.

    A rise goes back to the frame that it ends on and, with the other sign, to the frame before; a fall goes nowhere.
    """
    groups, ranges = (matrix.T for matrix in matrices(tiles.shape[1]))
    back = np.empty_like(tiles)
    for start in range(0, len(tiles), BLOCK):
        block = slice(start, start + BLOCK)
        some = np.asarray(tiles[block])
        rows = moving_rows(some)
        of_rows = log_energies_gradient(rows, gradient[block], EDGES, FLOOR, rows.shape[2])[..., 0]
        back[block, :, :, 0] = groups @ of_rows[:, : groups.shape[1]]
        rising = (np.diff(some[..., 0], axis=2) > 0) * (ranges @ of_rows[:, groups.shape[1] :])[:, :, 1:]
        back[block, :, 1:, 0] += rising
        back[block, :, :-1, 0] -= rising
    return back


def moving_rows(tiles: np.ndarray) -> np.ndarray:
    """Return the rows of `movement` before their spectra, shape (n, 39, frames, 1)."""
    groups, ranges = matrices(tiles.shape[1])
    rises = np.maximum(np.diff(tiles, axis=2, prepend=tiles[:, :, :1]), 0)
    return np.concatenate([_mixed(groups, tiles), _mixed(ranges, rises)], axis=1)


def _mixed(matrix: np.ndarray, tiles: np.ndarray) -> np.ndarray:
    return np.matmul(matrix.astype(tiles.dtype), tiles[..., 0])[..., np.newaxis]


@functools.cache
def matrices(n_bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices of groups and cosines of mel bands, (36, n_bands), and of ranges of rises, (3, n_bands)."""
    groups = _means(n_bands, np.arange(1, N_GROUPS) * n_bands // N_GROUPS)
    ranges = RISE * _means(n_bands, np.array([3, 8]) * n_bands // N_GROUPS)
    return np.concatenate([groups, cosines(n_bands - 1)[:N_COSINES]]), ranges


def _means(n: int, cuts: np.ndarray) -> np.ndarray:
    """Return the matrix that takes means of n numbers between cuts, shape (len(cuts) + 1, n)."""
    begins, ends = np.append(0, cuts), np.append(cuts, n)
    inside = (np.arange(n) >= begins[:, None]) & (np.arange(n) < ends[:, None])
    return (inside / (ends - begins)[:, None]).astype(np.float32)
