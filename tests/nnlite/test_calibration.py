"""Calibration against scikit-learn and plain loops, and collections of other shares with known answers."""

import numpy as np
import pytest
from sklearn.calibration import _SigmoidCalibration, calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from nnlite.calibration import (
    estimate_shares,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_odds_of,
    match_shares,
    reliability_curve,
    shift_shares,
    sigmoid,
)


def drawn(n=400, share=0.3, slope=1.5, seed=0):
    """Targets, and true log-odds for them at a share: normal scores whose deviation and distance make Bayes' rule one
    straight line."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    x = rng.standard_normal(n) + slope * y
    return y, slope * x - slope**2 / 2 + np.log(share / (1 - share))


@pytest.mark.parametrize("seed", range(3))
def test_platt_is_that_of_scikit_learn(seed):
    y, x = drawn(seed=seed)
    x = 3 * x - 2
    theirs = _SigmoidCalibration().fit(x, y)
    line = fit_platt(y, x)
    assert line.slope == pytest.approx(-theirs.a_, rel=1e-3) and line.intercept == pytest.approx(-theirs.b_, abs=1e-3)
    np.testing.assert_allclose(sigmoid(line(x)), theirs.predict(x), atol=1e-3)
    assert line.slope == pytest.approx(1 / 3, abs=0.1)


def test_platt_stays_finite_where_samples_can_be_told_apart():
    line = fit_platt([0, 0, 1, 1], [-2.0, -1.0, 1.0, 2.0])
    assert 0 < line.slope < 10 and abs(line.intercept) < 1e-6


def test_a_temperature_is_a_logistic_regression_without_an_intercept():
    y, x = drawn()
    theirs = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10).fit(x[:, None], y).coef_[0, 0]
    assert fit_temperature(y, x) == pytest.approx(theirs, rel=1e-4)
    both, scores = np.column_stack([y, ~y]), np.column_stack([x, -x])
    assert fit_temperature(both, scores) == pytest.approx(theirs, rel=1e-4)


def test_the_offset_of_a_temperature_is_not_scaled():
    y, x = drawn(20000, share=0.1)
    evidence, prior = x - log_odds_of(0.1), log_odds_of(0.1)
    assert fit_temperature(y, evidence / 4, offset=prior) == pytest.approx(4, rel=0.1)
    assert fit_temperature(y, np.random.default_rng(1).standard_normal(len(y)), offset=prior) == pytest.approx(
        0, abs=0.1
    )


@pytest.mark.parametrize("decimals", [8, 1])
def test_isotonic_is_that_of_scikit_learn(decimals):
    y, x = drawn()
    x = x.round(decimals)  # with one decimal many scores are the same
    theirs = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    places = np.linspace(x.min() - 1, x.max() + 1, 500)
    curve = fit_isotonic(y, x)
    np.testing.assert_allclose(curve(places), theirs.predict(places), atol=1e-7)
    assert (np.diff(curve.probabilities) >= 0).all()


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_a_reliability_curve_is_that_of_scikit_learn(strategy):
    y, x = drawn()
    p = sigmoid(x)
    observed, predicted = calibration_curve(y, p, n_bins=7, strategy=strategy)
    curve = reliability_curve(y, p, n_bins=7, strategy=strategy)
    np.testing.assert_allclose(curve.predicted, predicted)
    np.testing.assert_allclose(curve.observed, observed)
    assert curve.n_samples.sum() == len(y)


def test_the_calibration_error_is_the_mean_distance_of_bins():
    y, x = drawn()
    p = sigmoid(2 * x)
    expected = 0.0
    for k in range(10):
        low, high = k / 10, (k + 1) / 10
        here = [i for i, value in enumerate(p) if low < value <= high or (k == 0 and value == 0)]
        if here:
            expected += abs(p[here].mean() - y[here].mean()) * len(here) / len(y)
    assert expected_calibration_error(y, p) == pytest.approx(expected)
    assert expected_calibration_error(y, sigmoid(x)) < expected


def test_shifted_scores_are_calibrated_where_shares_differ():
    rng = np.random.default_rng(2)
    y = rng.random(40000) < 0.8
    x = (
        1.5 * (rng.standard_normal(40000) + 1.5 * y) - 1.5**2 / 2 + log_odds_of(0.3)
    )  # as if shares were those of before
    assert expected_calibration_error(y, sigmoid(x)) > 0.1
    shifted = shift_shares(x, 0.3, 0.8)
    assert expected_calibration_error(y, sigmoid(shifted)) < 0.01
    matched = match_shares(x + 1.7, 0.8)  # the whole collection is moved
    assert sigmoid(matched).mean() == pytest.approx(0.8, abs=1e-9)
    assert expected_calibration_error(y, sigmoid(matched)) < 0.02
    found = estimate_shares(x, 0.3)
    assert float(found.shares) == pytest.approx(0.8, abs=0.02)
    np.testing.assert_allclose(found.log_odds, shift_shares(x, 0.3, found.shares))


def test_shares_are_estimated_class_by_class_and_held_back_by_strength():
    pairs = [drawn(5000, share=share, seed=k) for k, share in enumerate((0.2, 0.6))]
    x = np.column_stack([shift_shares(x, share, 0.5) for (_, x), share in zip(pairs, (0.2, 0.6), strict=True)])
    found = estimate_shares(x, [0.5, 0.5])
    np.testing.assert_allclose(found.shares, [0.2, 0.6], atol=0.03)
    np.testing.assert_allclose(estimate_shares(x, [0.5, 0.5], strength=1e9).shares, 0.5, atol=1e-3)
    # The likelihood of the mixture rises with each step: at the estimate no neighbour is better.
    for share, k in ((found.shares[0], 0), (found.shares[1], 1)):
        likelihood = [np.log(q * np.exp(x[:, k]) + 1 - q).sum() for q in (share - 0.01, share, share + 0.01)]
        assert likelihood[1] > max(likelihood[0], likelihood[2])


def test_probabilities_and_log_odds_go_back_and_forth_without_overflow():
    p = np.array([0.0, 1e-300, 0.3, 1.0])
    np.testing.assert_allclose(sigmoid(log_odds_of(p)), p, rtol=1e-12)
    assert sigmoid([1e308, -1e308]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fit_platt([0, 0], [1.0, 2.0]),
            r"fit_platt: y: expected positives and negatives, got 0 positives of 2",
        ),
        (lambda: fit_platt([0, 1], [1.0, 1.0]), r"fit_platt: log_odds: expected different scores, got 1 for all"),
        (lambda: fit_platt([0, 2], [1.0, 2.0]), r"fit_platt: y: expected 0 and 1, got .*2"),
        (
            lambda: fit_platt([0, 1, 1], [1.0, 2.0]),
            r"fit_platt: y: expected shape \(2,\), that of the scores, got \(3,\)",
        ),
        (
            lambda: fit_temperature([0, 1], [1.0, np.nan]),
            r"fit_temperature: log_odds: expected finite numbers, got nan",
        ),
        (lambda: fit_temperature([0, 1], [0.0, 0.0]), r"fit_temperature: log_odds: expected scores, got 0 for all"),
        (lambda: fit_isotonic([], []), r"fit_isotonic: scores: expected shape \(n_samples,\) with at least one sample"),
        (lambda: reliability_curve([0, 1], [0.2, 1.2]), r"expected probabilities from 0 to 1, got 0.2 to 1.2.*sigmoid"),
        (lambda: reliability_curve([0, 1], [0.2, 0.3], n_bins=0), r"n_bins: expected an integer of at least 1, got 0"),
        (
            lambda: reliability_curve([0], [0.2], strategy="odd"),
            r"strategy: expected 'uniform' or 'quantile', got 'odd'",
        ),
        (lambda: shift_shares([0.0], 0.5, 1.0), r"shift_shares: after: expected shares above 0 and below 1, got 1"),
        (lambda: match_shares([[0.0, 1.0]], [0.5]), r"match_shares: after: expected one share for each of the classes"),
        (
            lambda: estimate_shares([0.0], 0.5, strength=-1),
            r"estimate_shares: strength: expected a number of at least 0",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
