"""Models to files and back, and files that don't fit together refused before a kernel sees them."""

import dataclasses
import sys
import tempfile
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite import models
from nnlite.initializers import Zeros
from nnlite.layers.base import Layer
from nnlite.layers.conv import ConvMaxPool2D
from nnlite.models import load, save
from nnlite.network.parameters import check_params
from nnlite.registry import REGISTRY, to_dict
from nnlite.serialization import FileFormatError, FileVersionError, read_archive, write_archive

LAYERS = [nn.Conv2D(4, 3), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.1), nn.Flatten(), nn.Dense(3), nn.Softmax()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.fixture
def pair():
    network = nn.Sequential(LAYERS, input_shape=(8, 9, 1))
    return network, network.init(np.random.default_rng(0))


# --- A network and its parameters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_pair(path, dtype):
    network = nn.Sequential(LAYERS, input_shape=(8, 9, 1), fuse=dtype == np.float32)
    params = network.init(np.random.default_rng(0), dtype)
    save(path, (network, params))
    loaded, loaded_params = load(path)
    assert loaded == network and loaded.plan == network.plan and list(loaded_params) == list(params)
    x = np.random.default_rng(1).standard_normal((5, 8, 9, 1)).astype(dtype)
    np.testing.assert_array_equal(loaded.apply(loaded_params, x), network.apply(params, x), strict=True)


def test_equal_models_make_equal_files(path, pair, tmp_path):
    save(path, pair, note="x")
    save(tmp_path / "again.npz", pair, note="x")
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()
    with np.load(path) as npz:  # anyone can read the weights
        np.testing.assert_array_equal(npz["0.weight"], pair[1]["0.weight"])


def test_a_network_without_parameters(path):
    network = nn.Sequential([nn.ReLU()], input_shape=(3,))
    save(path, (network, {}))
    assert load(path) == (network, {})


@dataclasses.dataclass(frozen=True)
class Scale(Layer):
    """A layer of a user's."""

    start: float = 1.0

    def init(self, input_shape, rng, dtype):
        return {"factor": np.full(input_shape, self.start, dtype)}

    def apply(self, params, x):
        return x * params["factor"]


def test_a_layer_of_ones_own(path):
    network = nn.Sequential([Scale(2.0)], input_shape=(3,))
    params = network.init(np.random.default_rng(0))
    save(path, (network, params))
    with pytest.raises(FileFormatError, match=rf"{path.name}: .*layers\[0\]: class: .*custom\.Scale.*custom=\[Scale\]"):
        load(path)
    loaded, loaded_params = load(path, custom=[Scale])
    assert loaded == network and (loaded.apply(loaded_params, np.ones((1, 3), np.float32)) == 2).all()
    with pytest.raises(TypeError, match="custom: expected dataclasses"):
        load(path, custom=["Scale"])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda params: params.pop("5.bias"), r"save: params: expected '5\.bias'.* got none"),
        (lambda params: params.update({"6.weight": np.zeros(1, np.float32)}), r"got also '6\.weight'"),
        (
            lambda params: params.update({"0.bias": np.zeros(5, np.float32)}),
            r"0\.bias: expected shape \(4,\), got \(5,\)",
        ),
        (lambda params: params.update({"0.bias": np.zeros(4)}), "float64 for all, got float32, float64"),
        (lambda params: params.update({"0.bias": [0.0] * 4}), r"0\.bias: expected an ndarray, got list"),
    ],
)
def test_parameters_of_another_network(path, pair, change, message):
    change(pair[1])
    with pytest.raises(ValueError, match=message):
        save(path, pair)
    assert not path.exists()


@pytest.mark.parametrize("model", [3, None, (1, 2), (1, 2, 3), nn.Dense(3), ["a"], {}])
def test_what_is_no_model(path, model):
    with pytest.raises(TypeError, match="save: model: expected"):
        save(path, model)
    assert not path.exists()


def test_metadata_must_be_data(path, pair):
    with pytest.raises(ValueError, match=r"\['metadata'\]\['recipe'\]: expected .* got <object"):
        save(path, pair, recipe=object())
    assert not path.exists()


def test_no_file(path):
    with pytest.raises(FileNotFoundError):
        load(path)


# --- Files that don't fit together ------------------------------------------------------------------------------------

NETWORK = nn.Sequential([nn.Conv2D(2, 3, initializer=Zeros()), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(2)], (8, 8, 1))
PARAMS = NETWORK.init(np.random.default_rng(0))


def header(**changes):
    whole = {"kind": "Sequential", "network": to_dict(NETWORK), "metadata": {}} | changes
    return {key: value for key, value in whole.items() if value is not ...}


def network(layers, shape=(8, 8, 1)):
    return {"class": "network.Sequential", "layers": layers, "input_shape": list(shape), "fuse": True}


def dense(units):
    return {"class": "layers.Dense", "units": units, "initializer": {"class": "initializers.Zeros"}}


@pytest.mark.parametrize(
    "header, arrays, message",
    [
        (header(kind=...), PARAMS, "kind: expected a model.* got None"),
        (header(kind=["Sequential"]), PARAMS, "kind: expected a model"),
        (header(kind="os"), PARAMS, "got 'os'"),
        (header(kind="nnlite.estimators.classifier"), PARAMS, "got 'nnlite.estimators.classifier'"),
        (header(kind="__class__"), PARAMS, "got '__class__'"),
        (header(metadata=...), PARAMS, "metadata: expected an object, got None"),
        (header(metadata=[1]), PARAMS, "metadata: expected an object"),
        (header(network=...), PARAMS, "expected a description with its class, got None"),
        (header(network=to_dict(nn.Dense(3))), PARAMS, "expected a description of network, got Dense"),
        (header(), {}, r"expected '0\.bias'"),
        (header(), PARAMS | {"x": np.zeros(1, np.float32)}, "got also 'x'"),
        (header(), PARAMS | {"0._forward": np.zeros(1, np.float32)}, r"got also '0\._forward'"),
        (
            header(),
            PARAMS | {"0.weight": np.zeros((2, 2, 1, 2), np.float32)},
            r"0\.weight: expected shape \(3, 3, 1, 2\)",
        ),
        (
            header(),
            PARAMS | {"3.weight": np.zeros((2, 18), np.float32)},
            r"3\.weight: expected shape \(18, 2\), got \(2, 18\)",
        ),
        (header(), PARAMS | {"3.bias": np.zeros(2, np.float64)}, "float32 for all, .*, got float32, float64"),
        (header(), {name: value.astype(np.int32) for name, value in PARAMS.items()}, "for all, got int32"),
        (header(network=network([dense(10**6)], (10**6,))), {}, "expected '0.bias'"),
        (header(network=network([dense(10**60)], (3,))), {}, "model.npz"),
        (header(network=network([dense(2**62)], (2**62,))), {}, "model.npz"),
        (header(network=network([dense(10**18)], (3,))), {}, "model.npz"),
    ],
)
def test_hostile_models(path, header, arrays, message):
    write_archive(path, header, arrays)
    with pytest.raises(FileFormatError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 1000


def places(value, where=()):
    """Yield the paths of all values inside of a header."""
    yield where
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*where, key))


def replaced(value, where, new):
    if not where:
        return new
    copy = value.copy()
    copy[where[0]] = replaced(value[where[0]], where[1:], new)
    return copy


EVERYWHERE = [place for place in places(header()) if place]
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 12),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["same", "valid", "uniform", "", *REGISTRY, "network.Sequential", "NetworkClassifier"]),
    st.lists(st.integers(-1, 12), max_size=4),
    st.sampled_from([to_dict(layer) for layer in (*LAYERS, nn.Conv2D(2, 3, 2, "same"), nn.SGD(), NETWORK)]),
    st.just({}),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EVERYWHERE), junk), max_size=3), st.data())
def test_mutated_models(changes, data):
    """Headers that pass every checksum: what is loaded runs, and the rest is refused."""
    whole, arrays = header(), dict(PARAMS)
    for place, new in changes:
        if place in set(places(whole)):
            whole = replaced(whole, place, new)
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(arrays)))
        shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
        arrays[name] = np.zeros(shape, data.draw(st.sampled_from([np.float32, np.float64, np.int8])))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.npz")
        write_archive(path, whole, arrays)
        try:
            network, params = load(path)
        except FileFormatError as error:
            assert str(path) in str(error) and len(str(error)) < 1000
            return
    if np.prod(network.input_shape, dtype=float) < 10**5:
        assert network.apply(params, np.ones((2, *network.input_shape))).shape == (2, *network.output_shape)


def test_shapes_of_parameters_are_those_of_init(pair):
    fused = nn.Sequential([ConvMaxPool2D(nn.Conv2D(4, 3)), Scale(), nn.Flatten(), nn.Dense(2), nn.ReLU()], (8, 8, 2))
    for network, params in (pair, (fused, fused.init(np.random.default_rng(0)))):
        assert network.parameter_shapes == {name: value.shape for name, value in params.items()}
        check_params("here", network, params)


# --- Estimators: the protocol -----------------------------------------------------------------------------------------


class StandIn:
    """A stand-in with the two methods that an estimator has."""

    built: ClassVar[list] = []

    def __init__(self, classes: list, weight: np.ndarray) -> None:
        self.classes, self.weight = classes, weight

    def _to_file(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"classes": self.classes}, {"weight": self.weight}

    @classmethod
    def _from_file(cls, header, arrays, custom):
        cls.built.append((header["kind"], custom))
        return cls(list(map(str, header["classes"])), arrays["weight"] + 0.0)


@pytest.fixture
def stand_in(monkeypatch):
    module = types.ModuleType("stand_in")
    module.StandIn = StandIn
    monkeypatch.setitem(sys.modules, "stand_in", module)
    monkeypatch.setitem(models.KINDS, "StandIn", "stand_in")
    StandIn.built.clear()


@pytest.mark.usefixtures("stand_in")
def test_an_estimator(path):
    model = StandIn(["a", "b"], np.arange(3.0))
    save(path, model, recipe={"sr": 22050, "window": ("hann", None)}, class_names=["A", "B"])
    assert read_archive(path)[0]["kind"] == "StandIn"
    loaded = load(path, custom=[Scale])
    assert type(loaded) is StandIn and loaded.classes == model.classes
    np.testing.assert_array_equal(loaded.weight, model.weight)
    assert loaded.metadata_ == {"recipe": {"sr": 22050, "window": ["hann", None]}, "class_names": ["A", "B"]}
    assert StandIn.built == [("StandIn", (Scale,))]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "header, arrays, message",
    [
        ({}, {"weight": np.zeros(1)}, "KeyError: 'classes'"),
        ({"classes": 3}, {"weight": np.zeros(1)}, "TypeError: 'int' object is not iterable"),
        ({"classes": []}, {}, "KeyError: 'weight'"),
    ],
)
def test_whatever_an_estimator_raises_names_the_file(path, header, arrays, message):
    write_archive(path, {"kind": "StandIn", "metadata": {}, **header}, arrays)
    with pytest.raises(FileFormatError, match=f"{Path(path).name}: {message}"):
        load(path)


@pytest.mark.usefixtures("stand_in")
def test_what_only_looks_like_an_estimator(path):
    derived = type("StandIn", (StandIn,), {})
    other = type("Other", (StandIn,), {})
    for cls in (derived, other):
        with pytest.raises(TypeError, match=r"A class derived from an estimator"):
            save(path, cls([], np.zeros(1)))
    assert not path.exists()


@pytest.mark.usefixtures("stand_in")
def test_errors_of_the_disk_are_not_errors_of_the_format(path, monkeypatch):
    save(path, StandIn([], np.zeros(1)))

    def broken(header, arrays, custom):
        raise OSError("disk")

    monkeypatch.setattr(StandIn, "_from_file", broken)
    with pytest.raises(OSError, match=r"^disk$"):
        load(path)


def test_a_later_version(path, pair, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("nnlite.serialization.archive.FORMAT_VERSION", 2)
        patch.setattr("nnlite.serialization.archive.__version__", "7.0")
        save(path, pair)
    with pytest.raises(FileVersionError, match=r"got 2, written by nnlite '7\.0'"):
        load(path)
    assert issubclass(FileVersionError, nn.FileFormatError)
