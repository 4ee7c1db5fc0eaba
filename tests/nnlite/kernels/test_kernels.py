"""Kernels against their naive twins.

The numbers of the convolutions are small integers: sums are exact in either type, so that results must be equal and
ties are frequent.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.kernels import activations, conv, conv_gradients, dropout, pooling, reductions
from nnlite.runtime.memory import ALIGNMENT, aligned_empty
from nnlite.runtime.simd import lanes_of
from tests import naive

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# Compilation counts: shapes come from modest sets, and few examples are drawn where each compiles kernels of its own.
COMPILING = settings(max_examples=6, deadline=None)
PLENTY = settings(max_examples=30, deadline=None)


class Guarded:
    """An array between guards. Their value must neither get into a result nor be written over."""

    def __init__(self, values, dtype, guard=np.nan, offset=ALIGNMENT):
        values = np.asarray(values)
        memory = aligned_empty(values.size + 2 * offset, dtype)
        memory[:] = guard
        self.array = memory[offset : offset + values.size].reshape(values.shape)
        self.array[...] = values
        self.guards = memory[:offset], memory[offset + values.size :]
        self.expected = [guard.copy() for guard in self.guards]

    def check(self):
        for actual, expected in zip(self.guards, self.expected, strict=True):
            np.testing.assert_array_equal(actual, expected, err_msg="written outside of the array")


def integers(rng, shape, dtype):
    return rng.integers(-3, 4, shape).astype(dtype)


def run_forward(x, weight, bias, kernel, stride, pool, keep_argmax):
    """Return (y, argmax or None) of conv_pool, run between guards."""
    packed = conv.pack_forward(weight, stride, pool)
    padded = np.zeros(packed.shape[0] * packed.shape[-1], x.dtype)
    padded[: len(bias)] = bias
    lengths = [((x.shape[k + 1] - kernel[k]) // stride[k] + 1) // pool[k] for k in (0, 1)]
    shape = (len(x), *lengths, len(bias))
    source, packed = Guarded(x, x.dtype), Guarded(packed, x.dtype)
    y, argmax = Guarded(np.full(shape, 99), x.dtype), Guarded(np.full(shape, 99), np.uint8, guard=77)
    conv.conv_pool(
        source.array, packed.array, padded, y.array, argmax.array if keep_argmax else None, kernel, stride, pool
    )
    y.check()
    argmax.check()
    return y.array, argmax.array if keep_argmax else None


def run_gradients(x, weight, dy, argmax, stride, pool):
    """Return (dx, dweight) of the convolution's two gradients, run between guards."""
    kernel = weight.shape[:2]
    dx, dweight = Guarded(np.zeros(x.shape), x.dtype, guard=5.0), Guarded(np.full(weight.shape, 99), x.dtype)
    conv_gradients.conv_pool_grad_weight(Guarded(x, x.dtype).array, dy, argmax, kernel, stride, pool, dweight.array)
    conv_gradients.conv_pool_grad_x(dy, conv_gradients.pack_patches(weight), argmax, kernel, stride, pool, dx.array)
    dx.check()
    dweight.check()
    return dx.array, dweight.array


def check_convolution(rng, n, channels, filters, kernel, stride, pool, spare, dtype):
    """Check forward and both gradients, for an input that has `spare` rows and columns more than two windows need."""
    size = [(2 * pool[k] - 1) * stride[k] + kernel[k] + spare for k in (0, 1)]
    x, weight = integers(rng, (n, *size, channels), dtype), integers(rng, (*kernel, channels, filters), dtype)
    bias = integers(rng, filters, dtype)
    full = naive.conv2d(x, weight, bias, stride)
    expected, expected_argmax = naive.max_pool(full, pool)
    y, argmax = run_forward(x, weight, bias, kernel, stride, pool, keep_argmax=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)

    dy = integers(rng, y.shape, dtype)
    dfull = naive.max_pool_grad(dy, argmax, full.shape, pool)
    dx, dweight = run_gradients(x, weight, dy, argmax if pool != (1, 1) else None, stride, pool)
    np.testing.assert_array_equal(dx, naive.conv2d_grad_x(dfull, weight, x.shape, stride))
    np.testing.assert_array_equal(dweight, naive.conv2d_grad_weight(x, dfull, weight.shape, stride))


@COMPILING
@given(
    seed=st.integers(0, 2**32),
    n=st.sampled_from([1, 2]),
    channels=st.sampled_from([1, 3, 8, 17]),
    filters=st.sampled_from([1, 5, 16, 37]),
    kernel=st.sampled_from([(1, 1), (2, 2), (3, 2), (5, 3)]),
    stride=st.sampled_from([(1, 1), (1, 2), (2, 1)]),
    pool=st.sampled_from([(1, 1), (2, 2), (1, 3), (3, 2)]),
    spare=st.integers(0, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_convolution(seed, n, channels, filters, kernel, stride, pool, spare, dtype):
    check_convolution(np.random.default_rng(seed), n, channels, filters, kernel, stride, pool, spare, dtype)


@pytest.mark.parametrize(
    ("n", "channels", "filters", "kernel", "stride", "pool"),
    [
        (2, 1, 32, (5, 5), (1, 1), (2, 2)),  # the first layer of the published network
        (1, 33, 48, (3, 2), (1, 1), (2, 2)),
        (1, 2, 3, (11, 11), (4, 4), (3, 3)),
        (1, 3, 2, (25, 1), (1, 1), (1, 1)),  # more rows than registers
        (0, 3, 5, (2, 2), (1, 1), (2, 2)),
    ],
    ids=["first", "wide", "eleven", "tall", "empty"],
)
def test_chosen_convolutions(n, channels, filters, kernel, stride, pool):
    check_convolution(np.random.default_rng(0), n, channels, filters, kernel, stride, pool, 1, np.float32)


def test_convolution_without_argmax():
    rng = np.random.default_rng(0)
    x, weight, bias = (integers(rng, shape, np.float32) for shape in [(2, 7, 9, 3), (2, 2, 3, 5), (5,)])
    expected, _ = naive.max_pool(naive.conv2d(x, weight, bias), (2, 2))
    y, _ = run_forward(x, weight, bias, (2, 2), (1, 1), (2, 2), keep_argmax=False)
    np.testing.assert_array_equal(y, expected)


@DTYPES
def test_convolution_keeps_nan(dtype):
    rng = np.random.default_rng(0)
    x, weight, bias = (integers(rng, shape, dtype) for shape in [(1, 7, 9, 3), (2, 2, 3, 5), (5,)])
    x[0, 3, 4, 1] = np.nan
    expected, places = naive.max_pool(naive.conv2d(x, weight, bias), (2, 2))
    y, argmax = run_forward(x, weight, bias, (2, 2), (1, 1), (2, 2), keep_argmax=True)
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax[~np.isnan(y)], places[~np.isnan(y)])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="protects pages of memory")
def test_nothing_beyond_the_arrays_is_touched():
    script = Path(__file__).with_name("guard_pages.py")
    environment = {**os.environ, "PYTHONPATH": str(script.parents[3])}
    result = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "touched nothing else\n"), result.stderr


@PLENTY
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 3),
    channels=st.integers(1, 9),
    pool=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    spare=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_max_pool(seed, n, channels, pool, stride, spare, dtype):
    rng = np.random.default_rng(seed)
    x = integers(rng, (n, pool[0] + spare[0], pool[1] + spare[1], channels), dtype)
    if x.size:
        x.flat[rng.integers(x.size)] = np.nan
    expected, places = naive.max_pool(x, pool, stride)
    y, argmax = Guarded(np.full(expected.shape, 99), dtype), Guarded(np.full(expected.shape, 99), np.uint8, guard=77)
    pooling.max_pool(x, *pool, *stride, y.array, argmax.array)
    np.testing.assert_array_equal(y.array, expected)
    np.testing.assert_array_equal(argmax.array, places)
    y.check()
    argmax.check()
    dy, dx = integers(rng, y.array.shape, dtype), Guarded(np.zeros(x.shape), dtype)
    pooling.max_pool_grad(dy, argmax.array, *pool, *stride, dx.array)
    np.testing.assert_array_equal(dx.array, naive.max_pool_grad(dy, places, x.shape, pool, stride))
    dx.check()


ACTIVATIONS = {
    "logistic": (activations.logistic, activations.logistic_slope, naive.logistic, lambda y: y * (1 - y)),
    "tanh": (activations.tanh, activations.tanh_slope, np.tanh, lambda y: 1 - y**2),
    "relu": (activations.relu, activations.relu_slope, naive.relu, lambda y: float(y > 0)),
}


@DTYPES
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, dtype):
    function, slope, naive_function, naive_slope = ACTIVATIONS[name]
    rng, lanes, precision = np.random.default_rng(0), lanes_of(dtype), 8 * np.finfo(dtype).eps
    for size in (0, 1, lanes - 1, lanes, lanes + 1, 3 * lanes + 2, 1000):
        x = (rng.standard_normal(size) * rng.choice([1e-3, 1.0, 30.0], size)).astype(dtype)
        y = Guarded(np.full(size, 99), dtype)
        activations.run(function, Guarded(x, dtype).array, y.array)
        y.check()
        expected = np.array([naive_function(float(v)) for v in x])
        np.testing.assert_allclose(y.array, expected, rtol=precision, atol=4 * np.finfo(dtype).tiny)
        dy, dx = rng.standard_normal(size).astype(dtype), Guarded(np.full(size, 99), dtype)
        activations.run_slope(slope, y.array, dy, dx.array)
        dx.check()
        expected = np.array([float(g) * naive_slope(float(v)) for g, v in zip(dy, y.array, strict=True)])
        np.testing.assert_allclose(dx.array, expected, rtol=precision, atol=precision)


@DTYPES
@pytest.mark.parametrize("rate", [None, 0.4])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_with_the_bias_of_a_dense_layer(name, rate, dtype):
    """In one pass what takes three: bias, activation and dropout; and back, with the sums of each unit's gradients."""
    function, slope, *_ = ACTIVATIONS[name]
    rng, lanes, precision = np.random.default_rng(0), lanes_of(dtype), 8 * np.finfo(dtype).eps
    key = rng.integers(2**32, size=2, dtype=np.uint32)
    noise = None if rate is None else (key, dropout.threshold(rate), dtype(1 / (1 - rate)), dtype(0))
    for rows, units in ((0, 3), (1, 1), (5, lanes - 1), (4, lanes), (3, 2 * lanes + 3)):
        z, dy = rng.standard_normal((2, rows, units)).astype(dtype)
        bias = rng.standard_normal(units).astype(dtype)
        y, expected, dx, expected_dx = (Guarded(np.full((rows, units), 99), dtype) for _ in range(4))
        sums = Guarded(np.zeros(units), dtype)
        activations.run(function, z, y.array, Guarded(bias, dtype).array, noise)
        activations.run(function, z + bias, expected.array)
        if noise is not None:
            dropout.dropout(expected.array.reshape(-1), *noise, expected.array.reshape(-1))
        activations.run_slope(slope, y.array, dy, dx.array, sums.array, noise)
        activations.run_slope(slope, y.array, dy, expected_dx.array, None, noise)
        for guarded in (y, dx, sums):
            guarded.check()
        np.testing.assert_array_equal(y.array, expected.array)
        np.testing.assert_array_equal(dx.array, expected_dx.array)
        np.testing.assert_allclose(sums.array, dx.array.sum(0, dtype=np.float64), rtol=0, atol=rows * precision)


@DTYPES
@pytest.mark.parametrize(
    ("name", "limits"), [("logistic", (0.0, 0.5, 1.0)), ("tanh", (-1.0, 0.0, 1.0)), ("relu", (0.0, 0.0, np.inf))]
)
def test_activations_far_out(name, limits, dtype):
    huge = np.finfo(dtype).max
    x = np.array([-np.inf, -huge, -0.0, 0.0, np.inf, np.nan], dtype)
    y = np.empty_like(x)
    activations.run(ACTIVATIONS[name][0], x, y)
    expected = [limits[0], limits[0], limits[1], limits[1], limits[2], np.nan]
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-30)


@DTYPES
@pytest.mark.parametrize("rest", [0.0, 0.5])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.999])
def test_dropout(rate, rest, dtype):
    rng = np.random.default_rng(0)
    x, key = rng.standard_normal(1003).astype(dtype), rng.integers(2**32, size=2, dtype=np.uint32)
    y = Guarded(np.full(x.shape, 99), dtype)
    dropout.dropout(x, key, dropout.threshold(rate), dtype(1 / (1 - rate)), dtype(rest), y.array)
    np.testing.assert_allclose(
        y.array,
        naive.dropout(x, key, rate, rest),
        rtol=8 * np.finfo(dtype).eps,
        atol=4 * np.finfo(dtype).eps / (1 - rate),
    )
    y.check()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_looks_random(rate):
    n, rng = 100_000, np.random.default_rng(1)
    x, y = np.ones(n, np.float32), np.empty((2, n), np.float32)
    keys = rng.integers(2**32, size=2, dtype=np.uint32), rng.integers(2**32, size=2, dtype=np.uint32)
    for key, out in zip(keys, y, strict=True):
        dropout.dropout(x, key, dropout.threshold(rate), np.float32(1), np.float32(0), out)
    sigma = (rate * (1 - rate) / n) ** 0.5
    assert abs(y[0].mean() - (1 - rate)) < 5 * sigma
    neighbours, between = np.corrcoef(y[0][:-1], y[0][1:])[0, 1], np.corrcoef(y)[0, 1]
    assert max(abs(neighbours), abs(between)) < 5 / n**0.5


@DTYPES
@pytest.mark.parametrize("shape", [(0, 3), (1, 5), (7, 16), (33, 37)])
def test_column_sums(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    out = Guarded(np.full(shape[1], 99), dtype)
    reductions.column_sums(x, out.array)
    expected = [sum(float(x[i, j]) for i in range(shape[0])) for j in range(shape[1])]
    np.testing.assert_allclose(out.array, expected, rtol=1e-5, atol=1e-5)
    out.check()
