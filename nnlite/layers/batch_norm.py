"""Normalisation of channels by means over the batch, and by fixed means."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nnlite.checks import is_number
from nnlite.kernels import batch_norm as kernels
from nnlite.layers.base import Layer, Params, Shape, check_batch, check_dy
from nnlite.layers.counterparts import OnnxNode, TorchParameter
from nnlite.layers.whole_batch import WholeBatch, alone
from nnlite.runtime.memory import aligned_empty

__all__ = ["BatchNorm", "FrozenBatchNorm"]

RUNNING = ("mean", "variance")


@dataclass(frozen=True)
class _Norm(Layer):
    """The common base of the two: their parameters, and what they compute in inference."""

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not is_number(self.epsilon) or not 0 < self.epsilon < math.inf:
            raise ValueError(f"{type(self).__name__}: epsilon: expected a positive number, got {self.epsilon!r}.")

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError(f"{type(self).__name__}: expected input of shape (..., channels), got ().")
        return input_shape

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        starts = {"scale": 1, "shift": 0, "mean": 0, "variance": 1}
        return {name: np.full(input_shape[-1], start, dtype) for name, start in starts.items()}

    def untrained(self) -> tuple[str, ...]:
        return RUNNING

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = check_batch(self, x)
        return self._normalized(params, x, aligned_empty(x.shape, x.dtype))

    def apply_over(self, params: Params, x: np.ndarray) -> np.ndarray:
        x = check_batch(self, x)
        return self._normalized(params, x, x)

    def _normalized(self, params: Params, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        factor = params["scale"] * inverse_deviation(params["variance"], self.epsilon)
        kernels.normalize(_rows(x), params["mean"], factor, params["shift"], _rows(y))
        return y

    def torch_parameters(self) -> dict[str, TorchParameter]:
        names = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
        return {ours: TorchParameter(name, (0,), features=0, images=True) for ours, name in names.items()}


@dataclass(frozen=True)
class BatchNorm(_Norm):
    """A normalisation of each channel, the last axis, to mean 0 and variance 1 over the batch and all positions.

    A scale and a shift for each channel follow.

    In training the means are those of the whole batch, however it is cut into shards: the same bits at any number of
    threads. In inference they are running ones, which follow those of the batches and travel with the parameters: they
    are saved, loaded and counted like them, but not trained.

    Every sample of a batch counts alike, also one of weight 0. Where sequences have padding,
    ``TimeDistributed(BatchNorm())`` leaves it out.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    momentum : float
        Share of the running mean and variance that is kept in a step, in [0, 1).

    Notes
    -----
    The parameters are `scale`, which starts at 1, `shift` at 0, and the running `mean` at 0 and `variance` at 1. As in
    PyTorch, the running variance follows the unbiased one of a batch; a batch with a single value a channel has none,
    and leaves the running ones as they are.

    `nnlite.train` and `nnlite.train_step` move the running ones. A training loop on `nnlite.loss_and_gradients` takes
    them from its argument `running`.

    A bias of the layer before is without effect: the mean takes it away.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.momentum) or not 0 <= self.momentum < 1:
            raise ValueError(f"BatchNorm: momentum: expected a number in [0, 1), got {self.momentum!r}.")

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        return alone(self.forward_shard(params, x, rng))

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return alone(self.backward_shard(params, cache, dy, input_grad))

    def forward_shard(
        self, params: Params, x: np.ndarray, rng: np.random.Generator
    ) -> WholeBatch[tuple[np.ndarray, Any]]:
        x = check_batch(self, x)
        rows, channels = _rows(x), x.shape[-1]
        mine = np.empty(channels), np.empty(channels)
        kernels.moments(rows, *mine)
        every_shard = yield len(rows), *mine
        batch = _combined(every_shard)
        inverse = inverse_deviation(batch.variance, self.epsilon)
        mean, y = batch.mean.astype(x.dtype), aligned_empty(x.shape, x.dtype)
        kernels.normalize(rows, mean, params["scale"] * inverse.astype(x.dtype), params["shift"], _rows(y))
        return y, (x, batch, mean, inverse)

    def backward_shard(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> WholeBatch[tuple[np.ndarray | None, dict[str, np.ndarray]]]:
        x, batch, mean, inverse = cache
        dy = check_dy(self, dy, x.shape, x.dtype)
        total, along = np.empty(x.shape[-1]), np.empty(x.shape[-1])
        kernels.gradient_sums(_rows(x), mean, _rows(dy), total, along)
        grads = {"scale": (along * inverse).astype(x.dtype), "shift": total.astype(x.dtype)}
        grads |= {name: np.zeros_like(params[name]) for name in RUNNING}
        if not input_grad:
            return None, grads  # so it is in all shards: none waits for an exchange
        every_shard = yield total, along
        total, along = (np.sum(parts, axis=0) for parts in zip(*every_shard, strict=True))
        count = max(batch.size, 1)
        numbers = params["scale"] * inverse, total / count, along / count * np.square(inverse)
        dx = aligned_empty(x.shape, x.dtype)
        kernels.input_gradient(_rows(x), mean, _rows(dy), *(each.astype(x.dtype) for each in numbers), _rows(dx))
        return dx, grads

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        batch, kept = cache[1], float(self.momentum)
        if batch.size < 2:
            return {name: params[name].copy() for name in RUNNING}
        seen = {"mean": batch.mean, "variance": batch.variance * (batch.size / (batch.size - 1))}
        return {name: (kept * params[name] + (1 - kept) * seen[name]).astype(params[name].dtype) for name in RUNNING}

    def noiseless(self) -> Layer:
        return FrozenBatchNorm(self.epsilon)

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return _onnx(self, input_shape, params)


@dataclass(frozen=True)
class FrozenBatchNorm(_Norm):
    """A normalisation by fixed means and variances: what `BatchNorm` does in inference, in training too.

    It has the parameters of `BatchNorm`. Put it in its place to train a network further on few samples, or on others
    than those that the means are of. Scale and shift are trained, mean and variance stay.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    """

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        x = check_batch(self, x)
        return self.apply(params, x), x

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        x, inverse = cache, inverse_deviation(params["variance"], self.epsilon)
        dy = check_dy(self, dy, x.shape, x.dtype)
        total, along = np.empty(x.shape[-1]), np.empty(x.shape[-1])
        kernels.gradient_sums(_rows(x), params["mean"], _rows(dy), total, along)
        grads = {"scale": (along * inverse).astype(x.dtype), "shift": total.astype(x.dtype)}
        grads |= {name: np.zeros_like(params[name]) for name in RUNNING}
        return (dy * (params["scale"] * inverse) if input_grad else None), grads

    def follow(self, params: Params, cache: Any) -> dict[str, np.ndarray]:
        return {name: params[name].copy() for name in RUNNING}

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        return _onnx(self, input_shape, params)


class _Moments(NamedTuple):
    """The mean and variance of each channel, over `size` values, in float64."""

    size: int
    mean: np.ndarray
    variance: np.ndarray


def _combined(shards: Any) -> _Moments:
    """Return the moments of a batch from (count, mean, sum of squared distances) of its shards, in their order.

    T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.
    """
    counts, means, squares = (np.array(parts) for parts in zip(*shards, strict=True))
    count, weights = int(counts.sum()), counts[:, np.newaxis]
    mean = (weights * means).sum(axis=0) / max(count, 1)
    total = squares.sum(axis=0) + (weights * np.square(means - mean)).sum(axis=0)
    return _Moments(count, mean, total / max(count, 1))


def inverse_deviation(variance: np.ndarray, epsilon: float) -> np.ndarray:
    """Return 1 / sqrt(variance + epsilon); NaN where the variance overflowed, which would make a channel constant.

    >>> inverse_deviation(np.array([0.25, np.inf]), 1e-12).round(6)
    array([ 2., nan])
    """
    inverse = 1 / np.sqrt(variance + variance.dtype.type(epsilon))
    return np.where(np.isfinite(variance), inverse, variance.dtype.type(np.nan))


def _onnx(norm: _Norm, input_shape: Shape, params: Params) -> list[OnnxNode]:
    if len(input_shape) not in (1, 3):  # ONNX has the channels on axis 1, and only images are transposed for it
        factor = params["scale"] * inverse_deviation(params["variance"], norm.epsilon)
        shift = params["shift"] - params["mean"] * factor
        return [OnnxNode("Mul", {"factor": factor}), OnnxNode("Add", {"offset": shift})]
    constants = {name: params[name] for name in ("scale", "shift", *RUNNING)}
    attributes = {"epsilon": float(norm.epsilon)}
    return [OnnxNode("BatchNormalization", constants, attributes, "first" if len(input_shape) == 3 else "last")]


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1]) if x.size else x.reshape(0, x.shape[-1])
