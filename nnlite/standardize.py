"""Inputs of mean 0 and deviation 1, with figures taken from the training samples alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 1024
"""Samples that are read at a time."""


@dataclass(frozen=True)
class Standardizer:
    """(x - mean) * scale, the figures being constant along the axes over which they were taken.

    Attributes
    ----------
    mean, scale : ndarray
        float32, without the batch axis; `scale` is one over the deviation, and 1 where nothing varies.
    """

    mean: np.ndarray
    scale: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scaled copy of samples, in float32."""
        result = x.astype(np.float32)
        result -= self.mean
        result *= self.scale
        return result

    @classmethod
    def fit(cls, x: Any, axes: Sequence[int], rows: np.ndarray | None = None) -> "Standardizer":
        """Take mean and deviation over `axes` of `x`, axis 0 (the samples) among them, block by block in float64.

        Parameters
        ----------
        x : array_like (n_samples, ...)
        axes : sequence of int
            (0,) gives each feature its own figures; (0, 2) on tiles (n, coefficients, frames, 1) each coefficient.
        rows : ndarray of int, optional
            The samples to look at; all by default.
        """
        axes = tuple(sorted(axes))
        if not axes or axes[0] != 0 or axes[-1] >= x.ndim or len(set(axes)) != len(axes):
            raise ValueError(
                f"standardize_axes: expected different axes below {x.ndim} with 0, the samples, among them, got {axes}."
            )
        rows = np.arange(len(x)) if rows is None else np.sort(rows)
        blocks = [rows[k : k + BLOCK] for k in range(0, len(rows), BLOCK)]
        mean = cls._average(x, blocks, axes, lambda part: part)
        variance = cls._average(x, blocks, axes, lambda part: np.square(part - mean))
        deviation = np.sqrt(variance)
        # What varies less than float32 resolves is constant, however large it is.
        constant = deviation <= np.finfo(np.float32).eps * np.abs(mean)
        scale = np.where(constant, 1.0, 1.0 / np.where(constant, 1.0, deviation))
        return cls(mean[0].astype(np.float32), scale[0].astype(np.float32))

    @staticmethod
    def _average(x: Any, blocks: list[np.ndarray], axes: tuple[int, ...], value: Any) -> np.ndarray:
        total, count = 0.0, 0
        for rows in blocks:
            part = np.asarray(x[rows], np.float64)
            total = total + value(part).sum(axes, keepdims=True)
            count += np.prod([part.shape[axis] for axis in axes])
        return np.asarray(total / count)
