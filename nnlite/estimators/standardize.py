"""Scaling of inputs to mean 0 and deviation 1, with figures from the training samples alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 1024
"""Samples that are read at a time."""


@dataclass(frozen=True)
class Standardizer:
    """A scaling ``(x - mean) * scale``; the figures are constant along the axes over which they were taken.

    Attributes
    ----------
    mean, scale : ndarray
        float64 and float32, without the batch axis; `scale` is one over the deviation, and 0 where nothing varies.
    """

    mean: np.ndarray
    scale: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return a scaled float32 copy of samples. The mean is subtracted in the type of `x`, which loses no digits."""
        working = np.result_type(x.dtype, np.float32)
        result = x.astype(working)
        result -= self.mean.astype(working)
        result *= self.scale
        return result.astype(np.float32, copy=False)

    @classmethod
    def fit(cls, who: str, x: Any, axes: Sequence[int], rows: np.ndarray | None = None) -> "Standardizer":
        """Take mean and deviation over `axes` of `x`, axis 0 (the samples) among them, block by block in float64.

        Parameters
        ----------
        who : str
            The public function that was called: errors begin with it.
        x : array_like (n_samples, ...)
        axes : sequence of int
            (0,) gives each feature its own figures; (0, 2) on tiles (n, coefficients, frames, 1) each coefficient.
        rows : ndarray of int, optional
            The samples to look at; all by default.

        Raises
        ------
        ValueError
            If the axes are none of `x`, or there are no finite figures.
        """
        axes, ndim = tuple(sorted(axes)), len(x.shape)
        if not axes or axes[0] != 0 or axes[-1] >= ndim or len(set(axes)) != len(axes):
            raise ValueError(
                f"{who}: standardize_axes: expected different axes below {ndim} with 0, the samples, among them, got "
                f"{axes}."
            )
        rows = np.arange(len(x)) if rows is None else np.sort(rows)
        blocks = [rows[k : k + BLOCK] for k in range(0, len(rows), BLOCK)]
        with np.errstate(all="ignore"):
            mean = cls._average(x, blocks, axes, lambda part: part)
            deviation = np.sqrt(cls._average(x, blocks, axes, lambda part: np.square(part - mean)))
        if not np.isfinite(deviation).all():
            got = (
                "NaN or infinity (inf)" if not np.isfinite(mean).all() else "some that are too large for float32 (inf)"
            )
            raise ValueError(f"{who}: X: expected finite numbers, got {got}. Leave such samples out.")
        # What varies less than its digits resolve is constant, however large or small it is.
        wide = np.result_type(np.asarray(x[rows[:1]]).dtype, np.float32) == np.float64
        resolved = 1e-9 if wide else np.finfo(np.float32).eps
        constant = deviation <= np.maximum(resolved * np.abs(mean), np.finfo(np.float32).tiny)
        scale = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
        return cls(mean[0], scale[0].astype(np.float32))

    @staticmethod
    def _average(x: Any, blocks: list[np.ndarray], axes: tuple[int, ...], value: Any) -> np.ndarray:
        total, count = 0.0, 0
        for rows in blocks:
            part = np.asarray(x[rows], np.float64)
            total = total + value(part).sum(axes, keepdims=True)
            count += np.prod([part.shape[axis] for axis in axes])
        return np.asarray(total / count)
