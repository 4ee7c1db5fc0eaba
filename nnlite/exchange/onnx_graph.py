"""The layers of a network as nodes of an ONNX graph; no package is needed to describe them.

Images are channels-last here and channels-first in ONNX: a graph transposes them where layers that work on images
begin and where they end, and leaves them as they are for layers to which the order doesn't matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlite.estimators.standardize import Standardizer
from nnlite.exchange.stack import Plain, declares, known, not_exchanged, plain_layers
from nnlite.layers.base import Layer
from nnlite.layers.branches import Parallel, Residual
from nnlite.layers.counterparts import OnnxNode
from nnlite.network.sequential import Sequential

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


Place = tuple[str, bool]


class Node(NamedTuple):
    """An operation on named values.

    Attributes
    ----------
    operator : str
        Name of an operator of ONNX.
    inputs : tuple of str
    output : str
    attributes : dict
    """

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


class Graph:
    """A graph of nodes that follow each other, from one value to the next; there may be several such chains.

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
            Prefix of the names of constants.
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

    def add_node(self, node: OnnxNode, prefix: str, others: Sequence[str] = ()) -> str:
        """Apply an operation that a layer names to the last value.

        Parameters
        ----------
        node : OnnxNode
        prefix : str
            Prefix of the names of its constants.
        others : sequence of str
            Values that come after the constants.

        Returns
        -------
        str
            The value that it takes.
        """
        if node.channels == "first":
            self.channels_first()
        elif node.channels == "last":
            self.channels_last()
        constants = {f"{prefix}{name}": array for name, array in node.constants.items()}
        taken = self.value
        self.add(node.operator, constants, others, **node.attributes)
        return taken

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

    @property
    def place(self) -> Place:
        """The last value, and whether it is an image with channels first: where a branch begins or ends."""
        return self.value, self._channels_first

    @place.setter
    def place(self, place: Place) -> None:
        self.value, self._channels_first = place

    def join(self, ends: Sequence[Place], merge: str) -> None:
        """Join the values in which branches end; the sum, or one after the other along the axis of channels.

        Parameters
        ----------
        ends : sequence of Place
        merge : {"sum", "concat"}
        """
        first, values = any(channels_first for _, channels_first in ends), []
        for end in ends:
            self.place = end
            if first:
                self.channels_first()
            values.append(self.value)
        self.value, self._channels_first = values[0], first
        if merge == "sum":
            self.add("Sum", others=values[1:])
        else:
            self.add("Concat", others=values[1:], axis=1 if first else -1)

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
    """Add the operations of the layers of a network in inference; the last value is then what `apply` returns.

    Parameters
    ----------
    graph : Graph
    network : Sequential
    params : dict

    Raises
    ------
    TypeError
        If a layer's class has no `onnx`.
    """
    _add_layers(graph, plain_layers(network), params)
    graph.channels_last()


def _add_layers(graph: Graph, layers: Iterable[Plain], params: Mapping[str, np.ndarray]) -> None:
    for plain in layers:
        layer = plain.layer
        if type(layer) is Residual or type(layer) is Parallel:  # a subclass may join its branches otherwise
            start, ends = graph.place, []
            for branch in plain.branches().values():
                graph.place = start
                _add_layers(graph, branch, params)
                ends.append(graph.place)
            graph.join(ends, layer.merge)
            continue
        if not declares(layer, "onnx"):
            raise not_exchanged("to_onnx", plain, known(Layer, "onnx"))
        taken: list[str] = []
        for node in layer.onnx(plain.input_shape, plain.own(params)):
            others = (taken[-node.beside],) if node.beside else ()
            taken.append(graph.add_node(node, f"{plain.source}.", others))


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
