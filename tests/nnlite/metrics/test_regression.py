"""The coefficient of determination against a naive twin and scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import metrics
from nnlite.metrics import UndefinedMetricWarning

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure


def naive_r2(y, p, weight):
    mean = sum(w * a for w, a in zip(weight, y, strict=True)) / sum(weight)
    missed = sum(w * (a - b) ** 2 for w, a, b in zip(weight, y, p, strict=True))
    spread = sum(w * (a - mean) ** 2 for w, a in zip(weight, y, strict=True))
    if spread == 0:
        return 1.0 if missed == 0 else 0.0
    return 1 - missed / spread


@unhurried
@given(st.integers(0, 10**6), st.integers(2, 9), st.sampled_from([1e-3, 1.0, 1e6]))
def test_r2(seed, n, scale):
    rng = np.random.default_rng(seed)
    y, weight = scale * rng.integers(0, 4, (n, 3)).astype(float), rng.integers(1, 4, n).astype(float)
    p = y + scale * rng.integers(-1, 2, (n, 3))
    y[:, 2] = p[:, 2] = 4.0
    expected = [naive_r2(y[:, k].tolist(), p[:, k].tolist(), weight.tolist()) for k in range(3)]
    actual = metrics.r2(y, p, average=None, sample_weight=weight)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    theirs = sklearn.metrics.r2_score(y, p, sample_weight=weight, multioutput="raw_values")
    np.testing.assert_allclose(actual, theirs, rtol=1e-9, atol=1e-12)
    assert metrics.r2(y, p, sample_weight=weight) == pytest.approx(actual.mean())
    assert metrics.r2(y[:, 0], p[:, 0]) == pytest.approx(sklearn.metrics.r2_score(y[:, 0], p[:, 0]))


def test_r2_at_the_limits():
    with pytest.warns(UndefinedMetricWarning, match="r2: undefined for fewer than two samples"):
        assert np.isnan(metrics.r2([1.0], [1.0]))
    assert metrics.r2([1e300, 2e300], [1e300, 2e300]) == 1.0 and metrics.r2([5.0, 5.0], [5.0, 6.0]) == 0.0
    for y, p, message in (
        ([1.0, 2.0], [1.0], "r2: y_true: expected 1 samples, as many as in y_pred, got 2"),
        ([[1.0, 2.0]], [[1.0]], r"r2: y_pred: expected the shape of y_true, \(1, 2\), got \(1, 1\)"),
        ([np.nan, 1.0], [1.0, 1.0], "r2: y_true: expected finite numbers, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.r2(y, p)
    with pytest.raises(ValueError, match='r2: average: expected "macro" or None'):
        metrics.r2([1.0, 2.0], [1.0, 2.0], average="micro")


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.0, 1.0]])
def test_r2_of_targets_that_are_all_the_same(weight):
    """Their mean, 0.1 summed thrice, is not 0.1."""
    y = [0.1, 0.1, 0.1 if weight is None else 7.0, 0.1]
    assert metrics.r2(y, [0.2, 0.1, 0.3, 0.1], sample_weight=weight) == 0.0
    assert metrics.r2(y, y, sample_weight=weight) == 1.0
