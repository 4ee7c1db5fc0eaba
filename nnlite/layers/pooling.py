"""Pooling over windows of an image."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.kernels import pooling as kernels
from nnlite.layers.base import Layer, Pair, Params, Shape, as_pair, check_batch, check_dy, check_image_shape
from nnlite.layers.counterparts import OnnxNode
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["AveragePool2D", "MaxPool2D"]


def pool_output_length(length: int, pool: int, stride: int) -> int:
    """Return the number of windows that fit into `length` positions; positions that fill no window are left out.

    >>> pool_output_length(23, 2, 2)
    11
    """
    return (length - pool) // stride + 1


@dataclass(frozen=True)
class _Pool2D(Layer):
    """The common base of poolings over windows of an image."""

    pool_size: int | tuple[int, int] = 2
    stride: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        who = type(self).__name__
        object.__setattr__(self, "pool_size", as_pair(who, "pool_size", self.pool_size))
        stride = self.pool_size if self.stride is None else self.stride
        object.__setattr__(self, "stride", as_pair(who, "stride", stride))

    @property
    def window(self) -> tuple[int, int]:
        """The `pool_size`, which is a pair once the layer is made."""
        return self.pool_size  # type: ignore[return-value]

    @property
    def steps(self) -> tuple[int, int]:
        """The `stride`, which is a pair once the layer is made."""
        return self.stride  # type: ignore[return-value]

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(type(self).__name__, input_shape)
        height, width, channels = input_shape
        (p, q), (s, t) = self.window, self.steps
        if height < p or width < q:
            raise ValueError(
                f"{type(self).__name__}: expected input of at least {p} x {q} positions, got {height} x {width}. "
                "Leave out a pooling layer or use a smaller window."
            )
        return pool_output_length(height, p, s), pool_output_length(width, q, t), channels

    def receptive_window(self) -> tuple[Pair, Pair]:
        return self.window, self.steps


@dataclass(frozen=True)
class MaxPool2D(_Pool2D):
    """The largest value of each window, channel by channel; NaN is larger than everything.

    Parameters
    ----------
    pool_size : int or pair of int
        Height and width of a window.
    stride : int or pair of int, optional
        Distance between windows; by default they touch without overlap.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if math.prod(self.window) > 256:
            raise ValueError(f"MaxPool2D: pool_size: expected at most 256 positions in a window, got {self.pool_size}.")

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        shape = (len(x), *self.output_shape(x.shape[1:]))
        y, argmax = aligned_empty(shape, x.dtype), aligned_empty(shape, np.uint8)
        kernels.max_pool(x, *self.window, *self.steps, y, argmax)
        return y, (x.shape, x.dtype, argmax)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, dtype, argmax = cache
        dy = check_dy(self, dy, argmax.shape, dtype)
        dx = aligned_zeros(shape, dtype)
        kernels.max_pool_grad(dy, argmax, *self.window, *self.steps, dx)
        return dx, {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.forward(params, x, None)[0]  # type: ignore[arg-type]

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        attributes = {"kernel_shape": list(self.window), "strides": list(self.steps)}
        return [OnnxNode("MaxPool", attributes=attributes, channels="first")]


@dataclass(frozen=True)
class AveragePool2D(_Pool2D):
    """The mean of each window, channel by channel.

    Parameters
    ----------
    pool_size : int or pair of int
        Height and width of a window.
    stride : int or pair of int, optional
        Distance between windows; by default they touch without overlap.
    """

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        y = aligned_zeros((len(x), *self.output_shape(x.shape[1:])), x.dtype)
        for place in self._places(y.shape):
            y += x[place]
        y /= math.prod(self.window)
        return y, (x.shape, y.shape, x.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, output_shape, dtype = cache
        share = check_dy(self, dy, output_shape, dtype) / dtype.type(math.prod(self.window))
        dx = aligned_zeros(shape, dtype)
        for place in self._places(output_shape):
            dx[place] += share
        return dx, {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.forward(params, x, None)[0]  # type: ignore[arg-type]

    def _places(self, output_shape: Shape) -> Iterator[tuple[slice, slice, slice]]:
        """Yield for each position in a window the slices that pick it from all windows at once."""
        (height, width), (s, t) = self.window, self.steps
        for row, column in np.ndindex(height, width):
            yield (
                slice(None),
                slice(row, row + (output_shape[1] - 1) * s + 1, s),
                slice(column, column + (output_shape[2] - 1) * t + 1, t),
            )

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        attributes = {"kernel_shape": list(self.window), "strides": list(self.steps)}
        return [OnnxNode("AveragePool", attributes=attributes, channels="first")]
