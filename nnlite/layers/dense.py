"""Fully-connected layer."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlite.initializers import Glorot, Initializer
from nnlite.layers.base import Layer, Params, Shape, check_dy, is_positive_integer
from nnlite.products import matmul


@dataclass(frozen=True)
class Dense(Layer):
    """y = x W + b on the last axis.

    Parameters
    ----------
    units : int
        Number of outputs.
    initializer : callable
        Of the weight, shape (inputs, units); see :mod:`nnlite.initializers`. The bias starts at zero.
    """

    units: int
    initializer: Initializer = field(default=Glorot())

    def __post_init__(self) -> None:
        if not is_positive_integer(self.units):
            raise ValueError(f"Dense: units: expected a positive integer, got {self.units!r}.")
        object.__setattr__(self, "units", int(self.units))

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError("Dense: expected input of shape (..., features), got ().")
        return (*input_shape[:-1], self.units)

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        weight = self.initializer((input_shape[-1], self.units), rng, dtype)
        return {"weight": weight, "bias": np.zeros(self.units, dtype)}

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return self.apply(params, x), x

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        x, weight = cache, params["weight"]
        dy = check_dy(self, dy, (*x.shape[:-1], self.units), x.dtype)
        rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, self.units)
        grads = {"weight": matmul(rows.T, dy_rows), "bias": dy_rows.sum(0)}
        return matmul(dy_rows, weight.T).reshape(x.shape) if input_grad else None, grads

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
        y = matmul(rows, params["weight"])
        y += params["bias"]
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], self.units)

    def multiply_adds(self, input_shape: Shape) -> int:
        return int(np.prod(input_shape)) * self.units
