"""Layers that only change the shape."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import is_integer, is_positive_integer
from nnlite.layers.base import Layer, Params, Shape, check_dy
from nnlite.layers.counterparts import OnnxNode

__all__ = ["Flatten", "Permute", "Reshape"]


@dataclass(frozen=True)
class Flatten(Layer):
    """A layer that joins all axes to one: (height, width, channels) becomes (height * width * channels,)."""

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

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Flatten", attributes={"axis": 1})]


@dataclass(frozen=True)
class Reshape(Layer):
    """A layer that gives the same values, in the same order, another shape.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample; one length may be -1, which stands for the rest.

    Examples
    --------
    >>> Reshape((100, -1)).output_shape((100, 8, 5))
    (100, 40)
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, (tuple, list)) else (self.shape,)
        lengths = [v for v in shape if not (is_integer(v) and v == -1)]
        if not shape or not all(map(is_positive_integer, lengths)) or len(shape) - len(lengths) > 1:
            raise ValueError(
                f"Reshape: shape: expected positive integers, one of which may be -1 instead, got {self.shape!r}."
            )
        object.__setattr__(self, "shape", tuple(int(v) for v in shape))

    def output_shape(self, input_shape: Shape) -> Shape:
        size, known = math.prod(input_shape), math.prod(v for v in self.shape if v != -1)
        if size % known or (-1 not in self.shape and size != known):
            raise ValueError(f"Reshape: expected as many values as {self.shape} has, got {input_shape}.")
        return tuple(size // known if v == -1 else v for v in self.shape)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return self.apply(params, x), (x.shape, x.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, dtype = cache
        return check_dy(self, dy, (shape[0], *self.output_shape(shape[1:])), dtype).reshape(shape), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), *self.output_shape(x.shape[1:]))


@dataclass(frozen=True)
class Permute(Layer):
    """A layer that puts the axes in another order.

    A tile (mels, frames, 1) or the output of a convolution (height, width, channels) becomes a sequence over its
    columns by ``Permute((1, 0, 2))`` and ``Reshape((width, -1))``.

    Parameters
    ----------
    axes : tuple of int
        Axes of a sample, counted from 0 without the batch axis: the first one of the output is ``axes[0]`` of the
        input.

    Examples
    --------
    >>> Permute((1, 0, 2)).output_shape((40, 100, 1))
    (100, 40, 1)
    """

    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        axes = tuple(self.axes) if isinstance(self.axes, (tuple, list)) else ()
        whole = all(isinstance(axis, (int, np.integer)) and not isinstance(axis, bool) for axis in axes)
        if not axes or not whole or sorted(axes) != list(range(len(axes))):
            raise ValueError(f"Permute: axes: expected each of 0, 1, ... once, got {self.axes!r}.")
        object.__setattr__(self, "axes", tuple(int(axis) for axis in axes))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != len(self.axes):
            raise ValueError(f"Permute: expected input with {len(self.axes)} axes, got {input_shape}.")
        return tuple(input_shape[axis] for axis in self.axes)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return self.apply(params, x), (x.shape, x.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, dtype = cache
        dy = check_dy(self, dy, (shape[0], *self.output_shape(shape[1:])), dtype)
        return np.ascontiguousarray(dy.transpose(0, *(int(axis) + 1 for axis in np.argsort(self.axes)))), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x.transpose(0, *(axis + 1 for axis in self.axes)))
