"""The regressor: one and several targets, their scaling, weights, early stopping, files, warm start, searches."""

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import nnlite as nn
from nnlite.serialization import FileFormatError, read_archive, write_archive
from tests.nnlite.estimators.test_resume import After, assert_same
from tests.nnlite.estimators.test_scikit_learn import EXPECTED_FAILURES

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 3)).astype(np.float32)
Y = 1000 + 50 * X[:, 0] + 20 * np.abs(X[:, 1])
TWO = np.column_stack([Y, -0.01 * X[:, 2]])


def quick(**settings):
    defaults = {"max_epochs": 40, "optimizer": nn.AdamW(0.02), "random_state": 0, "n_threads": 1}
    return nn.NetworkRegressor(**defaults | settings)


@pytest.mark.filterwarnings("ignore:.*does not inherit from .sklearn.base.BaseEstimator")
def test_check_estimator():
    results = check_estimator(quick(max_epochs=100), expected_failed_checks=EXPECTED_FAILURES, on_skip=None)
    assert sum(result["status"] == "passed" for result in results) > 45


@pytest.mark.parametrize(("y", "shape"), [(Y, (200,)), (Y[:, None], (200, 1)), (TWO, (200, 2))])
def test_one_and_several_targets(y, shape):
    model = quick().fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == shape and predicted.dtype == np.float64
    assert model.score(X, y) == pytest.approx(r2_score(y, predicted)) and model.score(X, y) > 0.95
    weights = RNG.random(200)
    assert model.score(X, y, weights) == pytest.approx(r2_score(y, predicted, sample_weight=weights))
    assert model.hidden(X).shape == (200, 100)
    if shape == (200, 1):
        assert model.score(X, y[:, 0]) == model.score(X, y)


def test_it_does_not_lose_to_a_linear_model_on_real_data():
    data, target = load_diabetes(return_X_y=True)
    network = quick(max_epochs=200, patience=20, standardize_axes=(0,), optimizer=nn.AdamW(1e-3, weight_decay=0.1))
    ours, linear = (cross_val_score(model, data, target, cv=5).mean() for model in (network, Ridge(0.1)))
    assert ours > linear - 0.1 and ours > 0.35


def test_figures_are_those_of_the_samples_that_are_trained_on():
    validation = (X[:50], Y[:50] + 1e4)
    weights = RNG.integers(0, 3, 150).astype(float)
    model = quick(max_epochs=1).fit(X[50:], TWO[50:], weights, (X[:50], TWO[:50]))
    mean = np.average(TWO[50:], axis=0, weights=weights)
    np.testing.assert_allclose(model.target_mean_, mean, rtol=1e-12)
    variance = np.average((TWO[50:] - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(model.target_deviation_, np.sqrt(variance), rtol=1e-12)
    assert quick(max_epochs=1).fit(X[50:], Y[50:], None, validation).target_mean_ == pytest.approx(Y[50:].mean())
    constant = quick(max_epochs=3).fit(X, np.full(200, 7.25))
    assert constant.target_deviation_ == 1 and constant.target_mean_ == 7.25
    plain = quick(standardize_targets=False).fit(X, (Y - 1000) / 50)
    assert plain.target_mean_ == 0 and plain.target_deviation_ == 1 and plain.score(X, (Y - 1000) / 50) > 0.9


def test_a_fit_is_train_on_scaled_targets():
    net = nn.Sequential([nn.Dense(8), nn.Tanh(), nn.Dense(2)], (3,))
    model = quick(network=net, loss=nn.Huber(0.5), max_epochs=3, validation_fraction=0.0).fit(X, TWO)
    params = net.init(np.random.default_rng((0, 0)))
    y = (TWO - model.target_mean_) / model.target_deviation_
    epochs = list(nn.train(net, params, X, y, loss=nn.Huber(0.5), optimizer=nn.AdamW(0.02), max_epochs=3))
    for name, value in params.items():
        np.testing.assert_array_equal(model.params_[name], value)
    assert [row["loss"] for row in model.history_] == [epoch.loss for epoch in epochs]
    expected = nn.predict(net, params, X).astype(np.float64) * model.target_deviation_ + model.target_mean_
    np.testing.assert_array_equal(model.predict(X), expected)


def test_outliers_move_the_absolute_error_less():
    y = Y.copy()
    y[::10] += 3000
    scores = [quick(loss=loss, max_epochs=80).fit(X, y).score(X, Y) for loss in (nn.SquaredError(), nn.AbsoluteError())]
    assert scores[1] > 0.8 and scores[0] < 0


@pytest.mark.parametrize("monitor", ["loss", "r2", lambda y, p: -np.abs(y - p).max()])
def test_the_best_epoch_is_kept_and_patience_ends_the_run(monitor):
    model = quick(monitor=monitor, patience=5, max_epochs=300, optimizer=nn.SGD(0.1)).fit(
        X[:150], Y[:150], None, (X[150:], Y[150:])
    )
    best = model.history_[model.best_epoch_]
    assert model.stopped_by_ == "patience" and len(model.history_) == model.best_epoch_ + 6
    assert model.score(X[150:], Y[150:]) == pytest.approx(best["val_r2"], abs=1e-9)
    if isinstance(monitor, str):
        choose = {"loss": min, "r2": max}[monitor]
        assert best[f"val_{monitor}"] == choose(row[f"val_{monitor}"] for row in model.history_)


def test_weights_are_repetitions():
    weights = np.random.default_rng(1).integers(0, 4, len(X))
    settings = {"validation_fraction": 0.0, "batch_size": 1000, "max_epochs": 20}
    weighted = quick(**settings).fit(X, Y, weights)
    repeated = quick(**settings).fit(X.repeat(weights, axis=0), Y.repeat(weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-4)


def test_groups_are_on_one_side(monkeypatch):
    from nnlite.estimators import network_estimator

    seen = []

    def watch(*arguments):
        seen.append(split(*arguments))
        return seen[-1]

    split = network_estimator.split
    monkeypatch.setattr(network_estimator, "split", watch)
    groups = np.arange(200) // 10
    quick(max_epochs=1).fit(X, Y, groups=groups)
    training, held_out = (set(groups[part.rows]) for part in seen[0])
    assert len(training) == 16 and len(held_out) == 4 and not training & held_out


@pytest.mark.parametrize("y", [Y, TWO])
def test_a_loaded_model_predicts_the_same_bits_and_goes_on(y, tmp_path):
    model = quick(loss=nn.Huber(0.7), standardize_axes=(0,), warm_start=True, mixup=0.2).fit(X, y)
    nn.save(tmp_path / "model.npz", model, recipe="r")
    loaded = nn.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert repr(loaded) == repr(model).replace(", n_threads=1", "") and loaded.metadata_ == {"recipe": "r"}
    assert loaded.history_ == model.history_ and loaded.stopped_by_ == model.stopped_by_
    assert_same(loaded.fit(X, y), model.fit(X, y))
    assert clone(loaded).get_params().keys() == model.get_params().keys() and is_regressor(loaded)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("targets/mean", lambda a: np.append(a, 1.0), "targets/mean: expected finite figures"),
        ("targets/mean", lambda a: a * np.nan, "targets/mean: expected finite figures"),
        ("targets/deviation", lambda a: a * 0, "expected deviations above 0"),
        ("other", lambda a: a, "expected those of a regressor, got also 'other'"),
    ],
)
def test_hostile_files(name, change, message, tmp_path):
    nn.save(tmp_path / "model.npz", quick(max_epochs=1).fit(X, Y))
    header, arrays = read_archive(tmp_path / "model.npz")
    write_archive(tmp_path / "bad.npz", header, {**arrays, name: change(arrays.get(name, np.ones(1)))})
    with pytest.raises(FileFormatError, match=message):
        nn.load(tmp_path / "bad.npz")
    for entry, value in (("single", 3), ("standardized", None)):
        write_archive(tmp_path / "bad.npz", {**header, entry: value}, arrays)
        with pytest.raises(FileFormatError, match="expected true or false"):
            nn.load(tmp_path / "bad.npz")


def test_interrupted_it_ends_with_the_same_bits(tmp_path):
    settings = {"max_epochs": 8, "batch_size": 40, "loss": nn.AbsoluteError(), "schedule": nn.CosineDecay()}
    expected = quick(augment=After(), **settings).fit(X, TWO)
    for after in (5, 9, None):
        stopped = quick(augment=After(after), checkpoint=tmp_path / "fit", **settings)
        stopped.fit(X, TWO)
    assert_same(stopped, expected)
    with pytest.raises(ValueError, match=r"expected a run with these settings .* another loss"):
        quick(augment=After(), checkpoint=tmp_path / "fit", **settings | {"loss": nn.Huber()}).fit(X, TWO)


def test_warm_start_and_partial_fit():
    model = quick(max_epochs=5, warm_start=True).fit(X, Y)
    first = model.target_mean_
    assert model.fit(X, Y).target_mean_ == first and model.best_epoch_ >= -1
    with pytest.raises(ValueError, match=r"y: expected shape \(200, 1\) or \(200,\), got \(200, 2\)"):
        model.fit(X, TWO)
    part = quick()
    for _ in range(60):
        part.partial_fit(X, Y)
    assert part.score(X, Y) > 0.9 and len(part.history_) == 60 and part.stopped_by_ == "partial_fit"


def test_searches_and_pipelines():
    pipeline = make_pipeline(StandardScaler(), quick(max_epochs=20))
    search = GridSearchCV(pipeline, {"networkregressor__optimizer__learning_rate": [1e-6, 0.02]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"networkregressor__optimizer__learning_rate": 0.02} and search.best_score_ > 0.8


def test_the_gradient_of_a_prediction():
    model = quick(standardize_axes=(0,)).fit(X, TWO)
    x = X[:5].astype(np.float64)
    values, gradient = model.input_gradient(x, 1)
    np.testing.assert_allclose(values, model.predict(x)[:, 1], rtol=1e-6)
    step = 1e-2 * np.eye(3)[0]
    slope = (model.predict(x + step)[:, 1] - model.predict(x - step)[:, 1]) / 2e-2
    np.testing.assert_allclose(gradient[:, 0], slope, atol=2e-3 * model.target_deviation_[1])
    with pytest.raises(IndexError, match="unit: expected a column of the 2 numbers, got 2"):
        model.input_gradient(x, 2)


def test_the_log_says_r2(capsys):
    quick(max_epochs=1, verbose=1).fit(X, Y)
    assert "val R2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "y", "message"),
    [
        ({}, ["a"] * 200, "NetworkRegressor.fit: y: expected numbers"),
        ({}, Y[:-1], r"fit: y: expected shape \(200,\) or \(200, n_outputs\)"),
        ({}, np.where(Y > 1100, np.nan, Y), "fit: y: expected finite numbers, got NaN or infinity"),
        ({}, None, "fit: requires y to be passed, but the target y is None"),
        (
            {"standardize_targets": False},
            Y.astype(np.float64) * 1e300,
            "fit: y: expected numbers that float32 can hold",
        ),
        ({"loss": nn.SoftmaxCrossEntropy()}, Y, "fit: loss: expected one of numbers, such as SquaredError"),
        ({"network": nn.Sequential([nn.Dense(2)], (3,))}, Y, "network: expected 1 outputs, one for each number in y"),
        ({"network": nn.Sequential([nn.Dense(1), nn.Sigmoid()], (3,))}, Y, "network: expected no final Sigmoid"),
        ({"monitor": "accuracy"}, Y, 'NetworkRegressor: monitor: expected "loss", "r2" or a callable'),
        ({"standardize_targets": 1}, Y, "NetworkRegressor: standardize_targets: expected True or False"),
    ],
)
def test_bad_input(settings, y, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(X, y)
    with pytest.raises(nn.NotFittedError, match="NetworkRegressor: not fitted yet"):
        quick().predict(X)
