"""Bootstrap over groups: held against a naive twin, scipy's, a known standard error, and the coverage it promises."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import metrics
from nnlite.metrics import UndefinedMetricWarning
from tests import naive

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure


def generator(seed=0):
    return np.random.default_rng(seed)


def mean_score(y, scores):
    return float(scores.mean())


def class_means(y, scores):
    """Return a figure for each class that is undefined without positives, and one that is always there."""
    positives = y.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return {"hits": (y * scores).sum(axis=0) / np.where(positives, positives, np.nan), "all": scores.mean()}


@unhurried
@given(st.integers(2, 30), st.integers(2, 6), st.integers(0, 2**32 - 1), st.floats(0.05, 0.99))
def test_intervals_equal_the_naive_twin(n, n_groups, seed, level):
    rng = generator(seed)
    y, scores = rng.random((n, 3)) < 0.3, rng.random((n, 3))
    groups = rng.integers(0, n_groups, n)
    groups[:2] = [0, 1]
    actual = metrics.bootstrap_intervals(class_means, y, scores, groups, generator(seed), n_resamples=40, level=level)
    drawn = generator(seed).integers(len(set(groups.tolist())), size=(40, len(set(groups.tolist()))))
    for column in range(3):
        low, high, undefined = naive.bootstrap_interval(
            lambda rows, column=column: class_means(y[rows], scores[rows])["hits"][column], groups, drawn, level
        )
        np.testing.assert_allclose(actual["hits"].low[column], low, rtol=1e-12)
        np.testing.assert_allclose(actual["hits"].high[column], high, rtol=1e-12)
        assert actual["hits"].undefined[column] == undefined
    low, high, undefined = naive.bootstrap_interval(lambda rows: scores[rows].mean(), groups, drawn, level)
    assert (actual["all"].low, actual["all"].high) == (pytest.approx(low), pytest.approx(high))
    assert actual["all"].undefined == undefined == 0
    assert actual["all"].estimate == scores.mean()


def test_ungrouped_intervals_are_those_of_scipy():
    """Single samples as groups draw the rows that scipy draws, so the figures agree to rounding."""
    scores = generator(1).gamma(1.5, size=60)
    ours = metrics.bootstrap_intervals(
        lambda y, s: np.median(s), np.zeros(60), scores, np.arange(60), generator(2), n_resamples=3000, level=0.9
    )
    theirs = scipy.stats.bootstrap(
        (scores,), np.median, n_resamples=3000, confidence_level=0.9, method="percentile", rng=generator(2)
    )
    np.testing.assert_allclose((ours.low, ours.high), theirs.confidence_interval, rtol=1e-12)


def test_interval_of_a_mean_is_the_normal_one():
    """The mean of equal groups is a mean of group means, whose standard error is known."""
    rng = generator()
    n_groups = 200
    groups = np.repeat(np.arange(n_groups), 5)
    by_group = rng.normal(size=n_groups)
    interval = metrics.bootstrap_intervals(
        mean_score, np.zeros(len(groups)), by_group[groups], groups, rng, n_resamples=4000
    )
    half = 1.96 * by_group.std() / np.sqrt(n_groups)
    assert interval.estimate == pytest.approx(by_group.mean())
    assert interval.low == pytest.approx(by_group.mean() - half, abs=0.15 * half)
    assert interval.high == pytest.approx(by_group.mean() + half, abs=0.15 * half)
    assert interval.undefined == 0
    assert interval.level == 0.95


def test_intervals_cover_what_they_promise():
    """About 19 in 20 intervals of 200 simulated collections hold the truth; by sample instead of by group few do."""
    covered = {"group": 0, "sample": 0}
    for simulation in range(200):
        rng = generator(simulation)
        groups = np.repeat(np.arange(40), rng.integers(1, 8, 40))
        scores = rng.normal(size=40)[groups] + 0.3 * rng.normal(size=len(groups))
        for name, units in (("group", groups), ("sample", np.arange(len(groups)))):
            interval = metrics.bootstrap_intervals(mean_score, scores, scores, units, rng, n_resamples=250)
            covered[name] += interval.low <= 0 <= interval.high
    assert 178 <= covered["group"] <= 198  # 190 with a standard deviation of 3; 40 groups are a little few
    assert covered["sample"] < 160


def test_whole_groups_are_resampled():
    groups = np.array(["a", "a", "b", "b", "c", "c"])
    seen = []

    def record(y, scores):
        seen.append(scores.tolist())
        return 0.0

    metrics.bootstrap_intervals(record, np.zeros(6), np.arange(6), groups, generator(1), n_resamples=50)
    assert seen[0] == [0, 1, 2, 3, 4, 5]  # the data as they are, for the estimate
    assert len(seen) == 51
    for rows in seen:
        assert len(rows) == 6
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            assert (first % 2, second) == (0, first + 1)
    assert len({tuple(rows) for rows in seen}) > 5


def test_one_seed_gives_the_same_intervals_for_any_metric_beside():
    rng = generator(4)
    y, scores, groups = rng.random((90, 4)) < 0.4, rng.random((90, 4)), np.repeat(np.arange(30), 3)

    def several(y, scores):
        return {"auc": metrics.roc_auc(y, scores), "lrap": metrics.label_ranking_average_precision(y, scores)}

    both = metrics.bootstrap_intervals(several, y, scores, groups, generator(3), n_resamples=100)
    assert list(both) == ["auc", "lrap"]
    assert metrics.bootstrap_intervals(metrics.roc_auc, y, scores, groups, generator(3), n_resamples=100) == both["auc"]


def test_undefined_resamples_are_left_out_and_counted():
    y = np.array([[1, 0], [0, 0], [1, 1], [0, 0]])
    scores = np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.8], [0.7, 0.2]])
    groups = [0, 0, 1, 1]

    def per_class(y, scores):
        return metrics.roc_auc(y, scores, average=None)

    interval = metrics.bootstrap_intervals(per_class, y, scores, groups, generator(), n_resamples=200)
    assert interval.undefined[0] == 0
    assert 20 < interval.undefined[1] < 80  # one in four resamples takes group 0 twice
    np.testing.assert_allclose(interval.estimate, [0.75, 1.0])
    assert (interval.low[1], interval.high[1]) == (1.0, 1.0)
    never = metrics.bootstrap_intervals(per_class, y * 0, scores, groups, generator(), n_resamples=20)
    assert np.isnan(never.low).all()
    assert never.undefined.tolist() == [20, 20]


def test_a_macro_average_of_fewer_classes_is_not_undefined_but_the_mean_of_classes_is():
    y = np.array([[1, 0], [0, 0], [1, 1], [0, 0]])
    scores = np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.8], [0.7, 0.2]])
    result = metrics.bootstrap_intervals(
        lambda y, s: {"macro": metrics.roc_auc(y, s), "mean": metrics.roc_auc(y, s, average=None).mean()},
        *(y, scores, [0, 0, 1, 1], generator()),
        n_resamples=200,
    )
    assert result["macro"].undefined == 0
    assert 20 < result["mean"].undefined < 80
    assert result["macro"].estimate == result["mean"].estimate


def test_none_in_a_dictionary_is_undefined():
    """`metrics.evaluate` says None where a metric is NaN."""
    y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    scores = np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.8], [0.7, 0.2]])

    def second(y, scores):
        return {"auc": metrics.evaluate(y, scores)["classes"]["1"]["roc_auc"]}

    with pytest.warns(UndefinedMetricWarning):
        assert second(y[[0, 0]], scores[[0, 0]]) == {"auc": None}
    interval = metrics.bootstrap_intervals(second, y, scores, np.arange(4), generator(), n_resamples=100)["auc"]
    assert 0 < interval.undefined < 50
    assert 0 <= interval.low <= interval.high <= 1


def test_difference_is_paired():
    """On the same resamples: the interval is that of the difference, narrower than two intervals suggest."""
    rng = generator(5)
    groups = np.repeat(np.arange(60), 5)
    y = rng.integers(0, 2, 300)
    baseline = y * 0.5 + rng.normal(size=60)[groups] + 0.3 * rng.random(300)
    scores = baseline + 0.05 * y
    gain = metrics.bootstrap_difference(metrics.roc_auc, y, scores, baseline, groups, generator(6), n_resamples=500)
    one, two = (
        metrics.bootstrap_intervals(metrics.roc_auc, y, s, groups, generator(6), n_resamples=500)
        for s in (scores, baseline)
    )
    assert gain.estimate == one.estimate - two.estimate
    assert 0 < gain.low < gain.estimate < gain.high
    assert one.low < two.high  # the two intervals overlap although the difference is beyond doubt
    back = metrics.bootstrap_difference(metrics.roc_auc, y, baseline, scores, groups, generator(6), n_resamples=500)
    assert (back.low, back.high) == (pytest.approx(-gain.high), pytest.approx(-gain.low))
    pair = np.stack([scores, baseline], axis=1)
    stacked = metrics.bootstrap_intervals(
        lambda y, s: metrics.roc_auc(y, s[:, 0]) - metrics.roc_auc(y, s[:, 1]),
        *(y, pair, groups, generator(6)),
        n_resamples=500,
    )
    assert stacked == gain


def test_difference_of_equal_models_is_nothing():
    y, scores, groups = [1, 0, 1, 0, 1, 0], [0.9, 0.2, 0.6, 0.7, 0.8, 0.1], [0, 0, 1, 1, 2, 2]
    same = metrics.bootstrap_difference(metrics.roc_auc, y, scores, scores, groups, generator(), n_resamples=50)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)


two = ([1, 0], [0.5, 0.2], [1, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.bootstrap_intervals(mean_score, [1], [1], ["a"], generator()), "at least 2 groups"),
        (lambda: metrics.bootstrap_intervals(mean_score, [1], [1, 2], [1, 2], generator()), "scores: expected 1 sam"),
        (lambda: metrics.bootstrap_intervals(mean_score, [1, 0], [1, 2], [1], generator()), "groups: expected 2 sam"),
        (
            lambda: metrics.bootstrap_intervals(mean_score, *two, generator(), n_resamples=0),
            "n_resamples: expected a positive integer, got 0",
        ),
        (
            lambda: metrics.bootstrap_intervals(mean_score, *two, generator(), level=95),
            "level: expected a number between 0 and 1, got 95",
        ),
        (lambda: metrics.bootstrap_intervals(mean_score, 1, 1, [1], generator()), "y_true: expected an array"),
        (lambda: metrics.bootstrap_intervals(lambda y, s: "good", *two, generator()), "metric: expected a number"),
        (lambda: metrics.bootstrap_intervals(lambda y, s: {}, *two, generator()), "names that are not empty"),
        (lambda: metrics.bootstrap_intervals(lambda y, s: np.unique(s), *two, generator()), "same names and shapes"),
        (
            lambda: metrics.bootstrap_intervals(lambda y, s: dict.fromkeys(map(str, set(y)), 1.0), *two, generator()),
            "NaN or None in its place",
        ),
        (
            lambda: metrics.bootstrap_difference(mean_score, [1, 0], [1, 2], [1], [1, 2], generator()),
            "bootstrap_difference: baseline: expected 2 samples",
        ),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"expected a numpy\.random\.Generator, got 0"):
        metrics.bootstrap_intervals(mean_score, *two, 0)
