"""A network as other libraries would write it: layer by layer, nothing fused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from nnlite.layers.base import Layer, Shape
from nnlite.layers.conv import ConvMaxPool2D
from nnlite.layers.dense import DenseActivation
from nnlite.layers.dropout import ActivationDropout
from nnlite.network import Sequential
from nnlite.registry import REGISTRY


class Plain(NamedTuple):
    """A layer that does one thing.

    Attributes
    ----------
    layer : Layer
    input_shape : tuple of int
    source : int
        Place in the network of the layer that it comes from, whose parameters it takes.
    """

    layer: Layer
    input_shape: Shape
    source: int


def plain_layers(network: Sequential) -> Iterator[Plain]:
    """The layers of a network as written, those that are several in one taken apart.

    Parameters
    ----------
    network : Sequential

    Examples
    --------
    >>> from nnlite.layers.conv import Conv2D
    >>> network = Sequential([ConvMaxPool2D(Conv2D(8, 3))], input_shape=(10, 10, 1))
    >>> [(type(plain.layer).__name__, plain.input_shape) for plain in plain_layers(network)]
    [('Conv2D', (10, 10, 1)), ('MaxPool2D', (8, 8, 8))]
    """
    for source, layer in enumerate(network.layers):
        shape = network.shapes[source]
        for part in _parts(layer):
            yield Plain(part, shape, source)
            shape = part.output_shape(shape)


def _parts(layer: Layer) -> tuple[Layer, ...]:
    if type(layer) is ConvMaxPool2D:
        return layer.conv, layer.pool
    if type(layer) is DenseActivation:
        return layer.dense, *_parts(layer.activation)
    if type(layer) is ActivationDropout:
        return layer.activation, layer.dropout
    return (layer,)


def declares(description: Any, name: str) -> bool:
    """Return whether a description's own class defines `name`: a subclass may compute something else than its base."""
    return name in vars(type(description))


def known(family: str, name: str) -> str:
    """Return the names of the library's descriptions whose class defines `name`, for messages.

    Parameters
    ----------
    family : {"layers", "losses"}
    name : str
    """
    classes = [cls for key, cls in REGISTRY.items() if key.startswith(f"{family}.") and name in vars(cls)]
    return ", ".join(sorted(cls.__name__ for cls in classes))


def not_exchanged(who: str, plain: Plain, others: str, why: str = "") -> TypeError:
    """The error about a layer that can't be said in another library's words.

    Parameters
    ----------
    who : str
        What the error begins with.
    plain : Plain
    others : str
        The layers that can.
    why : str
        Added at the end.
    """
    return TypeError(f"{who}: layers[{plain.source}]: expected one of {others}, got {plain.layer!r}.{why}")
