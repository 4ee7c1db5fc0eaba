"""Signals that the tools are compared on."""

import numpy as np


def music(n, sr, seed=0):
    """Chords with attack and decay over faint noise: loud and quiet bands, as recordings have them."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / sr
    y = 1e-4 * rng.standard_normal(n)
    for start in np.arange(0, n / sr, 0.4):
        envelope = np.where(t >= start, np.exp(-4 * (t - start)), 0)
        for f in 110 * 2 ** (rng.integers(0, 48, 4) / 12):
            y += 0.1 * envelope * np.sin(2 * np.pi * f * t)
    return (y / np.abs(y).max()).astype(np.float32)


def noise(n, seed=0):
    """Return 16-bit samples without a quiet band, as float64, of which a tool's 32 bits keep the most digits."""
    return np.round(3000 * np.random.default_rng(seed).standard_normal(n))


def noisy_music(n, sr, seed=0):
    """Return 16-bit samples as float64, with noise 40 dB below and some DC.

    In bands 80 dB below the loudest, single precision leaves 3 digits, here as in the tools.
    """
    rng = np.random.default_rng(seed)
    return np.round(20000 * music(n, sr, seed) + 200 * rng.standard_normal(n)) + 100
