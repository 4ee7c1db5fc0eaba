"""Random changes of tiles that don't change their genres, drawn anew for each batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PARTS = ("roll", "equalizer", "mask")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of standardized tiles, shape (n, coefficients, frames, 1).

    Parameters
    ----------
    names : str
        Joined by +: "roll" turns a tile round in time; "equalizer" adds an offset to each coefficient, constant in
        time, as another equalizer, room or codec would; "mask" sets up to 20 frames and up to 8 coefficients
        in a row to their mean (SpecAugment: Park et al. 2019).
    equalizer : float
        Standard deviation of the offsets, in deviations of the coefficient.
    """

    names: str
    equalizer: float = 0.5

    def __post_init__(self) -> None:
        for name in self.names.split("+"):
            if name not in PARTS:
                raise ValueError(f"Augmentation: names: expected some of {', '.join(PARTS)} joined by +, got {name!r}")

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a changed copy of `x`."""
        names, (n, n_coefficients, n_frames, _) = self.names.split("+"), x.shape
        x = x.copy()
        if "roll" in names:
            frames = (np.arange(n_frames) + rng.integers(n_frames, size=(n, 1))) % n_frames
            x = np.take_along_axis(x, frames[:, None, :, None], axis=2)
        if "equalizer" in names:
            x += (self.equalizer * rng.standard_normal((n, n_coefficients, 1, 1))).astype(x.dtype)
        if "mask" in names:
            x[_span(n, n_frames, 20, rng)[:, None, :, None] & np.ones(x.shape, bool)] = 0
            x[_span(n, n_coefficients, 8, rng)[:, :, None, None] & np.ones(x.shape, bool)] = 0
        return x


def _span(n: int, length: int, longest: int, rng: np.random.Generator) -> np.ndarray:
    """Return a mask for each of `n` tiles that is True in a random span of at most `longest` places."""
    size = rng.integers(longest + 1, size=(n, 1))
    start = rng.integers(length - size + 1)
    place = np.arange(length)
    return (place >= start) & (place < start + size)
