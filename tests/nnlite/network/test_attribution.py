"""Gradients with respect to the input against differences, occlusion against a plain loop, and what both find."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from tests import naive

NET = nn.Sequential(
    [
        nn.Conv2D(4, 3),
        nn.Sigmoid(),
        nn.MaxPool2D(2),
        nn.Dropout(0.3, rest=0.5),
        nn.Flatten(),
        nn.Dense(6),
        nn.Tanh(),
        nn.Dropout(0.5),
        nn.Dense(3),
        nn.Softmax(),
    ],
    input_shape=(7, 8, 2),
)
UNITS = [(None, 2), (9, 0), (7, 5), (5, 1), (2, (np.s_[...], 3)), (1, (2, 3, 1)), (1, np.s_[1:3])]


def rng(seed=0):
    return np.random.default_rng(seed)


def batch(n=3, dtype=np.float64, shape=NET.input_shape):
    return rng(1).standard_normal((n, *shape)).astype(dtype)


def differences(function, x, direction, step=1e-6):
    """Return the slope of each sample's value along a direction."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)


def along(gradient, direction):
    return (gradient * direction).reshape(len(gradient), -1).sum(axis=1)


@pytest.mark.parametrize(("until", "unit"), UNITS)
@pytest.mark.parametrize("fuse", [True, False])
def test_the_gradient_of_any_unit_equals_differences(until, unit, fuse):
    net = nn.Sequential(NET.layers, NET.input_shape, fuse=fuse)
    params = net.init(rng(), np.float64)
    inner = net if until is None else net.until(until)

    def value(x):
        picked = inner.apply(inner.own(params), x)[(slice(None), *(unit if isinstance(unit, tuple) else (unit,)))]
        return picked.reshape(len(x), -1).sum(axis=1)

    x, direction = batch(), rng(2).standard_normal((3, *NET.input_shape))
    values, gradient = nn.input_gradient(inner, params, x, unit)
    np.testing.assert_allclose(values, value(x), rtol=1e-12)
    assert gradient.shape == x.shape and gradient.dtype == np.float64
    np.testing.assert_allclose(along(gradient, direction), differences(value, x, direction), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("until", "unit"), [(5, 1), (1, (3, 2)), (2, np.s_[2, :])])
def test_the_gradient_of_a_recurrent_network_equals_differences(until, unit):
    layers = [nn.GRU(4, return_sequences=True), nn.TimeDistributed(nn.Dropout(0.4)), nn.LayerNorm()]
    net = nn.Sequential([*layers, nn.LSTM(3, bidirectional=True), nn.Dense(2)], input_shape=(6, 5)).until(until)
    params, x = net.init(rng(), np.float64), batch(shape=(6, 5))
    _, gradient = nn.input_gradient(net, params, x, unit)
    direction = rng(2).standard_normal(x.shape)
    expected = differences(lambda x: nn.input_gradient(net, params, x, unit)[0], x, direction)
    np.testing.assert_allclose(along(gradient, direction), expected, rtol=1e-6, atol=1e-8)
    values = net.apply(params, x)[(slice(None), *(unit if isinstance(unit, tuple) else (unit,)))]
    np.testing.assert_allclose(nn.input_gradient(net, params, x, unit)[0], values.reshape(3, -1).sum(axis=1))


def test_any_scalar_of_the_output_has_a_gradient():
    params, x, direction = NET.init(rng(), np.float64), batch(), rng(2).standard_normal((3, *NET.input_shape))

    def entropy(y):
        return -(y * np.log(y)).sum(axis=1), -np.log(y) - 1

    values, gradient = nn.input_gradient(NET, params, x, entropy)
    np.testing.assert_array_equal(values, entropy(NET.apply(params, x))[0])
    expected = differences(lambda x: entropy(NET.apply(params, x))[0], x, direction)
    np.testing.assert_allclose(along(gradient, direction), expected, rtol=1e-6)


def test_the_same_bits_at_any_number_of_threads_and_prepared_or_not():
    params, x = NET.init(rng()), batch(100, np.float32)
    runs = [nn.input_gradient(NET, params, x, 1, n_threads=n) for n in (1, 2, 3)]
    runs.append(nn.input_gradient(NET, NET.prepare(params), x, 1))
    for values, gradient in runs[1:]:
        np.testing.assert_array_equal(values, runs[0][0])
        np.testing.assert_array_equal(gradient, runs[0][1])
    np.testing.assert_array_equal(runs[0][0], nn.predict(NET, params, x)[:, 1].astype(np.float64))


def test_no_samples_have_no_gradients():
    values, gradient = nn.input_gradient(NET, NET.init(rng()), batch(0), 1)
    assert values.shape == (0,) and gradient.shape == (0, 7, 8, 2)


@dataclass(frozen=True)
class Shaky(nn.Layer):
    """A layer with noise in training, and without a `noiseless` of its own: a mistake."""

    def forward(self, params, x, rng):
        return x + rng.standard_normal(x.shape).astype(x.dtype), None


def test_a_noisy_layer_without_its_noiseless_form_breaks_the_contract():
    with pytest.raises(AssertionError, match="noiseless: expected a layer whose forward gives the output of apply"):
        nn.check_layer(Shaky(), (3,), rng())


def test_gradient_times_input_of_a_linear_network_adds_up_to_its_value():
    net = nn.Sequential([nn.Flatten(), nn.Dropout(0.5), nn.Dense(2)], (3, 4))
    params, x, baseline = net.init(rng(), np.float64), batch(5, shape=(3, 4)), rng(3).standard_normal((3, 4))
    shares = nn.gradient_times_input(net, params, x, 1, baseline=baseline)
    fall = net.apply(params, x)[:, 1] - net.apply(params, baseline[np.newaxis])[:, 1]
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), fall)
    hidden = nn.occlusion(lambda x: net.apply(params, x)[:, 1], x, (1, 1), baseline=baseline)
    np.testing.assert_allclose(hidden, shares, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 6)),
    window=st.tuples(st.integers(1, 7), st.integers(1, 4)),
    stride=st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)),
    n=st.integers(0, 3),
    batch_size=st.integers(1, 9),
    several=st.booleans(),
)
def test_occlusion_is_the_plain_loop(shape, window, stride, n, batch_size, several):
    x, weights, baseline = batch(n, shape=shape), rng(4).standard_normal((*shape, 2)), rng(5).standard_normal(shape)

    def predict(x):
        y = np.tanh(np.tensordot(x, weights, 2))
        return y if several else y[:, 0]

    actual = nn.occlusion(predict, x, window, baseline=baseline, stride=stride, batch_size=batch_size)
    expected = naive.occlusion(predict, x, window, window if stride is None else stride, baseline) if n else None
    assert actual.shape[0] == n
    if n:
        np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_occlusion_leaves_its_input_alone():
    x = batch()
    before = x.copy()
    nn.occlusion(lambda x: x.sum(axis=(1, 2, 3)), x, (3, 3, 2))
    np.testing.assert_array_equal(x, before)


# --- Estimators -------------------------------------------------------------------------------------------------------

X = (rng(6).standard_normal((160, 5, 6, 1)) * [[[3.0]], [[0.5]], [[1.0]], [[20.0]], [[1.0]]] + 4).astype(np.float32)
KINDS = np.stack([X[:, 0, :3].mean(axis=(1, 2)) > 4, X[:, 1, 3:].mean(axis=(1, 2)) > 4, X[:, 3, 2, 0] > 10], axis=1)
SMALL = [nn.Conv2D(3, 2), nn.Tanh(), nn.Dropout(0.2), nn.Flatten(), nn.Dense(4), nn.Tanh()]


def fitted(y, n_outputs, **more):
    net = nn.Sequential([*SMALL, nn.Dense(n_outputs)], X.shape[1:])
    return nn.NetworkClassifier(net, max_epochs=3, standardize_axes=(0, 2), random_state=0, **more).fit(X, y)


def check_estimator_gradient(value, gradient, x, direction):
    """Check the gradient with a large step: parameters are in float32, and the differences are coarse."""
    expected = differences(value, x.astype(np.float64), direction, 3e-3)
    np.testing.assert_allclose(along(gradient, direction), expected, rtol=0.02, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("several", [True, False])
def test_a_classifiers_gradient_goes_through_scaling_to_log_odds(several):
    model = fitted(KINDS.astype(int) if several else KINDS.argmax(axis=1), 3)
    x, direction = X[:8], rng(7).standard_normal(X[:8].shape) * 0.3
    p = model.predict_proba(x).astype(np.float64)
    np.testing.assert_allclose(model.log_odds(x), np.log(p / (1 - p)), rtol=1e-4, atol=1e-5)
    for k in range(3):
        values, gradient = model.input_gradient(x, k)
        np.testing.assert_allclose(values, model.log_odds(x)[:, k], rtol=1e-12)
        check_estimator_gradient(lambda x, k=k: model.log_odds(x)[:, k], gradient, x, direction)
    values, gradient = model.input_gradient(x, 2, until=6)
    np.testing.assert_array_equal(values, model.hidden(x, 6)[:, 2].astype(np.float64))
    check_estimator_gradient(lambda x: model.hidden(x, 6)[:, 2].astype(np.float64), gradient, x, direction)


def test_the_baseline_is_what_the_network_takes_as_zeros():
    model = fitted(KINDS.astype(int), 3)
    np.testing.assert_allclose(model.baseline_[:, 0, 0], X.mean(axis=(0, 2, 3)), rtol=0.05)
    net, own = model.network_.until(1), model.network_.until(1).own(model.params_)
    zeros = net.apply(own, np.zeros((1, 5, 6, 1), np.float32))
    np.testing.assert_allclose(model.hidden(model.baseline_[np.newaxis], 1), zeros, atol=1e-6)
    plain = nn.NetworkClassifier(max_epochs=1, random_state=0).fit(X, KINDS.astype(int))
    assert plain.baseline_.shape == X.shape[1:] and not plain.baseline_.any()


@pytest.mark.parametrize("average", ["probability", "logit"])
@pytest.mark.parametrize("prior", ["balanced", "training"])
def test_an_ensembles_gradient_is_that_of_its_mean(average, prior):
    estimator = nn.NetworkClassifier(nn.Sequential([*SMALL, nn.Dense(1)], X.shape[1:]), max_epochs=2)
    estimator.standardize_axes = (0, 2)
    model = nn.BaggedEnsemble(estimator, n_bags=2, average=average, prior=prior, random_state=0).fit(X, KINDS)
    x, direction = X[:8], rng(7).standard_normal(X[:8].shape) * 0.3
    p = model.predict_proba(x)
    np.testing.assert_allclose(model.log_odds(x), np.log(p / (1 - p)), rtol=1e-6)
    for k in range(3):
        values, gradient = model.input_gradient(x, k)
        np.testing.assert_allclose(values, model.log_odds(x)[:, k], rtol=1e-6)
        check_estimator_gradient(lambda x, k=k: model.log_odds(x)[:, k], gradient, x, direction)
    model.members_[1], model.constants_ = [], {1: 0.0}
    assert (model.log_odds(x)[:, 1] == -np.inf).all()
    with pytest.raises(IndexError, match="column of one of 3 classes that has networks, got 1"):
        model.input_gradient(x, 1)


def test_log_odds_of_sure_members_stay_finite():
    model = nn.BaggedEnsemble(nn.NetworkClassifier(max_epochs=1), n_bags=2, random_state=0).fit(X, KINDS)
    for member in model.members_[0]:
        member.params_ = {name: 1e4 * value for name, value in member.params_.items()}
    values, gradient = model.input_gradient(X, 0)
    assert np.isfinite(values).all() and np.isfinite(gradient).all() and np.abs(values).max() > 1000


def test_occlusion_and_gradient_agree_on_what_a_trained_network_listens_to():
    """Both find the three of thirty inputs that the class depends on."""
    model = nn.NetworkClassifier(max_epochs=40, random_state=0).fit(X - 4, X[:, 1, 3:].mean(axis=(1, 2)) > 4)
    x = X[:40] - 4
    shares = np.abs(x * model.input_gradient(x, 1)[1]).mean(axis=0)[..., 0]
    hidden = np.abs(nn.occlusion(lambda x: model.log_odds(x)[:, 1], x, (1, 1, 1))).mean(axis=0)[..., 0]
    ranks = [values.ravel().argsort().argsort() for values in (shares, hidden)]
    assert np.corrcoef(ranks)[0, 1] > 0.9


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [3, -4, (0, 1), "flute", True, None, 1.5, np.s_[3:]])
def test_a_unit_that_does_not_exist(unit):
    with pytest.raises(IndexError, match=r"unit: expected an index in an output of shape \(3,\), got "):
        nn.input_gradient(NET, NET.init(rng()), batch(dtype=np.float32), unit)


def test_wrong_arguments():
    params, x = NET.init(rng()), batch(dtype=np.float32)
    with pytest.raises(ValueError, match=r"unit: expected values and gradient of shapes \(3,\) and \(3, 3\), got"):
        nn.input_gradient(NET, params, x, lambda y: (y, y))
    with pytest.raises(IndexError, match="stop: expected an index of the 10 layers, got 12"):
        nn.input_gradient(NET.until(12), params, x, 0)
    with pytest.raises(ValueError, match=r"params: '5\.weight': expected shape"):
        nn.input_gradient(NET, NET.until(5).own(params), x, 0)
    with pytest.raises(ValueError, match="x: expected shape"):
        nn.input_gradient(NET, params, x[:, 1:], 0)
    for window in [(1, 1), 2, (0, 1, 1), (1.5, 1, 1)]:
        with pytest.raises(ValueError, match="occlusion: window: expected 3 positive integers"):
            nn.occlusion(lambda x: x[:, 0, 0, 0], x, window)
    with pytest.raises(ValueError, match="occlusion: stride: expected 3 positive integers"):
        nn.occlusion(lambda x: x[:, 0, 0, 0], x, (1, 1, 1), stride=(1, 0, 1))
    with pytest.raises(ValueError, match="occlusion: baseline: expected a shape that broadcasts"):
        nn.occlusion(lambda x: x[:, 0, 0, 0], x, (1, 1, 1), baseline=np.zeros(7))


def test_what_estimators_refuse():
    model = fitted(KINDS.astype(int), 3)
    for unit in (3, -1, (0, 1), "Drama", True):
        with pytest.raises(IndexError, match=r"unit: expected a column of the 3 classes, got .* take until="):
            model.input_gradient(X, unit)
    with pytest.raises(IndexError, match=r"expected an index in an output of shape \(4,\), got 4"):
        model.input_gradient(X, 4, until=6)
    with pytest.raises(IndexError, match="stop: expected an index of the 7 layers, got 9"):
        model.input_gradient(X, 0, until=9)
    with pytest.raises(nn.NotFittedError):
        nn.NetworkClassifier().input_gradient(X, 0)
    with pytest.raises(nn.NotFittedError):
        _ = nn.NetworkClassifier().baseline_
    with pytest.raises(nn.NotFittedError):
        nn.BaggedEnsemble().log_odds(X)
    with pytest.raises(ValueError, match="expected finite numbers"):
        model.input_gradient(np.full_like(X, np.nan), 0)
