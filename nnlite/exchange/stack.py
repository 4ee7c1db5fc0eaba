"""A network as other libraries would write it: layer by layer, nothing fused."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlite.layers.base import Layer, Params, Shape
from nnlite.layers.branches import Branching
from nnlite.network.sequential import Sequential
from nnlite.registry import REGISTRY


class Plain(NamedTuple):
    """A layer that does one thing.

    Attributes
    ----------
    layer : Layer
    input_shape : tuple of int
    source : str
        Index in the network of the layer that it comes from, "4", or "4.shortcut.0" inside of branches: what the names
        of its parameters begin with.
    """

    layer: Layer
    input_shape: Shape
    source: str

    def branches(self) -> dict[str, Iterator["Plain"]]:
        """Return the layers of each branch by its name, if this is a layer with branches."""
        if not isinstance(self.layer, Branching):
            return {}
        paths = self.layer.paths().items()
        return {name: _plain(layers, self.input_shape, f"{self.source}.{name}.") for name, layers in paths}

    def own(self, params: Params) -> dict[str, np.ndarray]:
        """Return the parameters of this layer, of those of the network."""
        prefix = f"{self.source}."
        return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}


def plain_layers(network: Sequential) -> Iterator[Plain]:
    """Return the layers of a network as written; those that are several in one are taken apart.

    Parameters
    ----------
    network : Sequential

    Examples
    --------
    >>> from nnlite.layers.conv import Conv2D, ConvMaxPool2D
    >>> network = Sequential([ConvMaxPool2D(Conv2D(8, 3))], input_shape=(10, 10, 1))
    >>> [(type(plain.layer).__name__, plain.input_shape) for plain in plain_layers(network)]
    [('Conv2D', (10, 10, 1)), ('MaxPool2D', (8, 8, 8))]
    """
    return _plain(network.layers, network.input_shape, "")


def _plain(layers: Sequence[Layer], shape: Shape, prefix: str) -> Iterator[Plain]:
    for source, layer in enumerate(layers):
        for part in layer.unfused():
            yield Plain(part, shape, f"{prefix}{source}")
            shape = part.output_shape(shape)


def declares(description: Any, name: str) -> bool:
    """Return whether a description's own class defines `name`: a subclass may compute something else than its base."""
    return name in vars(type(description))


def known(base: type, name: str) -> str:
    """Return the names of the library's descriptions that define `name` anew, for messages.

    Parameters
    ----------
    base : {Layer, Loss}
        Class that they derive from.
    name : str

    Examples
    --------
    >>> known(Layer, "torch_parameters")
    'BatchNorm, Conv2D, Dense, FrozenBatchNorm, GRU, LSTM, LayerNorm'
    """
    classes = [cls for cls in REGISTRY.values() if issubclass(cls, base)]
    return ", ".join(sorted(cls.__name__ for cls in classes if getattr(cls, name) is not getattr(base, name)))


def not_exchanged(who: str, plain: Plain, others: str, why: str = "") -> TypeError:
    """Return the error about a layer that another library has no counterpart for.

    Parameters
    ----------
    who : str
        Name of the caller, with which the error begins.
    plain : Plain
    others : str
        The layers that can.
    why : str
        Added at the end.
    """
    return TypeError(f"{who}: layers[{plain.source}]: expected one of {others}, got {plain.layer!r}.{why}")
