"""The layers of a network as nodes of an ONNX graph; no package is needed to describe them.

Images are channels-last here and channels-first in ONNX: a graph transposes them where layers that work on images
begin and where they end, and leaves them as they are for layers to which the order doesn't matter.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.exchange.stack import Plain, not_exchanged, plain_layers
from nnlite.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from nnlite.layers.base import Layer
from nnlite.layers.conv import Conv2D, same_padding
from nnlite.layers.dense import Dense
from nnlite.layers.dropout import Dropout
from nnlite.layers.pooling import MaxPool2D
from nnlite.layers.reshape import Flatten
from nnlite.network import Sequential
from nnlite.standardize import Standardizer

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


class Node(NamedTuple):
    """An operation on named values.

    Attributes
    ----------
    operator : str
        Of ONNX.
    inputs : tuple of str
    output : str
    attributes : dict
    """

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


class Graph:
    """Nodes that follow each other, from one value to the next; there may be several such chains.

    Attributes
    ----------
    value : str
        Name of what the last node gives; at first that of the input.
    nodes : list of Node
    arrays : dict of ndarray
        Constants that nodes take: float32.
    """

    INPUT = "input"

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.begin()

    def begin(self, value: str = INPUT, folder: str = "") -> None:
        """Go on from the input or another value.

        Parameters
        ----------
        value : str
        folder : str
            What the names of constants begin with.
        """
        self.value, self._folder, self._channels_first = value, folder, False

    def add(
        self,
        operator: str,
        constants: Mapping[str, ArrayLike] | None = None,
        others: Sequence[str] = (),
        **attributes: Any,
    ) -> str:
        """Apply an operation to the last value.

        Parameters
        ----------
        operator : str
        constants : dict of array_like, optional
            Name -> array of each further input, in their order.
        others : sequence of str
            Values that come after the constants.
        **attributes

        Returns
        -------
        str
            The value that it gives, which is the last now.
        """
        names = [f"{self._folder}{name}" for name in constants or {}]
        for name, array in zip(names, (constants or {}).values(), strict=True):
            self.arrays[name] = np.ascontiguousarray(array, np.float32)
        output = f"{len(self.nodes)}.{operator}"
        self.nodes.append(Node(operator, (self.value, *names, *others), output, attributes))
        self.value = output
        return output

    def channels_first(self) -> None:
        """Make the last value, an image, one that ONNX's operations on images take."""
        if not self._channels_first:
            self.add("Transpose", perm=TO_CHANNELS_FIRST)
        self._channels_first = True

    def channels_last(self) -> None:
        """Make the last value one as layers give it."""
        if self._channels_first:
            self.add("Transpose", perm=TO_CHANNELS_LAST)
        self._channels_first = False

    def end(self, name: str) -> None:
        """Give the last value a name.

        Parameters
        ----------
        name : str
        """
        if not self.nodes:
            self.add("Identity")
        self.nodes[-1] = self.nodes[-1]._replace(output=name)
        self.value = name


def add_network(graph: Graph, network: Sequential, params: Mapping[str, np.ndarray]) -> None:
    """Add what the layers of a network do in inference; the last value is then as they give it.

    Parameters
    ----------
    graph : Graph
    network : Sequential
    params : dict

    Raises
    ------
    TypeError
        If there is no translation for a layer.
    """
    for plain in plain_layers(network):
        translation = _TRANSLATIONS.get(type(plain.layer))
        if translation is None:
            raise not_exchanged("to_onnx", plain, SUPPORTED)
        translation(graph, plain, params)
    graph.channels_last()


def add_standardizer(graph: Graph, standardizer: Standardizer | None) -> None:
    """Add the scaling of samples, if there is one.

    Parameters
    ----------
    graph : Graph
    standardizer : Standardizer or None
    """
    if standardizer is not None:
        graph.add("Sub", {"mean": standardizer.mean})
        graph.add("Mul", {"scale": standardizer.scale})


def _conv(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    layer: Any = plain.layer
    pads = [0, 0, 0, 0]
    if layer.padding == "same":
        margins = [same_padding(plain.input_shape[axis], layer.kernel[axis], layer.steps[axis]) for axis in (0, 1)]
        pads = [before for before, _ in margins] + [after for _, after in margins]
    graph.channels_first()
    weight, bias = f"{plain.source}.weight", f"{plain.source}.bias"
    constants = {weight: params[weight].transpose(3, 2, 0, 1), bias: params[bias]}
    graph.add("Conv", constants, kernel_shape=list(layer.kernel), strides=list(layer.steps), pads=pads)


def _max_pool(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    layer: Any = plain.layer
    graph.channels_first()
    graph.add("MaxPool", kernel_shape=list(layer.window), strides=list(layer.steps))


def _dense(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    graph.channels_last()
    for operator, name in (("MatMul", f"{plain.source}.weight"), ("Add", f"{plain.source}.bias")):
        graph.add(operator, {name: params[name]})


def _flatten(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    graph.channels_last()
    graph.add("Flatten", axis=1)


def _softmax(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    graph.channels_last()
    graph.add("Softmax", axis=-1)


def _element_wise(operator: str) -> Callable[[Graph, Plain, Mapping[str, np.ndarray]], None]:
    def add(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
        graph.add(operator)

    return add


def _nothing(graph: Graph, plain: Plain, params: Mapping[str, np.ndarray]) -> None:
    """The identity, and noise, which inference leaves out."""


_TRANSLATIONS: dict[type[Layer], Callable[[Graph, Plain, Mapping[str, np.ndarray]], None]] = {
    Conv2D: _conv,
    Dense: _dense,
    Dropout: _nothing,
    Flatten: _flatten,
    Layer: _nothing,
    MaxPool2D: _max_pool,
    ReLU: _element_wise("Relu"),
    Sigmoid: _element_wise("Sigmoid"),
    Softmax: _softmax,
    Tanh: _element_wise("Tanh"),
}
SUPPORTED = ", ".join(sorted(kind.__name__ for kind in _TRANSLATIONS))
