"""The estimator among scikit-learn's tools, and its own parts of that: parameters, tags, errors."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

import nnlite as nn
from nnlite.estimators.base import Estimator

ROOT = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 3))
Y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")


def quick(**settings):
    return nn.NetworkClassifier(
        **{"max_epochs": 15, "optimizer": nn.SGD(0.1, momentum=0.9), "random_state": 0} | settings
    )


EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "steps on batches in random order are not the same for a sample of weight 2 as for two samples: so it is for "
        "scikit-learn's own networks and SGDClassifier; test_weights_are_repetitions has the case where it holds"
    ),
    "check_methods_sample_order_invariance": (
        "asks for 1e-7, and BLAS sums a row of float32 in another order at another place or in other company (1.5e-7): "
        "OpenBLAS has kernels of its own for the last rows and for single ones. Sums that don't would have to take the "
        "place of BLAS in training too, since inference is training without noise, to the bit"
    ),
}


@pytest.mark.filterwarnings("ignore:.*does not inherit from .sklearn.base.BaseEstimator")
def test_check_estimator():
    results = check_estimator(
        quick(max_epochs=10, optimizer=None), expected_failed_checks=EXPECTED_FAILURES, on_skip=None
    )
    assert sum(result["status"] == "passed" for result in results) > 45


def test_prediction_does_not_depend_on_order_and_company():
    model = quick().fit(X, Y)
    whole, order = model.predict_proba(X), RNG.permutation(len(X))
    np.testing.assert_allclose(model.predict_proba(X[order]), whole[order], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([model.predict_proba(x[None]) for x in X]), whole, rtol=1e-5, atol=1e-7)


def test_weights_are_repetitions():
    """In one batch with nothing held out, to rounding."""
    weights = RNG.integers(0, 4, len(X))
    settings = {"validation_fraction": 0.0, "batch_size": 1000}
    weighted = quick(**settings).fit(X, Y, sample_weight=weights)
    repeated = quick(**settings).fit(X.repeat(weights, axis=0), Y.repeat(weights))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-4)


def test_pipelines_searches_and_validation():
    pipeline = make_pipeline(StandardScaler(), quick())
    pipeline.fit(X * 100 + 5, Y, networkclassifier__sample_weight=np.ones(len(X)))
    assert pipeline.score(X * 100 + 5, Y) > 0.9
    assert cross_val_score(pipeline, X, Y, cv=3, scoring="roc_auc").min() > 0.9
    assert cross_val_predict(quick(), X, Y, cv=3, method="predict_proba").shape == (120, 2)
    network = nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Dense(2)], input_shape=(3,))
    grid = {
        "networkclassifier__optimizer": [nn.SGD(1e-9), nn.SGD(0.1, momentum=0.9)],
        "networkclassifier__network": [None, network],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert search.best_params_["networkclassifier__optimizer"] == nn.SGD(0.1, momentum=0.9)
    assert search.best_score_ > 0.9 and "optimizer=SGD" in repr(search)


def test_several_labels_and_tiles_in_cross_validation():
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0], 1).astype(int)
    assert cross_val_score(quick(max_epochs=40), X, several, cv=3).min() > 0.7
    assert cross_val_score(quick(), X.reshape(120, 3, 1), Y, cv=3).min() > 0.8


def test_clones_copies_and_pickles():
    model = quick(network=nn.Sequential([nn.Dense(2)], input_shape=(3,)), class_weight={"up": 2.0}).fit(X, Y)
    copied = clone(model)
    assert not hasattr(copied, "params_") and copied.get_params() == model.get_params()
    assert repr(copied) == repr(model)
    for other in (copied.fit(X, Y), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_parameters_by_name():
    model = nn.NetworkClassifier().set_params(max_epochs=3, init="lsuv")
    assert model.get_params()["max_epochs"] == 3
    assert repr(model) == "NetworkClassifier(init='lsuv', max_epochs=3)"
    assert repr(nn.NetworkClassifier()) == "NetworkClassifier()"
    with pytest.raises(ValueError, match=r"NetworkClassifier: expected one of the parameters .* got 'epochs'"):
        model.set_params(epochs=5, max_epochs=4)
    assert model.max_epochs == 3


class Around(Estimator):
    def __init__(self, inner=None, scale=1.0):
        self.inner = inner
        self.scale = scale


def test_parameters_of_an_estimator_inside():
    outer = Around(Around(scale=2.0))
    assert outer.get_params(deep=False).keys() == {"inner", "scale"}
    assert outer.get_params()["inner__scale"] == 2.0
    outer.set_params(inner__scale=3.0, scale=4.0)
    assert repr(outer) == "Around(inner=Around(scale=3.0), scale=4.0)"
    swapped = outer.set_params(inner=Around(), inner__scale=7.0)
    assert swapped.inner.scale == 7.0 and clone(swapped).inner is not swapped.inner


def test_tags_say_what_it_is():
    assert is_classifier(nn.NetworkClassifier())
    tags = nn.NetworkClassifier().__sklearn_tags__()
    assert tags.classifier_tags.multi_label and tags.target_tags.required and not tags.input_tags.sparse


def test_not_fitted_is_the_error_that_either_library_knows():
    model = nn.NetworkClassifier()
    for call in (model.predict, model.predict_proba, lambda X: model.score(X, Y)):
        with pytest.raises(NotFittedError, match="NetworkClassifier: not fitted yet") as caught:
            call(X)
        assert isinstance(caught.value, (nn.NotFittedError, RuntimeError, ValueError, AttributeError))
    travelled = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(travelled, NotFittedError) and isinstance(travelled, nn.NotFittedError)
    assert travelled.args == caught.value.args
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    check_is_fitted(quick(max_epochs=1).fit(X, Y))


def test_without_scikit_learn():
    code = """
import sys, warnings
import numpy as np, nnlite as nn
warnings.simplefilter("error")
model = nn.NetworkClassifier(max_epochs=1)
X, y = np.eye(8), np.arange(8) % 2
try:
    model.predict(X)
except nn.NotFittedError as error:
    print(type(error).__mro__[1:4])
try:
    model.fit(X, y[:, None])
except UserWarning as warning:
    print(str(warning).split(":")[0])
model.fit(X, y).get_params()
assert "sklearn" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    errors, warning = done.stdout.splitlines()
    assert errors == "(<class 'RuntimeError'>, <class 'ValueError'>, <class 'AttributeError'>)"
    assert warning == "A column-vector y was passed when a 1d array was expected"


# --- Going on from where a model is -----------------------------------------------------------------------------------


def test_partial_fit_learns_batch_by_batch():
    model = quick()
    for epoch in range(30):
        for part in np.array_split(RNG.permutation(len(X)), 3):
            model.partial_fit(X[part], Y[part], classes=["up", "down"] if epoch == 0 else None)
    assert model.score(X, Y) > 0.95
    assert model.classes_.tolist() == ["down", "up"] and model.n_features_in_ == 3
    assert model.stopped_by_ == "partial_fit" and [row["epoch"] for row in model.history_] == list(range(90))


def test_partial_fits_are_the_epochs_of_a_fit():
    settings = {"validation_fraction": 0.0, "max_epochs": 6, "optimizer": nn.Adam(0.01), "standardize_axes": (0,)}
    whole, parts = quick(**settings).fit(X, Y), quick(**settings)
    for _ in range(6):
        parts.partial_fit(X, Y, classes=np.unique(Y))
    for name, value in whole.params_.items():
        np.testing.assert_array_equal(parts.params_[name], value)


def test_a_loaded_model_learns_on(tmp_path):
    model = quick(max_epochs=2).fit(X, Y)
    nn.save(tmp_path / "model.npz", model)
    loaded = nn.load(tmp_path / "model.npz")
    before = loaded.history_[0]["loss"]
    for _ in range(20):
        loaded.partial_fit(X, Y)
    assert loaded.history_[-1]["loss"] < before / 2 and len(loaded.history_) == 22
    nn.save(tmp_path / "again.npz", loaded)
    np.testing.assert_array_equal(nn.load(tmp_path / "again.npz").predict_proba(X), loaded.predict_proba(X))


def test_partial_fit_of_several_labels_and_of_some_classes():
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 9], 1).astype(int)
    model = quick().partial_fit(X, several, classes=[0, 1, 2])  # none is of the last class yet
    assert model.predict(X).shape == (120, 3)
    assert quick().partial_fit(X[:1], Y[:1], classes=["a", "down", "up"]).predict_proba(X).shape == (120, 3)


@pytest.mark.parametrize(
    ("settings", "X", "y", "classes", "message"),
    [
        ({}, X, Y, None, "partial_fit: classes: expected all labels that will come, in the first call"),
        ({}, X, Y, ["up", "left"], r"y: expected one of \['left', 'up'\], got .*'down'"),
        ({}, X, Y, ["up"], "expected two classes or more"),
        ({"class_weight": "balanced"}, X, Y, ["up", "down"], "class_weight: expected a dict or None, got 'balanced'"),
        ({}, X, Y[:5], ["up", "down"], "y: expected shape"),
    ],
)  # fmt: skip
def test_partial_fits_that_can_not_be(settings, X, y, classes, message):
    model = quick(**settings)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, y, classes=classes)
    assert not hasattr(model, "params_")


def test_partial_fit_after_another_fit():
    model = quick(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"classes: expected .*'down', 'up'.* as before, got"):
        model.partial_fit(X, Y, classes=["up", "left"])
    with pytest.raises(ValueError, match="X has 2 features, but NetworkClassifier is expecting 3 features as input"):
        model.partial_fit(X[:, :2], Y)


def test_a_warm_start_goes_on():
    model = quick(max_epochs=3, warm_start=True, standardize_axes=(0,)).fit(X, Y)
    first, params = model.history_[0]["loss"], model.params_
    model.fit(X, Y)
    assert model.history_[0]["loss"] < first and len(model.history_) == 3 and model.params_ is not params
    cold = clone(model).set_params(warm_start=False)
    assert cold.fit(X, Y).history_[0]["loss"] == cold.fit(X, Y).history_[0]["loss"] == first
    model.fit(X[:40], np.full(40, "up"))  # some of the classes are enough
    with pytest.raises(ValueError, match=r"y: expected one of \['down', 'up'\]"):
        model.fit(X, np.where(Y == "up", "left", "right"))
    with pytest.raises(ValueError, match="X has 2 features"):
        model.fit(X[:, :2], Y)
    model.network = nn.Sequential([nn.Dense(2)], input_shape=(3,))
    with pytest.raises(ValueError, match="network: expected that of the last fit, to go on from"):
        model.fit(X, Y)


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    model = quick(max_epochs=2).fit(X, Y)
    before = model.predict_proba(X)
    broken = np.where(np.arange(360).reshape(120, 3) == 7, np.nan, X)
    for data in ((X[:, :1], Y[:5]), (broken, Y), (X, np.ones(120))):
        with pytest.raises(ValueError):
            model.fit(*data)
    np.testing.assert_array_equal(model.predict_proba(X), before)
