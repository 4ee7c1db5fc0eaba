"""Scaling of inputs, held against NumPy's own figures."""

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators import standardize
from nnlite.estimators.standardize import Standardizer

RNG = np.random.default_rng(0)
X = (RNG.standard_normal((50, 4, 3)) * [1, 20, 0.1] + [5, 0, -3]).astype(np.float32)


@pytest.mark.parametrize("axes", [(0,), (0, 1), (0, 2), (2, 1, 0)])
def test_mean_and_deviation(axes, monkeypatch):
    monkeypatch.setattr(standardize, "BLOCK", 7)
    scaled = Standardizer.fit("fit", X, axes)(X)
    expected = (X - X.mean(axes, np.float64, keepdims=True)) / X.std(axes, np.float64, keepdims=True)
    np.testing.assert_allclose(scaled, expected, atol=2e-5)
    assert scaled.dtype == np.float32


def test_figures_are_those_of_the_rows():
    some = np.array([3, 4, 40])
    whole, alone = Standardizer.fit("fit", X, (0,), some), Standardizer.fit("fit", X[some], (0,))
    rows = Standardizer.fit("fit", nn.Rows(X, some), (0,))
    for other in (alone, rows):
        np.testing.assert_array_equal(whole.mean, other.mean)
        np.testing.assert_array_equal(whole.scale, other.scale)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, -7e8, 1e-42])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_constant_becomes_zero(value, dtype):
    x = np.full((3000, 2), value, dtype)
    x[:, 1] = np.arange(3000)
    scaled = Standardizer.fit("fit", x, (0,))(x)
    assert (scaled[:, 0] == 0).all() and scaled[:, 1].std() == pytest.approx(1, rel=1e-5)


def test_digits_of_wide_numbers_are_used():
    x = 1.7e9 + RNG.standard_normal((100, 1)) * 50
    for wide in (x, np.round(x).astype(np.int64)):
        assert Standardizer.fit("fit", wide, (0,))(wide).std() == pytest.approx(1, rel=1e-3)


def test_the_input_is_not_changed():
    before = X.copy()
    Standardizer.fit("fit", X, (0,))(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("axes", [(), (1,), (0, 3), (0, 0), (-1, 0)])
def test_axes_that_can_not_be(axes):
    with pytest.raises(ValueError, match="standardize_axes: expected different axes below 3 with 0"):
        Standardizer.fit("fit", X, axes)


@pytest.mark.parametrize(("value", "got"), [(np.nan, "NaN"), (np.inf, "NaN or infinity"), (1e300, "too large")])
def test_numbers_without_figures(value, got):
    x = X.astype(np.float64)
    x[3, 2, 1] = value
    with pytest.raises(ValueError, match=f"X: expected finite numbers, got .*{got}"):
        Standardizer.fit("fit", x, (0,))
