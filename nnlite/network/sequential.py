"""Sequential: the layers as written, and the plan that runs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite.checks import (
    as_array,
    as_float_dtype,
    check_flag,
    check_instance,
    check_iterable,
    check_mapping,
    check_rng,
    is_integer,
    is_positive_integer,
    shown,
)
from nnlite.layers.base import Layer, Params, Shape
from nnlite.layers.chain import Chain, parameters_by_layer
from nnlite.layers.fusion import Step
from nnlite.layers.whole_batch import WholeBatch, alone
from nnlite.runtime.lazy import lazy_property


class Prepared(dict[str, np.ndarray]):
    """The parameters of a network, checked, with what `prepare` derived from them; not to be changed.

    Attributes
    ----------
    network : Sequential
    parts : dict
        Index of a layer -> its parameters.
    """

    def __init__(self, params: Params, network: "Sequential", parts: dict[int, dict[str, np.ndarray]]) -> None:
        super().__init__(params)
        self.network = network
        self.parts = parts


class Sequential:
    """A stack of layers. Like a layer it is a description: `init` makes parameters, and the other methods take them.

    Shapes are worked out once, here: a stack that does not fit together fails with the index of the layer that can't
    take its input.

    Functions that call `prepare`, `forward` or `apply` may pass `who`, the name with which errors then begin.

    Parameters
    ----------
    layers : sequence of Layer
        In the order in which data passes them.
    input_shape : tuple of int
        Shape of one sample, channels last: (40, 100, 1).
    fuse : bool
        Rewrite neighbouring layers into faster ones (:mod:`nnlite.layers.fusion`). Parameters are the same either way.

    Attributes
    ----------
    layers : tuple of Layer
        As written.
    shapes : tuple of shape
        Input of each layer, and last the output of the network.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(2)], input_shape=(4,))
    >>> params = net.init(np.random.default_rng(0))
    >>> sorted(params)
    ['0.bias', '0.weight', '2.bias', '2.weight']
    >>> net.apply(params, np.zeros((5, 4), np.float32)).shape
    (5, 2)
    """

    def __init__(self, layers: Sequence[Layer], input_shape: Shape, *, fuse: bool = True) -> None:
        layers = tuple(check_iterable("Sequential", "layers", layers, "a list of layers"))
        for index, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential: layers[{index}]: expected a layer, got {layer!r}.")
        self.layers = layers
        self.input_shape = _check_input_shape(input_shape)
        self.fuse = check_flag("Sequential", "fuse", fuse)
        self._chain = Chain(layers, self.fuse)
        self.shapes = self._chain.shapes("Sequential", self.input_shape)

    @property
    def plan(self) -> tuple[Step, ...]:
        """The layers that run."""
        return self._chain.plan

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.layers))
        return f"Sequential([{inside}], input_shape={self.input_shape}{'' if self.fuse else ', fuse=False'})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequential):
            return NotImplemented
        return (self.layers, self.input_shape, self.fuse) == (other.layers, other.input_shape, other.fuse)

    def __hash__(self) -> int:
        return hash((self.layers, self.input_shape, self.fuse))

    @property
    def output_shape(self) -> Shape:
        """The shape of the output for one sample."""
        return self.shapes[-1]

    def init(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Return fresh parameters: "<index of the layer>.<name>" -> array.

        Parameters
        ----------
        rng : numpy.random.Generator
        dtype : dtype
            float32 for work, float64 for gradient checks.
        """
        check_rng("Sequential.init", rng)
        as_float_dtype("Sequential.init", dtype)
        return self._chain.init(self.shapes, rng, dtype)

    def prepare(self, params: Params, *, who: str = "Sequential") -> Params:
        """Return `params` and what can be derived from them once for many calls.

        Other methods take them with or without it.
        """
        if isinstance(params, Prepared) and params.network is self:
            return params
        parts = self._check_params(who, params)
        prepared = Prepared(params, self, parts)
        for index, derived in self._chain.prepare(parts):
            prepared.update({f"{index}.{name}": value for name, value in derived.items()})
        return prepared

    @np.errstate(all="ignore")  # what overflows shows in the result
    def forward(
        self, params: Params, x: np.ndarray, rng: np.random.Generator, *, who: str = "Sequential"
    ) -> tuple[np.ndarray, Any]:
        """Return the output in training and what `backward` will need, for a batch (n_samples, *input_shape)."""
        check_rng("Sequential.forward" if who == "Sequential" else who, rng)
        return alone(self.forward_shard(params, x, rng, who=who))

    def forward_shard(
        self, params: Params, x: np.ndarray, rng: np.random.Generator, *, who: str = "Sequential"
    ) -> WholeBatch[tuple[np.ndarray, Any]]:
        """Do what `forward` does for a shard of a batch, see :mod:`nnlite.layers.whole_batch`."""
        parts, x = self._check_params(who, params), self._check_batch(who, params, x)
        return (yield from self._chain.forward_shard(parts, x, rng))

    @np.errstate(all="ignore")
    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True, *, deferred: bool = False
    ) -> tuple[np.ndarray | None, dict[str, Any]]:
        """Return the gradients with respect to the input (None unless `input_grad`) and, by name, to each parameter.

        With `deferred`, those of large dense layers are a :class:`nnlite.layers.weight_gradients.WeightGradient`.
        """
        return alone(self.backward_shard(params, cache, dy, input_grad, deferred=deferred))

    def backward_shard(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True, *, deferred: bool = False
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, Any]]]:
        """Do what `backward` does for a shard of a batch."""
        dx, grads = yield from self._chain.backward_shard(_parts(params), cache, dy, input_grad)
        return dx, grads if deferred else {name: np.asarray(value) for name, value in grads.items()}

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        """Return new values of the parameters in `untrained` after a batch, given the cache of `forward`."""
        return self._chain.follow(_parts(params), cache)

    @lazy_property
    def untrained(self) -> tuple[str, ...]:
        """The names of the parameters that no gradient moves, such as the running means of `BatchNorm`."""
        return self._chain.untrained()

    @np.errstate(all="ignore")
    def apply(self, params: Params, x: np.ndarray, *, who: str = "Sequential") -> np.ndarray:
        """Return the output in inference: `forward` without noise."""
        return self._chain.apply(self._check_params(who, params), self._check_batch(who, params, x))

    def until(self, stop: int) -> "Sequential":
        """Return the network of the layers before an index; its parameters are those of this one, under the same names.

        Parameters
        ----------
        stop : int
            As in ``layers[:stop]``: -1 leaves the last layer out.

        Raises
        ------
        IndexError
            If there is no such layer.

        Examples
        --------
        >>> import nnlite as nn
        >>> net = nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(2)], input_shape=(4,))
        >>> inner = net.until(-1)
        >>> inner.output_shape, list(inner.parameter_shapes)
        ((3,), ['0.weight', '0.bias'])
        """
        if not is_integer(stop) or not -len(self.layers) <= stop <= len(self.layers):
            raise IndexError(f"Sequential.until: stop: expected an index of the {len(self.layers)} layers, got {stop}.")
        return Sequential(self.layers[:stop], self.input_shape, fuse=self.fuse)

    @lazy_property
    def without_last(self) -> "Sequential":
        """The network without its last layer, as `until` returns it; made once."""
        return self.until(-1)

    def noiseless(self) -> "Sequential":
        """Return the network as it acts in inference, with parameters under the same names.

        Its `forward` draws nothing, gives the output of `apply`, and has a `backward`.

        Examples
        --------
        >>> import nnlite as nn
        >>> nn.Sequential([nn.Dense(3), nn.Dropout(0.5), nn.Dense(2)], input_shape=(4,)).noiseless().layers[1]
        Layer()
        """
        return Sequential([layer.noiseless() for layer in self.layers], self.input_shape, fuse=self.fuse)

    def own(self, params: Params) -> dict[str, np.ndarray]:
        """Return those parameters of a longer network that this one has; the longer one begins with the same layers.

        Parameters
        ----------
        params : dict

        Examples
        --------
        >>> import numpy as np
        >>> import nnlite as nn
        >>> net = nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(2)], input_shape=(4,))
        >>> list(net.until(2).own(net.init(np.random.default_rng(0))))
        ['0.weight', '0.bias']
        """
        check_mapping("Sequential.own", "params", params, "a dict of arrays")
        return {name: params[name] for name in self.parameter_shapes if name in params}

    def multiply_adds(self) -> int:
        """Return the number of multiplications with a weight for one sample, of the layers as written."""
        return self._multiply_adds

    @lazy_property
    def _multiply_adds(self) -> int:
        return self._chain.multiply_adds(self.shapes)

    def summary(self) -> str:
        """Return a table of the layers: output shape, parameters, multiply-adds a sample, receptive field."""
        from nnlite.network.summary import summarize

        return summarize(self)

    @lazy_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of each parameter by name, worked out without drawing or holding them."""
        shapes: dict[str, Shape] = {}
        for index, layer in enumerate(self.layers):
            inner = layer.parameter_shapes(self.shapes[index])
            shapes |= {f"{index}.{name}": shape for name, shape in inner.items()}
        return shapes

    @lazy_property
    def n_parameters(self) -> int:
        """The number of values in all parameters, the untrained ones too."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    def _check_params(self, who: str, params: Params) -> dict[int, dict[str, np.ndarray]]:
        """Return the parameters of each layer. Raise unless they are this network's: kernels trust shapes."""
        if isinstance(params, Prepared) and params.network is self:
            return params.parts
        check_mapping(who, "params", params, "a dict of arrays")
        for name, given in params.items():
            if not isinstance(given, np.ndarray):
                raise TypeError(f"{who}: params: {name!r}: expected an array, got {shown(given)}.")
        dtype = next((value.dtype for value in params.values()), None)
        for name, shape in self.parameter_shapes.items():
            value = params.get(name)
            if value is None or value.shape != shape or value.dtype != dtype:
                got = "none" if value is None else f"shape {value.shape} and {value.dtype}"
                raise ValueError(
                    f"{who}: params: {name!r}: expected shape {shape} and the dtype of the others, {dtype}, "
                    f"got {got}. Parameters are what `init` of an equal network returns."
                )
        for name in params:
            if name not in self.parameter_shapes and "._" not in name:
                raise ValueError(f"{who}: params: {name!r}: expected none of this name in {self!r}.")
        return parameters_by_layer(params)

    def _check_batch(self, who: str, params: Params, x: np.ndarray) -> np.ndarray:
        x = as_array(who, "x", x)
        if x.shape[1:] != self.input_shape or x.ndim == 0:
            raise ValueError(
                f"{who}: x: expected shape (n_samples, {', '.join(map(str, self.input_shape))}), got {x.shape}."
                + (" Add the batch axis: x[np.newaxis]." if x.shape == self.input_shape else "")
            )
        if x.dtype.kind not in "biuf":
            raise ValueError(f"{who}: x: expected real numbers, got dtype {x.dtype}.")
        dtype = next((array.dtype for array in params.values()), None)
        if dtype is None:
            dtype = x.dtype if x.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        return np.ascontiguousarray(x, dtype)


def check_network(who: str, network: Any) -> None:
    """Raise TypeError unless `network` is a Sequential."""
    check_instance(who, "network", network, Sequential, "a Sequential")


def _parts(params: Params) -> dict[int, dict[str, np.ndarray]]:
    """Return the parameters of each layer, which a network has checked before."""
    return params.parts if isinstance(params, Prepared) else parameters_by_layer(params)


def _check_input_shape(shape: Any) -> Shape:
    expected = "positive integers, channels last as in (40, 100, 1)"
    shape = (shape,) if is_integer(shape) else tuple(check_iterable("Sequential", "input_shape", shape, expected))
    if not shape or not all(map(is_positive_integer, shape)):
        raise ValueError(f"Sequential: input_shape: expected {expected}, got {shape}.")
    return tuple(int(v) for v in shape)
