"""Optimizers refuse wrong settings, gradients and states, and change nothing."""

import math
from copy import deepcopy

import numpy as np
import pytest

import nnlite as nn
from nnlite import optimizers
from nnlite.optimizers import SGD, Adam, AdamW, GradientAccumulation, MovingAverage
from tests.nnlite.optimizer_cases import EACH_KIND, SHAPES, random_arrays, speaker


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9, clip_norm=1.0), SGD(), Adam(clip_norm=1.0), Adam()])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", list(SHAPES))
def test_a_gradient_that_is_not_finite_is_refused_and_nothing_changes(optimizer, bad, name):
    params, grads = random_arrays(13, np.float32), random_arrays(14, np.float32)
    state = optimizer.init(params)
    optimizer.update(params, grads, state)
    grads[name].reshape(-1)[-1] = bad
    before = deepcopy((params, state))
    with pytest.raises(optimizers.NonFiniteGradient, match=f"grads: {name}: expected finite numbers") as caught:
        optimizer.update(params, grads, state)
    assert caught.value.name == name
    for then, now in zip(before, (params, state), strict=True):
        assert all(np.array_equal(then[key], now[key]) for key in now)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
@pytest.mark.parametrize("factor", [np.nan, np.inf, -1.0])
def test_a_factor_that_is_no_rate_is_refused(optimizer, factor):
    params = random_arrays(13)
    with pytest.raises(ValueError, match="learning_rate_factor: expected a finite number of 0 or more"):
        optimizer.update(params, random_arrays(14), optimizer.init(params), factor)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.0), "SGD: learning_rate: expected a positive finite number, got 0.0"),
        (lambda: SGD(math.nan), "SGD: learning_rate: expected a positive finite number, got nan"),
        (lambda: SGD("fast"), "SGD: learning_rate: expected a positive finite number, got 'fast'"),
        (lambda: SGD(momentum=1.0), r"SGD: momentum: expected a number in \[0, 1\), got 1.0"),
        (lambda: SGD(nesterov=True), "SGD: nesterov: needs momentum, got momentum 0"),
        (lambda: SGD(weight_decay=-1e-4), "SGD: weight_decay: expected a finite number of 0 or more, got -0.0001"),
        (lambda: SGD(clip_norm=0.0), "SGD: clip_norm: expected a positive finite number, got 0.0"),
        (lambda: Adam(True), "Adam: learning_rate: expected a positive finite number, got True"),
        (lambda: Adam(beta1=-0.1), r"Adam: beta1: expected a number in \[0, 1\), got -0.1"),
        (lambda: Adam(beta2=1), r"Adam: beta2: expected a number in \[0, 1\), got 1"),
        (lambda: Adam(epsilon=0), "Adam: epsilon: expected a positive finite number, got 0"),
        (lambda: AdamW(weight_decay=-1), "AdamW: weight_decay: expected a finite number of 0 or more, got -1"),
        (lambda: AdamW(beta1=1), r"AdamW: beta1: expected a number in \[0, 1\), got 1"),
        (lambda: MovingAverage(SGD(), 1.0), r"MovingAverage: decay: expected a number in \[0, 1\), got 1.0"),
        (lambda: GradientAccumulation(SGD(), 0), "GradientAccumulation: steps: expected a positive integer"),
        (lambda: Adam(clip_norm=math.inf), "Adam: clip_norm: expected a positive finite number, got inf"),
    ],
)
def test_wrong_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("optimizer", "params", "grads", "state", "message"),
    [
        (SGD(), {"a": 1, "b": 1}, {"a": 1}, {}, "SGD: grads: expected the names of params, but b is in one"),
        (SGD(), {"a": 2}, {"a": 1}, {}, r"SGD: grads: a: expected shape and dtype \(2,\) float64, got \(1,\) float64"),
        (SGD(momentum=0.9), {"a": 2}, {"a": 2}, {}, r"SGD: state: velocity/a: expected .* got none\. Make the state"),
        (SGD(momentum=0.9), {"a": 2}, {"a": 2}, {"velocity/a": 3}, r"velocity/a: expected .* got \(3,\) float64"),
        (Adam(), {"a": 2}, {"a": 2}, {"mean/a": 2}, "Adam: state: mean_square/a: expected .* got none"),
        (Adam(), {"a": 2}, {"a": 2}, {"mean/a": 2, "mean_square/a": 2}, "Adam: state: expected a step counter"),
    ],
)
def test_what_does_not_belong_together(optimizer, params, grads, state, message):
    arrays = [{name: np.zeros(length) for name, length in lengths.items()} for lengths in (params, grads, state)]
    with pytest.raises(ValueError, match=message):
        optimizer.update(*arrays)
    assert all(not array.any() for array in arrays[0].values())


def test_an_average_is_of_an_optimizer_and_of_the_same_parameters():
    with pytest.raises(
        TypeError, match=r"MovingAverage: optimizer: expected an optimizer such as SGD\(0.01\), got 0.9"
    ):
        MovingAverage(0.9)
    optimizer, params = MovingAverage(), random_arrays(0)
    before = deepcopy(params)
    for missing, message in (("average/bias", "average/bias: expected"), ("averaged_steps", "expected a step counter")):
        state = optimizer.init(params)
        del state[missing]
        with pytest.raises(ValueError, match=f"MovingAverage: state: {message}"):
            optimizer.update(params, random_arrays(1), state)
    assert all(np.array_equal(params[name], before[name]) for name in params)


def test_dtypes_do_not_mix():
    with pytest.raises(ValueError, match=r"SGD: grads: a: expected shape and dtype \(2,\) float32, got \(2,\) float64"):
        SGD().update({"a": np.zeros(2, np.float32)}, {"a": np.zeros(2)}, {})


@EACH_KIND
def test_each_kind_refuses_what_does_not_belong_together(optimizer):
    params, grads = random_arrays(0), random_arrays(1)
    for wrong in ({}, {name: g[..., np.newaxis] for name, g in grads.items()}):
        with pytest.raises(ValueError, match=f"{speaker(optimizer)}: grads: "):
            optimizer.update(params, wrong, optimizer.init(params))


@EACH_KIND
def test_each_kind_refuses_what_is_not_finite(optimizer):
    params, grads = random_arrays(0), random_arrays(1)
    grads["bias"][0] = np.nan
    before = deepcopy(params)
    with pytest.raises(optimizers.NonFiniteGradient, match=f"{speaker(optimizer)}: grads: bias: expected"):
        optimizer.update(params, grads, optimizer.init(params))
    assert all(np.array_equal(params[name], before[name]) for name in params)


@pytest.mark.parametrize("kind", [nn.MovingAverage, nn.GradientAccumulation])
def test_an_optimizer_inside_of_one_of_its_kind_is_refused(kind):
    """Both would keep their state under the same names."""
    other = nn.MovingAverage if kind is nn.GradientAccumulation else nn.GradientAccumulation
    assert kind(other(nn.SGD())).learning_rate == nn.SGD().learning_rate
    for inner in (kind(nn.SGD()), other(kind(nn.SGD()))):
        with pytest.raises(
            ValueError, match=f"{kind.__name__}: optimizer: expected one without a {kind.__name__} inside"
        ):
            kind(inner)
