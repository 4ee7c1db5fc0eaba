"""Rewrite rules on neighbouring layers: the same function of the same parameters, computed with less work."""

from collections.abc import Sequence
from typing import NamedTuple

from nnlite.layers.activations import Activation
from nnlite.layers.base import Layer
from nnlite.layers.conv import Conv2D, ConvMaxPool2D
from nnlite.layers.pooling import MaxPool2D


class Step(NamedTuple):
    """A layer that runs, and the place in the network as written of the layer whose parameters it takes."""

    layer: Layer
    index: int  # type: ignore[assignment]  # hides tuple.index, which a step has no use for


def unfused(layers: Sequence[Layer]) -> tuple[Step, ...]:
    """The layers as written, one by one."""
    return tuple(Step(layer, index) for index, layer in enumerate(layers))


def fuse(layers: Sequence[Layer]) -> tuple[Step, ...]:
    """Apply the rules until none applies."""
    return merge(commute(unfused(layers)))


def commute(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """[non-decreasing activation, MaxPool2D] -> [MaxPool2D, activation], since max f(z) = f(max z).

    The activation then works on the pooled array only. Equal up to ties and to the rounding of the activation, which in
    floating point is not perfectly monotone.
    """
    result: list[Step] = []
    for step in steps:
        place = len(result)
        if type(step.layer) is MaxPool2D:
            while place and isinstance(activation := result[place - 1].layer, Activation) and activation.monotone:
                place -= 1
        result.insert(place, step)
    return tuple(result)


def merge(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """[Conv2D, MaxPool2D with stride = size] -> ConvMaxPool2D.

    A window's outputs are computed in registers and their maximum alone is stored.
    """
    result: list[Step] = []
    for step in steps:
        conv = result[-1].layer if result else None
        # A subclass may compute something else.
        if type(conv) is Conv2D and type(step.layer) is MaxPool2D and ConvMaxPool2D.fits(step.layer):
            result[-1] = Step(ConvMaxPool2D(conv, step.layer), result[-1].index)
        else:
            result.append(step)
    return tuple(result)
