"""Layers one after the other: the loops over them, for networks and for layers that hold layers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nnlite.layers import fusion
from nnlite.layers.base import Layer, Pair, Params, Shape
from nnlite.layers.whole_batch import WholeBatch, alone

__all__ = ["Chain", "gain_after", "parameters_by_layer", "receptive_window"]

Parts = dict[int, dict[str, np.ndarray]]


class Chain:
    """Layers as written, and the plan that runs.

    Parameters of a chain are named "<index of the layer>.<name>"; its methods take them by layer, as
    `parameters_by_layer` returns them.

    Parameters
    ----------
    layers : sequence of Layer
    fuse : bool
        Rewrite neighbouring layers into faster ones (:mod:`nnlite.layers.fusion`). Parameters are the same either way.

    Attributes
    ----------
    layers : tuple of Layer
    plan : tuple of Step
    """

    def __init__(self, layers: Sequence[Layer], fuse: bool = True) -> None:
        self.layers = tuple(layers)
        self.plan = fusion.fuse(self.layers) if fuse else fusion.unfused(self.layers)

    def shapes(self, who: str, input_shape: Shape) -> tuple[Shape, ...]:
        """Return the input of each layer, and last the output. A layer that can't take its input raises ValueError."""
        shapes = [input_shape]
        for index, layer in enumerate(self.layers):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except ValueError as error:
                raise ValueError(
                    f"{who}: layers[{index}] = {layer!r} after output of shape {shapes[-1]}: {error}"
                ) from error
        return tuple(shapes)

    def multiply_adds(self, shapes: Sequence[Shape]) -> int:
        """Return the number of multiplications with a weight for one sample."""
        return sum(layer.multiply_adds(shape) for layer, shape in zip(self.layers, shapes, strict=False))

    def init(self, shapes: Sequence[Shape], rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        """Return fresh parameters; `shapes` are those that `shapes` returns."""
        params: dict[str, np.ndarray] = {}
        for index, layer in enumerate(self.layers):
            fresh = layer.with_gain(gain_after(self.layers[index + 1 :]) or 1.0).init(shapes[index], rng, dtype)
            params |= {f"{index}.{name}": value for name, value in fresh.items()}
        return params

    def prepare(self, parts: Parts) -> Iterator[tuple[int, Params]]:
        """Add to `parts` what the layers derive from them. Yield the index of each layer that does, and its part."""
        for layer, index in self.plan:
            derived = layer.prepare(parts[index])
            if derived is not parts[index]:
                parts[index] = dict(derived)
                yield index, derived

    def forward(self, parts: Parts, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[Any]]:
        """Return the output in training, and what `backward` will need."""
        return alone(self.forward_shard(parts, x, rng))

    def forward_shard(
        self, parts: Parts, x: np.ndarray, rng: np.random.Generator
    ) -> WholeBatch[tuple[np.ndarray, list[Any]]]:
        """Do what `forward` does for a shard of a batch, see :mod:`nnlite.layers.whole_batch`."""
        caches = []
        for layer, index in self.plan:
            x, cache = yield from layer.forward_shard(parts[index], x, rng)
            caches.append(cache)
        return x, caches

    def backward(
        self, parts: Parts, caches: Sequence[Any], dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, Any]]:
        """Return the gradients with respect to the input (None unless `input_grad`) and, by name, to each parameter."""
        return alone(self.backward_shard(parts, caches, dy, input_grad))

    def backward_shard(
        self, parts: Parts, caches: Sequence[Any], dy: np.ndarray, input_grad: bool = True
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, Any]]]:
        """Do what `backward` does for a shard of a batch."""
        # Layers before the first weights have nothing to learn.
        first = 0 if input_grad else next((k for k, step in enumerate(self.plan) if parts[step.index]), len(self.plan))
        grads: dict[str, Any] = {}
        gradient: Any = dy
        for k in range(len(self.plan) - 1, first - 1, -1):
            layer, index = self.plan[k]
            into = input_grad or k > first
            gradient, inner = yield from layer.backward_shard(parts[index], caches[k], gradient, into)
            grads |= {f"{index}.{name}": value for name, value in inner.items()}
        return (gradient if input_grad else None), grads

    def follow(self, parts: Parts, caches: Sequence[Any]) -> dict[str, np.ndarray]:
        """Return new values of the parameters that no gradient moves, by name."""
        return {
            f"{index}.{name}": value
            for (layer, index), cache in zip(self.plan, caches, strict=True)
            for name, value in layer.follow(parts[index], cache).items()
        }

    def untrained(self) -> tuple[str, ...]:
        """Return the names of the parameters that no gradient moves."""
        return tuple(f"{index}.{name}" for index, layer in enumerate(self.layers) for name in layer.untrained())

    def apply(self, parts: Parts, x: np.ndarray) -> np.ndarray:
        """Return the output in inference: a new array or a view of `x`."""
        y, is_ours = x, False
        for layer, index in self.plan:
            y = (layer.apply_over if is_ours else layer.apply)(parts[index], y)
            is_ours = is_ours or not np.may_share_memory(y, x)
        return y


def parameters_by_layer(params: Params) -> Parts:
    """Return for the index of each layer its parameters, under the names that the layer gave them."""
    parts: Parts = defaultdict(dict)
    for name, value in params.items():
        index, _, inner = name.partition(".")
        parts[int(index)][inner] = value
    return parts


def gain_after(following: Sequence[Layer]) -> float | None:
    """Return the gain of the next activation, 1 if other weights come before one, or None if neither comes."""
    return next((gain for gain in (layer.gain_before() for layer in following) if gain is not None), None)


def receptive_window(layers: Sequence[Layer], reach: Pair = (1, 1), jump: Pair = (1, 1)) -> tuple[Pair, Pair]:
    """Return the input positions that one output position sees, and the distance between two outputs in the input.

    `reach` and `jump` are those of what comes before the layers.
    """
    for layer in layers:
        for part in layer.unfused():
            window, steps = part.receptive_window()
            reach = reach[0] + (window[0] - 1) * jump[0], reach[1] + (window[1] - 1) * jump[1]
            jump = jump[0] * steps[0], jump[1] * steps[1]
    return reach, jump
