"""The tile that drives a unit most: gradient ascent from noise, kept as close to the mean as real tiles are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmscore.inside.units import Unit

N_STEPS = 128
N_STARTS = 2
RADIUS = 1.0
"""Distance from the mean tile: the root mean square deviation, in standard deviations of real tiles."""
STEP = 0.1
"""Length of the first step, in radii; the last is a tenth of it."""


@dataclass(frozen=True)
class Spread:
    """The mean and standard deviation of each feature over real tiles, both of shape (n_features, 1, 1)."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, tiles: np.ndarray) -> Spread:
        return cls(tiles.mean(axis=(0, 2))[:, np.newaxis], tiles.std(axis=(0, 2))[:, np.newaxis] + 1e-6)


def drive(unit: Unit, spread: Spread, n_frames: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return a tile that drives a unit, (n_features, n_frames), and the unit's value for it.

    Several starts of noise climb the gradient together; the one that comes highest is it. Without a bound the ascent
    leaves everything that music is like, so the tile stays on a sphere about the mean of real tiles; before each step
    it is moved by some frames in time, so that it doesn't hold on to where pooling happens to cut, and every fifth step
    it is smoothed over time. (Yosinski et al. 2015, "Understanding neural networks through deep visualization".)
    """
    z = _on_sphere(rng.standard_normal((N_STARTS, len(spread.mean), n_frames, 1)))
    for step in range(N_STEPS):
        z = np.roll(z, int(rng.integers(-2, 3)), axis=2)
        if step % 5 == 0 and step < 0.9 * N_STEPS:
            z = _on_sphere((np.roll(z, 1, axis=2) + 2 * z + np.roll(z, -1, axis=2)) / 4)
        _, gradient = unit.value_and_gradient(_tile(spread, z))
        z = _on_sphere(z + STEP * (1 - 0.9 * step / N_STEPS) * _on_sphere(gradient * spread.deviation))
    tiles = _tile(spread, z)
    values = unit.values(tiles)
    best = int(np.argmax(values))
    return tiles[best, :, :, 0], float(values[best])


def _tile(spread: Spread, z: np.ndarray) -> np.ndarray:
    return (spread.mean + spread.deviation * z).astype(np.float32)


def _on_sphere(z: np.ndarray) -> np.ndarray:
    """Scale each tile to the root mean square RADIUS; zeros stay zeros."""
    size = np.sqrt(np.square(z, dtype=np.float64).mean(axis=(1, 2, 3), keepdims=True))
    return z * (RADIUS / np.maximum(size, 1e-30))
