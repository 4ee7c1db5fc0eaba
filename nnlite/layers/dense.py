"""A fully connected layer, and the activation of its output."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from nnlite.checks import check_callable, is_positive_integer
from nnlite.initializers import Glorot, Initializer
from nnlite.layers.activations import Activation, ReLU, Sigmoid, Tanh
from nnlite.layers.base import Layer, Params, Shape, check_dy
from nnlite.layers.counterparts import OnnxNode, TorchParameter
from nnlite.layers.dropout import ActivationDropout
from nnlite.layers.weight_gradients import is_deferred, is_finite, weight_gradient
from nnlite.runtime.products import matmul

__all__ = ["Dense", "DenseActivation"]


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: y = x W + b on the last axis.

    Parameters
    ----------
    units : int
        Number of outputs.
    initializer : callable
        Initializer of the weight, shape (inputs, units); see :mod:`nnlite.initializers`. The bias starts at zero.
    """

    units: int
    initializer: Initializer = field(default=Glorot())

    def __post_init__(self) -> None:
        if not is_positive_integer(self.units):
            raise ValueError(f"Dense: units: expected a positive integer, got {self.units!r}.")
        check_callable("Dense", "initializer", self.initializer, "an initializer such as Glorot()")
        object.__setattr__(self, "units", int(self.units))

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError("Dense: expected input of shape (..., features), got ().")
        return (*input_shape[:-1], self.units)

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        weight = self.initializer((input_shape[-1], self.units), rng, dtype)
        return {"weight": weight, "bias": np.zeros(self.units, dtype)}

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        z, finite = _sums(params, x)
        z += params["bias"]
        return _as_outputs(z, x), (x, finite)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        x, finite = cache
        dy = check_dy(self, dy, (*x.shape[:-1], self.units), x.dtype)
        return _backward(params, x, finite, dy, _as_rows(dy).sum(0), input_grad)

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        y = matmul(_as_rows(x), params["weight"])
        y += params["bias"]
        return _as_outputs(y, x)

    def multiply_adds(self, input_shape: Shape) -> int:
        return int(np.prod(input_shape)) * self.units

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("MatMul", {"weight": params["weight"]}), OnnxNode("Add", {"bias": params["bias"]})]

    def torch_parameters(self) -> dict[str, TorchParameter]:
        return {"weight": TorchParameter("weight", (1, 0), features=0), "bias": TorchParameter("bias", (0,))}


@dataclass(frozen=True)
class DenseActivation(Layer):
    """A dense layer and its activation, dropout included: bias, activation and mask in one pass over its sums.

    The plan puts it in place of the two layers. Backward makes the gradients of sums and bias in one pass, too.

    Parameters
    ----------
    dense : Dense
    activation : Sigmoid, Tanh, ReLU or ActivationDropout
    """

    dense: Dense
    activation: Activation | ActivationDropout

    def __post_init__(self) -> None:
        if not self.fits(self.dense, self.activation):
            raise ValueError(
                "DenseActivation: expected a Dense and a Sigmoid, Tanh, ReLU or ActivationDropout, got "
                f"{self.dense!r} and {self.activation!r}. Write the two layers one after the other."
            )

    @staticmethod
    def fits(dense: Layer, activation: Layer) -> bool:
        """Return whether the two can be computed together. Subclasses may do something else and stay as they are."""
        return type(dense) is Dense and type(activation) in (Sigmoid, Tanh, ReLU, ActivationDropout)

    @property
    def initializer(self) -> Initializer:
        """The initializer of the dense layer."""
        return self.dense.initializer

    def with_gain(self, gain: float) -> Self:
        return replace(self, dense=self.dense.with_gain(self.activation.gain))

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.dense.output_shape(input_shape)

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        return self.dense.init(input_shape, rng, dtype)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        z, finite = _sums(params, x)
        y, cache = self.activation.forward_from_sums(z, params["bias"], rng)
        return _as_outputs(y, x), (x, finite, cache)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        x, finite, inner = cache
        dy = check_dy(self, dy, (*x.shape[:-1], self.dense.units), x.dtype)
        dz, dbias = self.activation.backward_to_sums(inner, _as_rows(dy))
        return _backward(params, x, finite, dz, dbias, input_grad)

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return _as_outputs(self.activation.apply_to_sums(matmul(_as_rows(x), params["weight"]), params["bias"]), x)

    def noiseless(self) -> Layer:
        if isinstance(self.activation, ActivationDropout):
            return replace(self, activation=self.activation.activation)
        return self

    def multiply_adds(self, input_shape: Shape) -> int:
        return self.dense.multiply_adds(input_shape)

    def unfused(self) -> tuple[Layer, ...]:
        return self.dense, *self.activation.unfused()

    def without_activation(self) -> Layer:
        return self.dense


def _as_rows(x: np.ndarray) -> np.ndarray:
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def _as_outputs(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the rows `y` in the shape that the input `x` had."""
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], y.shape[-1])


def _sums(params: Params, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return x W, and whether x is known to be finite.

    NaN and infinity would have spread into all sums of their rows.
    """
    rows, weight = _as_rows(x), params["weight"]
    z = matmul(rows, weight)
    return z, is_deferred(len(weight), *z.shape) and is_finite(z)


def _backward(
    params: Params, x: np.ndarray, x_is_finite: bool, dz: np.ndarray, dbias: np.ndarray, input_grad: bool
) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Return the gradients with respect to input and parameters, given `dz`, the one with respect to the sums."""
    dz = _as_rows(dz)
    grads = {"weight": weight_gradient(_as_rows(x), dz, x_is_finite), "bias": dbias}
    return matmul(dz, params["weight"].T).reshape(x.shape) if input_grad else None, grads
