"""Global pooling: one value for each channel, over all steps of a sequence or all positions of an image."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import OnnxNode
from nnlite.layers.sequences import step_counts
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["GlobalAveragePooling", "GlobalMaxPooling"]


@dataclass(frozen=True)
class _GlobalPooling(Layer):
    """The common base of the two. Arrays are taken as (N, positions, channels)."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 2 or min(input_shape) < 1:
            raise ValueError(
                f"{type(self).__name__}: expected input of shape (steps, features) or (height, width, channels), got "
                f"{input_shape}."
            )
        return input_shape[-1:]

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.forward(params, x, None)[0]  # type: ignore[arg-type]

    def _positions(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `x` as (N, positions, channels), and how many positions of each sample count."""
        x = check_batch(self, x)
        self.output_shape(x.shape[1:])
        size = math.prod(x.shape[1:-1])
        counts = step_counts(x) if x.ndim == 3 else np.full(len(x), size)
        return x.reshape(len(x), size, x.shape[-1]), counts


@dataclass(frozen=True)
class GlobalAveragePooling(_GlobalPooling):
    """The mean over all axes but the last. (steps, features) or (height, width, channels) becomes one value a channel.

    Steps at the end of a sequence that are NaN throughout are padding (see :mod:`nnlite.layers.sequences`) and don't
    count. A sequence without any step gives NaN.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [np.nan]]])
    >>> GlobalAveragePooling().apply({}, x)
    array([[2.]])
    """

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        rows, counts = self._positions(x)
        y = aligned_empty((len(rows), rows.shape[2]), rows.dtype)
        for sample, count, mean in zip(rows, counts, y, strict=True):
            mean[...] = sample[:count].mean(axis=0) if count else np.nan
        return y, (x.shape, rows.shape, counts, rows.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, flat, counts, dtype = cache
        dy = check_dy(self, dy, (shape[0], shape[-1]), dtype)
        dx = aligned_zeros(flat, dtype)
        for sample, count, gradient in zip(dx, counts, dy, strict=True):
            sample[:count] = gradient / max(count, 1)
        return dx.reshape(shape), {}

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return _reduction("ReduceMean", input_shape)


@dataclass(frozen=True)
class GlobalMaxPooling(_GlobalPooling):
    """The maximum over all axes but the last.

    (steps, features) or (height, width, channels) becomes one value a channel.

    NaN is larger than everything, but for steps at the end of a sequence that are NaN throughout: they are padding (see
    :mod:`nnlite.layers.sequences`). A sequence without any step gives NaN.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [np.nan]]])
    >>> GlobalMaxPooling().apply({}, x)
    array([[3.]])
    """

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        rows, counts = self._positions(x)
        places = np.zeros((len(rows), 1, rows.shape[2]), np.intp)
        for sample, count, place in zip(rows, counts, places, strict=True):
            if count:
                place[0] = sample[:count].argmax(axis=0)
        # Without a step the first position is taken, which then is NaN.
        y = np.take_along_axis(rows, places, axis=1)[:, 0]
        return y, (x.shape, rows.shape, counts, places, rows.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        shape, flat, counts, places, dtype = cache
        dy = check_dy(self, dy, (shape[0], shape[-1]), dtype)
        dx = aligned_zeros(flat, dtype)
        np.put_along_axis(dx, places, np.where(counts[:, np.newaxis] > 0, dy, 0)[:, np.newaxis], axis=1)
        return dx.reshape(shape), {}

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return _reduction("ReduceMax", input_shape)


def _reduction(operator: str, input_shape: Shape) -> list[OnnxNode]:
    """Return an operation over all axes but the first and the last. ONNX knows no padding: it wants whole sequences."""
    return [OnnxNode(operator, attributes={"axes": list(range(1, len(input_shape))), "keepdims": 0})]
