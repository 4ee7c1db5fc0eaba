"""Metrics against naive twins, against scikit-learn, and their properties."""

import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import metrics
from nnlite.metrics import UndefinedMetricWarning

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure

AVERAGES = [None, "macro", "weighted", "micro", "samples"]


# Naive twins: loops over samples and pairs, straight from the definitions.


def naive_f1(y, p, weight):
    """Return the F1 of one class, from precision and recall; None if undefined."""
    tp = sum(w for a, b, w in zip(y, p, weight, strict=True) if a and b)
    predicted = sum(w for b, w in zip(p, weight, strict=True) if b)
    positive = sum(w for a, w in zip(y, weight, strict=True) if a)
    if positive == 0:
        return None
    if tp == 0:
        return 0.0
    precision, recall = tp / predicted, tp / positive
    return 2 * precision * recall / (precision + recall)


def naive_roc_auc(y, s, weight):
    """Return the weighted share of (positive, negative) pairs in the right order; None if there is no pair."""
    won = total = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] and not y[j]:
                total += weight[i] * weight[j]
                won += weight[i] * weight[j] * (1.0 if s[i] > s[j] else 0.5 if s[i] == s[j] else 0.0)
    return won / total if total else None


def naive_average_precision(y, s, weight):
    """Return the weighted mean over positives of the precision among all that score as high or higher."""
    total = sum(w for a, w in zip(y, weight, strict=True) if a)
    if total == 0:
        return None
    result = 0.0
    for i in range(len(y)):
        if y[i] and weight[i]:
            above = [j for j in range(len(y)) if s[j] >= s[i]]
            result += weight[i] * sum(weight[j] for j in above if y[j]) / sum(weight[j] for j in above)
    return result / total


def naive_rankings(y, s, weight):
    """Return coverage error, LRAP and ranking loss; a sample counts where the metric is defined for it."""
    sums, weights = np.zeros(3), np.zeros(3)
    for labels, scores, w in zip(y, s, weight, strict=True):
        relevant = [j for j in range(len(labels)) if labels[j]]
        irrelevant = [j for j in range(len(labels)) if not labels[j]]
        if not relevant:
            continue
        needed = max(sum(scores[j] >= scores[i] for j in range(len(labels))) for i in relevant)
        shares = [sum(scores[j] >= scores[i] for j in relevant) / sum(x >= scores[i] for x in scores) for i in relevant]
        sums[:2] += w * needed, w * sum(shares) / len(shares)
        weights[:2] += w
        if irrelevant:
            wrong = sum(scores[i] <= scores[j] for i in relevant for j in irrelevant)
            sums[2] += w * wrong / (len(relevant) * len(irrelevant))
            weights[2] += w
    return [a / b if b else None for a, b in zip(sums, weights, strict=True)]


@st.composite
def problems(draw, max_samples=25, max_classes=5):
    """Draw targets, scores with ties, and weights; often degenerate."""
    n, k = draw(st.integers(1, max_samples)), draw(st.integers(1, max_classes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.random((n, k)) < draw(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]))
    levels = draw(st.sampled_from([1, 2, 4, 1000]))
    s = rng.integers(0, levels, (n, k)) / levels
    weight = draw(st.sampled_from([np.ones(n), rng.integers(0, 3, n) * 1.0, rng.random(n)]))
    if weight.sum() == 0:
        weight = np.ones(n)
    return y, s, weight


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return function(*args, **kwargs)


def assert_same(actual, expected):
    expected = [np.nan if value is None else value for value in np.atleast_1d(expected)]
    np.testing.assert_allclose(np.atleast_1d(actual), expected, rtol=1e-9, atol=1e-12)


@unhurried
@given(problems())
def test_per_class_metrics_equal_their_naive_twins(problem):
    y, s, weight = problem
    for function, twin, values in (
        (metrics.f1, naive_f1, s >= 0.5),
        (metrics.roc_auc, naive_roc_auc, s),
        (metrics.average_precision, naive_average_precision, s),
    ):
        expected = [twin(y[:, c], values[:, c], weight) for c in range(y.shape[1])]
        assert_same(function(y, values, average=None, sample_weight=weight), expected)


@unhurried
@given(problems())
def test_ranking_metrics_equal_their_naive_twins(problem):
    y, s, weight = problem
    functions = (metrics.coverage_error, metrics.label_ranking_average_precision, metrics.label_ranking_loss)
    actual = [quietly(function, y, s, sample_weight=weight) for function in functions]
    assert_same(actual, naive_rankings(y, s, weight))


@unhurried
@given(problems())
def test_best_thresholds_equal_trying_every_threshold(problem):
    y, s, weight = problem
    thresholds = quietly(metrics.best_thresholds, y, s, sample_weight=weight)
    achieved = metrics.f1(y, s >= thresholds, average=None, sample_weight=weight)
    for c in range(y.shape[1]):
        tried = [naive_f1(y[:, c], s[:, c] >= t, weight) for t in s[:, c]]
        if tried[0] is None:
            assert thresholds[c] == np.inf
        else:
            assert achieved[c] == pytest.approx(max(tried))


@unhurried
@given(problems(), st.integers(0, 2**32 - 1))
def test_permutation_of_samples_and_classes_changes_nothing(problem, seed):
    y, s, weight = problem
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(y)), rng.permutation(y.shape[1])
    for function in (
        metrics.roc_auc,
        metrics.average_precision,
        metrics.coverage_error,
        metrics.label_ranking_average_precision,
        metrics.label_ranking_loss,
        metrics.log_loss,
        metrics.brier_score,
    ):
        before = quietly(function, y, s, sample_weight=weight)
        after = quietly(function, y[rows][:, columns], s[rows][:, columns], sample_weight=weight[rows])
        assert_same(after, before)


@unhurried
@given(problems())
def test_weights_of_whole_numbers_equal_repeated_samples(problem):
    y, s, _ = problem
    weight = np.arange(len(y)) % 3 + 1.0
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    for average in AVERAGES:
        for function in (metrics.roc_auc, metrics.average_precision):
            weighted = quietly(function, y, s, average=average, sample_weight=weight)
            assert_same(weighted, quietly(function, y[rows], s[rows], average=average))
    for function in (metrics.coverage_error, metrics.label_ranking_average_precision, metrics.label_ranking_loss):
        assert_same(quietly(function, y, s, sample_weight=weight), quietly(function, y[rows], s[rows]))


@unhurried
@given(problems())
def test_ranks_see_only_the_order_of_scores(problem):
    y, s, _ = problem
    for function in (metrics.roc_auc, metrics.average_precision, metrics.label_ranking_average_precision):
        assert_same(quietly(function, y, np.exp(3 * s) - 7), quietly(function, y, s))


@unhurried
@given(problems())
def test_reversed_scores_mirror_the_area(problem):
    y, s, weight = problem
    forward = metrics.roc_auc(y, s, average=None, sample_weight=weight)
    backward = metrics.roc_auc(y, -s, average=None, sample_weight=weight)
    np.testing.assert_allclose(forward + backward, np.where(np.isnan(forward), np.nan, 1.0))


@pytest.fixture(params=["continuous", "tied"])
def labelled(request):
    """Draw no degenerate case: every sample has a label, no sample has all, every class has positives and negatives."""
    rng = np.random.default_rng(3)
    y = rng.random((400, 7)) < 0.25
    y[~y.any(axis=1), 2] = True
    y[y.all(axis=1), 3] = False
    s = 0.3 * y + rng.random(y.shape)
    if request.param == "tied":
        s = np.round(s, 1)
    return y, s, rng.random(len(y))


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_scikit_learn(labelled, average, weighted):
    y, s, weight = labelled
    weight = weight if weighted else None
    p = s >= 0.6
    ours = metrics.precision_recall_f1(y, p, average=average, sample_weight=weight)
    theirs = sklearn.metrics.precision_recall_fscore_support(
        y, p, average=average, sample_weight=weight, zero_division=0.0
    )
    for actual, expected in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(actual, expected, rtol=1e-10)
    for function, reference in (
        (metrics.roc_auc, sklearn.metrics.roc_auc_score),
        (metrics.average_precision, sklearn.metrics.average_precision_score),
    ):
        expected = reference(y, s, average=average, sample_weight=weight)
        np.testing.assert_allclose(function(y, s, average=average, sample_weight=weight), expected, rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_rankings_and_accuracy_agree_with_scikit_learn(labelled, weighted):
    y, s, weight = labelled
    weight = weight if weighted else None
    for function, reference in (
        (metrics.coverage_error, sklearn.metrics.coverage_error),
        (metrics.label_ranking_average_precision, sklearn.metrics.label_ranking_average_precision_score),
        (metrics.label_ranking_loss, sklearn.metrics.label_ranking_loss),
    ):
        assert function(y, s, sample_weight=weight) == pytest.approx(reference(y, s, sample_weight=weight), rel=1e-10)
    p = s >= 0.6
    expected = sklearn.metrics.accuracy_score(y, p, sample_weight=weight)
    assert metrics.accuracy(y, p, sample_weight=weight) == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_class_labels_agree_with_scikit_learn(weighted):
    rng = np.random.default_rng(4)
    names = np.array(["Crime", "Drama", "Fantasy", "Musical"])
    y = rng.integers(0, 4, 300)
    probabilities = rng.dirichlet(np.ones(4), 300) + np.eye(4)[y]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    p = probabilities.argmax(axis=1)
    weight = rng.random(300) if weighted else None
    for average in (None, "macro", "weighted", "micro"):
        ours = metrics.f1(names[y], names[p], average=average, sample_weight=weight)
        expected = sklearn.metrics.f1_score(names[y], names[p], average=average, sample_weight=weight)
        np.testing.assert_allclose(ours, expected)
    matrix = metrics.confusion_matrix(names[y], names[p], classes=names, sample_weight=weight)
    np.testing.assert_allclose(matrix, sklearn.metrics.confusion_matrix(y, p, sample_weight=weight))
    for average in ("macro", "weighted"):
        expected = sklearn.metrics.roc_auc_score(
            y, probabilities, multi_class="ovr", average=average, sample_weight=weight
        )
        ours = metrics.roc_auc(names[y], probabilities, classes=names, average=average, sample_weight=weight)
        assert ours == pytest.approx(expected)
    expected = sklearn.metrics.log_loss(y, probabilities, sample_weight=weight)
    assert metrics.log_loss(y, probabilities, sample_weight=weight) == pytest.approx(expected)
    expected = np.average(((np.eye(4)[y] - probabilities) ** 2).sum(axis=1), weights=weight)
    assert metrics.brier_score(y, probabilities, sample_weight=weight) == pytest.approx(expected)


def test_binary_agrees_with_scikit_learn():
    rng = np.random.default_rng(5)
    y, s, weight = rng.integers(0, 2, 200), np.round(rng.random(200), 1), rng.random(200)
    for ours, theirs in (
        (metrics.roc_auc, sklearn.metrics.roc_auc_score),
        (metrics.average_precision, sklearn.metrics.average_precision_score),
        (metrics.brier_score, sklearn.metrics.brier_score_loss),
        (metrics.log_loss, lambda y, s, **k: sklearn.metrics.log_loss(y, np.clip(s, 2**-52, 1 - 2**-52), **k)),
    ):
        assert ours(y, s, sample_weight=weight) == pytest.approx(theirs(y, s, sample_weight=weight), rel=1e-6)
    p = s > 0.4
    expected = sklearn.metrics.f1_score(y, p, sample_weight=weight)
    assert metrics.f1(y, p, average="binary", sample_weight=weight) == pytest.approx(expected)
    counts = metrics.class_counts(y[:, None], p[:, None])
    assert [float(c[0]) for c in counts] == sklearn.metrics.confusion_matrix(y, p).ravel()[[3, 1, 2, 0]].tolist()


def test_proper_scores_average_over_classes_as_decisions():
    y = np.array([[1, 0], [0, 1], [1, 1]])
    p = np.array([[0.75, 0.25], [0.5, 0.5], [0.9, 1.0]], dtype=np.float32)
    per_class = [sklearn.metrics.log_loss(y[:, c], p[:, c], labels=[0, 1]) for c in range(2)]
    np.testing.assert_allclose(metrics.log_loss(y, p, average=None), per_class, rtol=1e-5)
    assert metrics.log_loss(y, p) == pytest.approx(np.mean(per_class), rel=1e-5)
    assert metrics.brier_score(y, p) == pytest.approx(np.mean((y - p) ** 2))


def test_published_coverage_convention():
    """The deck's best possible value is the mean number of labels; the literature's is one less."""
    y = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]])
    assert metrics.best_coverage_error(y) == pytest.approx(7 / 3)
    assert metrics.coverage_error(y, y) == pytest.approx(7 / 3)
    assert metrics.coverage_error(y, 1 - y) == 4.0


def test_samples_without_labels_are_not_perfect():
    y = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 1]])
    s = np.array([[0.2, 0.9, 0.1], [0.3, 0.2, 0.1], [0.1, 0.2, 0.3]])
    assert metrics.label_ranking_average_precision(y, s) == pytest.approx((0.5 + 1) / 2)
    assert metrics.coverage_error(y, s) == pytest.approx((2 + 3) / 2)
    assert metrics.best_coverage_error(y) == pytest.approx((1 + 3) / 2)
    assert metrics.label_ranking_loss(y, s) == pytest.approx(0.5)
    for function in (metrics.label_ranking_average_precision, metrics.coverage_error, metrics.label_ranking_loss):
        with pytest.warns(UndefinedMetricWarning, match="no sample has labels"):
            assert np.isnan(function(np.zeros((2, 3)), s[:2]))
    with pytest.warns(UndefinedMetricWarning):
        assert metrics.f1(y, s >= 0.15, average="samples") == pytest.approx((2 / 3 + 0.8) / 2)


def test_thresholds_between_neighbouring_and_huge_scores():
    low = np.float64(0.5)
    high = np.nextafter(low, 1)
    assert metrics.best_thresholds([[0], [1]], [[low], [high]])[0] == high
    assert metrics.best_thresholds([[0], [1]], [[-1.7e308], [1.7e308]])[0] == 0.0
    assert metrics.best_thresholds([[1], [1]], [[0.25], [0.5]])[0] == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.roc_auc([[1, 0]], [[0.5, np.nan]]), r"roc_auc: scores: .* got nan in row 0, column 1"),
        (lambda: metrics.roc_auc([[1, 0]], [[0.5, np.inf]]), "finite"),
        (lambda: metrics.roc_auc([1, 0, 1], [0.5, 0.2]), "roc_auc: y_true: expected 2 samples, .* got 3"),
        (lambda: metrics.roc_auc([[1, 0]], [[0.5, 0.2, 0.1]]), r"expected the shape of y_true, \(1, 2\)"),
        (lambda: metrics.roc_auc([[2, 0]], [[0.5, 0.2]]), "expected 0 and 1, got 2"),
        (
            lambda: metrics.roc_auc([0, 3], [[0.5, 0.2], [0.1, 0.9]]),
            "expected one of the 2 classes 0, 1, got 3 in row 1",
        ),
        (lambda: metrics.roc_auc([0, 1], [["a", "b"], ["c", "d"]]), "real numbers"),
        (lambda: metrics.roc_auc([0, 1], [[0.1], [0.2, 0.3]]), "rows of different lengths"),
        (lambda: metrics.roc_auc([], []), "at least one sample"),
        (lambda: metrics.roc_auc([[1, 0]], [[0.5, 0.2]], average="mean"), "average: expected None"),
        (lambda: metrics.roc_auc([1, 0], [0.5, 0.2], sample_weight=[1, -1]), "sample_weight"),
        (lambda: metrics.roc_auc([1, 0], [0.5, 0.2], sample_weight=[1]), r"expected shape \(2,\)"),
        (lambda: metrics.f1(["a", "b"], ["a", "c"], classes=["a", "b"]), "y_pred: .* got 'c' in row 1"),
        (lambda: metrics.f1(["a", "b"], ["a", "b"], classes=["a", "a"]), "distinct"),
        (lambda: metrics.f1([0, 1], [0, 1], classes="ab"), "sequence"),
        (lambda: metrics.f1([0, 2], [0, 1], average="binary"), "expected one of the 2 classes"),
        (lambda: metrics.f1([[0, 1]], [[0, 1]], average="binary"), "binary"),
        (lambda: metrics.f1([0.5, np.nan], [0.5, 1]), "NaN"),
        (lambda: metrics.accuracy([0, 1], [0]), "accuracy: y_true: expected 1 samples"),
        (lambda: metrics.confusion_matrix([[0, 1]], [[0, 1]]), "class_counts"),
        (lambda: metrics.coverage_error([1, 0], [0.5, 0.2]), "one score a label"),
        (lambda: metrics.best_coverage_error([1, 0]), "n_classes"),
        (lambda: metrics.log_loss([0, 1], [[0.5, 0.2], [0.5, 0.5]]), "sum to 1, got 0.7 in row 0"),
        (lambda: metrics.log_loss([[0, 1]], [[-3.0, 2.0]]), "sigmoid or softmax"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
