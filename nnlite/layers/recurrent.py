"""Recurrent layers: gated recurrent units and long short-term memory."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from nnlite.checks import check_callable, check_flag, is_positive_integer
from nnlite.initializers import Glorot, Initializer, Orthogonal
from nnlite.kernels import gru as gru_kernels
from nnlite.kernels import lstm as lstm_kernels
from nnlite.kernels import recurrent as kernels
from nnlite.kernels import reductions
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import TorchParameter
from nnlite.layers.sequences import Packing, pack_sequences
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["GRU", "LSTM"]

PARAMETERS = ("weight", "recurrent_weight", "bias", "recurrent_bias")
DIRECTIONS = ("", "reverse_")
TORCH_NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class _Prepared(NamedTuple):
    """The parameters of one direction as kernels take them, with padded units."""

    weight: np.ndarray
    bias: np.ndarray
    steps: np.ndarray
    steps_back: np.ndarray


class _Memory(NamedTuple):
    """The arrays that backward needs of one direction."""

    x: np.ndarray
    states: np.ndarray
    gates: np.ndarray


@dataclass(frozen=True)
class _Recurrent(Layer):
    """The common base of `GRU` and `LSTM`: their parameters, their directions, and which steps there are."""

    units: int
    return_sequences: bool = False
    bidirectional: bool = False
    initializer: Initializer = field(default=Glorot())
    recurrent_initializer: Initializer = field(default=Orthogonal())

    GATES: ClassVar[str] = ""
    """A letter for each gate, in the order in which parameters hold them."""
    ORDER: ClassVar[tuple[int, ...]] = ()
    """Their order in the gradients of the recurrent products."""
    KEPT: ClassVar[int] = 0
    """Values that are kept for backward, for each unit and step."""
    steps: ClassVar[Any] = None
    steps_back: ClassVar[Any] = None

    def __post_init__(self) -> None:
        who = type(self).__name__
        if not is_positive_integer(self.units):
            raise ValueError(f"{who}: units: expected a positive integer, got {self.units!r}.")
        for name in ("return_sequences", "bidirectional"):
            object.__setattr__(self, name, check_flag(who, name, getattr(self, name)))
        for name in ("initializer", "recurrent_initializer"):
            check_callable(who, name, getattr(self, name), "an initializer such as Glorot()")
        object.__setattr__(self, "units", int(self.units))

    @property
    def directions(self) -> tuple[str, ...]:
        """The prefix of the names of the parameters of each direction."""
        return DIRECTIONS if self.bidirectional else DIRECTIONS[:1]

    def with_gain(self, gain: float) -> Self:
        # The weights lead to the gates, and the gain of the next layer says nothing about them.
        return super().with_gain(1.0)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2 or min(input_shape) < 1:
            hint = " Permute and Reshape make a sequence of an image." if len(input_shape) == 3 else ""
            raise ValueError(
                f"{type(self).__name__}: expected input of shape (steps, features) with one step or more, got "
                f"{input_shape}.{hint}"
            )
        width = self.units * len(self.directions)
        return (input_shape[0], width) if self.return_sequences else (width,)

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        params: dict[str, np.ndarray] = {}
        for direction in self.directions:
            # Each gate has a matrix of its own: one for all would have other fans, and could not be orthogonal.
            inputs = [self.initializer((input_shape[1], self.units), rng, dtype) for _ in self.GATES]
            recurrent = [self.recurrent_initializer((self.units, self.units), rng, dtype) for _ in self.GATES]
            zeros = np.zeros(len(self.GATES) * self.units, dtype)
            values = (_side_by_side(inputs), _side_by_side(recurrent), self._bias(dtype), zeros)
            params |= {f"{direction}{name}": value for name, value in zip(PARAMETERS, values, strict=True)}
        return params

    def prepare(self, params: Params) -> Params:
        prepared = dict(params)
        for direction in self.directions:
            values = self._prepared(params, direction)._asdict()
            prepared |= {f"_{direction}{name}": value for name, value in values.items()}
        return prepared

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        output_shape = self.output_shape(x.shape[1:])
        self._check_params(params, x)
        packing = pack_sequences(x)
        y = aligned_empty((len(x), *output_shape), x.dtype)
        if not packing.is_full:
            y.fill(np.nan)
        memories = []
        for k, direction in enumerate(self.directions):
            memory = self._run(self._prepared(params, direction), x.reshape(-1, x.shape[2]), packing, bool(k))
            target = y.reshape(-1, y.shape[-1])[:, k * self.units : (k + 1) * self.units]
            if self.return_sequences:
                target[_rows(packing, bool(k))] = memory.states[:, : self.units]
            else:
                target[packing.order] = memory.states[packing.last, : self.units]
            memories.append(memory)
        return y, (x.shape, packing, memories)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        shape, packing, memories = cache
        dtype = memories[0].states.dtype
        dy = check_dy(self, dy, (shape[0], *self.output_shape(shape[1:])), dtype)
        dx = aligned_zeros((shape[0] * shape[1], shape[2]), dtype) if input_grad else None
        grads: dict[str, np.ndarray] = {}
        for k, direction in enumerate(self.directions):
            prepared, memory = self._prepared(params, direction), memories[k]
            part = dy.reshape(-1, dy.shape[-1])[:, k * self.units : (k + 1) * self.units]
            dh = aligned_zeros(memory.states.shape, dtype)
            if self.return_sequences:
                dh[:, : self.units] = part[_rows(packing, bool(k))]
            else:
                dh[packing.last, : self.units] = part[packing.order]
            inputs, values = self._gradients(prepared, memory, packing, dh)
            grads |= {f"{direction}{name}": value for name, value in zip(PARAMETERS, values, strict=True)}
            if dx is not None:
                dx[_rows(packing, bool(k))] += inputs @ prepared.weight.T
        return (None if dx is None else dx.reshape(shape)), grads

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.forward(params, x, None)[0]  # type: ignore[arg-type]

    def multiply_adds(self, input_shape: Shape) -> int:
        steps, features = input_shape
        return steps * (features + self.units) * self.units * len(self.GATES) * len(self.directions)

    def torch_parameters(self) -> dict[str, TorchParameter]:
        found = {}
        for direction in self.directions:
            for ours, theirs in zip(PARAMETERS, TORCH_NAMES, strict=True):
                suffix, axes = "_reverse" if direction else "", (0,) if ours.endswith("bias") else (1, 0)
                found[f"{direction}{ours}"] = TorchParameter(theirs + suffix, axes)
        return found

    def _bias(self, dtype: Any) -> np.ndarray:
        """Return the initial bias of the inputs."""
        return np.zeros(len(self.GATES) * self.units, dtype)

    def _check_params(self, params: Params, x: np.ndarray) -> None:
        """Raise unless the parameters have the right shapes: kernels trust them."""
        width = len(self.GATES) * self.units
        shapes = ((x.shape[2], width), (self.units, width), (width,), (width,))
        for direction in self.directions:
            for name, shape in zip(PARAMETERS, shapes, strict=True):
                value = params[f"{direction}{name}"]
                if value.shape != shape or value.dtype != x.dtype:
                    raise ValueError(
                        f"{type(self).__name__}: params: {direction}{name}: expected shape {shape} and {x.dtype}, the "
                        f"input's, got {value.shape} and {value.dtype}."
                    )

    def _prepared(self, params: Params, direction: str) -> _Prepared:
        if f"_{direction}weight" in params:
            return _Prepared(*(params[f"_{direction}{name}"] for name in _Prepared._fields))
        weight, recurrent, bias, recurrent_bias = (self._padded(params[f"{direction}{name}"]) for name in PARAMETERS)
        back = aligned_zeros((len(self.GATES), bias.shape[1], bias.shape[1]), bias.dtype)
        back[:, :, : self.units] = recurrent[:, self.ORDER].transpose(1, 2, 0)
        return _Prepared(
            weight=weight.reshape(len(weight), -1),
            bias=self._join_biases(bias, recurrent_bias),
            steps=kernels.pack_gates(recurrent.reshape(self.units, -1), len(self.GATES)),
            steps_back=kernels.pack(back.reshape(-1, bias.shape[1]), kernels.WIDTH),
        )

    def _padded(self, value: np.ndarray) -> np.ndarray:
        """Return a parameter (..., gates * units) as (..., gates, padded units)."""
        split = value.reshape(*value.shape[:-1], len(self.GATES), self.units)
        padded = aligned_zeros((*split.shape[:-1], kernels.padded_units(self.units, value.dtype)), value.dtype)
        padded[..., : self.units] = split
        return padded

    def _join_biases(self, bias: np.ndarray, recurrent_bias: np.ndarray) -> np.ndarray:
        """Return the biases (gates, padded units) as the kernel takes them."""
        raise NotImplementedError

    def _run(self, prepared: _Prepared, x: np.ndarray, packing: Packing, reverse: bool) -> _Memory:
        """Run all steps of one direction; `x` is (samples * steps, features)."""
        x = np.take(x, _rows(packing, reverse), axis=0)
        units = prepared.steps.shape[0] * prepared.steps.shape[2] // len(self.GATES)
        projected = aligned_empty((len(x), prepared.weight.shape[1]), x.dtype)
        np.matmul(x, prepared.weight, out=projected)
        states, gates = (aligned_empty((len(x), width * units), x.dtype) for width in (1, self.KEPT))
        tile = kernels.scratch(len(self.GATES), x.dtype)
        type(self).steps(projected, prepared.steps, prepared.bias, packing.starts, tile, states, gates)
        return _Memory(x, states, gates)

    def _gradients(
        self, prepared: _Prepared, memory: _Memory, packing: Packing, dh: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the gradients of the products with the inputs, packed, and of the four parameters."""
        n, units, width = packing.starts[1], dh.shape[1], prepared.weight.shape[1]
        grads = aligned_empty((len(dh), 4 * units), dh.dtype)
        tile, carry = kernels.scratch(kernels.WIDTH, dh.dtype), aligned_zeros((n, units), dh.dtype)
        type(self).steps_back(dh, memory.states, memory.gates, prepared.steps_back, packing.starts, tile, carry, grads)
        inputs, recurrent = grads[:, -width:], grads[:, :width]
        before = memory.states[: len(dh) - n] if packing.is_full else memory.states[packing.previous()]
        sums = np.empty(grads.shape[1], grads.dtype)
        reductions.column_sums(grads, sums)
        back = np.argsort(self.ORDER)
        return inputs, (
            self._cut(memory.x.T @ inputs),
            self._cut(before[:, : self.units].T @ recurrent[n:], back),
            self._cut(sums[-width:]),
            self._cut(sums[:width], back),
        )

    def _cut(self, value: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
        """Return a gradient (..., gates * padded units) in the form of a parameter, its gates in order."""
        split = value.reshape(*value.shape[:-1], len(self.GATES), -1)[..., : self.units]
        split = split if order is None else split[..., order, :]
        return np.ascontiguousarray(split).reshape(*value.shape[:-1], -1)


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    """Return matrices joined side by side.

    Those that only stand for a shape (see `Layer.parameter_shapes`) still take no memory.
    """
    if parts[0].strides == (0, 0):
        return np.broadcast_to(parts[0][0, 0], (len(parts[0]), len(parts) * parts[0].shape[1]))
    return np.concatenate(parts, axis=1)


def _rows(packing: Packing, reverse: bool) -> np.ndarray:
    return packing.reverse_rows if reverse else packing.rows


@dataclass(frozen=True)
class GRU(_Recurrent):
    """A layer of gated recurrent units over the steps of a sequence (Cho et al. 2014).

    The reset gate stands behind the product.

    With the products of inputs and states ``a = x W + b`` and ``c = h U + d``, by gate::

        r = sigmoid(a_r + c_r)        reset gate
        z = sigmoid(a_z + c_z)        update gate
        n = tanh(a_n + r * c_n)       candidate
        h = (1 - z) * n + z * h       state, which starts at 0

    This is the variant of PyTorch, and of Keras with ``reset_after=True``; the gates lie in the order r, z, n, as in
    PyTorch. Steps at the end that are NaN throughout are padding, see :mod:`nnlite.layers.sequences`: they change no
    state and get no gradient.

    Parameters
    ----------
    units : int
    return_sequences : bool
        True: the output is the state of each step, (steps, units), with NaN for padding. False: it is the state of the
        last step that isn't padding, (units,), or NaN if there is none.
    bidirectional : bool
        True: further units with parameters of their own go through the sequence from its end to its start. Their
        states follow those of the others on the last axis.
    initializer : callable
        Initializer of the weight of each gate, shape (features, units). A gain that is left open (None) is 1 here.
    recurrent_initializer : callable
        Initializer of the recurrent weight of each gate, shape (units, units).

    Notes
    -----
    The parameters are `weight` (features, 3 * units), `recurrent_weight` (units, 3 * units), `bias` and
    `recurrent_bias` (3 * units), and the same with `reverse_` before the name. Biases start at 0.

    Examples
    --------
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.GRU(16, return_sequences=True), nn.GRU(8, bidirectional=True)], input_shape=(100, 40))
    >>> net.shapes
    ((100, 40), (100, 16), (16,))
    """

    GATES: ClassVar[str] = "rzn"
    ORDER: ClassVar[tuple[int, ...]] = (2, 0, 1)
    KEPT: ClassVar[int] = 4
    steps: ClassVar[Any] = staticmethod(gru_kernels.gru)
    steps_back: ClassVar[Any] = staticmethod(gru_kernels.gru_grad)

    def _join_biases(self, bias: np.ndarray, recurrent_bias: np.ndarray) -> np.ndarray:
        # The recurrent bias of the candidate stays apart: the reset gate multiplies it.
        return np.concatenate([*(bias[:2] + recurrent_bias[:2]), bias[2], recurrent_bias[2]])


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """A layer of long short-term memory over the steps of a sequence.

    The sources are Hochreiter and Schmidhuber 1997 and Gers et al. 2000.

    With ``a = x W + b + h U + d``, by gate::

        i = sigmoid(a_i)              input gate
        f = sigmoid(a_f)              forget gate
        g = tanh(a_g)                 candidate
        o = sigmoid(a_o)              output gate
        c = f * c + i * g             cell, which starts at 0
        h = o * tanh(c)               state, which starts at 0

    The gates lie in the order i, f, g, o, as in PyTorch. Steps at the end that are NaN throughout are padding, see
    :mod:`nnlite.layers.sequences`: they change neither state nor cell and get no gradient.

    Parameters
    ----------
    units : int
    return_sequences : bool
        True: the output is the state of each step, (steps, units), with NaN for padding. False: it is the state of the
        last step that isn't padding, (units,), or NaN if there is none.
    bidirectional : bool
        True: further units with parameters of their own go through the sequence from its end to its start. Their
        states follow those of the others on the last axis.
    initializer : callable
        Initializer of the weight of each gate, shape (features, units). A gain that is left open (None) is 1 here.
    recurrent_initializer : callable
        Initializer of the recurrent weight of each gate, shape (units, units).

    Notes
    -----
    The parameters are `weight` (features, 4 * units), `recurrent_weight` (units, 4 * units), `bias` and
    `recurrent_bias` (4 * units), and the same with `reverse_` before the name. Biases start at 0, but for that of the
    forget gate, which starts at 1, so that at first cells keep what they hold (Jozefowicz et al. 2015).

    Examples
    --------
    >>> import nnlite as nn
    >>> nn.LSTM(16, return_sequences=True, bidirectional=True).output_shape((100, 40))
    (100, 32)
    """

    GATES: ClassVar[str] = "ifgo"
    ORDER: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    KEPT: ClassVar[int] = 6
    steps: ClassVar[Any] = staticmethod(lstm_kernels.lstm)
    steps_back: ClassVar[Any] = staticmethod(lstm_kernels.lstm_grad)

    def _bias(self, dtype: Any) -> np.ndarray:
        bias = super()._bias(dtype)
        bias[self.units : 2 * self.units] = 1
        return bias

    def _join_biases(self, bias: np.ndarray, recurrent_bias: np.ndarray) -> np.ndarray:
        return (bias + recurrent_bias).reshape(-1)
