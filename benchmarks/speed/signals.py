"""Signals that the feature subjects compute with."""

from __future__ import annotations

import numpy as np


def music(n: int, sr: float) -> np.ndarray:
    """Chords that swell and fade over faint noise: loud and quiet bands, as recordings have them; float32, below 1."""
    rng = np.random.default_rng(0)
    t = np.arange(n, dtype=np.float32) / np.float32(sr)
    y = 0.01 * rng.standard_normal(n, dtype=np.float32)
    for _ in range(12):
        frequency, beat, phase = 110 * 2 ** (rng.integers(48) / 12), rng.uniform(0.05, 1), rng.uniform(0, 6)
        y += np.sin(np.float32(2 * np.pi * frequency) * t) * (1 + np.sin(np.float32(beat) * t + np.float32(phase)))
    return (0.9 * y / np.abs(y).max()).astype(np.float32)
