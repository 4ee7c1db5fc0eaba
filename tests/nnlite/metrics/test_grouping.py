"""Samples to groups, and all metrics in one dictionary."""

import json

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import metrics
from nnlite.metrics import UndefinedMetricWarning

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure


@unhurried
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_average_by_group_equals_a_loop(n, n_groups, seed):
    rng = np.random.default_rng(seed)
    scores, groups = rng.random((n, 3)), rng.integers(0, n_groups, n)
    weight = rng.random(n) + 0.1
    names, means = metrics.average_by_group(scores, groups, sample_weight=weight)
    assert names.tolist() == sorted(set(groups.tolist()))
    for name, mean in zip(names, means, strict=True):
        chosen = groups == name
        np.testing.assert_allclose(mean, np.average(scores[chosen], axis=0, weights=weight[chosen]))
    shuffled = rng.permutation(n)
    again = metrics.average_by_group(scores[shuffled], groups[shuffled], sample_weight=weight[shuffled])
    np.testing.assert_allclose(again[1], means)


def test_average_at_the_logit_and_at_the_log():
    p = np.array([[0.9, 0.1], [0.6, 0.4]])
    _, logit = metrics.average_by_group(p, ["a", "a"], mean="logit")
    expected = 1 / (1 + np.exp(-np.log(p / (1 - p)).mean(axis=0)))
    np.testing.assert_allclose(logit[0], expected)
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    _, geometric = metrics.average_by_group(p, ["a", "a"], mean="softmax")
    expected = np.sqrt(p[0] * p[1])
    np.testing.assert_allclose(geometric[0], expected / expected.sum())
    _, certain = metrics.average_by_group([0.0, 1.0, 1.0], ["a", "a", "b"], mean="logit")
    np.testing.assert_allclose(certain, [0.5, 1.0], atol=1e-6)


def test_labels_by_group():
    names, labels = metrics.labels_by_group([[1, 0], [0, 1], [1, 0]], ["b", "a", "b"])
    assert names.tolist() == ["a", "b"]
    assert labels.tolist() == [[False, True], [True, False]]
    assert metrics.labels_by_group(["x", "y", "x"], [2, 1, 2])[1].tolist() == ["y", "x"]
    with pytest.raises(ValueError, match=r"got \[1, 0\] in row 2 and \[0, 1\] in row 0 of group 'b'|same labels"):
        metrics.labels_by_group([[0, 1], [0, 1], [1, 0]], ["b", "a", "b"])


def test_evaluate_gathers_the_functions():
    rng = np.random.default_rng(7)
    y = rng.random((150, 4)) < 0.3
    y[~y.any(axis=1), 0] = True
    scores = np.clip(rng.random(y.shape) + 0.2 * y, 0, 1).astype(np.float32)
    weight = rng.random(150)
    thresholds = metrics.best_thresholds(y, scores, sample_weight=weight)
    names = ["Action", "Comedy", "Drama", "Sci-Fi"]
    result = metrics.evaluate(y, scores, names, thresholds=thresholds, sample_weight=weight)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    decisions = scores.astype(float) >= thresholds
    assert result["n_samples"] == 150
    assert result["classes"]["Drama"]["threshold"] == thresholds[2]
    assert result["not_evaluable"] == []
    for metric, values in (
        ("f1", decisions),
        ("recall", decisions),
        ("roc_auc", scores),
        ("average_precision", scores),
    ):
        function = getattr(metrics, metric)
        per_class = function(y, values, average=None, sample_weight=weight)
        assert [entry[metric] for entry in result["classes"].values()] == pytest.approx(per_class.tolist())
        for average in ("macro", "weighted", "micro"):
            expected = function(y, values, average=average, sample_weight=weight)
            assert result[average][metric] == pytest.approx(expected)
    assert result["samples"]["f1"] == metrics.f1(y, decisions, average="samples", sample_weight=weight)
    for metric in (
        "coverage_error",
        "label_ranking_average_precision",
        "label_ranking_loss",
        "log_loss",
        "brier_score",
    ):
        assert result[metric] == pytest.approx(getattr(metrics, metric)(y, scores, sample_weight=weight))
    assert result["best_coverage_error"] == pytest.approx(np.average(y.sum(axis=1), weights=weight))
    assert result["accuracy"] == pytest.approx(metrics.accuracy(y, decisions, sample_weight=weight))


def test_evaluate_of_one_label_a_sample():
    rng = np.random.default_rng(8)
    names = ["Drama", "Action", "Crime"]  # not in alphabetical order: columns follow class_names
    y = rng.integers(0, 3, 90)
    probabilities = rng.dirichlet([1, 1, 1], 90)
    result = metrics.evaluate(np.array(names)[y], probabilities, names)
    assert result == metrics.evaluate(y, probabilities, names)
    predicted = probabilities.argmax(axis=1)
    assert result["accuracy"] == pytest.approx(np.mean(predicted == y))
    assert result["macro"]["f1"] == pytest.approx(sklearn.metrics.f1_score(y, predicted, average="macro"))
    assert result["log_loss"] == pytest.approx(sklearn.metrics.log_loss(y, probabilities))
    assert result["confusion_matrix"] == sklearn.metrics.confusion_matrix(y, predicted).tolist()
    assert metrics.evaluate(y, 3 * probabilities)["log_loss"] is None


def test_evaluate_warns_once_and_names_the_class():
    y = np.array([[1, 0], [0, 0], [1, 0]])
    scores = np.array([[0.9, 0.6], [0.1, 0.2], [0.4, 0.3]])
    with pytest.warns(UndefinedMetricWarning, match="Musical") as caught:
        result = metrics.evaluate(y, scores, ["Drama", "Musical"])
    assert len(caught) == 1
    assert result["not_evaluable"] == ["Musical"]
    assert result["n_samples_without_labels"] == 1
    assert result["classes"]["Musical"]["roc_auc"] is None
    assert result["macro"]["roc_auc"] == result["classes"]["Drama"]["roc_auc"] == 1.0
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.average_by_group([0.5, 0.5], ["a"]), "average_by_group: groups: expected 2 samples"),
        (lambda: metrics.average_by_group([0.5, 0.5], ["a", ""]), "empty one in row 1"),
        (lambda: metrics.average_by_group([0.5, 0.5], [0.5, np.nan]), "integers or strings"),
        (lambda: metrics.average_by_group([0.5, 0.5], np.array(["a", None])), "integers or strings"),
        (lambda: metrics.average_by_group([0.5, np.nan], ["a", "b"]), "got nan in row 1"),
        (lambda: metrics.average_by_group([0.5, 2.5], ["a", "b"], mean="logit"), "expects probabilities"),
        (lambda: metrics.average_by_group([0.5, 2.5], ["a", "b"], mean="median"), "mean: expected"),
        (lambda: metrics.average_by_group([0.5, 0.5], [1, 2], sample_weight=[1, 0]), "group 2 has only samples"),
        (lambda: metrics.evaluate([1, 0], [0.5, 0.2]), "n_classes"),
        (lambda: metrics.evaluate([[1, 0]], [[0.5, 0.2]], ["a"]), "2 distinct names"),
        (lambda: metrics.evaluate([[1, 0]], [[0.5, 0.2]], thresholds=[0.5]), "thresholds: expected one number or 2"),
        (lambda: metrics.evaluate(["x", "a"], [[1, 0], [0, 1]], ["a", "b"]), "got 'x' in row 0"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
