"""Convolution and pooling by Winograd's minimal filtering, against the same naive twin as the direct sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.kernels import conv, winograd
from tests import naive
from tests.nnlite.kernels.test_kernels import integers, run_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def check(rng, n, channels, filters, taps, windows, spare, dtype):
    """Check forward of an image with as many windows, and `spare` rows and columns that fill none."""
    size = [2 * count + taps - 1 + spare for count in windows]
    kernel, weight_shape = (taps, taps), (taps, taps, channels, filters)
    x, weight, bias = (integers(rng, shape, dtype) for shape in [(n, *size, channels), weight_shape, (filters,)])
    assert winograd.tile(kernel, (1, 1), (2, 2), channels, filters)
    full = naive.conv2d(x, weight, bias)
    expected, places = naive.max_pool(full, (2, 2))
    y, argmax = run_forward(x, weight, bias, kernel, (1, 1), (2, 2), keep_argmax=True)
    if taps == 2:  # sums of small integers are exact
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(argmax, places)
        return
    largest = np.abs(full).max(initial=0)
    precision = 32 * np.finfo(dtype).eps * largest
    np.testing.assert_allclose(y, expected, rtol=0, atol=precision)
    at = {k: full[:, k // 2 : 2 * windows[0] : 2, k % 2 : 2 * windows[1] : 2] for k in range(4)}
    np.testing.assert_allclose(np.choose(argmax, list(at.values())), expected, rtol=0, atol=precision)
    alone, _ = run_forward(x, weight, bias, kernel, (1, 1), (2, 2), keep_argmax=False)
    np.testing.assert_array_equal(alone, y)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 3),
    channels=st.sampled_from([8, 9, 17]),
    filters=st.sampled_from([8, 19, 37]),
    taps=st.sampled_from([2, 3]),
    windows=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    spare=st.integers(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_shapes(seed, n, channels, filters, taps, windows, spare, dtype):
    check(np.random.default_rng(seed), n, channels, filters, taps, windows, spare, dtype)


@pytest.mark.parametrize("taps", [2, 3])
def test_wide(taps):
    check(np.random.default_rng(0), 2, 33, 48, taps, (3, 7), 1, np.float32)


@DTYPES
@pytest.mark.parametrize("taps", [2, 3])
def test_many_tiles(taps, dtype, monkeypatch):
    """More than are transformed at a time."""
    monkeypatch.setattr(winograd, "cache_bytes", lambda level: 1)
    check(np.random.default_rng(0), 3, 9, 19, taps, (3, 5), 0, dtype)


@DTYPES
def test_nan_stays(dtype):
    rng = np.random.default_rng(0)
    x, weight, bias = (integers(rng, shape, dtype) for shape in [(2, 10, 10, 8), (3, 3, 8, 8), (8,)])
    x[0, 1, 1, 3] = np.nan
    expected, _ = naive.max_pool(naive.conv2d(x, weight, bias), (2, 2))
    y, _ = run_forward(x, weight, bias, (3, 3), (1, 1), (2, 2), keep_argmax=True)
    assert np.isnan(expected).any()
    assert np.isnan(y[np.isnan(expected)]).all()
    # It reaches the other windows of its tile, and no further.
    np.testing.assert_allclose(y[0, 2:], expected[0, 2:], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(y[0, :, 2:], expected[0, :, 2:], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(y[1], expected[1], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("taps", [2, 3])
def test_precision(taps):
    """In float32, on data as a network has it: close to the direct sum in float64."""
    rng = np.random.default_rng(0)
    x, bias = rng.random((2, 12, 12, 64)).astype(np.float32), np.zeros(32, np.float32)
    weight = (rng.standard_normal((taps, taps, 64, 32)) / (8 * taps)).astype(np.float32)
    windows = ((13 - taps) // 2,) * 2
    exact, _ = naive.max_pool(naive.conv2d(x.astype(np.float64), weight.astype(np.float64), bias), (2, 2))
    y, _ = run_forward(x, weight, bias, (taps, taps), (1, 1), (2, 2), keep_argmax=False)
    assert y.shape[1:3] == windows
    assert np.abs(y - exact).max() < 5e-6 * np.abs(exact).max()


def test_direct_sum_where_there_is_no_tile():
    for kernel, stride, pool, channels, filters in [
        ((3, 3), (1, 1), (1, 1), 32, 32),
        ((3, 3), (2, 2), (2, 2), 32, 32),
        ((3, 2), (1, 1), (2, 2), 32, 32),
        ((5, 5), (1, 1), (2, 2), 32, 32),
        ((3, 3), (1, 1), (2, 2), 1, 32),
    ]:
        assert winograd.tile(kernel, stride, pool, channels, filters) == 0
        assert conv.pack_forward(np.zeros((*kernel, channels, filters), np.float32), stride, pool).ndim == 3
