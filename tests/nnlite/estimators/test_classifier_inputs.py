"""Inputs that users give to the estimator: arrays of every kind, numbers at the limits, settings that can't be.

pytest turns warnings into errors, so that none escapes is tested throughout.
"""

import types

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators.held_out import split
from nnlite.estimators.labelled import Labelled

RNG = np.random.default_rng(0)
X = RNG.integers(-100, 100, (80, 4))
Y = np.where(X[:, 0] > X[:, 1], "more", "less")
SEVERAL = np.stack([X[:, 0] > 0, X[:, 1] > 0], 1).astype(int)


def quick(**settings):
    given = {"max_epochs": 8, "optimizer": nn.SGD(0.1, momentum=0.9), "random_state": 0, "standardize_axes": (0,)}
    return nn.NetworkClassifier(**given | settings)


# --- Kinds of arrays --------------------------------------------------------------------------------------------------


def memory_mapped(tmp_path):
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def read_only(tmp_path):
    x = X.astype(np.float32)
    x.flags.writeable = False
    return x


KINDS = {
    "int64": lambda _: X,
    "int8": lambda _: X.astype(np.int8),
    "uint16": lambda _: (X + 100).astype(np.uint16),
    "float16": lambda _: X.astype(np.float16),
    "float32": lambda _: X.astype(np.float32),
    "float64": lambda _: X.astype(np.float64),
    "longdouble": lambda _: X.astype(np.longdouble),
    "objects": lambda _: X.astype(object),
    "lists": lambda _: X.tolist(),
    "swapped": lambda _: X.astype(">f4"),
    "swapped integers": lambda _: X.astype(">i2"),
    "Fortran order": lambda _: np.asfortranarray(X.astype(np.float32)),
    "every other column": lambda _: np.repeat(X, 2, axis=1).astype(np.float32)[:, ::2],
    "backwards": lambda _: X.astype(np.float32)[::-1][::-1],
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "rows": lambda _: nn.Rows(np.repeat(X, 2, axis=0), np.arange(0, 160, 2)),
    "frame": lambda _: types.SimpleNamespace(shape=X.shape, columns=list("abcd"), __array__=None),
}


class Frame:
    """An object like a data frame: it has a shape, but is indexed by column."""

    shape, columns = X.shape, list("abcd")

    def __len__(self):
        return len(X)

    def __getitem__(self, name):
        return X[:, self.columns.index(name)]

    def __array__(self, dtype=None, copy=None):
        return X.astype(dtype or np.float64)


KINDS["frame"] = lambda _: Frame()


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axes", [None, (0,)])
def test_arrays_of_every_kind_are_the_same_numbers(tmp_path, kind, axes):
    samples = KINDS[kind](tmp_path)
    before = np.array(samples, np.float64)
    model = quick(standardize_axes=axes, init="lsuv", max_epochs=2)
    probabilities = model.fit(samples, Y).predict_proba(samples)
    reference = quick(standardize_axes=axes, init="lsuv", max_epochs=2)
    shifted = X + 100 if kind == "uint16" else X
    expected = reference.fit(shifted.astype(np.float32), Y).predict_proba(shifted.astype(np.float32))
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-5)
    assert probabilities.dtype == np.float32 and (model.predict(samples) == model.predict(before)).all()
    np.testing.assert_array_equal(np.array(samples, np.float64), before)


def test_no_argument_is_changed():
    x, y, weight, classes = X.astype(np.float32), SEVERAL.copy(), np.linspace(0, 1, 80), {0: 2.0, 1: 1.0}
    given = [np.array(value) for value in (x, y, weight)]
    model = quick(class_weight=classes, augment=lambda x, rng: np.multiply(x, 2, out=x))
    model.fit(x, y, sample_weight=weight, validation_data=(x, y)).predict(x)
    for value, copy in zip((x, y, weight), given, strict=True):
        np.testing.assert_array_equal(value, copy)
    assert classes == {0: 2.0, 1: 1.0}


@pytest.mark.parametrize(
    "labels",
    [Y.tolist(), Y.astype(object), Y == "more", (Y == "more").astype(">i4"), (Y == "more") * 1.0, Y.astype("S")],
    ids=["list", "objects", "bool", "swapped", "float", "bytes"],
)
def test_labels_of_every_kind(labels):
    model = quick().fit(X, labels)
    assert model.score(X, labels) > 0.9 and model.predict(X).dtype == model.classes_.dtype
    assert model.classes_.tolist() == np.unique(np.asarray(labels)).tolist()


def test_a_column_is_one_label_a_sample_unless_there_is_one_output():
    with pytest.warns(UserWarning, match="A column-vector y was passed when a 1d array was expected"):
        model = quick().fit(X, Y[:, None])
    assert model.classes_.tolist() == ["less", "more"] and model.score(X, Y[:, None]) == model.score(X, Y)
    network = nn.Sequential([nn.Dense(8), nn.ReLU(), nn.Dense(1), nn.Sigmoid()], input_shape=(4,))
    question = (Y == "more").astype(int)[:, None]
    assert quick(network=network).fit(X, question).predict(X).shape == (80, 1)


# --- Numbers at the limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e30, 3e36, 1e-30, 1e-37, 1e-42], ids="{:g}".format)
@pytest.mark.parametrize("axes", [None, (0,)])
def test_large_numbers_and_denormal_ones(scale, axes):
    x = (X * scale).astype(np.float32)
    model = quick(standardize_axes=axes, init="lsuv")
    try:
        assert np.isfinite(model.fit(x, Y).predict_proba(x)).all()
    except nn.TrainingDiverged as error:
        assert axes is None and scale >= 1e30 and "scale the inputs" in str(error)
    else:
        assert axes is None or scale == 1e-42 or model.score(x, Y) > 0.8


@pytest.mark.parametrize(("value", "axes"), [(1e39, None), (-1e300, None), (-1e300, (0,))])
def test_numbers_that_float32_can_not_hold(value, axes):
    x = X.astype(np.float64)
    x[17, 2] = value
    with pytest.raises(ValueError, match=r"X: expected finite numbers, got some that are too large for float32"):
        quick(standardize_axes=axes, validation_fraction=0.0).fit(x, Y)
    model = quick(standardize_axes=axes).fit(X, Y)
    with pytest.raises(ValueError, match="too large for float32"):
        model.predict(x)


def test_an_offset_does_not_cost_digits():
    """Seconds since 1970 in float64: float32 would keep two minutes."""
    model = quick().fit(X + 1.7e9, Y)
    assert model.score(X + 1.7e9, Y) > 0.9


def test_constant_columns():
    x = np.column_stack([X, np.full(80, 7), np.full(80, 1e30), np.zeros(80)])
    model = quick().fit(x, Y)
    assert model.score(x, Y) > 0.9
    assert np.isfinite(quick().fit(np.ones((80, 3)), Y).predict_proba(np.ones((2, 3)))).all()


def test_batches_of_one_and_batches_of_all():
    for batch_size in (1, 10**9):
        model = quick(batch_size=batch_size, optimizer=nn.SGD(0.01), max_epochs=2).fit(X, Y)
        assert model.predict_proba(X[:1]).shape == (1, 2)


def test_a_class_with_one_example_is_trained_on():
    labels = np.array([0] * 39 + [1] + [0] * 39 + [2])
    several = np.zeros((80, 2), int)
    several[5, 0] = several[6:, 1] = 1
    samples, others = Labelled.read("fit", X, labels), Labelled.read("fit", X, several)
    for seed in range(50):
        training, held_out = (part.rows for part in split("fit", samples, 0.5, seed))
        assert {39, 79} <= set(training) and len(held_out) == 39 and not set(training) & set(held_out)
        assert 5 in split("fit", others, 0.5, seed)[0].rows
        assert {39, 79} <= set(split("fit", samples.take(np.arange(39, 80)), 0.9, seed)[0].rows)
    assert np.isfinite(quick().fit(X, several).predict_proba(X)).all()
    assert quick(class_weight="balanced", max_epochs=60).fit(X, labels).predict(X[[39, 79]]).tolist() == [1, 2]


def test_two_samples():
    with pytest.raises(ValueError, match=r"validation_fraction: expected more samples .* \(n_samples = 2\)\. Set"):
        quick().fit(X[:2], ["a", "b"])
    assert quick(validation_fraction=0.0, standardize_axes=None).fit(X[:2] / 100, ["a", "b"]).predict(X[:2]).shape == (
        2,
    )


def test_one_sample():
    with pytest.raises(ValueError, match="expected two classes or more, got one class"):
        quick().fit(X[:1], ["a"])
    assert quick(validation_fraction=0.0).fit(X[:1], [[1, 1]]).predict(X[:1]).shape == (1, 2)


def test_a_sample_of_weight_zero_is_left_out():
    weight = np.ones(80)
    weight[::4] = 0
    x = X.astype(np.float64)
    x[::4] = np.inf  # is never read
    model = quick().fit(x, Y, sample_weight=weight)
    assert model.score(x[weight > 0], Y[weight > 0]) > 0.8


# --- Errors -----------------------------------------------------------------------------------------------------------


class Sparse:
    shape, nnz = X.shape, 5

    def toarray(self):
        return X


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (Sparse(), TypeError, r"fit: X: expected a dense array, got sparse data\. X\.toarray\(\)"),
        (X[:, 0], ValueError, r"fit: X: expected shape \(n_samples, .*, got \(80,\)\. Reshape your data with"),
        (np.empty((80, 0)), ValueError, r"0 feature\(s\) \(shape=\(80, 0\)\) while a minimum of 1 is required"),
        (X * 1j, ValueError, "Complex data not supported"),
        (X.astype(str), ValueError, "fit: X: expected numbers, got dtype <U"),
        (np.array([["a", None]] * 80, object), (TypeError, ValueError), "fit: X: expected numbers, got objects"),
        ([[1, 2], [3]], ValueError, "fit: X: expected an array, got rows of different lengths"),
        (3.0, ValueError, r"got \(\)"),
        (None, (TypeError, ValueError), "fit: X"),
        ({"a": 1}, (TypeError, ValueError), "fit: X"),
        (X.astype("M8[s]"), ValueError, "expected numbers, got dtype datetime64"),
    ],
)  # fmt: skip
def test_what_are_no_samples(x, error, message):
    with pytest.raises(error, match=message):
        quick().fit(x, Y)


def test_validation_data_and_rows_that_do_not_fit():
    with pytest.raises(ValueError, match=r"fit: validation_data: X: expected samples of shape \(4,\), got \(3,\)"):
        quick().fit(X, Y, validation_data=(X[:, :3], Y))
    with pytest.raises(ValueError, match=r"y: expected one of \['less', 'more'\], got"):
        quick().fit(X, Y, validation_data=(X, np.full(80, "other")))
    with pytest.raises(ValueError, match="X: expected real numbers, got dtype complex128"):
        quick(standardize_axes=None).fit(nn.Rows(X * 1j, np.arange(80)), Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (X[:, 0] / 7, "y: Unknown label type: continuous: expected labels, got the fraction"),
        (np.where(X[:, 0] > 0, np.nan, 1), "y: expected labels, got NaN"),
        (X[:, 0] * 1j, "y: Complex data not supported"),
        (np.array(["a", 1] * 40, object), "y: expected labels that can be sorted, all of one kind"),
        (np.zeros((80, 2, 2)), r"y: expected shape \(80,\)"),
        (np.tile([[0, 2]], (80, 1)) + SEVERAL[:, :1], "y: expected entries 0 and 1 in a matrix of labels"),
        (Y.tolist()[:-1], r"got \(79,\)"),
    ],
)  # fmt: skip
def test_what_are_no_labels(y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(79), r"sample_weight: expected shape \(80,\), one a sample, got \(79,\)"),
        (np.ones((80, 1)), "sample_weight: expected shape"),
        (-np.ones(80), "NetworkClassifier.fit: sample_weight: expected finite numbers of at least 0, not all zero"),
        (np.zeros(80), "not all zero"),
        (np.full(80, np.nan), "sample_weight: expected finite"),
        (Y == "more", "sample_weight: expected weights above 0 in two classes or more, got one class"),
    ],
)  # fmt: skip
def test_what_are_no_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, Y, sample_weight=weight)


def test_class_weights_of_unknown_classes():
    with pytest.raises(ValueError, match=r"class_weight: expected one of \['less', 'more'\], got .*'other'"):
        quick(class_weight={"other": 1.0}).fit(X, Y)
    with pytest.raises(ValueError, match=r"class_weight: expected one of \['less', 'more'\], got"):
        quick(class_weight={1: 1.0}).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("network", nn.Dense(2), "a Sequential or None"),
        ("loss", "hinge", "a loss such as SoftmaxCrossEntropy"),
        ("loss", nn.SoftmaxCrossEntropy, "a loss such as"),
        ("optimizer", nn.SGD, "an optimizer such as SGD"),
        ("schedule", 0.5, "a schedule such as LinearDecay"),
        ("init", "he", '"layers" or "lsuv"'),
        ("batch_size", 0, "a positive integer"),
        ("batch_size", 32.0, "a positive integer"),
        ("max_epochs", True, "a positive integer"),
        ("validation_fraction", 1, r"a number in \[0, 1\)"),
        ("patience", 0, "a positive integer or None"),
        ("monitor", "auc", '"loss", "accuracy", "roc_auc" or a callable'),
        ("standardize_axes", 0, "a tuple of axes of X or None"),
        ("standardize_axes", (0, 1.5), "a tuple of axes"),
        ("class_weight", "equal", '"balanced", a dict'),
        ("class_weight", {"more": -1}, '"balanced", a dict with finite weights'),
        ("augment", 1, "a callable or None"),
        ("warm_start", "yes", "True or False"),
        ("checkpoint", 3, "a path or None"),
        ("checkpoint_every", 0, "a positive integer"),
        ("random_state", -1, "an integer of at least 0"),
        ("random_state", True, "an integer of at least 0"),
        ("n_threads", 0, "a positive integer or None"),
        ("verbose", None, "0 or 1"),
    ],
)  # fmt: skip
def test_settings_that_can_not_be(name, value, expected):
    with pytest.raises(ValueError, match=f"NetworkClassifier: {name}: expected {expected}"):
        quick(**{name: value}).fit(X, Y)


@pytest.mark.parametrize("random_state", [None, 0, np.int64(3), np.random.default_rng(0), np.random.RandomState(0)])
def test_random_states(random_state):
    assert quick(random_state=random_state, max_epochs=1).fit(X, Y)._seed >= 0


def test_numpys_own_numbers_are_numbers():
    settings = {"max_epochs": np.int32(2), "batch_size": np.uint8(9), "validation_fraction": np.float32(0.25)}
    model = quick(**settings, patience=np.int64(1), verbose=np.bool_(False), standardize_axes=[np.int64(0)]).fit(X, Y)
    assert len(model.history_) <= 2


def test_measurements_as_classes_are_warned_of():
    """As many different numbers as these are no classes; strings are, and so are a few numbers."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((442, 3)).astype(np.float32)
    for y in (rng.permutation(np.arange(442) % 214), (rng.permutation(442) % 214).astype(float)):
        with pytest.warns(UserWarning, match=r"^NetworkClassifier\.fit: y: expected classes, got 214 different"):
            quick(max_epochs=1).fit(x, y)
    quick(max_epochs=1).fit(x, (rng.permutation(442) % 214).astype(str))
    quick(max_epochs=1).fit(x, rng.permutation(442) % 100)
    quick(max_epochs=1, validation_fraction=0.0).fit(x[:20], np.arange(20))


@pytest.mark.parametrize(
    "y", [[["a"], ["a", "b"], []], [["a"], ["b"], {"c"}], np.array([["a"], ["b", "c"], []], object)]
)
def test_lists_of_labels_are_told_what_makes_a_matrix_of_them(y):
    with pytest.raises(ValueError, match=r"^NetworkClassifier\.fit: y: .* got lists of labels. sklearn.*MultiLabelB"):
        quick().fit(X[:3], y)


def test_nan_behind_sequences_is_told_where_it_may_be():
    x = np.random.default_rng(0).standard_normal((8, 5, 3)).astype(np.float32)
    x[2, 3:] = np.nan
    with pytest.raises(ValueError, match=r"X: expected finite numbers, got NaN .* such as GRU and TimeDistributed\."):
        quick().fit(x, np.arange(8) % 2)
    network = nn.Sequential([nn.LayerNorm(), nn.Flatten(), nn.Dense(2)], (5, 3))
    params, settings = network.init(np.random.default_rng(0)), {"loss": nn.SoftmaxCrossEntropy(), "optimizer": nn.SGD()}
    with pytest.raises(nn.TrainingDiverged, match=r"loss became nan.*samples have NaN.*TimeDistributed\(LayerNorm"):
        list(nn.train(network, params, x, np.arange(8) % 2, max_epochs=1, **settings))


@pytest.mark.parametrize("last", [nn.Softmax(), nn.Sigmoid()])
def test_degrees_are_what_the_loss_makes_of_them(last):
    """A fit on degrees is `train` on them, and learns to say them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 4)).astype(np.float32)
    degrees = rng.dirichlet([1.0, 1.0, 1.0], 400)
    degrees[:, 0] = np.where(x[:, 0] > 0, 0.7, 0.1)
    degrees[:, 1:] *= ((1 - degrees[:, 0]) / degrees[:, 1:].sum(axis=1))[:, None]
    net = nn.Sequential([nn.Dense(3), last], (4,))
    model = nn.NetworkClassifier(net, max_epochs=3, validation_fraction=0.0, random_state=5).fit(x, degrees)
    params = net.init(np.random.default_rng((5, 0)))
    loss = nn.SoftmaxCrossEntropy() if isinstance(last, nn.Softmax) else nn.SigmoidCrossEntropy()
    sgd = nn.SGD(0.01, momentum=0.9)
    list(nn.train(net, params, x, degrees, loss=loss, optimizer=sgd, max_epochs=3, seed=5))
    for name, value in params.items():
        np.testing.assert_allclose(model.params_[name], value, atol=1e-6)
    model.set_params(max_epochs=60, validation_fraction=0.2, optimizer=nn.Adam(0.05), monitor="roc_auc").fit(x, degrees)
    p = model.predict_proba(x)[:, 0]
    assert p[x[:, 0] > 1].mean() == pytest.approx(0.7, abs=0.1)
    assert p[x[:, 0] < -1].mean() == pytest.approx(0.1, abs=0.1)
    np.testing.assert_array_equal(model.predict(x), model.predict_proba(x) >= 0.5)
    assert model.score(x, degrees) == (model.predict(x) == (degrees >= 0.5)).all(axis=1).mean()
    assert 0.5 < model.history_[-1]["val_roc_auc"] <= 1


def test_degrees_are_not_for_columns_and_ensembles():
    degrees = np.tile([[0.25, 0.75], [0.5, 0.5]], (40, 1))
    with pytest.raises(ValueError, match=r"BaggedEnsemble.fit: y: expected entries 0 .* got degrees between them"):
        nn.BaggedEnsemble().fit(X, degrees)
    with pytest.warns(match="A column-vector y"), pytest.raises(ValueError, match="continuous: expected"):
        quick().fit(X, degrees[:, :1])
    for wrong in (degrees * 2, degrees - 1):
        with pytest.raises(ValueError, match="y: "):
            quick().fit(X, wrong)
