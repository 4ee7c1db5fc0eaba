"""Tiles in 8 or 16 bits: whole numbers with a scale and an offset for each coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

LEVELS = {"uint8": (0, 255), "int16": (-32767, 32767)}


@dataclass(frozen=True)
class Coding:
    """A scale and an offset for each coefficient: value = scale * code + offset.

    Rounding is off by at most half a scale: 1/510 of a coefficient's range in 8 bits, 1/131068 in 16.
    """

    dtype: str
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.dtype not in LEVELS:
            raise ValueError(f"Coding: dtype: expected {' or '.join(LEVELS)}, got {self.dtype!r}")
        if len(self.scale) != len(self.offset) or not min(self.scale, default=1.0) > 0:
            raise ValueError("Coding: scale: expected a positive scale for each offset")
        if not np.all(np.abs([self.scale, self.offset]) < 1e30):  # also NaN
            raise ValueError("Coding: scale, offset: expected numbers below 1e30")

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Coding:
        """Return the coding that `dataclasses.asdict` described; ValueError for anything else."""
        fields = {"dtype": str, "scale": list, "offset": list}
        if description.keys() != fields.keys() or not all(isinstance(description[k], fields[k]) for k in fields):
            raise ValueError(
                f"Coding.from_dict: description: expected dtype, scale and offset, got {description}"[:300]
            )
        scale, offset = ([float(value) for value in description[name]] for name in ("scale", "offset"))
        return cls(description["dtype"], tuple(scale), tuple(offset))

    @classmethod
    def spanning(cls, low: np.ndarray, high: np.ndarray, dtype: str) -> Coding:
        """Return the finest coding for coefficients between `low` and `high`, each of shape (n_coefficients,)."""
        first, last = LEVELS[dtype]
        scale = np.where(high > low, (high.astype(np.float64) - low) / (last - first), 1.0)
        offset = low - scale * first
        return cls(dtype, tuple(scale.tolist()), tuple(offset.tolist()))

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        """Return codes of tiles of shape (n, n_coefficients, n_frames, 1); values outside the range are clipped."""
        first, last = LEVELS[self.dtype]
        scale, offset = self._columns(np.float64)
        return np.clip(np.rint((tiles - offset) / scale), first, last).astype(self.dtype)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the float32 values of codes of shape (n, n_coefficients, n_frames, 1)."""
        scale, offset = self._columns(np.float32)
        values = codes.astype(np.float32)
        values *= scale
        values += offset
        return values

    def _columns(self, dtype: type) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.scale, dtype)[:, None, None], np.array(self.offset, dtype)[:, None, None]


class CodedTiles:
    """Coded tiles that look like an array of float32: `tiles[rows]` decodes these rows, `np.asarray(tiles)` all."""

    dtype = np.dtype(np.float32)

    def __init__(self, codes: np.ndarray, coding: Coding) -> None:
        if codes.dtype != coding.dtype or codes.ndim != 4 or codes.shape[1] != len(coding.scale):
            raise ValueError(
                f"CodedTiles: codes: expected {coding.dtype} of shape (n, {len(coding.scale)}, n_frames, 1), "
                f"got {codes.dtype} of shape {codes.shape}"
            )
        self.codes, self.coding = codes, coding

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def ndim(self) -> int:
        return self.codes.ndim

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if rows is None or rows is Ellipsis:
            return np.asarray(self)[key]
        if isinstance(rows, (int, np.integer)):
            return self.coding.decode(self.codes[rows][None])[(0, *rest)]
        return self.coding.decode(self.codes[rows])[(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("CodedTiles: decoding makes a copy; copy=False is not possible")
        return self.coding.decode(self.codes[:]).astype(dtype or np.float32, copy=False)
