"""Numbers at the limits and arrays of every kind, through every metric.

pytest turns warnings into errors, so that none escapes is tested throughout.
"""

import numpy as np
import pytest

from nnlite import metrics
from tests.nnlite.array_kinds import KINDS

RNG = np.random.default_rng(0)
Y = (RNG.random((40, 3)) < 0.4).astype(int)
Y[:3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
SCORES = RNG.integers(0, 9, (40, 3))
SHARES = RNG.random((40, 3))

OF_SCORES = {
    "roc_auc": metrics.roc_auc,
    "average_precision": metrics.average_precision,
    "best_thresholds": metrics.best_thresholds,
    "coverage_error": metrics.coverage_error,
    "label_ranking_average_precision": metrics.label_ranking_average_precision,
    "label_ranking_loss": metrics.label_ranking_loss,
    "evaluate": lambda y, scores: metrics.evaluate(y, scores, thresholds=0.5),
}
OF_DECISIONS = {
    "accuracy": metrics.accuracy,
    "precision_recall_f1": metrics.precision_recall_f1,
    "f1": metrics.f1,
    "precision": metrics.precision,
    "recall": metrics.recall,
    "confusion_matrix": lambda y, p: metrics.confusion_matrix(y.argmax(axis=1), p.argmax(axis=1)),
    "class_counts": metrics.class_counts,
}
OF_PROBABILITIES = {"log_loss": metrics.log_loss, "brier_score": metrics.brier_score}
OTHERS = {
    "average_by_group",
    "best_coverage_error",
    "bootstrap_difference",
    "bootstrap_intervals",
    "labels_by_group",
    "r2",
}


def test_every_metric_is_tried():
    """A new one belongs in one of the tables; what doesn't take targets and figures of samples is one of the others."""
    functions = {name for name in metrics.__all__ if not isinstance(getattr(metrics, name), type)}
    assert functions == {*OF_SCORES, *OF_DECISIONS, *OF_PROBABILITIES} | OTHERS


def assert_equal(actual, expected):
    np.testing.assert_equal(_plain(actual), _plain(expected))


def _plain(value):
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return vars(value) if hasattr(value, "__dict__") else value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_SCORES)
def test_scores_of_every_kind(tmp_path, kind, name):
    metric = OF_SCORES[name]
    y, scores = KINDS["int8"](Y, tmp_path), KINDS[kind](SCORES, tmp_path)
    before = np.array(scores, np.float64)
    assert_equal(metric(y, scores), metric(Y, SCORES.astype(np.float64)))
    np.testing.assert_array_equal(np.array(scores, np.float64), before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_SCORES | OF_DECISIONS)
def test_targets_of_every_kind(tmp_path, kind, name):
    metric = (OF_SCORES | OF_DECISIONS)[name]
    other = SCORES if name in OF_SCORES else (SCORES > 4).astype(int)
    y = KINDS[kind](Y, tmp_path)
    before = np.array(y, np.float64)
    assert_equal(metric(y, other), metric(Y, other))
    np.testing.assert_array_equal(np.array(y, np.float64), before)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4", ">f8", np.longdouble])
@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_probabilities_of_every_kind(dtype, name):
    metric = OF_PROBABILITIES[name]
    given = SHARES.astype(dtype)
    given.flags.writeable = False
    np.testing.assert_allclose(metric(Y, given), metric(Y, given.astype(np.float64)), rtol=1e-5)  # eps is the type's


@pytest.mark.parametrize("scale", [1e300, 1e30, 1e-30, 1e-308, 5e-324], ids="{:g}".format)
@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "coverage_error", "label_ranking_loss"])
def test_only_the_order_of_scores_counts(scale, name):
    scores = SCORES * scale
    assert len(np.unique(scores)) == len(np.unique(SCORES))
    assert_equal(OF_SCORES[name](Y, scores), OF_SCORES[name](Y, SCORES))


@pytest.mark.parametrize("value", [0.0, 1e300, -1e300, 5e-324, -0.0])
@pytest.mark.parametrize("name", OF_SCORES)
def test_constant_scores(value, name):
    assert_equal(OF_SCORES[name](Y, np.full(Y.shape, value)), OF_SCORES[name](Y, np.full(Y.shape, value).copy()))
    assert metrics.roc_auc(Y, np.full(Y.shape, value)) == 0.5


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-300, 1 - 2**-53, 1.0])
def test_probabilities_that_are_certain(value):
    probabilities = np.full(Y.shape, value)
    assert np.isfinite(metrics.log_loss(Y, probabilities)) and np.isfinite(metrics.brier_score(Y, probabilities))


def test_a_class_with_one_example_and_one_sample():
    y = np.zeros((40, 2), int)
    y[7, 0] = y[1:, 1] = 1
    for name, metric in (OF_SCORES | OF_DECISIONS).items():
        metric(y, SCORES[:, :2] if name in OF_SCORES else y)
    assert metrics.roc_auc(y, y) == 1.0
    for name, metric in (OF_SCORES | OF_DECISIONS).items():
        if name != "evaluate":
            with np.errstate(all="raise"):
                _one_sample(name, metric)


def _one_sample(name, metric):
    """One sample has no class with both kinds: the figures of classes are undefined, and said to be."""
    other = [[0.9, 0.1]] if name in OF_SCORES else np.array([[1, 0]])
    undefined = {"roc_auc", "average_precision", "best_thresholds"}
    undefined |= {"precision_recall_f1", "precision", "recall", "f1"}
    if name in undefined:
        with pytest.warns(metrics.UndefinedMetricWarning):
            metric(np.array([[1, 0]]), other)
    else:
        metric(np.array([[1, 0]]), other)


@pytest.mark.parametrize("weight", [1e308, 1e300, 1e-300, 5e-324])
def test_weights_at_the_limits(weight):
    """Only their ratios count."""
    weights = np.full(40, weight)
    for name in ("roc_auc", "average_precision", "coverage_error", "label_ranking_loss"):
        np.testing.assert_allclose(OF_SCORES[name](Y, SCORES, sample_weight=weights), OF_SCORES[name](Y, SCORES))
    for name in ("accuracy", "f1"):
        metric = OF_DECISIONS[name]
        np.testing.assert_allclose(metric(Y, SCORES > 4, sample_weight=weights), metric(Y, SCORES > 4))
