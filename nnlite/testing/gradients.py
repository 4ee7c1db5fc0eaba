"""A check of gradients by differences, in float64.

A gradient check is projected: for random vectors `u` and `v` the directional derivative ``<u, J v>`` of the forward
pass, by central differences, must equal ``<J' u, v>`` from the backward pass. That takes two evaluations of the forward
pass whatever the number of inputs and parameters, and a single wrong entry of the gradient changes the sum.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite.checks import as_numbers, check_instance, check_integer, check_mapping, check_number, check_rng
from nnlite.layers.base import Layer, Params, Shape
from nnlite.network.sequential import Sequential
from nnlite.testing.comparison import fail, require, same_bits

# A smaller step crosses fewer kinks and loses more digits: 1e-7 leaves nine.
_STEPS = (1e-5, 1e-6, 1e-7)
_POINTS = 5


def check_gradients(
    model: Layer | Sequential,
    rng: np.random.Generator,
    *,
    input_shape: Shape | None = None,
    x: np.ndarray | None = None,
    params: Params | None = None,
    n_samples: int = 3,
    tolerance: float = 1e-6,
) -> float:
    """Compare the backward pass with differences of the forward pass, in float64.

    Noise is part of the function: each evaluation gets a generator of the same seed. Where a ReLU or a maximum changes
    sides between two evaluations the difference says nothing; this shows in the second difference, and a smaller step
    or another point is tried.

    Parameters
    ----------
    model : Layer or Sequential
        The layer or network to check.
    rng : numpy.random.Generator
        Draws the point, the directions and the seed of the noise.
    input_shape : tuple of int
        Shape of one sample; a network knows its own.
    x : ndarray, optional
        A batch; standard normal unless given.
    params : dict, optional
        Parameters; unless given those that `init` makes, in which zeros are replaced by small random numbers.
    n_samples : int
        Size of the batch that is drawn.
    tolerance : float
        Largest relative error.

    Returns
    -------
    float
        The relative error, the larger one of the input's gradient and of that of all parameters.

    Raises
    ------
    AssertionError
        If the error exceeds the tolerance, with the error by name of parameter; if a gradient is missing or has another
        shape; if two evaluations with equal arguments differ.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2)], input_shape=(3,))
    >>> nn.check_gradients(net, np.random.default_rng(0)) < 1e-6
    True
    >>> nn.check_gradients(nn.MaxPool2D(2), np.random.default_rng(0), input_shape=(4, 4, 1)) < 1e-6
    True
    """
    who = "check_gradients"
    check_instance(who, "model", model, (Layer, Sequential), "a layer or a Sequential")
    check_rng(who, rng)
    check_integer(who, "n_samples", n_samples)
    check_number(who, "tolerance", tolerance, low=0, expected="a finite number of 0 or more")
    if params is not None:
        check_mapping(who, "params", params, "a dict of arrays or None")
    if x is not None:
        x = as_numbers(who, "x", x)
    if isinstance(model, Sequential):
        input_shape = model.input_shape
    elif input_shape is None:
        raise TypeError(f"check_gradients: input_shape: expected the shape of one sample for {model!r}, got None.")
    still = model.untrained if isinstance(model, Sequential) else model.untrained()
    for _ in range(_POINTS):
        point = _draw_point(model, input_shape, rng, x, params, n_samples)
        trained = tuple(name for name in point.params if name not in still)
        errors = [_projected_error(point, rng, group, tolerance) for group in (("input",), trained)]
        if not any(error.is_kink for error in errors):
            break
    else:
        fail(
            f"check_gradients: {model!r}: expected a function that is smooth at most points, found none. Last: {errors}"
        )
    for name in still:
        zero = not np.any(point.gradients[name])
        require(zero, f"check_gradients: {model!r}: gradient of {name!r}: expected zeros for what is not trained.")
    for error, name in zip(errors, ("the input", "the parameters"), strict=True):
        if not error.relative <= tolerance:
            fail(
                f"check_gradients: {model!r}: gradient with respect to {name}: expected {error.expected:.12g} by "
                f"central differences, got {error.actual:.12g} from backward, relative error {error.relative:.1e} "
                f"(tolerance {tolerance:g}). {_by_name(point, trained, rng, tolerance)}backward does not fit forward."
            )
    return max(error.relative for error in errors)


class _Point(NamedTuple):
    """A point of the function, its value there, and its gradient projected on `u`."""

    evaluate: Callable[[Params, np.ndarray], np.ndarray]
    params: Params
    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    gradients: dict[str, np.ndarray]


class _Error(NamedTuple):
    expected: float
    actual: float
    relative: float
    is_kink: bool


def _by_name(point: _Point, names: tuple[str, ...], rng: np.random.Generator, tolerance: float) -> str:
    """Return the parameters with a wrong gradient, if each is checked alone."""
    errors = {name: _projected_error(point, rng, (name,), tolerance).relative for name in names}
    return "".join(f"{name!r} alone: {error:.1e}. " for name, error in errors.items() if not error <= tolerance)


def _draw_point(model: Any, input_shape: Shape, rng: np.random.Generator, x: Any, params: Any, n: int) -> _Point:
    if params is None:
        params = _init(model, input_shape, rng, np.float64)
        params = {
            name: value if value.any() else 0.1 * rng.standard_normal(value.shape) for name, value in params.items()
        }
    params = {name: np.array(value, np.float64) for name, value in params.items()}
    x = rng.standard_normal((n, *input_shape)) if x is None else np.array(x, np.float64)
    seed = int(rng.integers(2**63))
    who = f"check_gradients: {model!r}"

    def evaluate(params: Params, x: np.ndarray) -> np.ndarray:
        return model.forward(params, x, np.random.default_rng(seed))[0]

    y, cache = model.forward(params, x, np.random.default_rng(seed))
    require(y.dtype == np.float64, f"{who}: forward: expected float64 for input of float64, got {y.dtype}.")
    require(bool(np.isfinite(y).all()), f"{who}: forward: expected finite numbers, got NaN or infinity.")
    require(
        same_bits(evaluate(params, x), y), f"{who}: forward: expected equal outputs of equal arguments and generators."
    )
    u = rng.standard_normal(y.shape)
    dx, grads = model.backward(params, cache, u.copy())
    require(dx is not None, f"{who}: backward: expected the gradient of the input, got None.")
    _check_gradient_shapes(who, {**params, "input": x}, {**grads, "input": dx})
    return _Point(evaluate, params, x, y, u, {**grads, "input": dx})


def _projected_error(point: _Point, rng: np.random.Generator, group: tuple[str, ...], tolerance: float) -> _Error:
    """Return the error of the gradient with respect to "input" or to some parameters along one random direction."""
    direction = {name: rng.standard_normal(point.gradients[name].shape) for name in group}
    actual = math.fsum(float(np.vdot(point.gradients[name], v)) for name, v in direction.items())
    norm = math.hypot(*(float(np.linalg.norm(point.gradients[name])) for name in group))
    error = _Error(0.0, actual, 0.0, False)
    epsilon, tiny = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)
    for step in _STEPS:
        above, below = (_evaluate_at(point, direction, sign * step) for sign in (1, -1))
        expected = float(np.vdot(point.u, above - below)) / (2 * step)
        # The largest difference that rounding of the outputs alone can make.
        noise = 8 * epsilon * float(np.linalg.norm(point.u * point.y)) / step
        scale = max(abs(expected), abs(actual), norm, noise / tolerance, tiny)
        relative = abs(expected - actual) / scale
        # A kink between the two points moves the difference by no more than it bends the function.
        bend = float(np.abs(point.u * ((above - point.y) - (point.y - below))).sum()) / (2 * step) / scale
        error = _Error(expected, actual, relative, relative > tolerance and bend > relative / 10)
        if not error.is_kink:
            break
    return error


def _evaluate_at(point: _Point, direction: dict[str, np.ndarray], step: float) -> np.ndarray:
    params = {name: p + step * direction[name] if name in direction else p for name, p in point.params.items()}
    x = point.x + step * direction["input"] if "input" in direction else point.x
    return point.evaluate(params, x)


def _init(model: Any, input_shape: Shape, rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
    return model.init(rng, dtype) if isinstance(model, Sequential) else model.init(input_shape, rng, dtype)


def _check_gradient_shapes(who: str, arguments: Params, gradients: Params) -> None:
    expected = {name: value.shape for name, value in arguments.items()}
    actual = {name: np.shape(value) for name, value in gradients.items()}
    require(actual == expected, f"{who}: backward: expected gradients of shapes {expected}, got {actual}.")
