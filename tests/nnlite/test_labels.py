"""Weights of classes against scikit-learn and against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

from nnlite.losses import class_weights

indicators = st.tuples(st.integers(0, 12), st.integers(1, 5), st.integers(0, 10**6)).map(
    lambda drawn: np.random.default_rng(drawn[2]).integers(2, size=drawn[:2])
)


def naive_multi_label(y, per_class):
    """Return the mean weight of a sample's labels; 1 without labels."""
    weights = []
    for row in y:
        given = [per_class[k] for k in range(len(row)) if row[k]]
        weights.append(sum(given) / len(given) if given else 1.0)
    return weights


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_balanced_agrees_with_scikit_learn(y):
    weights = class_weights(y, "balanced", n_classes=6)
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", y))
    assert weights.dtype == np.float64 and weights.mean() == pytest.approx(1)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_dict_agrees_with_scikit_learn(y):
    chosen = {0: 2.0, 2: 0, 3: 0.5}
    np.testing.assert_array_equal(class_weights(y, chosen, 4), compute_sample_weight(chosen | {1: 1.0}, y))


@given(indicators)
def test_multi_label_is_the_mean_over_a_samples_labels(y):
    counts = y.sum(axis=0)
    per_class = [counts.sum() / ((counts > 0).sum() * count) if count else 1.0 for count in counts]
    np.testing.assert_allclose(class_weights(y, "balanced", y.shape[1]), naive_multi_label(y, per_class))
    chosen = dict(enumerate(np.linspace(0.5, 3, y.shape[1])))
    np.testing.assert_allclose(class_weights(y, chosen, y.shape[1]), naive_multi_label(y, chosen))


@given(indicators)
def test_balanced_classes_weigh_the_same_in_labels(y):
    """Each label of a class shares out the weight of the class: over the classes that occur, those totals are equal."""
    weights = class_weights(np.repeat(np.arange(y.shape[1]), y.sum(axis=0)), "balanced", y.shape[1])
    ends = np.cumsum(y.sum(axis=0))
    totals = [part.sum() for part in np.split(weights, ends[:-1]) if len(part)]
    np.testing.assert_allclose(totals, totals[:1] * len(totals))


def test_one_hot_is_single_label():
    y = np.array([0, 2, 2, 1, 2])
    for chosen in ("balanced", {2: 5.0}, None):
        np.testing.assert_allclose(class_weights(np.eye(3, dtype=bool)[y], chosen, 3), class_weights(y, chosen, 3))


def test_none_and_empty():
    np.testing.assert_array_equal(class_weights([1, 0, 1], None, 2), np.ones(3))
    assert class_weights([], "balanced", 3).shape == (0,)
    assert class_weights(np.empty((0, 3)), "balanced", 3).shape == (0,)


@pytest.mark.parametrize(
    ("y", "chosen", "message"),
    [
        ([0, 3], "balanced", "class_weights: y: expected class indices from 0 to 2, got 3 at sample 1"),
        ([0.5, 1], "balanced", "class_weights: y: expected integer class indices"),
        ([[0, 1]], "balanced", r"class_weights: y: expected .* of shape \(samples, 3\), got shape \(1, 2\)"),
        ([[0, 1, 2]], "balanced", "class_weights: y: expected indicators from 0 to 1, got 2"),
        ([0, 1], "even", "class_weights: class_weight: expected 'balanced', a dict or None, got 'even'"),
        ([0, 1], [1.0, 2.0, 3.0], "class_weights: class_weight: expected 'balanced', a dict or None, got"),
        ([0, 1], {3: 1.0}, "class_weights: class_weight: expected class indices from 0 to 2 as keys, got 3"),
        ([0, 1], {"Drama": 1.0}, "expected class indices from 0 to 2 as keys, got 'Drama'"),
        ([0, 1], {0: -1.0}, "expected a finite weight of 0 or more for class 0, got -1.0"),
        ([0, 1], {0: float("nan")}, "expected a finite weight of 0 or more for class 0, got nan"),
        ([0, 1], {0: "much"}, "expected a finite weight of 0 or more for class 0, got 'much'"),
    ],
)
def test_errors_say_what_is_wrong(y, chosen, message):
    with pytest.raises(ValueError, match=message):
        class_weights(y, chosen, n_classes=3)
