"""A network as other libraries would write it: layer by layer, nothing fused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from nnlite.layers.base import Layer, Shape
from nnlite.network.sequential import Sequential
from nnlite.registry import REGISTRY


class Plain(NamedTuple):
    """A layer that does one thing.

    Attributes
    ----------
    layer : Layer
    input_shape : tuple of int
    source : int
        Index in the network of the layer that it comes from; it has the parameters of that layer.
    """

    layer: Layer
    input_shape: Shape
    source: int


def plain_layers(network: Sequential) -> Iterator[Plain]:
    """Yield the layers of a network as written; those that are several in one are taken apart.

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
    for source, layer in enumerate(network.layers):
        shape = network.shapes[source]
        for part in layer.unfused():
            yield Plain(part, shape, source)
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
