"""Metrics of classes that are never there or never predicted: left out with a warning, or as scikit-learn has it."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import metrics
from nnlite.metrics import UndefinedMetricWarning

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure

AVERAGES = [None, "macro", "weighted", "micro", "samples"]


def test_a_class_without_positives_is_left_out_with_one_warning():
    y = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]])
    s = np.array([[0.9, 0.8, 0.3], [0.2, 0.1, 0.4], [0.7, 0.6, 0.5]])
    np.testing.assert_array_equal(metrics.f1(y, s >= 0.5, average=None), [1.0, np.nan, 0.5])
    np.testing.assert_array_equal(metrics.roc_auc(y, s, average=None), [1.0, np.nan, np.nan])
    np.testing.assert_array_equal(metrics.average_precision(y, s, average=None), [1.0, np.nan, 1.0])
    for function, values, expected in (
        (metrics.f1, s >= 0.5, 0.75),
        (metrics.roc_auc, s, 1.0),
        (metrics.average_precision, s, 1.0),
    ):
        with pytest.warns(UndefinedMetricWarning, match="one a class") as caught:
            assert function(y, values) == expected
        assert len(caught) == 1
        assert caught[0].filename == __file__
    with pytest.warns(UndefinedMetricWarning, match=r"classes \[1\]"):
        assert metrics.best_thresholds(y, s)[1] == np.inf
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(metrics.roc_auc([1, 1], [0.5, 0.6]))


def test_a_class_never_predicted_has_precision_zero():
    result = metrics.precision_recall_f1([[1, 1], [0, 1]], [[1, 0], [0, 0]], average=None)
    np.testing.assert_array_equal(result, [[1, 0], [1, 0], [1, 0]])


@unhurried
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0]), st.booleans())
def test_zero_division_is_scikit_learns(seed, zero, one_label):
    """Few samples of many classes: some classes are only predicted, some only there, some neither."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 4, 6).astype(float)
    if one_label:
        y, p = rng.integers(0, 4, 6), rng.integers(0, 5, 6)
    else:
        y, p = rng.random((6, 4)) < 0.2, rng.random((6, 4)) < 0.2
    names = {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1}
    for average in AVERAGES:
        if one_label and average == "samples":
            continue
        settings_ = {"average": average, "zero_division": zero, "sample_weight": weight}
        theirs = sklearn.metrics.precision_recall_fscore_support(y, p, **settings_)[:3]
        ours = metrics.precision_recall_f1(y, p, **settings_)
        for name, expected, actual in zip(names, theirs, ours, strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-12)
            np.testing.assert_array_equal(names[name](y, p, **settings_), actual)


def test_a_class_with_false_positives_only():
    """Class 2 is predicted and never there: 0/1 for scikit-learn, not evaluable here."""
    y, p = [0, 0, 1, 1], [0, 2, 1, 1]
    with pytest.warns(UndefinedMetricWarning):
        assert metrics.precision(y, p) == 1.0
    assert metrics.precision(y, p, zero_division=0) == pytest.approx(2 / 3)
    for wrong in (-0.1, 2, np.nan, "warn"):
        with pytest.raises(ValueError, match="precision: zero_division: expected a number from 0 to 1 or None, got"):
            metrics.precision(y, p, zero_division=wrong)
