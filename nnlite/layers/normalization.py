"""Normalisation of activations."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import is_number
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import TorchParameter

__all__ = ["LayerNorm"]


@dataclass(frozen=True)
class LayerNorm(Layer):
    """A normalisation to mean 0 and variance 1 over the last axis of each sample and position.

    A scale and a shift for each channel follow.

    No sample has a part in what becomes of another, in training or in inference. Where sequences have padding,
    ``TimeDistributed(LayerNorm())`` leaves it out.

    Parameters
    ----------
    epsilon : float
        Added to the variance.

    Notes
    -----
    The parameters are `scale`, which starts at 1, and `shift`, which starts at 0.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not is_number(self.epsilon) or not 0 < self.epsilon < math.inf:
            raise ValueError(f"LayerNorm: epsilon: expected a positive number, got {self.epsilon!r}.")

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError("LayerNorm: expected input of shape (..., features), got ().")
        return input_shape

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        return {"scale": np.ones(input_shape[-1], dtype), "shift": np.zeros(input_shape[-1], dtype)}

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is computed again
            return self._normalized(params, x)

    def _normalized(self, params: Params, x: np.ndarray) -> tuple[np.ndarray, Any]:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normal = centred * inverse
        if not np.isfinite(variance).all():
            self._mend_overflow(x, variance, normal, inverse)
        return normal * params["scale"] + params["shift"], (normal, inverse)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        normal, inverse = cache
        dy = check_dy(self, dy, normal.shape, normal.dtype)
        axes = tuple(range(dy.ndim - 1))
        grads = {"scale": (dy * normal).sum(axis=axes), "shift": dy.sum(axis=axes)}
        if not input_grad:
            return None, grads
        scaled = dy * params["scale"]
        along = (scaled * normal).mean(axis=-1, keepdims=True)
        return inverse * (scaled - scaled.mean(axis=-1, keepdims=True) - normal * along), grads

    @np.errstate(all="ignore")
    def _mend_overflow(self, x: np.ndarray, variance: np.ndarray, normal: np.ndarray, inverse: np.ndarray) -> None:
        """Compute `normal` and `inverse` again, in units of the largest number, where the variance is not finite."""
        too_large = ~np.isfinite(variance[..., 0])
        rows = x[too_large]
        exponent = np.frexp(np.abs(rows).max(axis=-1, keepdims=True))[1]
        scaled = np.ldexp(rows, -exponent)
        scaled -= scaled.mean(axis=-1, keepdims=True)
        epsilon = np.ldexp(x.dtype.type(self.epsilon), -2 * exponent)
        scaled_inverse = 1 / np.sqrt(np.square(scaled).mean(axis=-1, keepdims=True) + epsilon)
        normal[too_large] = scaled * scaled_inverse
        inverse[too_large] = np.ldexp(scaled_inverse, -exponent)

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return self.forward(params, x, None)[0]  # type: ignore[arg-type]

    def torch_parameters(self) -> dict[str, TorchParameter]:
        return {"scale": TorchParameter("weight", (0,), features=0), "shift": TorchParameter("bias", (0,), features=0)}
