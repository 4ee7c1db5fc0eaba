"""Branches: layers that give their input to several chains of layers, and join what comes out. They nest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from nnlite.checks import check_flag, check_iterable, is_one_of
from nnlite.layers.base import Layer, Pair, Params, Shape, check_batch, check_dy
from nnlite.layers.chain import Chain, Parts, gain_after, parameters_by_layer, receptive_window
from nnlite.layers.whole_batch import WholeBatch, alone
from nnlite.runtime.lazy import lazy_property
from nnlite.runtime.memory import aligned_empty

__all__ = ["Branching", "Parallel", "Residual"]

Layers = tuple[Layer, ...]


class Branching(Layer):
    """The base of the layers that have branches.

    A subclass names its branches; all else is done here. Parameters are named "<branch>.<index in it>.<name>".
    """

    fuse: bool
    merge: str
    """How the outputs are joined: "sum", or "concat" along the last axis."""

    def paths(self) -> dict[str, Layers]:
        """Return the layers of each branch by its name."""
        raise NotImplementedError

    def with_paths(self, change: Callable[[Layers], Sequence[Layer]]) -> Self:
        """Return this layer with other layers in each branch."""
        raise NotImplementedError

    @lazy_property
    def chains(self) -> dict[str, Chain]:
        """The branches by name, with their plans."""
        return {name: Chain(layers, self.fuse) for name, layers in self.paths().items()}

    def output_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the output of each branch."""
        return {name: shapes[-1] for name, shapes in self._shapes(input_shape).items()}

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = self.output_shapes(input_shape)
        return self._joined_shape(list(shapes.values()), str(shapes))

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        shapes = self._shapes(input_shape)
        fresh = {name: chain.init(shapes[name], rng, dtype) for name, chain in self.chains.items()}
        return _joined_names(fresh)

    def with_gain(self, gain: float) -> Self:
        def last_weights(layers: Layers) -> Sequence[Layer]:
            ends = [gain_after(layers[index + 1 :]) is None for index in range(len(layers))]
            return [layer.with_gain(gain) if end else layer for layer, end in zip(layers, ends, strict=True)]

        return self.with_paths(last_weights)

    def prepare(self, params: Params) -> Params:
        parts, prepared = self.parts(params), dict(params)
        for name, chain in self.chains.items():
            for index, derived in chain.prepare(parts[name]):
                prepared |= {f"{name}.{index}.{inner}": value for inner, value in derived.items()}
        return prepared if len(prepared) > len(params) else params

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return alone(self.forward_shard(params, x, rng))

    def forward_shard(
        self, params: Params, x: np.ndarray, rng: np.random.Generator
    ) -> WholeBatch[tuple[np.ndarray, Any]]:
        x, parts = check_batch(self, x), self.parts(params)
        outputs, caches = [], {}
        for name, chain in self.chains.items():
            y, caches[name] = yield from chain.forward_shard(parts[name], x, rng)
            outputs.append(y)
        y = self.joined(outputs)
        return y, (y.shape, y.dtype, [output.shape[-1] for output in outputs], caches)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return alone(self.backward_shard(params, cache, dy, input_grad))

    def backward_shard(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, np.ndarray]]]:
        shape, dtype, widths, caches = cache
        dy, parts = check_dy(self, dy, shape, dtype), self.parts(params)
        grads: dict[str, dict[str, np.ndarray]] = {}
        gradients: list[Any] = []
        for (name, chain), part in zip(self.chains.items(), self._shares(dy, widths), strict=True):
            dx, grads[name] = yield from chain.backward_shard(parts[name], caches[name], part, input_grad)
            gradients.append(dx)
        return (_sum(gradients) if input_grad else None), _joined_names(grads)

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        parts, caches = self.parts(params), cache[-1]
        return _joined_names({name: chain.follow(parts[name], caches[name]) for name, chain in self.chains.items()})

    def untrained(self) -> tuple[str, ...]:
        return tuple(f"{name}.{inner}" for name, chain in self.chains.items() for inner in chain.untrained())

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        x, parts = check_batch(self, x), self.parts(params)
        return self.joined([chain.apply(parts[name], x) for name, chain in self.chains.items()])

    def as_written(self) -> Layer:
        return replace(self, fuse=False)  # type: ignore[call-arg]

    def noiseless(self) -> Layer:
        return self.with_paths(lambda layers: [layer.noiseless() for layer in layers])

    def multiply_adds(self, input_shape: Shape) -> int:
        shapes = self._shapes(input_shape)
        return sum(chain.multiply_adds(shapes[name]) for name, chain in self.chains.items())

    def receptive_window(self) -> tuple[Pair, Pair]:
        windows, steps = zip(*(receptive_window(layers) for layers in self.paths().values()), strict=True)
        largest = [(max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)) for pairs in (windows, steps)]
        return largest[0], largest[1]

    def gain_before(self) -> float | None:
        gains = [gain_after(layers) for layers in self.paths().values()]
        return next((gain for gain in gains if gain is not None), None)

    def _shapes(self, input_shape: Shape) -> dict[str, tuple[Shape, ...]]:
        who = type(self).__name__
        return {name: chain.shapes(f"{who}: {name}", input_shape) for name, chain in self.chains.items()}

    def _joined_shape(self, shapes: list[Shape], shown: str) -> Shape:
        """Return the shape that outputs of these shapes have together."""
        if self.merge == "sum":
            if any(shape != shapes[0] for shape in shapes):
                raise ValueError(f"{type(self).__name__}: expected branches with outputs of one shape, got {shown}.")
            return shapes[0]
        if any(not shape or shape[:-1] != shapes[0][:-1] for shape in shapes):
            raise ValueError(
                f"{type(self).__name__}: expected branches with outputs of shapes that differ in the last axis alone, "
                f'got {shown}. Padding "same" keeps height and width.'
            )
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def joined(self, outputs: list[np.ndarray]) -> np.ndarray:
        """Return the outputs of the branches, in their order, as one."""
        if len(outputs) == 1:
            return outputs[0]
        shape = self._joined_shape([y.shape for y in outputs], str([y.shape[1:] for y in outputs]))
        if self.merge == "sum":
            return _sum(outputs)
        return np.concatenate(outputs, axis=-1, out=aligned_empty(shape, outputs[0].dtype))

    def _shares(self, dy: np.ndarray, widths: list[int]) -> list[np.ndarray]:
        """Return the gradient of the output of each branch."""
        if self.merge == "sum":
            return [dy] * len(widths)
        return [np.ascontiguousarray(part) for part in np.split(dy, np.cumsum(widths[:-1]), axis=-1)]

    def parts(self, params: Params) -> dict[str, Parts]:
        """Return the parameters of each branch by layer."""
        inside: dict[str, dict[str, np.ndarray]] = {name: {} for name in self.chains}
        for name, value in params.items():
            branch, _, inner = name.partition(".")
            inside[branch][inner] = value
        return {name: parameters_by_layer(part) for name, part in inside.items()}


@dataclass(frozen=True)
class Residual(Branching):
    """The sum of the output of some layers and of the input itself (He et al. 2015).

    Parameters
    ----------
    layers : sequence of Layer
        Their output has the shape of the input, or that of the shortcut's output.
    shortcut : Layer or sequence of Layer
        What the input passes on its way around `layers`: by default nothing. Where `layers` change the shape it has to
        do the same, for instance ``Conv2D(64, 1, stride=2)``.
    fuse : bool
        Rewrite neighbouring layers inside into faster ones, as `Sequential` does.

    Notes
    -----
    Parameters are named "layers.0.weight" and "shortcut.0.weight". An activation after the sum is a layer of its own.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", 2015.

    Examples
    --------
    >>> import nnlite as nn
    >>> block = nn.Residual(
    ...     [nn.Conv2D(64, 3, stride=2, padding="same"), nn.ReLU(), nn.Conv2D(64, 3, padding="same")],
    ...     shortcut=nn.Conv2D(64, 1, stride=2),
    ... )
    >>> block.output_shape((40, 100, 32))
    (20, 50, 64)
    """

    layers: Sequence[Layer] | Layer
    shortcut: Sequence[Layer] | Layer = ()
    fuse: bool = True
    merge: ClassVar[str] = "sum"  # type: ignore[misc]

    def __post_init__(self) -> None:
        check_flag("Residual", "fuse", self.fuse)
        for name in ("layers", "shortcut"):
            object.__setattr__(self, name, _as_layers("Residual", name, getattr(self, name)))
        if not self.layers:
            raise ValueError("Residual: layers: expected one or more, got none.")

    def paths(self) -> dict[str, Layers]:
        return {"layers": self.layers, "shortcut": self.shortcut}  # type: ignore[dict-item]

    def with_paths(self, change: Callable[[Layers], Sequence[Layer]]) -> Self:
        layers, shortcut = (change(branch) for branch in self.paths().values())
        return replace(self, layers=layers, shortcut=shortcut)

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = self.output_shapes(input_shape)
        if shapes["layers"] != shapes["shortcut"]:
            there, around = shapes["layers"], shapes["shortcut"]
            like = "Dense(units)" if len(there) < 3 else f"Conv2D({there[-1]}, 1, stride=...)"
            raise ValueError(
                f"Residual: layers: expected an output of shape {around}, as the shortcut gives it, got {there}. "
                f"Give a shortcut that makes this shape, such as shortcut={like}."
            )
        return shapes["layers"]


@dataclass(frozen=True)
class Parallel(Branching):
    """Several chains of layers side by side, which get the same input, and whose outputs are joined.

    Parameters
    ----------
    branches : sequence of (Layer or sequence of Layer)
        ``[]`` is a branch that hands its input on.
    merge : {"concat", "sum"}
        "concat": the outputs one after the other along the last axis, which is that of channels and features. "sum":
        their sum; the outputs have one shape.
    fuse : bool
        Rewrite neighbouring layers inside into faster ones, as `Sequential` does.

    Notes
    -----
    Parameters are named "<index of the branch>.<index of the layer in it>.<name>".

    Examples
    --------
    >>> import nnlite as nn
    >>> kernels = [(3, 3), (5, 1), (1, 9)]
    >>> nn.Parallel([[nn.Conv2D(8, size, padding="same"), nn.ReLU()] for size in kernels]).output_shape((40, 100, 1))
    (40, 100, 24)
    """

    branches: Sequence[Layer | Sequence[Layer]]
    merge: str = "concat"
    fuse: bool = True

    def __post_init__(self) -> None:
        check_flag("Parallel", "fuse", self.fuse)
        if not is_one_of(self.merge, ("concat", "sum")):
            raise ValueError(f'Parallel: merge: expected "concat" or "sum", got {self.merge!r}.')
        branches = tuple(check_iterable("Parallel", "branches", self.branches, "a list of branches"))
        if not branches:
            raise ValueError("Parallel: branches: expected one or more, got none.")
        as_given = [_as_layers("Parallel", f"branches[{index}]", branch) for index, branch in enumerate(branches)]
        object.__setattr__(self, "branches", tuple(as_given))

    def paths(self) -> dict[str, Layers]:
        return {str(index): layers for index, layers in enumerate(self.branches)}  # type: ignore[misc]

    def with_paths(self, change: Callable[[Layers], Sequence[Layer]]) -> Self:
        return replace(self, branches=[change(layers) for layers in self.paths().values()])


def _as_layers(who: str, name: str, layers: Any) -> Layers:
    """Return a layer or a list of layers as a tuple of layers."""
    layers = (layers,) if isinstance(layers, Layer) else tuple(check_iterable(who, name, layers, "a list of layers"))
    for index, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"{who}: {name}[{index}]: expected a layer, got {layer!r}.")
    return layers


def _joined_names(inside: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{branch}.{name}": value for branch, part in inside.items() for name, value in part.items()}


def _sum(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the sum of arrays of one shape: a new array, or the only one."""
    if len(arrays) == 1:
        return arrays[0]
    total = np.add(arrays[0], arrays[1], out=aligned_empty(arrays[0].shape, arrays[0].dtype))
    for array in arrays[2:]:
        total += array
    return total
