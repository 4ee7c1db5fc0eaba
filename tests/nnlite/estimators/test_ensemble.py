"""The bagged ensemble: how its members' answers are put together, what can't be trained, where they run, and files."""

import functools
import multiprocessing
import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators.bags import ONE_CLASS
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.members import Task
from tests.nnlite.estimators.ensemble_tasks import DeadlyOnce, Diverging

RNG = np.random.default_rng(0)
X = RNG.standard_normal((240, 4)).astype(np.float32)
Y = np.stack([X[:, 0] + X[:, 1] > 1.5, X[:, 2] > -0.8, X[:, 3] > 0.9], axis=1).astype(int)
NETWORK = nn.Sequential([nn.Dense(8), nn.Tanh(), nn.Dense(1), nn.Sigmoid()], (4,))
SPAWN = multiprocessing.get_context("spawn")


def quick(kind=nn.NetworkClassifier, **settings):
    defaults = {"network": NETWORK, "optimizer": nn.Adam(0.02), "max_epochs": 6, "batch_size": 32}
    return kind(**defaults | settings)


def params_of(model):
    return [
        value for members in model.members_ for member in members for value in (member._seed, *member.params_.values())
    ]


def assert_same_bits(one, other):
    for a, b in zip(params_of(one), params_of(other), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


# --- How their answers are put together -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    return nn.BaggedEnsemble(quick(), n_bags=3, random_state=0).fit(X, Y)


def test_averages(fitted):
    p = np.stack([[member.predict_proba(X)[:, 0] for member in bags] for bags in fitted.members_]).astype(float)
    np.testing.assert_allclose(fitted.predict_proba(X), p.mean(axis=1).T, rtol=1e-5)
    by_logit = 1 / (1 + np.exp(-np.log(p / (1 - p)).mean(axis=1).T))
    other = pickle.loads(pickle.dumps(fitted)).set_params(average="logit")
    np.testing.assert_allclose(other.predict_proba(X), by_logit, rtol=1e-4)
    assert fitted.predict_proba(X).shape == (240, 3)
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict_proba(X) >= 0.5)
    assert fitted.score(X, Y) == np.mean((fitted.predict(X) == Y).all(axis=1)) > 0.5


def test_thresholds(fitted):
    other = pickle.loads(pickle.dumps(fitted))
    other.thresholds_ = [0.1, 1.1, 0.9]
    p = fitted.predict_proba(X)
    np.testing.assert_array_equal(other.predict(X), np.stack([p[:, 0] >= 0.1, p[:, 1] > 2, p[:, 2] >= 0.9], axis=1))
    other.thresholds_ = [0.5, 0.5]
    with pytest.raises(ValueError, match=r"thresholds_: expected 3, one a class, got shape \(2,\)"):
        other.predict(X)


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_the_prior_of_training_undoes_the_sampling(ratio):
    """The mean output is the share of the class, with any share of it in the training of the members."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4000, 4)).astype(np.float32)
    y = np.stack([x[:, 0] + rng.standard_normal(4000) > 2.2, x[:, 1] + rng.standard_normal(4000) > -1], axis=1)
    network = nn.Sequential([nn.Dense(1), nn.Sigmoid()], (4,))
    settings = {"network": network, "optimizer": nn.Adam(0.05), "max_epochs": 20}
    model = nn.BaggedEnsemble(quick(**settings), negatives_per_positive=ratio, random_state=0).fit(x, y)
    balanced = model.predict_proba(x)
    shares = model.set_params(prior="training").predict_proba(x)
    np.testing.assert_allclose(model.prior_, y.mean(axis=0))
    np.testing.assert_allclose(shares.mean(axis=0), model.prior_, atol=0.02)
    assert np.abs(balanced.mean(axis=0) - model.prior_).max() > 0.1
    for k in range(2):
        np.testing.assert_array_equal(np.argsort(balanced[:, k]), np.argsort(shares[:, k]))


def test_classes_of_which_each_sample_has_one():
    names = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    model = nn.BaggedEnsemble(quick(max_epochs=15), random_state=0).fit(X, names, validation_data=(X, names))
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert model.classes_.tolist() == ["a", "b", "c"] and model.score(X, names) > 0.75
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])


def test_hidden_layers_side_by_side(fitted):
    hidden = fitted.hidden(X)
    assert hidden.shape == (240, 3 * 3 * 8) and hidden.dtype == np.float32
    member = fitted.members_[1][2]
    expected = np.tanh(X @ member.params_["0.weight"] + member.params_["0.bias"])
    np.testing.assert_allclose(hidden[:, 5 * 8 : 6 * 8], expected, rtol=1e-4, atol=1e-6)


# --- Classes and members that can't be trained ------------------------------------------------------------------------


def test_classes_without_positives_or_negatives_are_constant(tmp_path):
    y = np.concatenate([Y, np.zeros((240, 1), int), np.ones((240, 1), int)], axis=1)
    with pytest.warns(nn.BaggedEnsembleWarning) as caught:
        model = nn.BaggedEnsemble(quick(), random_state=0).fit(X, y, sample_weight=RNG.uniform(0.1, 1, 240))
    assert [str(w.message) for w in caught] == [
        "BaggedEnsemble: y: no sample has class 3: the constant 0 takes the place of networks.",
        "BaggedEnsemble: y: every sample has class 4: the constant 1 takes the place of networks.",
    ]
    assert model.constants_ == {3: 0.0, 4: 1.0} and model.members_[3:] == [[], []]
    nn.save(tmp_path / "m.npz", model)
    for each in (model, nn.load(tmp_path / "m.npz").set_params(prior="training")):
        np.testing.assert_array_equal(each.predict_proba(X)[:, 3:], [[0, 1]] * 240)
    with pytest.raises(ValueError, match="y: expected a class that some of the samples have and some not, got none"):
        nn.BaggedEnsemble(quick()).fit(X, y[:, 3:])


def test_a_diverging_member_is_left_out_and_named():
    with pytest.warns(nn.BaggedEnsembleWarning, match=r"bag \d of class \d is left out: train: the loss became nan"):
        model = nn.BaggedEnsemble(quick(Diverging), n_bags=6, random_state=0).fit(X, Y)
    assert sum(map(len, model.members_)) == 18 - len(model.failures_) and 0 < len(model.failures_) < 18
    assert all(member.random_state % 2 for members in model.members_ for member in members)
    with pytest.raises(RuntimeError, match="no network of class 0 could be trained: train: the loss became"):
        nn.BaggedEnsemble(quick(network=None, optimizer=nn.SGD(1e30))).fit(X, Y)


def test_rare_classes():
    """One positive, two samples in all: nothing can be held out."""
    y = np.zeros((240, 2), int)
    y[7, 0], y[:239, 1] = 1, 1
    model = nn.BaggedEnsemble(quick(max_epochs=2), random_state=0).fit(X, y)
    assert [len(members) for members in model.members_] == [1, 1]
    assert model.members_[0][0].best_epoch_ is None


def test_ctrl_c_ends_all_of_them():
    def interrupt(x, rng):
        raise KeyboardInterrupt

    model = nn.BaggedEnsemble(quick(augment=interrupt))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not hasattr(model, "members_")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_bags": 0}, "BaggedEnsemble: n_bags: expected a positive integer, got 0"),
        ({"negatives_per_positive": 0}, "negatives_per_positive: expected a positive number, got 0"),
        ({"average": "median"}, 'average: expected "probability" or "logit", got \'median\''),
        ({"prior": 0.5}, 'prior: expected "balanced" or "training", got 0.5'),
        ({"executor": 3}, "executor: expected a concurrent.futures.Executor, a function that makes one, or None"),
        ({"estimator": "network"}, "estimator: expected a NetworkClassifier or None, got 'network'"),
        ({"checkpoint": "folder", "random_state": None}, "random_state: expected an integer with a checkpoint"),
        ({"estimator": quick(checkpoint="x.npz")}, "estimator: expected none with a checkpoint"),
        ({"estimator": quick(loss=nn.SquaredError())}, "expected a loss of logistic outputs"),
        ({"estimator": quick(batch_size=0)}, "BaggedEnsemble: estimator: batch_size"),
        (
            {"estimator": quick(network=nn.Sequential([nn.Dense(3), nn.Softmax()], (4,)))},
            r"expected a network with one logistic output, .*, got output of shape \(3,\) of Softmax\(\)",
        ),
        ({"estimator": quick(network=nn.Sequential([nn.Dense(1)], (5,)))}, r"shape \(5,\), got \(4,\)"),
    ],
)
def test_settings_that_can_not_be(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.BaggedEnsemble(**{"estimator": quick(), "random_state": 0} | settings).fit(X, Y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y[:5], "y: expected shape"),
        (X, Y * 2, "expected entries 0 and 1"),
        (X[:0], Y[:0], "0 samples"),
        (np.where(np.arange(4) == 2, np.nan, X), Y, "expected finite numbers, got NaN"),
        (X, None, "requires y to be passed"),
    ],
)
def test_samples_that_can_not_be(x, y, message):
    model = nn.BaggedEnsemble(quick())
    with pytest.raises(ValueError, match=message):
        model.fit(x, y)
    assert not hasattr(model, "members_")


def test_prediction_on_samples_of_another_shape(fitted):
    with pytest.raises(ValueError, match="X has 3 features, but BaggedEnsemble is expecting 4 features as input"):
        fitted.predict(X[:, :3])
    with pytest.raises(nn.NotFittedError, match="BaggedEnsemble: not fitted yet"):
        nn.BaggedEnsemble().predict(X)
    with pytest.raises(nn.NotFittedError, match="BaggedEnsemble: not fitted yet"):
        nn.save("nowhere.npz", nn.BaggedEnsemble())


# --- Where they run ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_bits_wherever_members_are_trained(fitted, tmp_path):
    np.save(tmp_path / "X.npy", np.stack([X, X]))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")[1]
    for settings in ({"n_threads": 1}, {"n_threads": 3}):
        assert_same_bits(fitted, nn.BaggedEnsemble(quick(**settings), n_bags=3, random_state=0).fit(mapped, Y))
    with ThreadPoolExecutor(3) as pool:
        assert_same_bits(fitted, nn.BaggedEnsemble(quick(), n_bags=3, random_state=0, executor=pool).fit(X, Y))
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        there = nn.BaggedEnsemble(quick(n_threads=1), n_bags=3, random_state=0, executor=pool)
        assert_same_bits(fitted, there.fit(nn.Rows(mapped, np.arange(240)), Y))
        assert_same_bits(fitted, there.fit(X, Y))


def test_a_task_is_small_on_its_way(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((1000, 2000), np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")

    def size(x):
        rows = nn.Rows(x, np.arange(0, 1000, 100))
        samples = Labelled.read("fit", rows, np.arange(10)[:, None] % 2, coding=ONE_CLASS)
        return len(pickle.dumps(Task(0, 0, quick(), samples, None)))

    assert size(mapped) < 4000
    assert size(nn.Rows(mapped[10:], np.arange(900).repeat(2))) < 4000 + 8 * 1800
    assert 80_000 < size(np.zeros((1000, 2000), np.float32)) < 84_000, "the rows of the task alone"


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(tmp_path):
    pools = functools.partial(ProcessPoolExecutor, 2, mp_context=SPAWN)
    settings = {"n_threads": 1, "augment": DeadlyOnce(str(tmp_path))}
    model = nn.BaggedEnsemble(quick(**settings), random_state=0, executor=pools).fit(X, Y)
    assert (tmp_path / "dead").exists()
    assert_same_bits(model, nn.BaggedEnsemble(quick(), random_state=0).fit(X, Y))


def test_a_run_that_was_killed_goes_on_with_its_members(tmp_path, capsys):
    settings = {"n_threads": 1, "augment": DeadlyOnce(str(tmp_path), call=50), "max_epochs": 12}
    model = nn.BaggedEnsemble(quick(**settings), random_state=0, checkpoint=tmp_path / "members", verbose=1)
    with (
        ProcessPoolExecutor(1, mp_context=SPAWN) as pool,
        pytest.raises(RuntimeError, match="executor: expected it to run all of 3, got BrokenProcessPool") as caught,
    ):
        model.set_params(executor=pool).fit(X, Y)
    assert "its journal is checkpoint=" in caught.value.__notes__[0]
    before = {path.name: path.read_bytes() for path in (tmp_path / "members").glob("*.npz")}
    assert "class-0-bag-0.npz" in before and "class-2-bag-0.npz" not in before
    capsys.readouterr()
    model.set_params(executor=None).fit(X, Y)
    assert (tmp_path / "members" / "class-0-bag-0.npz").read_bytes() == before["class-0-bag-0.npz"]
    assert "BaggedEnsemble: 3 of 3, in " in capsys.readouterr().err
    assert_same_bits(model, nn.BaggedEnsemble(quick(max_epochs=12), random_state=0).fit(X, Y))
    with pytest.raises(ValueError, match="checkpoint: expected a run with these settings") as caught:
        model.set_params(estimator__batch_size=16).fit(X, Y)
    assert caught.value.__notes__ == ["BaggedEnsemble: raised by bag 0 of class 0"]


def test_what_one_member_can_not_do_the_others_need_not_try():
    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="got NaN") as caught:
        nn.BaggedEnsemble(quick(), n_bags=5, executor=pool).fit(np.full_like(X, np.nan), Y)
    assert "BaggedEnsemble: raised by bag" in caught.value.__notes__[0]


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_file_holds_all_of_it(fitted, tmp_path):
    fitted.thresholds_ = np.array([0.3, 0.4, 0.5])
    nn.save(tmp_path / "m.npz", fitted, class_names=["a", "b", "c"])
    loaded = nn.load(tmp_path / "m.npz")
    assert_same_bits(fitted, loaded)
    assert repr(loaded) == repr(fitted) and loaded.metadata_ == {"class_names": ["a", "b", "c"]}
    np.testing.assert_array_equal(loaded.thresholds_, fitted.thresholds_)
    np.testing.assert_array_equal(loaded.prior_, fitted.prior_)
    np.testing.assert_array_equal(loaded.hidden(X), fitted.hidden(X))
    assert loaded.members_[2][1].history_ == fitted.members_[2][1].history_
    assert_same_bits(loaded.fit(X, Y), fitted)
    fitted.thresholds_ = np.full(3, 0.5)


def test_parameters_of_half_size(fitted, tmp_path):
    nn.save(tmp_path / "half.npz", fitted, dtype="float16")
    loaded = nn.load(tmp_path / "half.npz")
    for a, b in zip(params_of(loaded), params_of(fitted), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), atol=2e-3)
    with np.load(tmp_path / "half.npz") as arrays:
        assert arrays["members/0-0/params/0.weight"].dtype == np.float16
    params = {"0.weight": np.full((1, 1), 1e6, np.float32), "0.bias": np.zeros(1, np.float32)}
    pair = (nn.Sequential([nn.Dense(1)], (1,)), params)
    with pytest.raises(ValueError, match="expected parameters that float16 can hold, got 1e"):
        nn.save(tmp_path / "pair.npz", pair, dtype="float16")
    with pytest.raises(ValueError, match="dtype: expected float16, float32 or float64, got 'int8'"):
        nn.save(tmp_path / "pair.npz", pair, dtype="int8")
    assert not (tmp_path / "pair.npz").exists()
    params["0.weight"][:] = 3
    nn.save(tmp_path / "pair.npz", pair, dtype="float16")
    assert nn.load(tmp_path / "pair.npz")[1]["0.weight"] == np.float32(3)


def changed(key, value):
    def change(header, arrays):
        header[key] = value

    return change


def drop(header, arrays):
    header["members"][1] = []


def stranger(header, arrays):
    arrays["members/0-7/params/0.weight"] = np.zeros(3)


def wide(header, arrays):
    header["members"][0][0]["network"] = header["members"][0][0]["network"] | {"input_shape": [5]}


def half_a_class(header, arrays):
    arrays["prior"] = arrays["prior"][:2]


@pytest.mark.parametrize(
    "change",
    [
        drop,
        stranger,
        wide,
        half_a_class,
        changed("members", 3),
        changed("members", [[7]]),
        changed("constants", [[0, 0]]),
        changed("constants", [[1, 5]]),
        changed("constants", [[1]]),
        changed("failures", [[0, 99, "x"]]),
        changed("failures", [3]),
        changed("settings", {"n_bags": 2}),
        changed("settings", {"n_bags": 2, "negatives_per_positive": -1, "average": "logit", "prior": "training"}),
        changed("estimator", {"unheard": 1}),
        changed("input_shape", [5]),
        changed("multilabel", "yes"),
        changed("random_state", "x"),
    ],
)
def test_files_that_do_not_fit_together(change, fitted, tmp_path):
    from nnlite.serialization import read_archive, write_archive

    nn.save(tmp_path / "m.npz", fitted)
    header, arrays = read_archive(tmp_path / "m.npz")
    change(header, arrays)
    write_archive(tmp_path / "m.npz", header, arrays)
    with pytest.raises(nn.FileFormatError, match=r"m\.npz"):
        nn.load(tmp_path / "m.npz")


# --- Among scikit-learn's tools ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*does not inherit from .sklearn.base.BaseEstimator")
def test_check_estimator():
    from sklearn.utils.estimator_checks import check_estimator

    from tests.nnlite.estimators.test_scikit_learn import EXPECTED_FAILURES

    model = nn.BaggedEnsemble(nn.NetworkClassifier(max_epochs=10), random_state=0)
    results = check_estimator(model, expected_failed_checks=EXPECTED_FAILURES, on_skip=None)
    assert sum(result["status"] == "passed" for result in results) > 45


def test_searches_validation_and_clones():
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    with ThreadPoolExecutor(2) as pool:
        model = nn.BaggedEnsemble(quick(max_epochs=10), random_state=0, executor=pool)
        copied = clone(model)
        assert copied.executor is pool and copied.estimator is not model.estimator and repr(copied) == repr(model)
        assert cross_val_score(model, X, Y, cv=3, scoring="roc_auc").min() > 0.8
        grid = {"estimator__optimizer": [nn.SGD(1e-9), nn.Adam(0.02)], "average": ["logit"]}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            search = GridSearchCV(model, grid, cv=2, scoring="roc_auc").fit(X, Y)
    assert search.best_params_["estimator__optimizer"] == nn.Adam(0.02)
    assert model.estimator.optimizer == nn.Adam(0.02) and model.average == "probability"
