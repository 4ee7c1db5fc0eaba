"""Fans by counting, variances and limits by formula and by sample, shapes and errors."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nnlite.initializers import Constant, Glorot, He, LeCun, Zeros, fans

SCALED = (Glorot, He, LeCun)
weight_shapes = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)


def naive_fans(shape):
    """Count the elements of a weight that share an output channel, and those that share an input channel."""
    fan_in = fan_out = 0
    for index in itertools.product(*(range(length) for length in shape)):
        fan_in += index[-1] == 0
        fan_out += index[-2] == 0
    return fan_in, fan_out


@given(weight_shapes)
def test_fans_count_connections(shape):
    assert fans(shape) == naive_fans(shape)


@given(weight_shapes, st.floats(0.1, 10.0))
def test_variance_is_the_published_one(shape, gain):
    fan_in, fan_out = naive_fans(shape)
    assert Glorot(gain).variance(shape) == pytest.approx(gain**2 * 2 / (fan_in + fan_out))
    assert He(gain).variance(shape) == pytest.approx(gain**2 / fan_in)
    assert LeCun(gain).variance(shape) == pytest.approx(gain**2 / fan_in)


@pytest.mark.parametrize("make", SCALED)
def test_uniform_draw_has_the_variance(make):
    initializer, shape = make(gain=1.5, distribution="uniform"), (3, 3, 40, 100)
    weight = initializer(shape, np.random.default_rng(0), np.float64)
    limit = math.sqrt(3 * initializer.variance(shape))
    assert scipy.stats.kstest(weight.ravel(), scipy.stats.uniform(-limit, 2 * limit).cdf).pvalue > 0.01
    assert weight.var() == pytest.approx(initializer.variance(shape), rel=0.02)


@pytest.mark.parametrize("make", SCALED)
def test_normal_draw_has_the_variance(make):
    initializer, shape = make(gain=1.5, distribution="normal"), (3, 3, 40, 100)
    weight = initializer(shape, np.random.default_rng(0), np.float64)
    deviation = math.sqrt(initializer.variance(shape))
    assert scipy.stats.kstest(weight.ravel(), scipy.stats.norm(0, deviation).cdf).pvalue > 0.01
    assert weight.var() == pytest.approx(initializer.variance(shape), rel=0.02)


def test_glorot_uniform_stays_inside_its_limit():
    weight = Glorot()((300, 200), np.random.default_rng(1), np.float64)
    limit = math.sqrt(6 / 500)  # the form that the paper prints, equation 16
    assert 0.99 * limit < np.abs(weight).max() <= limit


@given(weight_shapes, st.sampled_from(SCALED), st.sampled_from(["uniform", "normal"]), st.integers(0, 99))
def test_float32_is_float64_rounded(shape, make, distribution, seed):
    initializer = make(distribution=distribution)
    wide, narrow = (initializer(shape, np.random.default_rng(seed), dtype) for dtype in ("float64", np.float32))
    assert wide.dtype == np.float64 and narrow.dtype == np.float32 and narrow.shape == shape
    assert narrow.flags.c_contiguous
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))


@pytest.mark.parametrize("make", SCALED)
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_a_gain_beyond_what_float32_squares_is_refused(make, distribution):
    with pytest.raises(ValueError, match=r"gain: expected at most 1e\+15, got 1e\+300"):
        make(1e300, distribution)
    assert np.isfinite(make(1e15, distribution)((8, 5), np.random.default_rng(2), np.float32) ** 2).all()


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("make", SCALED)
def test_gain_scales_the_draw(make, distribution):
    one, four = (make(gain, distribution)((8, 5), np.random.default_rng(2), np.float64) for gain in (1.0, 4.0))
    np.testing.assert_allclose(four, 4 * one, rtol=1e-14)


def test_open_gain_counts_as_one_until_it_is_filled_in():
    for make in (Glorot, He):
        assert make().gain is None
        assert make().variance((6, 4)) == make(gain=1.0).variance((6, 4))
        assert dataclasses.replace(make(), gain=4.0) == make(gain=4.0)
    assert LeCun().gain == 1.0  # as published, whatever activation follows


@pytest.mark.parametrize(
    ("initializer", "activation"),
    [(He(gain=math.sqrt(2)), lambda z: np.maximum(z, 0)), (LeCun(), lambda z: z), (Glorot(), lambda z: z)],
)
def test_signal_keeps_its_size_through_many_layers(initializer, activation):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 256))
    size = np.mean(x**2)
    for _ in range(12):
        x = activation(x @ initializer((256, 256), rng, np.float64))
    assert 0.4 < np.mean(x**2) / size < 2.5


def test_constants():
    rng = np.random.default_rng(4)
    before = rng.bit_generator.state
    np.testing.assert_array_equal(Constant(2.5)((2, 3), rng, np.float32), np.full((2, 3), 2.5, np.float32))
    np.testing.assert_array_equal(Zeros()((4,), rng, np.float64), np.zeros(4))
    assert Zeros()((), rng, np.float32).shape == ()
    assert Constant(1)((2,), rng, np.float32).dtype == np.float32
    assert rng.bit_generator.state == before


def test_descriptions_are_values():
    assert len({Glorot(), Glorot(None), He(), LeCun(), Zeros(), Constant(0.0)}) == 5
    assert repr(Glorot(gain=4.0)) == "Glorot(gain=4.0, distribution='uniform')"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Glorot(gain=0), "Glorot: gain: expected a positive number or None, got 0"),
        (lambda: He(gain=-1.0), "He: gain: expected a positive number"),
        (lambda: He(gain=float("nan")), "He: gain: expected a finite number, got nan"),
        (lambda: LeCun(gain="relu"), "LeCun: gain: expected a finite number, got 'relu'"),
        (lambda: Glorot(gain=True), "Glorot: gain: expected a finite number, got True"),
        (lambda: He(distribution="gauss"), r"He: distribution: expected one of \('uniform', 'normal'\), got 'gauss'"),
        (lambda: Constant(float("inf")), "Constant: value: expected a finite number, got inf"),
        (
            lambda: draw(Glorot(), (5,)),
            r"Glorot: shape: expected \(..., channels in, channels out\), got \(5,\). A bias",
        ),
        (lambda: draw(He(), (5, 0)), r"He: shape: expected a tuple of positive integers, got \(5, 0\)"),
        (lambda: draw(Zeros(), (2.5,)), r"Zeros: shape: expected a tuple of positive integers, got \(2.5,\)"),
        (lambda: draw(Zeros(), 3), "Zeros: shape: expected a tuple of positive integers, got 3"),
        (lambda: draw(LeCun(), (3, 2), np.int32), "LeCun: dtype: expected float32 or float64, got .*int32"),
        (lambda: draw(LeCun(), (3, 2), "single float"), "LeCun: dtype: expected float32 or float64"),
        (lambda: fans((3, -2)), r"fans: shape: expected a tuple of positive integers, got \(3, -2\)"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_seed_is_no_generator():
    with pytest.raises(
        TypeError, match=r"Glorot: rng: expected a numpy.random.Generator, got 0. numpy.random.default_rng"
    ):
        Glorot()((3, 2), 0, np.float32)


def draw(initializer, shape, dtype=np.float32):
    return initializer(shape, np.random.default_rng(0), dtype)
