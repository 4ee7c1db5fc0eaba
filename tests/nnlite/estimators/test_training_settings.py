"""Mixup, an average of the weights, a plateau and a callback in an estimator, also after interruptions."""

import numpy as np
import pytest

import nnlite as nn
from tests.nnlite.estimators.test_resume import X, Y, assert_same, model

SETTINGS = {
    "mixup": {"mixup": 0.3},
    "average": {"optimizer": nn.MovingAverage(nn.AdamW(0.02), 0.9)},
    "average without validation": {"optimizer": nn.MovingAverage(nn.SGD(0.1), 0.9), "validation_fraction": 0},
    "accumulation": {"optimizer": nn.GradientAccumulation(nn.MovingAverage(nn.SGD(0.1), 0.5), 2)},
    "plateau": {"schedule": nn.ReduceOnPlateau(0.5, patience=1)},
    "one cycle": {"schedule": nn.OneCycle()},
    "cosine": {"schedule": nn.Warmup(2, nn.CosineDecay())},
}
EACH = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


@EACH
def test_interrupted_and_on_other_threads_it_ends_with_the_same_bits(settings, tmp_path):
    expected = model(**settings).fit(X, Y)
    assert_same(model(n_threads=3, **settings).fit(X, Y), expected)
    for after in (4, 9, 11, None):
        stopped = model(tmp_path / "fit", interrupt_after=after, **settings)
        try:
            stopped.fit(X, Y)
        except KeyboardInterrupt:
            pass
    assert_same(stopped, expected)


@EACH
def test_it_is_saved_and_loaded(settings, tmp_path):
    fitted = model(**settings).fit(X, Y)
    nn.save(tmp_path / "model.npz", fitted)
    loaded = nn.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    for name, value in settings.items():
        assert getattr(loaded, name) == value


def test_mixup_changes_the_training_and_not_the_prediction():
    plain, mixed = model(augment=None).fit(X, Y), model(augment=None, mixup=0.3).fit(X, Y)
    assert any((plain.params_[name] != value).any() for name, value in mixed.params_.items())
    np.testing.assert_array_equal(mixed.predict_proba(X), mixed.predict_proba(X))


@pytest.mark.parametrize("fraction", [0, 0.2])
def test_an_average_is_what_is_validated_and_kept(fraction):
    seen = []
    optimizer = nn.MovingAverage(nn.SGD(0.05, momentum=0.9), 0.8)
    fitted = model(
        optimizer=optimizer, validation_fraction=fraction, augment=None, schedule=None,
        callback=lambda epoch, history, network, params: seen.append({name: p.copy() for name, p in params.items()}),
    ).fit(X, Y)  # fmt: skip
    kept = seen[-1 if fitted.best_epoch_ is None else fitted.best_epoch_]
    for name, value in fitted.params_.items():
        np.testing.assert_array_equal(value, kept[name])
    steps = model(optimizer=optimizer.optimizer, validation_fraction=fraction, augment=None, schedule=None).fit(X, Y)
    assert [row["loss"] for row in steps.history_] == [row["loss"] for row in fitted.history_]  # the same steps
    assert any((steps.params_[name] != value).any() for name, value in fitted.params_.items())


def test_partial_fit_goes_on_from_the_last_step_and_predicts_with_the_average():
    parts = [model(optimizer=optimizer, augment=None) for optimizer in (nn.MovingAverage(nn.SGD(0.1)), nn.SGD(0.1))]
    for _ in range(4):
        for part in parts:
            part.partial_fit(X, Y, classes=np.unique(Y))
    averaged, plain = parts
    assert [row["loss"] for row in averaged.history_] == [row["loss"] for row in plain.history_]
    assert any((plain.params_[name] != value).any() for name, value in averaged.params_.items())


def test_a_plateau_lowers_the_rate_as_its_history_says():
    schedule = nn.ReduceOnPlateau(0.5, patience=1)
    fitted = model(schedule=schedule).fit(X, Y)
    rates = [row["learning_rate"] for row in fitted.history_]
    assert rates == [0.02 * schedule(epoch, 9, fitted.history_) for epoch in range(9)]
    assert len(set(rates)) > 1


def test_a_plateau_in_a_loop_of_ones_own():
    net = nn.Sequential([nn.Dense(1)], (3,))
    history, rates, params = [], [], net.init(np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((20, 3))
    settings = {"loss": nn.SquaredError(), "optimizer": nn.SGD(0.1), "max_epochs": 6}
    schedule = nn.ReduceOnPlateau(0.5, patience=1)
    for epoch in nn.train(net, params, x, x[:, :1], schedule=schedule, history=history, **settings):
        history.append({"loss": float(epoch.number // 2)})
        rates.append(epoch.learning_rate)
    assert rates == [0.1, 0.1, 0.05, 0.025, 0.0125, 0.00625]  # 0, 0, 1, 1, 2, 2: never better than the first
    with pytest.raises(ValueError, match="history: expected a row for each of the 2 epochs"):
        list(nn.train(net, params, x, x[:, :1], schedule=schedule, first_epoch=2, **settings))
    assert len(list(nn.train(net, params, x, x[:, :1], schedule=schedule, **settings))) == 6


def test_a_checkpoint_with_a_plateau_goes_on_to_more_epochs(tmp_path):
    settings = {"schedule": nn.ReduceOnPlateau(0.5, patience=1)}
    model(tmp_path / "fit", max_epochs=5, **settings).fit(X, Y)
    assert_same(model(tmp_path / "fit", **settings).fit(X, Y), model(**settings).fit(X, Y))


def test_a_callback_sees_each_epoch_and_ends_the_training(tmp_path):
    seen = []

    def callback(epoch, history, network, params):
        seen.append((epoch, history, network))
        with pytest.raises(ValueError, match="read-only"):
            params["0.bias"][0] = 1
        history[0]["loss"] = 0.0
        return epoch == 5

    fitted = model(tmp_path / "fit", callback=callback).fit(X, Y)
    assert [epoch for epoch, *_ in seen] == list(range(6)) and fitted.stopped_by_ == "callback"
    assert [len(history) for _, history, _ in seen] == list(range(1, 7)) and seen[0][2] == fitted.network_
    assert fitted.history_[0]["loss"] > 0 and seen[-1][1][1:] == fitted.history_[1:]
    plain = model().fit(X, Y)
    for ours, theirs in zip(fitted.history_, plain.history_, strict=False):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    again = model(tmp_path / "fit", callback=callback).fit(X, Y)
    assert_same(again, fitted)
    assert len(seen) == 6  # nothing was left to do
    nn.save(tmp_path / "model.npz", fitted)
    assert nn.load(tmp_path / "model.npz").stopped_by_ == "callback"


def test_wrong_settings():
    with pytest.raises(ValueError, match=r"NetworkClassifier: mixup: expected a finite number of 0 or more, got -0.1"):
        model(mixup=-0.1).fit(X, Y)
    with pytest.raises(ValueError, match="NetworkClassifier: callback: expected a function or None, got 3"):
        model(callback=3).fit(X, Y)
    with pytest.raises(TypeError, match=r"fit: callback: expected True to stop, False or None to go on, got 0\.5"):
        model(callback=lambda *_: 0.5).fit(X, Y)
