"""Slopes and normalisation against the sums as they are written, librosa and python_speech_features."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import delta_features, deltas, normalize


def naive_deltas(c, width):
    """Return the deltas of one row of features."""
    n = len(c)
    norm = 2 * sum(i * i for i in range(1, width + 1))
    return [sum(i * (c[min(t + i, n - 1)] - c[max(t - i, 0)]) for i in range(1, width + 1)) / norm for t in range(n)]


def naive_differences(c, width):
    n = len(c)
    return [(c[min(t + width, n - 1)] - c[max(t - width, 0)]) / (2 * width) for t in range(n)]


def naive_normalize(x, mean, variance, window):
    n = len(x)
    window = min(n, window or n)
    y = np.empty(n)
    for t in range(n):
        start = t - window // 2
        start = 0 if start < 0 else n - window if start + window > n else start
        part = x[start : start + window]
        y[t] = x[t] - (part.mean() if mean else 0)
        if variance and part.min() < part.max():
            y[t] /= np.sqrt(np.mean((part - part.mean()) ** 2))
    return y


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_deltas_are_the_regression(seed, n, width, order):
    c = np.random.default_rng(seed).standard_normal((2, n))
    kept = c.copy()
    expected = c
    for _ in range(order):
        expected = [naive_deltas(row, width) for row in expected]
    np.testing.assert_allclose(deltas(c, width, order), expected, atol=1e-13)
    np.testing.assert_array_equal(c, kept)
    np.testing.assert_allclose(deltas(c.astype(np.float32), width, order), expected, atol=3e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [9, 100])
@pytest.mark.parametrize("shape", [(1,), (3, 7), (2, 3, 1100)])
def test_wide_slopes_are_those_of_passes(shape, width, dtype, monkeypatch):
    c = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    fast = [deltas(c, width, order) for order in (1, 2)]
    assert (deltas(np.full((2, 600), 0.1, dtype), width) == 0).all()
    monkeypatch.setattr(delta_features, "_MOST_PASSES", 10_000)
    for order, actual in enumerate(fast, start=1):
        expected = deltas(c, width, order)
        assert actual.dtype == dtype
        np.testing.assert_allclose(actual, expected, atol=1e-6 if dtype == np.float32 else 1e-14)
    np.testing.assert_allclose(
        fast[0].reshape(-1, shape[-1])[0], naive_deltas(c.reshape(-1, shape[-1])[0], width), atol=1e-5
    )


@given(seeds, st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_simple_differences(seed, n, width, order):
    c = np.random.default_rng(seed).standard_normal((2, n))
    expected = c
    for _ in range(order):
        expected = [naive_differences(row, width) for row in expected]
    np.testing.assert_allclose(deltas(c, width, order, simple=True), expected, atol=1e-13)


def test_deltas_of_a_line_are_its_slope():
    line = 3.0 - 0.25 * np.arange(30)
    np.testing.assert_allclose(deltas(line, 4)[4:-4], -0.25)
    np.testing.assert_allclose(deltas(line, 4, order=2)[8:-8], 0, atol=1e-14)
    assert deltas(np.full((3, 5), 7, int)).tolist() == np.zeros((3, 5)).tolist()


def test_deltas_of_librosa():
    librosa = pytest.importorskip("librosa")
    c = np.random.default_rng(0).standard_normal((13, 40))
    for width in (1, 2, 4):
        expected = librosa.feature.delta(c, width=2 * width + 1, mode="nearest")
        np.testing.assert_allclose(deltas(c, width), expected, atol=1e-12)


def test_deltas_of_python_speech_features():
    theirs = pytest.importorskip("python_speech_features")
    c = np.random.default_rng(0).standard_normal((13, 40))
    for width in (1, 2, 5):
        np.testing.assert_allclose(deltas(c, width), theirs.delta(c.T, width).T, atol=1e-12)
        np.testing.assert_allclose(
            deltas(c, width, order=2), theirs.delta(theirs.delta(c.T, width), width).T, atol=1e-12
        )


@given(seeds, st.integers(1, 25), st.booleans(), st.booleans(), st.one_of(st.none(), st.integers(2, 30)))
@settings(max_examples=60, deadline=None)
def test_normalization_is_what_it_says(seed, n, mean, variance, window):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, n)) * [[1.0], [1e-3], [1e3]] + [[0.0], [5.0], [-1e4]]
    x[0, n // 3 :] = 4.2  # windows that are constant
    kept = x.copy()
    expected = [naive_normalize(row, mean, variance, window) for row in x]
    np.testing.assert_allclose(normalize(x, mean, variance, window), expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(x, kept)


def test_normalized_features_have_mean_0_and_deviation_1():
    x = np.random.default_rng(0).gamma(2.0, size=(2, 13, 200)).astype(np.float32)
    y = normalize(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(axis=-1, dtype=float), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=-1, dtype=float), 1, atol=1e-6)
    np.testing.assert_array_equal(normalize(x, window=200), y)
    np.testing.assert_array_equal(normalize(x, window=1000), y)


def test_a_quiet_passage_beside_a_loud_one():
    x = np.concatenate([np.full(50, 0.1), 1e9 * np.sin(np.arange(50.0)), np.full(50, 0.1)])
    y = normalize(x, window=10)
    assert (y[:45] == 0).all() and (y[-44:] == 0).all()
    x[-50:] += 1e-3 * np.sin(np.arange(50.0))
    np.testing.assert_allclose(
        normalize(x, window=10)[-40:], [naive_normalize(x, True, True, 10)[t] for t in range(110, 150)], rtol=1e-9
    )
    assert (normalize(np.full((2, 7), np.float32(0.1))) == 0).all()


@pytest.mark.parametrize("window", [None, 300])
def test_memory_does_not_grow_with_the_number_of_features(window):
    x = np.random.default_rng(0).standard_normal((64, 20_000)).astype(np.float32)
    expected = np.stack([normalize(row, window=window) for row in x])
    tracemalloc.start()
    y = normalize(x, window=window)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(y, expected)
    assert peak < y.nbytes + 24 * 8 * (1 << 17)


def test_without_frames():
    assert deltas(np.empty((3, 0), np.float32)).shape == (3, 0)
    assert normalize(np.empty((3, 0))).shape == (3, 0)


def test_what_is_refused():
    c = np.zeros((3, 5))
    with pytest.raises(ValueError, match="deltas: width: expected an integer of at least 1, got 0"):
        deltas(c, 0)
    with pytest.raises(ValueError, match="deltas: order: expected an integer of at least 1, got 0"):
        deltas(c, 2, 0)
    with pytest.raises(ValueError, match="normalize: window: expected an integer of at least 2, got 1"):
        normalize(c, window=1)
    with pytest.raises(TypeError, match="normalize: variance: expected True or False, got 300"):
        normalize(c, True, 300)
    for function in (deltas, normalize):
        with pytest.raises(ValueError, match="features: expected finite numbers, got 1 of 2 that are NaN or infinite"):
            function([1.0, np.nan])
        with pytest.raises(ValueError, match=r"features: expected an array of shape \(..., n_frames\), got a scalar"):
            function(1.0)
        with pytest.raises(TypeError, match="features: expected real numbers, got an array of complex128"):
            function(c * 1j)
