"""Convolution of images, alone and together with the max-pooling that follows it."""

import functools
import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from nnlite.checks import check_callable, check_instance, is_one_of, is_positive_integer
from nnlite.initializers import Glorot, Initializer
from nnlite.kernels import conv as kernels
from nnlite.kernels import conv_gradients, reductions
from nnlite.layers.base import (
    Layer,
    Pair,
    Params,
    Shape,
    as_pair,
    check_batch,
    check_dy,
    check_image_shape,
)
from nnlite.layers.counterparts import OnnxNode, TorchParameter
from nnlite.layers.pooling import MaxPool2D
from nnlite.runtime.memory import aligned_empty, aligned_zeros

__all__ = ["Conv2D", "ConvMaxPool2D"]

PATCHES = "_patches"


def conv_output_length(length: int, kernel: int, stride: int, padding: str) -> int:
    """Return the number of positions at which a kernel fits ("valid"), or one for every `stride` inputs ("same").

    >>> conv_output_length(40, 5, 1, "valid"), conv_output_length(40, 5, 3, "same")
    (36, 14)
    """
    return -(-length // stride) if padding == "same" else (length - kernel) // stride + 1


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after an axis for "same" padding; an odd one comes after, as in Keras.

    >>> same_padding(40, 4, 1)
    (1, 2)
    """
    total = max((conv_output_length(length, kernel, stride, "same") - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Conv2D(Layer):
    """A cross-correlation of (height, width, channels) with `filters` kernels, plus a bias for each filter.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or pair of int
        Height and width of the kernels.
    stride : int or pair of int
        Distance between positions.
    padding : {"valid", "same"}
        "valid": only where the kernel fits; "same": zeros around the image, one output for every `stride` inputs.
    initializer : callable
        Initializer of the weight, shape (kernel_height, kernel_width, in, out). The bias starts at zero.
    """

    filters: int
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] = 1
    padding: str = "valid"
    initializer: Initializer = field(default=Glorot())

    def __post_init__(self) -> None:
        if not is_positive_integer(self.filters):
            raise ValueError(f"Conv2D: filters: expected a positive integer, got {self.filters!r}.")
        if not is_one_of(self.padding, ("valid", "same")):
            raise ValueError(f'Conv2D: padding: expected "valid" or "same", got {self.padding!r}.')
        check_callable("Conv2D", "initializer", self.initializer, "an initializer such as Glorot()")
        object.__setattr__(self, "filters", int(self.filters))
        object.__setattr__(self, "kernel_size", as_pair("Conv2D", "kernel_size", self.kernel_size))
        object.__setattr__(self, "stride", as_pair("Conv2D", "stride", self.stride))

    @property
    def kernel(self) -> tuple[int, int]:
        """The `kernel_size`, which is a pair once the layer is made."""
        return self.kernel_size  # type: ignore[return-value]

    @property
    def steps(self) -> tuple[int, int]:
        """The `stride`, which is a pair once the layer is made."""
        return self.stride  # type: ignore[return-value]

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape("Conv2D", input_shape)
        sizes = []
        for axis, name in enumerate(("height", "width")):
            length, kernel, stride = input_shape[axis], self.kernel[axis], self.steps[axis]
            if self.padding == "valid" and length < kernel:
                raise ValueError(
                    f"Conv2D: expected input of {name} at least {kernel}, the kernel's, got {length}. "
                    'Use a smaller kernel, padding="same", or less pooling before it.'
                )
            sizes.append(conv_output_length(length, kernel, stride, self.padding))
        return (*sizes, self.filters)

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        shape = (*self.kernel, input_shape[2], self.filters)
        return {"weight": self.initializer(shape, rng, dtype), "bias": np.zeros(self.filters, dtype)}

    def prepare(self, params: Params) -> Params:
        return _prepare(self, (1, 1), params)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        y, padded, _ = _forward(self, (1, 1), params, x, keep_argmax=False)
        return y, (padded, None, x.shape)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return _backward(self, (1, 1), params, cache, dy, input_grad)

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return _forward(self, (1, 1), params, x, keep_argmax=False)[0]

    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.kernel) * input_shape[2]

    def receptive_window(self) -> tuple[Pair, Pair]:
        return self.kernel, self.steps

    def onnx(self, input_shape: Shape, params: Params) -> list[OnnxNode]:
        pads = [0, 0, 0, 0]  # above, left, below, right
        if self.padding == "same":
            (top, bottom), (left, right) = _margins(self, (1, *input_shape))
            pads = [top, left, bottom, right]
        constants = {"weight": params["weight"].transpose(3, 2, 0, 1), "bias": params["bias"]}
        attributes = {"kernel_shape": list(self.kernel), "strides": list(self.steps), "pads": pads}
        return [OnnxNode("Conv", constants, attributes, channels="first")]

    def torch_parameters(self) -> dict[str, TorchParameter]:
        return {"weight": TorchParameter("weight", (3, 2, 0, 1)), "bias": TorchParameter("bias", (0,))}


@dataclass(frozen=True)
class ConvMaxPool2D(Layer):
    """A convolution and the max-pooling of its output in one pass; the plan puts it in place of the two layers.

    Only the maxima are ever stored, outputs that fill no window are never computed, and backward works on one output in
    each window.

    Parameters
    ----------
    conv : Conv2D
    pool : MaxPool2D
        With windows that touch without overlap.
    """

    conv: Conv2D
    pool: MaxPool2D = field(default_factory=MaxPool2D)

    def __post_init__(self) -> None:
        check_instance("ConvMaxPool2D", "conv", self.conv, Conv2D, "a Conv2D")
        check_instance("ConvMaxPool2D", "pool", self.pool, MaxPool2D, "a MaxPool2D")
        if not self.fits(self.pool):
            raise ValueError(
                f"ConvMaxPool2D: pool: expected stride equal to pool_size and at most {kernels.max_pool_positions()} "
                f"positions in a window, got {self.pool}. Use Conv2D and MaxPool2D one after the other."
            )

    @property
    def initializer(self) -> Initializer:
        """The initializer of the convolution."""
        return self.conv.initializer

    def with_gain(self, gain: float) -> Self:
        return replace(self, conv=self.conv.with_gain(gain))

    @staticmethod
    def fits(pool: MaxPool2D) -> bool:
        """Return whether `pool` can be computed together with a convolution."""
        return pool.steps == pool.window and math.prod(pool.window) <= kernels.max_pool_positions()

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.pool.output_shape(self.conv.output_shape(input_shape))

    def init(self, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
        return self.conv.init(input_shape, rng, dtype)

    def prepare(self, params: Params) -> Params:
        return _prepare(self.conv, self.pool.window, params)

    def forward(self, params: Params, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
        y, padded, argmax = _forward(self.conv, self.pool.window, params, x, keep_argmax=True)
        return y, (padded, argmax, x.shape)

    def backward(
        self, params: Params, cache: Any, dy: np.ndarray, input_grad: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        return _backward(self.conv, self.pool.window, params, cache, dy, input_grad)

    def apply(self, params: Params, x: np.ndarray) -> np.ndarray:
        return _forward(self.conv, self.pool.window, params, x, keep_argmax=False)[0]

    def multiply_adds(self, input_shape: Shape) -> int:
        outputs = math.prod(self.output_shape(input_shape)) * math.prod(self.pool.window)
        return outputs * math.prod(self.conv.kernel) * input_shape[2]

    def unfused(self) -> tuple[Layer, ...]:
        return self.conv, self.pool


def _prepare(conv: Conv2D, pool: tuple[int, int], params: Params) -> Params:
    if _prepared_name("weight", pool) in params:
        return params
    weight, bias = _packed(conv, pool, params)
    return {
        **params,
        _prepared_name("weight", pool): weight,
        _prepared_name("bias", pool): bias,
        PATCHES: conv_gradients.pack_patches(params["weight"]),
    }


def _packed(conv: Conv2D, pool: tuple[int, int], params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias as the forward kernel takes them."""
    weight = params.get(_prepared_name("weight", pool))
    if weight is not None:
        return weight, params[_prepared_name("bias", pool)]
    weight = kernels.pack_forward(params["weight"], conv.steps, pool)
    bias = aligned_zeros(weight.shape[0] * weight.shape[-1], weight.dtype)
    bias[: conv.filters] = params["bias"]
    return weight, bias


@functools.cache
def _prepared_name(name: str, pool: tuple[int, int]) -> str:
    """Return the name of a prepared parameter.

    It has the pooling in it, because the layout depends on the pooling: parameters that were prepared for another plan
    must not be taken.
    """
    return f"_{name}_{pool[0]}x{pool[1]}"


def _forward(
    conv: Conv2D, pool: tuple[int, int], params: Params, x: np.ndarray, keep_argmax: bool
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return (pooled output, padded input, arg-max or None)."""
    x = check_batch(conv, x)
    shape = _pooled_shape(conv, pool, x.shape)
    expected = (*conv.kernel, x.shape[3], conv.filters)
    if params["weight"].shape != expected or params["weight"].dtype != x.dtype:
        raise ValueError(
            f"Conv2D: params: weight: expected shape {expected} and {x.dtype}, the input's, "
            f"got {params['weight'].shape} and {params['weight'].dtype}."
        )
    x = _pad(conv, x)
    weight, bias = _packed(conv, pool, params)
    y = aligned_empty(shape, x.dtype)
    argmax = aligned_empty(shape, np.uint8) if keep_argmax else None
    kernels.conv_pool(x, weight, bias, y, argmax, conv.kernel, conv.steps, pool)
    return y, x, argmax


def _backward(
    conv: Conv2D, pool: tuple[int, int], params: Params, cache: Any, dy: np.ndarray, input_grad: bool
) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    x, argmax, shape = cache
    weight = params["weight"]
    dy = check_dy(conv, dy, _pooled_shape(conv, pool, shape), x.dtype)
    grads = {"weight": np.empty(weight.shape, weight.dtype), "bias": np.empty(conv.filters, weight.dtype)}
    reductions.column_sums(dy.reshape(-1, conv.filters), grads["bias"])
    conv_gradients.conv_pool_grad_weight(x, dy, argmax, conv.kernel, conv.steps, pool, grads["weight"])
    if not input_grad:
        return None, grads
    dx = aligned_zeros(x.shape, x.dtype)
    patches = params[PATCHES] if PATCHES in params else conv_gradients.pack_patches(weight)
    conv_gradients.conv_pool_grad_x(dy, patches, argmax, conv.kernel, conv.steps, pool, dx)
    if conv.padding == "same":
        (top, _), (left, _) = _margins(conv, shape)
        dx = dx[:, top : top + shape[1], left : left + shape[2]]
    return dx, grads


def _pooled_shape(conv: Conv2D, pool: tuple[int, int], batch_shape: Shape) -> Shape:
    height, width, channels = conv.output_shape(batch_shape[1:])
    return batch_shape[0], height // pool[0], width // pool[1], channels


def _margins(conv: Conv2D, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the zeros (above, below) and (left, right) of a batch of `shape` under "same" padding."""
    (k, m), (s, t) = conv.kernel, conv.steps
    return same_padding(shape[1], k, s), same_padding(shape[2], m, t)


def _pad(conv: Conv2D, x: np.ndarray) -> np.ndarray:
    if conv.padding == "valid":
        return x
    n, height, width, channels = x.shape
    (top, bottom), (left, right) = _margins(conv, x.shape)
    padded = aligned_zeros((n, height + top + bottom, width + left + right, channels), x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded
