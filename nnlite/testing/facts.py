"""The part of a layer's contract about its own statements: shapes, gain, window, names in other libraries."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.layers.base import Layer, Params, Shape
from nnlite.testing.comparison import distance

Require = Callable[[bool, str], None]


def check_facts(layer: Layer, input_shape: Shape, params: Params, x: np.ndarray, require: Require) -> None:
    """Check that the statements of a layer about itself fit its results.

    Parameters
    ----------
    layer : Layer
    input_shape : tuple of int
    params : dict
    x : ndarray (n_samples, *input_shape)
    require : callable
        ``require(condition, message)`` raises the message unless the condition holds.
    """
    hidden = [field.name for field in dataclasses.fields(layer) if hasattr(Layer, field.name)]
    require(not hidden, f"expected fields of other names than those of nnlite.Layer's own, got {hidden}.")

    shapes = {name: value.shape for name, value in params.items()}
    said: Any = layer.parameter_shapes(input_shape)
    require(said == shapes, f"parameter_shapes: expected those of `init`, {shapes}, got {said}.")

    count: Any = layer.multiply_adds(input_shape)
    require(isinstance(count, int) and count >= 0, f"multiply_adds: expected a count, got {count!r}.")

    gain: Any = layer.gain_before()
    require(gain is None or 0 < gain < math.inf, f"gain_before: expected a positive number or None, got {gain!r}.")

    window: Any = layer.receptive_window()
    pairs = np.shape(window) == (2, 2) and all(isinstance(v, int) and v >= 1 for pair in window for v in pair)
    require(pairs, f"receptive_window: expected two pairs of positive integers, got {window!r}.")

    y = layer.apply(params, x)
    low = not layer.nonnegative or float(y.min(initial=0)) >= 0
    require(low, "nonnegative: expected no output below 0, got one.")

    _check_unfused(layer, input_shape, params, x, require)
    _check_counterparts(layer, input_shape, params, require)


def _check_unfused(layer: Layer, shape: Shape, params: Params, x: np.ndarray, require: Require) -> None:
    expected = layer.apply(params, x)
    for part in layer.unfused():
        own = {name: params[name] for name in part.parameter_shapes(shape)}
        x, shape = part.apply(own, x), part.output_shape(shape)
    close = x.shape == expected.shape and distance(x, expected) < 1e-4
    require(close, "unfused: expected layers that do the same one after the other, got others.")
    quiet = layer.without_activation()
    require(isinstance(quiet, Layer), f"without_activation: expected a layer, got {quiet!r}.")


def _check_counterparts(layer: Layer, input_shape: Shape, params: Params, require: Require) -> None:
    theirs = layer.torch_parameters()
    if theirs:
        known = theirs.keys() == params.keys()
        require(known, f"torch_parameters: expected the names {sorted(params)} or none, got {sorted(theirs)}.")
    for name, parameter in theirs.items():
        axes = sorted(parameter.axes) == list(range(params[name].ndim))
        require(axes, f"torch_parameters: {name!r}: expected each axis once, got {parameter.axes}.")
    for node in layer.onnx(input_shape, params) if "onnx" in vars(type(layer)) else ():
        good = node.channels in ("last", "first", "any")
        require(good, f'onnx: channels: expected "last", "first" or "any", got {node.channels!r}.')
