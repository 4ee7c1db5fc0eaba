"""Layers that only change the shape."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.layers.base import Layer, Params, Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """One axis in place of all: (height, width, channels) becomes (height * width * channels,)."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return self.apply(params, x), x.shape

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return dy.reshape(cache) if input_grad else None, {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), math.prod(x.shape[1:]))
