"""A layer that is applied to every step of a sequence."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.sequences import step_counts
from nnlite.layers.whole_batch import WholeBatch, alone
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["TimeDistributed"]


@dataclass(frozen=True)
class TimeDistributed(Layer):
    """A layer applied to each step of a sequence: (steps, ...) becomes (steps, *output shape of the layer).

    Padding, the steps at the end that are NaN throughout (see :mod:`nnlite.layers.sequences`), stays padding: the layer
    doesn't see it and gets no gradient from it, and costs nothing there. Layers with parameters, such as Dense and
    LayerNorm, need this where there is padding.

    Parameters
    ----------
    layer : Layer

    Examples
    --------
    >>> import nnlite as nn
    >>> nn.TimeDistributed(nn.Conv2D(8, 3)).output_shape((20, 40, 100, 1))
    (20, 38, 98, 8)
    """

    layer: Layer

    def __post_init__(self) -> None:
        if not isinstance(self.layer, Layer):
            raise TypeError(f"TimeDistributed: layer: expected a layer, got {self.layer!r}.")

    @property
    def initializer(self) -> Any:
        """The initializer of the layer, if it has one."""
        inner: Any = self.layer
        return inner.initializer

    def with_gain(self, gain: float) -> Self:
        return dataclasses.replace(self, layer=self.layer.with_gain(gain))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 2 or input_shape[0] < 1:
            raise ValueError(
                f"TimeDistributed: expected input of shape (steps, ...) with one step or more, got {input_shape}."
            )
        return (input_shape[0], *self.layer.output_shape(input_shape[1:]))

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        return self.layer.init(input_shape[1:], rng, dtype)

    def prepare(self, params: Params) -> Params:
        return self.layer.prepare(params)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return alone(self.forward_shard(params, x, rng))

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return alone(self.backward_shard(params, cache, dy, input_grad))

    def forward_shard(
        self, params: Params, x: np.ndarray, rng: np.random.Generator
    ) -> WholeBatch[tuple[np.ndarray, Any]]:
        x = check_batch(self, x)
        there = _there(x)
        y, cache = yield from self.layer.forward_shard(params, _steps(x, there), rng)
        return self._spread(x, y, there), (x.shape, there, cache)

    def backward_shard(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, np.ndarray]]]:
        shape, there, inner = cache
        dy = check_dy(self, dy, (shape[0], *self.output_shape(shape[1:])), dy.dtype)
        dx, grads = yield from self.layer.backward_shard(params, inner, _steps(dy, there), input_grad)
        if dx is None or there is None:
            return (None if dx is None else dx.reshape(shape)), grads
        whole = aligned_zeros((len(there), *dx.shape[1:]), dx.dtype)
        whole[there] = dx
        return whole.reshape(shape), grads

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = check_batch(self, x)
        there = _there(x)
        return self._spread(x, self.layer.apply(params, _steps(x, there)), there)

    def untrained(self) -> tuple[str, ...]:
        return self.layer.untrained()

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        return self.layer.follow(params, cache[2])

    def as_written(self) -> Layer:
        return dataclasses.replace(self, layer=self.layer.as_written())

    def noiseless(self) -> Layer:
        return dataclasses.replace(self, layer=self.layer.noiseless())

    def multiply_adds(self, input_shape: Shape) -> int:
        return input_shape[0] * self.layer.multiply_adds(input_shape[1:])

    def _spread(self, x: np.ndarray, y: np.ndarray, there: np.ndarray | None) -> np.ndarray:
        shape = (len(x), *self.output_shape(x.shape[1:]))
        if there is None:
            return y.reshape(shape)
        whole = aligned_empty((len(there), *y.shape[1:]), y.dtype)
        whole.fill(np.nan)
        whole[there] = y
        return whole.reshape(shape)


def _there(x: np.ndarray) -> np.ndarray | None:
    """Return a mask (N * steps,) of the steps that are not padding, or None if none is."""
    there = np.arange(x.shape[1]) < step_counts(x)[:, np.newaxis]
    return None if there.all() else there.reshape(-1)


def _steps(x: np.ndarray, there: np.ndarray | None) -> np.ndarray:
    """Return the steps of all samples one after the other, without padding."""
    steps = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    return steps if there is None else steps[there]
