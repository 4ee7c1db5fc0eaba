"""The estimator: labels of both kinds, validation, the best epoch, bad input."""

import signal

import numpy as np
import pytest

import nnlite as nn


def circles(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2)).astype(np.float32)
    return X, np.where((X**2).sum(1) > 1.4, "outside", "inside")


def quick(**settings):
    return nn.NetworkClassifier(
        **{"optimizer": nn.SGD(0.1, momentum=0.9), "max_epochs": 30, "batch_size": 32, "random_state": 0} | settings
    )


def test_learns_classes_with_names():
    X, y = circles()
    model = quick().fit(X, y)
    assert model.classes_.tolist() == ["inside", "outside"]
    assert model.score(*circles(seed=1)) > 0.9
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert np.array_equal(model.predict(X), model.classes_[probabilities.argmax(1)])


def test_learns_several_labels_a_sample():
    X, _ = circles()
    Y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X.sum(1) > 0], 1).astype(int)
    model = quick().fit(X, Y)
    assert nn.metrics.roc_auc(Y, model.predict_proba(X)) > 0.98
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.8


def test_labels_under_a_softmax_share_their_probability():
    X = np.zeros((60, 3), np.float32)
    Y = np.tile([[1, 1, 0], [0, 0, 1]], (30, 1))
    net = nn.Sequential([nn.Dense(3), nn.Softmax()], input_shape=(3,))
    model = quick(network=net, validation_fraction=0.0, max_epochs=100).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X[:1]), [[0.25, 0.25, 0.5]], atol=0.02)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_one_seed_one_result_at_any_number_of_threads(n_threads):
    X, y = circles()
    a = quick(n_threads=1, max_epochs=5).fit(X, y)
    b = quick(n_threads=n_threads, max_epochs=5).fit(X, y)
    assert all(np.array_equal(a.params_[name], b.params_[name]) for name in a.params_)
    assert np.array_equal(a.predict_proba(X), b.predict_proba(X))


def test_the_best_epoch_comes_back_and_patience_ends_the_run():
    X, y = circles(60)
    model = quick(patience=3, max_epochs=500, optimizer=nn.SGD(1.0, momentum=0.9)).fit(X, y)
    losses = [row["val_loss"] for row in model.history_]
    assert model.stopped_by_ == "patience"
    assert model.best_epoch_ == int(np.argmin(losses)) == len(losses) - 4


def test_validation_data_chooses_the_epoch_but_is_not_trained_on():
    X, y = circles()
    X_val, y_val = circles(100, seed=2)
    model = quick(max_epochs=8).fit(X, y, validation_data=(X_val, y_val))
    loss = nn.SoftmaxCrossEntropy()
    probabilities = model.predict_proba(X_val)
    indices = (y_val == "outside").astype(int)
    expected = min(row["val_loss"] for row in model.history_)
    assert -np.log(probabilities[np.arange(100), indices]).mean() == pytest.approx(expected, rel=1e-4)
    assert loss.output_activation is nn.Softmax


def test_validation_samples_have_weights():
    """As often in the loss and the score as their weights say; one of another checkpoint is noticed."""
    X, y = circles()
    X_val, y_val = circles(50, seed=2)
    counts = np.arange(50) % 3
    weighted = quick(max_epochs=3).fit(X, y, validation_data=(X_val, y_val, counts))
    repeated = quick(max_epochs=3).fit(X, y, validation_data=(X_val.repeat(counts, axis=0), y_val.repeat(counts)))
    for name in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(
            [row[name] for row in weighted.history_], [row[name] for row in repeated.history_], rtol=1e-5
        )
    with pytest.raises(ValueError, match=r"sample_weight: expected shape \(50,\), one a sample, got \(3,\)"):
        quick().fit(X, y, validation_data=(X_val, y_val, counts[:3]))


def test_what_is_inside():
    X, y = circles()
    network = nn.Sequential([nn.Dense(5), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2), nn.Softmax()], (2,))
    model = quick(network=network, standardize_axes=(0,), max_epochs=2).fit(3 * X + 1, y)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    sums = standard @ model.params_["0.weight"] + model.params_["0.bias"]
    inside = model.hidden(3 * X + 1)
    assert inside.shape == (400, 5) and inside.dtype == np.float32
    np.testing.assert_allclose(inside, np.tanh(sums), atol=0.2)  # scaling is that of the training part alone
    np.testing.assert_allclose(model.hidden(3 * X + 1, 1), np.arctanh(inside), rtol=1e-3, atol=1e-4)
    logits = inside @ model.params_["3.weight"] + model.params_["3.bias"]
    np.testing.assert_allclose(model.hidden(3 * X + 1, -1), logits, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="X has 1 features"):
        model.hidden(X[:, :1])
    with pytest.raises(nn.NotFittedError):
        quick().hidden(X)


def test_a_metric_of_ones_own_may_choose_the_epoch():
    X, y = circles()
    calls = []

    def first_is_best(labels, probabilities):
        calls.append(probabilities.shape)
        return -len(calls)

    model = quick(monitor=first_is_best, max_epochs=4).fit(X, y)
    assert model.best_epoch_ == 0 and calls == [(80, 2)] * 4


@pytest.mark.parametrize("kind", ["names", "truth values", "several"])
def test_a_metric_of_ones_own_is_given_labels_as_predict_returns_them(kind):
    X, y = circles()
    y = {"names": y, "truth values": y == "inside", "several": np.stack([X[:, 0] > 0, X[:, 1] > 0], 1)}[kind]
    seen = []

    def accuracy(labels, probabilities):
        seen.append(labels)
        return nn.metrics.accuracy(labels, model.classes_[probabilities.argmax(1)]) if labels.ndim == 1 else 0.0

    model = quick(max_epochs=1).fit(X, y)
    model.set_params(monitor=accuracy, max_epochs=3).fit(X[:300], y[:300], validation_data=(X[300:], y[300:]))
    assert np.array_equal(seen[0], y[300:]) and seen[0].dtype == model.predict(X).dtype
    if kind != "several":
        best = model.history_[model.best_epoch_]
        assert best["val_accuracy"] == max(row["val_accuracy"] for row in model.history_)


@pytest.mark.parametrize("several", [False, True])
def test_the_scores_of_the_history_are_those_of_the_model(several):
    """And what is watched has the name of a column."""
    X, y = circles()
    if several:
        y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X.sum(1) > 0], 1).astype(int)
    weights = np.random.default_rng(0).random(100)
    for monitor in ("accuracy", "roc_auc"):
        model = quick(monitor=monitor, max_epochs=6, patience=6).fit(
            X[:300], y[:300], validation_data=(X[300:], y[300:], weights)
        )
        rows = [row[f"val_{monitor}"] for row in model.history_]
        best = model.history_[model.best_epoch_]
        assert best[f"val_{monitor}"] == max(rows)
        assert best["val_accuracy"] == pytest.approx(model.score(X[300:], y[300:], weights), abs=1e-12)
        assert ("val_roc_auc" in best) == (several or monitor == "roc_auc")
        if "val_roc_auc" in best:
            truth = y[300:] if several else model.classes_ == y[300:, None]
            auc = nn.metrics.roc_auc(truth, model.predict_proba(X[300:]), sample_weight=weights)
            assert best["val_roc_auc"] == pytest.approx(auc, abs=1e-12)


def test_an_interrupt_brings_the_best_parameters_so_far():
    X, y = circles()
    calls = []

    def interrupt_the_third(labels, probabilities):
        calls.append(0)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return len(calls)

    model = quick(monitor=interrupt_the_third).fit(X, y)
    assert model.stopped_by_ == "interrupt"
    assert model.best_epoch_ == 1 and len(model.history_) == 2
    assert np.isfinite(model.predict_proba(X)).all()


def test_scaling_is_taken_from_the_training_samples():
    X, y = circles()
    X = X * [1e-3, 1e3] + [5, -700]
    model = quick(standardize_axes=(0,)).fit(X, y)
    assert model.score(X, y) > 0.9
    scaled = model._predictor.standardizer(X)
    assert abs(scaled.mean(0)).max() < 0.2 and abs(scaled.std(0) - 1).max() < 0.2


def test_a_class_that_weighs_more_is_predicted_more():
    X, y = np.zeros((100, 2), np.float32), np.repeat([0, 1], [80, 20])
    for weight, expected in ((None, 0.2), ("balanced", 0.5), ({1: 16.0}, 0.8)):
        model = quick(validation_fraction=0.0, batch_size=100, max_epochs=200, class_weight=weight).fit(X, y)
        assert model.predict_proba(X[:1])[0, 1] == pytest.approx(expected, abs=0.01)


def test_memory_mapped_and_integer_samples_are_taken_as_they_are(tmp_path):
    X, y = circles()
    coded = np.round(X * 1000).astype(np.int16)
    np.save(tmp_path / "x.npy", coded)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = quick(standardize_axes=(0,)).fit(mapped, y)
    assert model.score(mapped, y) > 0.9


def test_augmentation_happens_while_training_only():
    X, y = circles(100)
    seen = []

    def augment(x, rng):
        seen.append(len(x))
        return x + rng.normal(0, 0.01, x.shape).astype(np.float32)

    model = quick(augment=augment, max_epochs=3).fit(X, y)
    assert sum(seen) == 3 * 80
    model.predict(X)
    assert sum(seen) == 3 * 80


def test_the_log_has_a_line_an_epoch(capsys):
    X, y = circles(100)
    quick(max_epochs=3, verbose=1).fit(X, y)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["epoch", "loss", "val", "loss", "val", "accuracy", "rate", "samples/s", "time"]
    assert lines[3].split()[0] == "3/3"


X, Y = circles(40)
NET = nn.Sequential([nn.Dense(3)], input_shape=(2,))


@pytest.mark.parametrize(
    ("settings", "X", "y", "message"),
    [
        ({}, X, Y[:-1], r"y: expected shape \(40,\) or \(40, n_classes\), a row for each sample of X, got \(39,\)"),
        ({}, X, np.zeros(40), r"y: expected two classes or more, got one class, \[0.0\]"),
        ({}, X, np.tile([[1, 0]], (40, 1)), "y: expected a positive sample in each class, got none in column 1"),
        ({}, X[:0], Y[:0], r"fit: X: expected one sample or more, got 0 samples \(shape=\(0, 2\)\)"),
        ({}, np.where(np.arange(80).reshape(40, 2) == 7, np.nan, X), Y, "X: expected finite numbers, got NaN"),
        ({"network": NET}, X, Y, "network: expected 2 outputs, one for each class in y, got output of shape"),
        ({"network": NET}, np.zeros((40, 5)), Y, r"X: expected samples of shape \(2,\), got \(5,\)"),
        ({"monitor": "score"}, X, Y, 'monitor: expected "loss", "accuracy", "roc_auc" or a callable, got .score'),
        ({"validation_fraction": 1.5}, X, Y, r"validation_fraction: expected a number in \[0, 1\), got 1.5"),
        ({"random_state": "seed"}, X, Y, "random_state: expected an integer of at least 0"),
        ({"standardize_axes": (1,)}, X, Y, "standardize_axes: expected different axes below 2 with 0"),
    ],
)  # fmt: skip
def test_bad_input(settings, X, y, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(X, y)


def test_predicting_before_fitting_or_on_another_shape():
    with pytest.raises(RuntimeError, match="not fitted yet"):
        quick().predict(X)
    model = quick(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"X: expected samples of shape \(2,\), got \(3,\)"):
        model.predict(np.zeros((4, 3)))
