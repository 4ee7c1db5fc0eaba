"""The base of all layers. A layer is a frozen description: its parameters, memory and randomness live outside."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from nnlite.checks import is_positive_integer
from nnlite.layers.counterparts import OnnxNode, TorchParameter
from nnlite.layers.whole_batch import WholeBatch
from nnlite.runtime.jit import kernel_input

__all__ = [
    "Layer",
    "Pair",
    "Params",
    "Shape",
    "as_pair",
    "check_batch",
    "check_dy",
    "check_image_shape",
]

Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Params: TypeAlias = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Layer:
    """A layer, and the base of all of them; by itself the identity.

    A layer holds no array, no mode flag, no cache and no random state. Shapes are those of one sample, without the
    batch axis; arrays have the batch axis first and the channels last.

    A layer of your own defines `forward`, `backward` and `apply`, `output_shape` if it changes the shape, and `init` if
    it has parameters. The rest has defaults; :func:`nnlite.check_layer` checks all of it.
    """

    # --- Computation --------------------------------------------------------------------------------------------------

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output for one input of `input_shape`.

        Raises
        ------
        ValueError
            If the layer can't take such an input.
        """
        return input_shape

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        """Return fresh parameters: name -> array of `dtype`."""
        return {}

    def with_gain(self, gain: float) -> Self:
        """Return this layer with `gain` for its `initializer`, if it has one with a gain that is left open (None)."""
        this: Any = self
        initializer: Any = getattr(this, "initializer", None)
        if getattr(initializer, "gain", gain) is not None:
            return self
        return dataclasses.replace(this, initializer=dataclasses.replace(initializer, gain=gain))

    def prepare(self, params: Params) -> Params:
        """Return `params` and what can be derived from them once for many calls, such as packed weights.

        Names of what is derived start with "_". The other methods take `params` with or without this preparation and
        give the same bits.
        """
        return params

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        """Return the output in training, and what `backward` will need, for a batch `x` of shape (N, *input_shape)."""
        return x, None

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        """Return the gradients of a scalar with respect to input and parameters, given `dy`, that at the output.

        Returns
        -------
        dx : ndarray or None
            Shape of the input; None unless `input_grad`.
        grads : dict
            Keys and shapes of `params`: arrays, or for large ones a `WeightGradient`, see
            :mod:`nnlite.layers.weight_gradients`.
        """
        return (dy if input_grad else None), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        """Return the output in inference: a new array or a view of `x`.

        It is without noise, and what becomes of a sample does not depend on the others.
        """
        return x

    def apply_over(self, params: Params, x: np.ndarray) -> np.ndarray:
        """Return what `apply` returns. It may write over `x`, which is no longer needed, to touch less memory."""
        return self.apply(params, x)

    def forward_shard(
        self, params: Params, x: np.ndarray, rng: np.random.Generator
    ) -> WholeBatch[tuple[np.ndarray, Any]]:
        """Do what `forward` does for a shard `x` of a batch, together with its other shards.

        A generator, see :mod:`nnlite.layers.whole_batch`. This default is for layers that treat each sample by itself:
        they need nothing of the other shards. A layer that holds layers passes on what these yield:
        ``y, cache = yield from self.layer.forward_shard(params, x, rng)``.
        """
        return self.forward(params, x, rng)
        yield

    def backward_shard(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, np.ndarray]]]:
        """Do what `backward` does for a shard of a batch. Gradients of parameters are summed over the shards later."""
        return self.backward(params, cache, dy, input_grad)
        yield

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        """Return new values of the parameters that `untrained` names, after a batch: given the cache of `forward`."""
        return {}

    def as_written(self) -> "Layer":
        """Return this layer with nothing fused inside; a layer that holds layers passes it on."""
        return self

    def noiseless(self) -> "Layer":
        """Return this layer as it acts in inference: with the same parameters, its `forward` is this one's `apply`.

        A layer that acts otherwise in training, with noise or with means over the batch, returns another layer. So
        gradients of what `apply` computes can be had.
        """
        return self

    # --- Facts --------------------------------------------------------------------------------------------------------

    nonnegative: ClassVar[bool] = False
    """Whether no output is negative, as none of a `ReLU` is: such a layer can't give the logits that a loss takes."""

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each parameter by name. No weight is drawn for it, and none takes memory."""
        with np.errstate(all="ignore"):  # the weights that are computed with are not there
            fresh = _without_drawing(self).init(input_shape, np.random.default_rng(0), np.float32)
        return {name: value.shape for name, value in fresh.items()}

    def untrained(self) -> tuple[str, ...]:
        """Return the names of the parameters that no gradient moves, such as means over the batches of a training.

        Their gradients are zeros, and `follow` says what becomes of them.
        """
        return ()

    def multiply_adds(self, input_shape: Shape) -> int:
        """Return the number of multiplications with a weight for one sample."""
        return 0

    def receptive_window(self) -> tuple[Pair, Pair]:
        """Return the part of an image that one output position sees.

        Returns
        -------
        window, steps : pair of int
            Height and width of that part, and its distance from that of the next position.
        """
        return (1, 1), (1, 1)

    def gain_before(self) -> float | None:
        """Return the gain that weights before this layer need, or None if the layer after this one says it."""
        return 1.0 if hasattr(self, "initializer") else None

    def unfused(self) -> tuple["Layer", ...]:
        """Return the layers that this one replaces, in their order; by default only itself."""
        return (self,)

    def without_activation(self) -> "Layer":
        """Return this layer without the activation that it ends in; the parameters are the same."""
        return self

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        """Return the operations of ONNX that do what `apply` does.

        Only a class that defines this method itself can be exported: a subclass may compute something else than its
        base.
        """
        return []

    def torch_parameters(self) -> dict[str, TorchParameter]:
        """Return each parameter's name and order of axes in PyTorch; nothing if PyTorch has no such module."""
        return {}


class _Undrawn:
    """An initializer of an array that takes no memory."""

    gain = 1.0

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> np.ndarray:
        strides = (0,) * len(shape)
        return np.lib.stride_tricks.as_strided(np.zeros((), dtype), shape, strides)


def _without_drawing(layer: Layer) -> Layer:
    """Return a layer, and the layers in its fields, with initializers that draw nothing."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if field.name.endswith("initializer") and callable(value):
            changes[field.name] = _Undrawn()
        elif (quiet := _all_without_drawing(value)) is not value:
            changes[field.name] = quiet
    return dataclasses.replace(layer, **changes) if changes else layer


def _all_without_drawing(value: Any) -> Any:
    """Return a layer, or layers in tuples, with initializers that draw nothing; anything else as it is."""
    if isinstance(value, Layer):
        return _without_drawing(value)
    if isinstance(value, tuple) and any(isinstance(item, (Layer, tuple)) for item in value):
        return tuple(map(_all_without_drawing, value))
    return value


def as_pair(layer: str, name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """Return a positive integer or a pair of them as a pair.

    >>> as_pair("MaxPool2D", "pool_size", 2)
    (2, 2)
    """
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(map(is_positive_integer, pair)):
        raise ValueError(f"{layer}: {name}: expected a positive integer or a pair of them, got {value!r}.")
    return int(pair[0]), int(pair[1])


def check_batch(layer: Layer, x: np.ndarray) -> np.ndarray:
    """Return a batch as kernels take it: C-contiguous, writable. Raise unless it is of float32 or float64."""
    if x.dtype != np.float32 and x.dtype != np.float64:
        raise TypeError(f"{type(layer).__name__}: x: expected an array of float32 or float64, got {x.dtype}.")
    return kernel_input(x)


def check_dy(layer: Layer, dy: np.ndarray, shape: Shape, dtype: Any) -> np.ndarray:
    """Return the output's gradient as kernels take it: C-contiguous, writable, `dtype`. Raise unless it has `shape`."""
    if dy.shape != shape:
        raise ValueError(f"{type(layer).__name__}: dy: expected the shape of the output, {shape}, got {dy.shape}.")
    return kernel_input(dy, dtype)


def check_image_shape(layer: str, input_shape: Shape) -> None:
    """Raise unless `input_shape` is (height, width, channels)."""
    if len(input_shape) != 3:
        hint = " Flatten belongs after the last pooling layer." if len(input_shape) == 1 else ""
        raise ValueError(f"{layer}: expected input of shape (height, width, channels), got {input_shape}.{hint}")
