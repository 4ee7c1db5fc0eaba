"""A matrix that comes in chunks of columns, of unknown length, made as narrow as a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# More columns than a picture has pixels can't be seen.
_COLUMNS = 4096


class Columns:
    """The columns of a matrix of unknown length, merged as they come so that a bounded number is kept."""

    def __init__(self, merge: Callable[[np.ndarray], np.ndarray], limit: int = _COLUMNS) -> None:
        self._merge, self._limit = merge, limit
        self._factor = 1  # columns that one stored column stands for
        self._merged: list[np.ndarray] = []
        self._rest: np.ndarray | None = None

    def add(self, chunk: np.ndarray) -> None:
        """Append columns, shape (n_rows, any number)."""
        chunk = chunk if self._rest is None else np.concatenate([self._rest, chunk], axis=1)
        whole = chunk.shape[1] // self._factor * self._factor
        self._merged.append(self._merge(chunk[:, :whole].reshape(len(chunk), -1, self._factor)))
        self._rest = chunk[:, whole:]
        while sum(part.shape[1] for part in self._merged) > 2 * self._limit:
            stored = np.concatenate(self._merged, axis=1)
            pairs = stored.shape[1] // 2 * 2
            if pairs < stored.shape[1]:
                self._rest = np.concatenate([np.repeat(stored[:, -1:], self._factor, axis=1), self._rest], axis=1)
            self._merged = [self._merge(stored[:, :pairs].reshape(len(stored), -1, 2))]
            self._factor *= 2

    def array(self) -> np.ndarray:
        """Return the columns so far, merged to at most twice the limit and one."""
        parts = list(self._merged)
        if self._rest is not None and self._rest.shape[1]:
            parts.append(self._merge(self._rest[:, np.newaxis, :]))
        return np.concatenate(parts, axis=1)
