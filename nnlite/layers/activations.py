"""Activation functions. A derivative is a function of the output, so that backward needs nothing else."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nnlite.kernels import activations as kernels
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import OnnxNode
from nnlite.layers.limits import without_plus_infinity
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["Activation", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class Activation(Layer):
    """The base of the element-wise activation functions.

    Attributes
    ----------
    monotone : bool
        True if it never decreases: it may then change places with max-pooling.
    gain : float
        The factor on an initializer's deviation in front of this activation: the reciprocal of the slope at zero
        for sigmoid curves, sqrt(2) for ReLU.
    """

    monotone: ClassVar[bool] = False
    gain: ClassVar[float] = 1.0
    function: ClassVar[Any] = None
    slope: ClassVar[Any] = None

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        y = self.apply(params, x)
        return y, y

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        dy = check_dy(self, dy, cache.shape, cache.dtype)
        dx = aligned_empty(cache.shape, cache.dtype)
        kernels.run_slope(type(self).slope, cache, dy, dx)
        return dx, {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = check_batch(self, x)
        return self._into(aligned_empty(x.shape, x.dtype), x)

    def apply_over(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = check_batch(self, x)
        return self._into(x, x)

    def _into(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        kernels.run(type(self).function, x, y)
        return y

    def apply_to_sums(self, z: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Return `apply` of z + bias, for sums z (N, units) without their bias; it is written over z."""
        kernels.run(type(self).function, z, z, bias)
        return z

    def forward_from_sums(self, z: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        """Return `forward` of z + bias, for sums z (N, units) without their bias; it is written over z."""
        y = self.apply_to_sums(z, bias)
        return y, y

    def gain_before(self) -> float | None:
        return self.gain

    def backward_to_sums(self, cache: Any, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients with respect to the sums and to the bias of `forward_from_sums`."""
        dy = check_dy(self, dy, cache.shape, cache.dtype)
        dz, dbias = aligned_empty(cache.shape, cache.dtype), aligned_zeros(cache.shape[-1], cache.dtype)
        kernels.run_slope(type(self).slope, cache, dy, dz, dbias)
        return dz, dbias


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function 1 / (1 + exp(-x)), the published neuron."""

    monotone: ClassVar[bool] = True
    gain: ClassVar[float] = 4.0
    nonnegative: ClassVar[bool] = True
    function: ClassVar[Any] = kernels.logistic
    slope: ClassVar[Any] = kernels.logistic_slope

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Sigmoid", channels="any")]


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    monotone: ClassVar[bool] = True
    function: ClassVar[Any] = kernels.tanh
    slope: ClassVar[Any] = kernels.tanh_slope

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Tanh", channels="any")]


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectifier max(x, 0), with derivative 0 at 0 (Nair and Hinton 2010)."""

    monotone: ClassVar[bool] = True
    gain: ClassVar[float] = 2.0**0.5
    nonnegative: ClassVar[bool] = True
    function: ClassVar[Any] = kernels.relu
    slope: ClassVar[Any] = kernels.relu_slope

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Relu", channels="any")]


@dataclass(frozen=True)
class Softmax(Layer):
    """The softmax exp(x) / sum(exp(x)) over the last axis.

    Values of +inf share the output equally, and the others get 0. NaN, and -inf alone, give NaN.
    """

    nonnegative: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError("Softmax: expected input of shape (..., classes), got ().")
        return input_shape

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        y = self.apply(params, x)
        return y, y

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        dy = check_dy(self, dy, cache.shape, cache.dtype)
        return cache * (dy - np.sum(dy * cache, axis=-1, keepdims=True)), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = without_plus_infinity(x)
        y = np.exp(x - np.maximum.reduce(x, axis=-1, keepdims=True))
        y /= np.add.reduce(y, axis=-1, keepdims=True)
        return y

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Softmax", attributes={"axis": -1})]
