"""Dropout (Srivastava et al. 2014), inverted: training scales what it keeps, inference does nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.jit import aligned_empty
from nnlite.kernels import dropout as kernels
from nnlite.layers.base import Layer, Params, check_batch, check_dy


@dataclass(frozen=True)
class Dropout(Layer):
    """Set each value to zero with probability `rate` and scale the others by 1 / (1 - rate).

    The mask is a hash of a key and of the position, so backward recomputes it and nothing is kept.

    Parameters
    ----------
    rate : float
        Probability in [0, 1).
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"Dropout: rate: expected a probability in [0, 1), got {self.rate!r}.")

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        key = rng.integers(2**32, size=2, dtype=np.uint32)
        return self._mask(x, key), (key, x.shape, x.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        key, shape, dtype = cache
        return self._mask(check_dy(self, dy, shape, dtype), key), {}

    def _mask(self, x: np.ndarray, key: np.ndarray) -> np.ndarray:
        y = aligned_empty(x.shape, x.dtype)
        scale = x.dtype.type(1 / (1 - self.rate))
        kernels.dropout(x.reshape(-1), key, kernels.threshold(self.rate), scale, y.reshape(-1))
        return y
