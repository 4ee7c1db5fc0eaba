"""Inverted dropout (Srivastava et al. 2014): training scales the values that it keeps, inference does nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import check_number, is_number
from nnlite.kernels import activations, dropout
from nnlite.layers.activations import Activation, ReLU, Sigmoid, Tanh
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import OnnxNode
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["ActivationDropout", "Dropout"]


@dataclass(frozen=True)
class Dropout(Layer):
    """A layer that sets each value to `rest` with probability `rate`.

    It scales the distance of the others from `rest` by 1 / (1 - rate).

    The mean of a value over many masks is the value; NaN stays. The mask is a hash of a key and of the position, so
    backward recomputes it and nothing is kept.

    Parameters
    ----------
    rate : float
        Probability in [0, 1).
    rest : float
        The value of a dropped unit: 0 in the paper. Take 0.5 behind sigmoid units: it is their output without any
        input, as 0 is that of tanh units. If sigmoid units, which all give about 0.5, are set to 0, the noise is larger
        than the signal, and a stack of such layers learns nothing.
    """

    rate: float
    rest: float = 0.0

    def __post_init__(self) -> None:
        if not is_number(self.rate) or not 0 <= self.rate < 1:
            raise ValueError(f"Dropout: rate: expected a probability in [0, 1), got {self.rate!r}.")
        check_number("Dropout", "rest", self.rest)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        key = draw_key(rng)
        return self._mask(x, key, self.rest), (key, x.shape, x.dtype)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        if not input_grad:
            return None, {}
        key, shape, dtype = cache
        return self._mask(check_dy(self, dy, shape, dtype), key, 0.0), {}

    def noiseless(self) -> Layer:
        return Layer()

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return []  # noise does nothing in inference

    def _mask(self, x: np.ndarray, key: np.ndarray, rest: float) -> np.ndarray:
        y = aligned_empty(x.shape, x.dtype)
        scale, rest = x.dtype.type(1 / (1 - self.rate)), x.dtype.type(rest)
        dropout.dropout(x.reshape(-1), key, dropout.threshold(self.rate), scale, rest, y.reshape(-1))
        return y


@dataclass(frozen=True)
class ActivationDropout(Layer):
    """An activation and the dropout of its output in one pass; the plan puts it in place of the two layers.

    Only the output after dropout is kept. Backward takes the activation's output from it, up to a rounding.

    Parameters
    ----------
    activation : Sigmoid, Tanh or ReLU
        No ReLU if the rest is not 0: rounding would lift some of its zeros to where its slope is 1.
    dropout : Dropout
    """

    activation: Activation
    dropout: Dropout

    def __post_init__(self) -> None:
        if not self.fits(self.activation, self.dropout):
            raise ValueError(
                "ActivationDropout: expected Sigmoid or Tanh and a Dropout, or ReLU and a Dropout with rest 0, got "
                f"{self.activation!r} and {self.dropout!r}. Write the two layers one after the other."
            )

    @property
    def gain(self) -> float:
        """The gain of the activation."""
        return self.activation.gain

    @staticmethod
    def fits(activation: Layer, dropout: Layer) -> bool:
        """Return whether the two can be computed together. Subclasses may do something else and stay as they are."""
        if type(dropout) is not Dropout:
            return False
        return type(activation) in (Sigmoid, Tanh) or (type(activation) is ReLU and dropout.rest == 0)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        return self._into(aligned_empty(x.shape, x.dtype), x, rng)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return (self._slope(cache, dy) if input_grad else None), {}

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.activation.apply(params, x)

    def apply_over(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.activation.apply_over(params, x)

    def apply_to_sums(self, z: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Return what `Activation.apply_to_sums` of the activation does."""
        return self.activation.apply_to_sums(z, bias)

    def forward_from_sums(self, z: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        """Return `forward` of z + bias, for sums z (N, units) without their bias; it is written over z."""
        return self._into(z, z, rng, bias)

    def backward_to_sums(self, cache: Any, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients with respect to the sums and to the bias of `forward_from_sums`."""
        dbias = aligned_zeros(dy.shape[-1], dy.dtype)
        return self._slope(cache, dy, dbias), dbias

    def _into(
        self, y: np.ndarray, x: np.ndarray, rng: np.random.Generator, bias: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        noise = (draw_key(rng), *self._constants(x.dtype))
        activations.run(type(self.activation).function, x, y, bias, noise)
        return y, (noise, y)

    def _slope(self, cache: Any, dy: np.ndarray, sums: np.ndarray | None = None) -> np.ndarray:
        noise, y = cache
        dy = check_dy(self, dy, y.shape, y.dtype)
        dx = aligned_empty(y.shape, y.dtype)
        activations.run_slope(type(self.activation).slope, y, dy, dx, sums, noise)
        return dx

    def noiseless(self) -> Layer:
        return self.activation

    def gain_before(self) -> float | None:
        return self.gain

    def unfused(self) -> tuple[Layer, ...]:
        return self.activation, self.dropout

    def _constants(self, dtype: np.dtype) -> tuple[Any, Any, Any]:
        """Return (threshold, scale, rest) as the kernels take them."""
        rate = self.dropout.rate
        return dropout.threshold(rate), dtype.type(1 / (1 - rate)), dtype.type(self.dropout.rest)


def draw_key(rng: np.random.Generator) -> np.ndarray:
    """Return two random words, from which a whole mask follows."""
    return rng.integers(2**32, size=2, dtype=np.uint32)
