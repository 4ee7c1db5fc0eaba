"""Fitted classifiers to files and back, and files that a hostile hand made."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnlite as nn
from nnlite.serialization import FileFormatError, read_archive, write_archive

ROOT = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(0)
X = (RNG.standard_normal((60, 4)) * [1, 5, 0.1, 1] + [0, 3, 0, 0]).astype(np.float32)
COLOURS = np.where(X[:, 0] > 0, "red", np.where(X[:, 3] > 0, "green", "blue"))
SEVERAL = np.stack([X[:, 0] > 0, X[:, 3] > 0], 1).astype(int)


def fitted(y=COLOURS, **settings):
    given = {"max_epochs": 3, "random_state": 0, "standardize_axes": (0,), "optimizer": nn.SGD(0.1)} | settings
    return nn.NetworkClassifier(**given).fit(X, y)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def test_a_loaded_classifier_predicts_the_same_bits(path, tmp_path):
    model = fitted(patience=2, monitor="accuracy", schedule=nn.LinearDecay(), class_weight={"red": 2.0, "blue": 1})
    nn.save(path, model, recipe={"sr": 22050})
    loaded = nn.load(path)
    np.save(tmp_path / "x.npy", X)
    for samples in (X, np.load(tmp_path / "x.npy", mmap_mode="r")):
        np.testing.assert_array_equal(loaded.predict_proba(samples), model.predict_proba(samples), strict=True)
        np.testing.assert_array_equal(loaded.predict(samples), model.predict(samples), strict=True)
    assert loaded.history_ == model.history_ and loaded.metadata_ == {"recipe": {"sr": 22050}}
    for name in ("network_", "best_epoch_", "stopped_by_", "n_features_in_", "_seed"):
        assert getattr(loaded, name) == getattr(model, name), name
    for name in ("schedule", "optimizer", "class_weight", "monitor", "patience", "standardize_axes", "random_state"):
        assert getattr(loaded, name) == getattr(model, name), name
    assert loaded.network is None and loaded.loss is None  # as it was set: it fits itself to other data
    again = loaded.fit(X, COLOURS)
    assert all(np.array_equal(again.params_[name], model.params_[name]) for name in model.params_)


def test_another_process_predicts_the_same_bits(path, tmp_path):
    model = fitted()
    nn.save(path, model)
    np.save(tmp_path / "x.npy", X)
    code = f"import numpy as np, nnlite as nn; m = nn.load({str(path)!r}); print(m.predict_proba(np.load({str(tmp_path / 'x.npy')!r}, mmap_mode='r')).tobytes().hex())"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == model.predict_proba(X).tobytes().hex()


@pytest.mark.parametrize(
    "labels",
    [
        COLOURS,
        COLOURS.astype(object),
        np.unique(COLOURS, return_inverse=True)[1].astype(np.int8) - 1,
        np.unique(COLOURS, return_inverse=True)[1].astype(">u2"),
        np.unique(COLOURS, return_inverse=True)[1].astype(np.float64),
        X[:, 0] > 0,
        SEVERAL,
    ],
    ids=["str", "object", "int8", "swapped", "float", "bool", "several"],
)
def test_labels_of_every_kind(path, labels):
    model = fitted(labels, max_epochs=1)
    nn.save(path, model)
    loaded = nn.load(path)
    assert loaded.classes_.dtype == model.classes_.dtype and loaded.classes_.tolist() == model.classes_.tolist()
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X), strict=True)


def test_without_validation_and_standardizer(path):
    model = fitted(validation_fraction=0.0, standardize_axes=None, loss=nn.SquaredError(), max_epochs=2)
    nn.save(path, model)
    loaded = nn.load(path)
    assert loaded.best_epoch_ is None and loaded.loss == nn.SquaredError() and loaded.history_ == model.history_
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X), strict=True)


@dataclasses.dataclass(frozen=True)
class Halved:
    """A schedule of a user's."""

    def __call__(self, epoch, max_epochs):
        return 0.5


@pytest.mark.parametrize("schedule", [lambda epoch, max_epochs: 0.5, Halved()])
def test_what_only_training_needs_may_be_code_and_is_left_out(path, schedule):
    model = fitted(
        schedule=schedule,
        monitor=lambda y, p: 1.0,
        augment=lambda x, rng: x,
        random_state=np.random.default_rng(0),
        n_threads=1,
    )
    nn.save(path, model)
    loaded = nn.load(path)
    assert loaded.schedule is None and loaded.monitor == "loss" and loaded.augment is None
    assert loaded.random_state is None and loaded.n_threads is None
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X), strict=True)


def test_what_can_not_be_stored(path):
    with pytest.raises(RuntimeError, match="not fitted yet"):
        nn.save(path, nn.NetworkClassifier())
    with pytest.raises(TypeError, match="classes_: expected numbers or strings"):
        nn.save(path, fitted(COLOURS.astype("S")))
    assert not path.exists()


# --- Hostile files ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.npz"
    nn.save(path, fitted(class_weight={"red": 2.0}))
    return read_archive(path)


def changed(value, where, new):
    if not where:
        return new
    copy = dict(value)
    if where[1:] or new is not ...:
        copy[where[0]] = changed(copy.get(where[0], {}), where[1:], new)
    else:
        del copy[where[0]]
    return copy


@pytest.mark.parametrize(
    ("where", "new", "message"),
    [
        ("network", ..., "KeyError: 'network'"),
        ("network", {"class": "losses.SquaredError"}, "expected a description of network"),
        ("loss", {"class": "losses.SigmoidCrossEntropy"}, "loss|expected"),
        ("loss", {"class": "optimizers.SGD"}, "expected"),
        ("loss", {"class": "custom.Evil"}, "class: expected one that is known"),
        ("settings", ..., "KeyError: 'settings'"),
        ("settings", [], r"settings: expected an object, got \[\]"),
        ("settings/verbose", 1, "settings: expected some of .* got also 'verbose'"),
        ("settings/checkpoint", "/etc/passwd", "got also 'checkpoint'"),
        ("settings/__class__", "os", "got also '__class__'"),
        ("settings/batch_size", "os", "batch_size: expected a positive integer, got 'os'"),
        ("settings/max_epochs", 10**70, "max_epochs: expected a positive integer"),
        ("settings/init", ["layers"], 'init: expected "layers" or "lsuv"'),
        ("settings/monitor", None, "monitor: expected"),
        ("settings/schedule", {"class": "layers.ReLU"}, "expected a description of schedules"),
        ("settings/schedule", "LinearDecay", "expected a description with its class"),
        ("settings/standardize_axes", [[0]], "standardize_axes: expected a tuple of axes"),
        ("settings/class_weight", [["red", -1]], "class_weight: expected"),
        ("settings/class_weight", [[["red"], 1]], "unhashable|list"),
        ("settings/class_weight", [["red"]], "unpack"),
        ("settings/random_state", -1, "random_state: expected an integer of at least 0"),
        ("multilabel", 1, "multilabel: expected true or false"),
        ("multilabel", True, "classes: expected different labels in rising order"),
        ("classes", ..., "KeyError: 'classes'"),
        ("classes", "rgb", "classes: expected a list of strings"),
        ("classes", ["blue", "green", 3], "classes: expected a list of strings"),
        ("classes", ["blue", "green"], r"classes: expected shape \(3,\), the network's output, got \(2,\)"),
        ("classes", ["red", "green", "blue"], "classes: expected different labels in rising order"),
        ("classes", ["blue", "blue", "red"], "classes: expected different labels in rising order"),
        ("held_out", 3, "held_out: expected a seed and a share or null"),
        ("held_out", [-1, 0.2], "held_out: expected a seed and a share or null"),
        ("held_out", [0, 1.0], "held_out: expected a share above 0 and below 1"),
        ("best_epoch", -2, "best_epoch: expected an integer"),
        ("best_epoch", True, "best_epoch: expected an integer"),
        ("stopped_by", ["os"], "stopped_by: expected one of"),
    ],
)  # fmt: skip
def test_hostile_headers(parts, path, where, new, message):
    header, arrays = parts
    write_archive(path, changed(header, where.split("/"), new), arrays)
    with pytest.raises(FileFormatError, match=message) as caught:
        nn.load(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("params/1.weight", None, r"params: expected '1\.weight', a parameter of the network, got none"),
        ("params/1.weight", np.zeros((4, 99), np.float32), r"1\.weight: expected shape \(4, 100\), got \(4, 99\)"),
        ("params/9.weight", np.zeros(1, np.float32), "got also '9.weight'"),
        ("other", np.zeros(1), "arrays: expected those of a classifier, got also 'other'"),
        ("standardizer/mean", None, "KeyError: 'mean'"),
        ("standardizer/scale", np.zeros(3, np.float32), r"standardizer: scale: expected .*got shape \(3,\)"),
        ("standardizer/scale", np.full(4, np.nan, np.float32), "standardizer: scale: expected finite"),
        ("standardizer/mean", np.zeros((), np.float32), "standardizer: mean: expected finite"),
        ("standardizer/mean", np.zeros(4, np.float32), "got shape .* and float32"),
        ("history/loss", np.zeros(7), "history: expected columns of one length"),
        ("history/loss", np.zeros((3, 1)), "history: expected columns of one length"),
        ("history/epoch", np.zeros(3), "history: epoch: expected int64"),
        ("classes", np.arange(3.0) * np.nan, "classes: expected different labels"),
    ],
)  # fmt: skip
def test_hostile_arrays(parts, path, name, array, message):
    header, arrays = parts
    arrays = {key: value for key, value in arrays.items() if key != name} | ({} if array is None else {name: array})
    write_archive(path, header, arrays)
    with pytest.raises(FileFormatError, match=message) as caught:
        nn.load(path)
    assert str(path) in str(caught.value)


def test_an_older_file_may_lack_settings(parts, path):
    header, arrays = parts
    write_archive(path, changed(header, ["settings", "patience"], ...), arrays)
    assert nn.load(path).patience is None
    assert json.dumps(header)  # plain data throughout
