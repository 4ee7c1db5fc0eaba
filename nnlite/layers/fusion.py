"""Rewrite rules on neighbouring layers: the same function of the same parameters, computed with less work."""

from collections.abc import Sequence
from typing import NamedTuple

from nnlite.layers.activations import Activation
from nnlite.layers.base import Layer
from nnlite.layers.conv import Conv2D, ConvMaxPool2D
from nnlite.layers.dense import DenseActivation
from nnlite.layers.dropout import ActivationDropout
from nnlite.layers.pooling import MaxPool2D
from nnlite.layers.rectifiers import Rectifier

__all__ = ["Step", "commute", "fuse", "merge", "unfused"]


class Step(NamedTuple):
    """A layer that runs, and the index, in the network as written, of the layer with its parameters."""

    layer: Layer
    index: int  # type: ignore[assignment]  # hides tuple.index, which a step has no use for


def unfused(layers: Sequence[Layer]) -> tuple[Step, ...]:
    """Return the layers as written, one by one; nothing is fused inside of them either."""
    return tuple(Step(layer.as_written(), index) for index, layer in enumerate(layers))


def fuse(layers: Sequence[Layer]) -> tuple[Step, ...]:
    """Apply the rules until none applies."""
    return merge(commute(tuple(Step(layer, index) for index, layer in enumerate(layers))))


def commute(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Swap [non-decreasing activation, MaxPool2D] to [MaxPool2D, activation], since max f(z) = f(max z).

    The activation then works on the pooled array only. Equal up to ties and to the rounding of the activation, which in
    floating point is not perfectly monotone.
    """
    result: list[Step] = []
    for step in steps:
        place = len(result)
        if type(step.layer) is MaxPool2D:
            while place and _is_monotone(result[place - 1].layer):
                place -= 1
        result.insert(place, step)
    return tuple(result)


def _is_monotone(layer: Layer) -> bool:
    return isinstance(layer, (Activation, Rectifier)) and layer.monotone


def merge(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Join two neighbours that one pass can do.

    - [Conv2D, MaxPool2D with stride = size] -> ConvMaxPool2D, which computes a window's outputs in registers and stores
      the maximum.
    - [Activation, Dropout] -> ActivationDropout, which reads and writes the array once.
    - [Dense, Activation or ActivationDropout] -> DenseActivation, which adds the bias on the way.
    """
    result: list[Step] = []
    for step in steps:
        merged = _merged(result[-1].layer, step.layer) if result else None
        if merged is None:
            result.append(step)
        else:
            result[-1] = result[-1]._replace(layer=merged)
    return tuple(result)


def _merged(first: Layer, second: Layer) -> Layer | None:
    """Return the layer that does both, or None. Subclasses may do something else and stay as they are."""
    if type(first) is Conv2D and type(second) is MaxPool2D and ConvMaxPool2D.fits(second):
        return ConvMaxPool2D(first, second)
    if ActivationDropout.fits(first, second):
        return ActivationDropout(first, second)  # type: ignore[arg-type]
    if DenseActivation.fits(first, second):
        return DenseActivation(first, second)  # type: ignore[arg-type]
    if type(first) is DenseActivation and (inner := _merged(first.activation, second)):
        return DenseActivation(first.dense, inner)  # type: ignore[arg-type]
    return None
