"""Data frames: names of columns are kept, and later frames are held against them."""

import types
import warnings

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators.inputs import check_feature_names, feature_names
from nnlite.serialization import FileFormatError, read_archive, write_archive

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X[:, 0] > 0


class Frame:
    """An object like a data frame, without a library that has them: columns with labels, and numbers."""

    def __init__(self, values, columns):
        self.values, self.columns, self.shape = values, columns, values.shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


def frame(columns="abc", values=X):
    return Frame(values[:, : len(columns)], list(columns))


def quick(**settings):
    return nn.NetworkClassifier(**{"max_epochs": 1, "random_state": 0} | settings)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ([0, 1], None),
        ([("a", 1), ("a", 2)], None),
        ([], None),
        (None, None),
        (lambda: ["a", "b"], None),
    ],
)
def test_names_are_strings(columns, names):
    found = feature_names("who", types.SimpleNamespace(columns=columns))
    assert (found if found is None else found.tolist()) == names
    assert found is None or found.dtype == object


def test_some_names_are_refused():
    with pytest.raises(TypeError, match=r"who: Feature names are only supported if all .* \['int', 'str'\] .*astype"):
        feature_names("who", frame(["a", 1]))
    with pytest.raises(TypeError, match=r"NetworkClassifier.fit: X: Feature names are only supported if all"):
        quick().fit(frame(["a", 1]), Y)


def test_names_of_the_fit():
    model = quick().fit(frame(), Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"] and model.feature_names_in_.dtype == object
    np.testing.assert_array_equal(model.predict_proba(frame()), quick().fit(X, Y).predict_proba(X))
    assert not hasattr(model.fit(X, Y), "feature_names_in_")
    assert not hasattr(quick().fit(frame([0, 1, 2]), Y), "feature_names_in_")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("cba", "Feature names must be in the same order as they were in fit"),
        ("abx", "Feature names unseen at fit time:\n- x\nFeature names seen at fit time, yet now missing:\n- c\n"),
        ("ab", "Feature names seen at fit time, yet now missing:\n- c\n"),
    ],
)
def test_frames_with_other_columns(columns, message):
    model = quick().fit(frame(), Y)
    for name in ("predict", "predict_proba", "hidden", "partial_fit"):
        labels = [Y] if name == "partial_fit" else []
        with pytest.raises(ValueError, match=message) as caught:
            getattr(model, name)(frame(columns), *labels)
        assert str(caught.value).startswith(
            f"NetworkClassifier.{name}: X: The feature names should match those that were passe"
        )
    model.warm_start = True
    with pytest.raises(ValueError, match=message):
        model.fit(frame(columns), Y)
    with pytest.raises(ValueError, match=message):
        quick().fit(frame(), Y, validation_data=(frame(columns), Y))


def test_long_lists_of_names_are_cut():
    fitted, given = np.array([f"old {k}" for k in range(9)], object), np.array([f"new {k}" for k in range(5)], object)
    with pytest.raises(ValueError, match=r"(?s)time:\n(- new \d\n){5}Feature.*missing:\n(- old \d\n){5}- \.\.\.\nTake"):
        check_feature_names("who", fitted, given)


@pytest.mark.parametrize(
    ("fitted", "asked", "message"),
    [
        (frame(), X, "X does not have valid feature names, but NetworkClassifier was fitted with feature names"),
        (frame(), frame([0, 1, 2]), "X does not have valid feature names, but NetworkClassifier was fitted with"),
        (X, frame(), "X has feature names, but NetworkClassifier was fitted without feature names"),
    ],
)
def test_names_on_one_side_only_warn_where_the_user_is(fitted, asked, message):
    model = quick().fit(fitted, Y)
    for method in (model.predict, model.predict_proba, lambda X: model.score(X, Y)):
        with pytest.warns(UserWarning, match=message) as caught:
            method(asked)
        assert [warning.filename for warning in caught] == [__file__]


def test_nothing_warns_when_names_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = quick().fit(frame(), Y, validation_data=(frame(), Y))
        assert model.score(frame(), Y) == model.partial_fit(frame(), Y).fit(frame(), Y).score(frame(), Y)


def test_names_in_files(tmp_path):
    nn.save(tmp_path / "model.npz", quick().fit(frame(), Y))
    loaded = nn.load(tmp_path / "model.npz")
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"] and loaded.feature_names_in_.dtype == object
    with pytest.raises(ValueError, match="same order"):
        loaded.predict(frame("bac"))
    nn.save(tmp_path / "model.npz", quick().fit(X, Y))
    assert not hasattr(nn.load(tmp_path / "model.npz"), "feature_names_in_")


@pytest.mark.parametrize("names", ["abc", ["a", "b"], ["a", "b", 3], [["a"], ["b"], ["c"]], {"a": 1}, 0])
def test_hostile_names_in_files(tmp_path, names):
    nn.save(tmp_path / "model.npz", quick().fit(frame(), Y))
    header, arrays = read_archive(tmp_path / "model.npz")
    write_archive(tmp_path / "model.npz", header | {"feature_names": names}, arrays)
    with pytest.raises(FileFormatError, match=r"model.npz: feature_names: expected a string for each number of a s"):
        nn.load(tmp_path / "model.npz")


def test_an_ensemble_keeps_names_too(tmp_path):
    several = np.stack([Y, X[:, 1] > 0], 1)
    model = nn.BaggedEnsemble(quick(), random_state=0).fit(frame(), several, validation_data=(frame(), several))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    nn.save(tmp_path / "model.npz", model)
    for ensemble in (model, nn.load(tmp_path / "model.npz")):
        assert ensemble.predict(frame()).shape == ensemble.hidden(frame())[:, :2].shape == (60, 2)
        for method in (ensemble.predict, ensemble.hidden):
            with pytest.raises(
                ValueError, match=r"BaggedEnsemble\.\w+: X: The feature names should match .*\n.*same order"
            ):
                method(frame("bac"))
        with pytest.warns(UserWarning, match="X does not have valid feature names, but BaggedEnsemble was fitted") as w:
            ensemble.predict(X)
        assert [warning.filename for warning in w] == [__file__]
    with pytest.raises(ValueError, match=r"validation_data: X: The feature names should match"):
        model.fit(frame(), several, validation_data=(frame("cab"), several))
    assert not hasattr(model.fit(X, several), "feature_names_in_")


def test_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: no data frames of its")
    data = pandas.DataFrame(X, columns=["a", "b", "c"], index=range(100, 160))
    model = quick().fit(data, pandas.Series(Y, index=data.index))
    np.testing.assert_array_equal(model.predict_proba(data), quick().fit(X, Y).predict_proba(X))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="same order"):
        model.predict(data[["c", "b", "a"]])
    assert not hasattr(quick().fit(pandas.DataFrame(X), Y), "feature_names_in_")
    words = pandas.Series(np.where(Y, "yes", "no")).astype("category")
    assert quick().fit(data, words).classes_.tolist() == ["no", "yes"]
    nullable = pandas.DataFrame({"a": pandas.array([1.5, None] * 30, dtype="Float64"), "b": X[:, 0]})
    with pytest.raises((TypeError, ValueError), match=r"fit: X: expected numbers, got objects: .*NAType"):
        quick().fit(nullable, Y)
