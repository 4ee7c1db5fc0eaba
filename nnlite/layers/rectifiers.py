"""Activation functions like ReLU that let a part of negative values through. Their derivatives are of the input."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nnlite.checks import check_number
from nnlite.kernels import activations as kernels
from nnlite.kernels.gelu import gelu, gelu_grad
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import OnnxNode
from nnlite.runtime.memory import aligned_empty

__all__ = ["ELU", "GELU", "LeakyReLU", "Rectifier", "SiLU"]


class Rectifier(Layer):
    """The base of activation functions that are ReLU far from zero, or nearly so.

    Attributes
    ----------
    monotone : bool
        True if it never decreases: it may then change places with max-pooling.
    gain : float
        The factor on an initializer's deviation in front of this activation: sqrt(2) as for ReLU.
    """

    monotone: ClassVar[bool] = False
    gain: ClassVar[float] = 2.0**0.5

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        return self.value(x), x

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        return self.gradient(cache, check_dy(self, dy, cache.shape, cache.dtype)), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.value(check_batch(self, x))

    def gain_before(self) -> float | None:
        return self.gain

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the function of `x`, a contiguous array of float32 or float64."""
        raise NotImplementedError

    def gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return `dy` times the derivative at `x`."""
        raise NotImplementedError


@dataclass(frozen=True)
class LeakyReLU(Rectifier):
    """The rectifier with a slope for negative values: x where x > 0, else negative_slope * x (Maas et al. 2013).

    Parameters
    ----------
    negative_slope : float
        0 or more; it is the derivative at 0 too.
    """

    negative_slope: float = 0.01
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        slope = check_number("LeakyReLU", "negative_slope", self.negative_slope, 0, expected="a number of 0 or more")
        object.__setattr__(self, "negative_slope", slope)

    def gain_before(self) -> float | None:
        """Return sqrt(2 / (1 + negative_slope ** 2)), equation 15 of He et al. 2015."""
        return float((2 / (1 + self.negative_slope**2)) ** 0.5)

    def value(self, x: np.ndarray) -> np.ndarray:
        return self.gradient(x, x)

    def gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        # NaN, which is not above 0, stays: it is multiplied. With slope 0, -inf has to become 0.
        negative = dy * x.dtype.type(self.negative_slope) if self.negative_slope else np.where(np.isnan(x), x, 0)
        return np.where(x > 0, dy, negative)

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("LeakyRelu", attributes={"alpha": self.negative_slope}, channels="any")]


@dataclass(frozen=True)
class ELU(Rectifier):
    """The exponential linear unit: x where x > 0, else alpha * (exp(x) - 1) (Clevert et al. 2016).

    Parameters
    ----------
    alpha : float
        0 or more: the function falls to -alpha.
    """

    alpha: float = 1.0
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        alpha = check_number("ELU", "alpha", self.alpha, 0, expected="a number of 0 or more")
        object.__setattr__(self, "alpha", alpha)

    def value(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, x.dtype.type(self.alpha) * np.expm1(np.minimum(x, 0)))

    def gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        return dy * np.where(x > 0, x.dtype.type(1), x.dtype.type(self.alpha) * np.exp(np.minimum(x, 0)))

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Elu", attributes={"alpha": self.alpha}, channels="any")]


@dataclass(frozen=True)
class GELU(Rectifier):
    """The Gaussian error linear unit: x times the normal distribution function of x (Hendrycks and Gimpel 2016).

    It is the exact function, not its approximation by a hyperbolic tangent. At -inf it is its limit, 0.
    """

    def value(self, x: np.ndarray) -> np.ndarray:
        y = aligned_empty(x.shape, x.dtype)
        gelu(x.reshape(-1), y.reshape(-1))
        return y

    def gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        dx = aligned_empty(x.shape, x.dtype)
        gelu_grad(x.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [
            OnnxNode("Mul", {"root": np.sqrt(0.5)}, channels="any"),
            OnnxNode("Erf", channels="any"),
            OnnxNode("Add", {"one": np.ones(())}, channels="any"),
            OnnxNode("Mul", channels="any", beside=3),
            OnnxNode("Mul", {"half": np.array(0.5)}, channels="any"),
        ]


@dataclass(frozen=True)
class SiLU(Rectifier):
    """The sigmoid linear unit, or swish: x / (1 + exp(-x)) (Elfwing et al. 2017).

    At -inf it is its limit, up to rounding: 0.
    """

    def value(self, x: np.ndarray) -> np.ndarray:
        x, share = self._parts(x)
        share *= x
        return share

    def gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        x, share = self._parts(x)
        x = np.minimum(x, -self._lowest(x))
        return dy * (share * (1 + x * (1 - share)))

    def _parts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x, cut where its logistic function is smaller than a number can be, and that function."""
        x = np.maximum(x, self._lowest(x))
        share = aligned_empty(x.shape, x.dtype)
        kernels.run(kernels.logistic, x, share)
        return x, share

    @staticmethod
    def _lowest(x: np.ndarray) -> Any:
        return x.dtype.type(-87 if x.dtype == np.float32 else -708)

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return [OnnxNode("Sigmoid", channels="any"), OnnxNode("Mul", channels="any", beside=1)]
