"""Descriptions to JSON and back, and everything else refused by name."""

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import Any, Literal, Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
import nnlite.layers
from nnlite import initializers, schedules
from nnlite.layers.base import Layer
from nnlite.layers.branches import Branching
from nnlite.layers.conv import ConvMaxPool2D
from nnlite.layers.rectifiers import Rectifier
from nnlite.registry import MAX_LAYERS, REGISTRY, check_custom, from_dict, to_dict
from nnlite.serialization import FileFormatError

# --- Round trips ------------------------------------------------------------------------------------------------------

sizes = st.integers(1, 3)
pairs = sizes | st.tuples(sizes, sizes)
positive = st.floats(1e-6, 1e6)
gains = {"gain": st.none() | positive, "distribution": st.sampled_from(["uniform", "normal"])}
weights = st.one_of(
    st.builds(initializers.Glorot, **gains),
    st.builds(initializers.He, **gains),
    st.builds(initializers.LeCun, **gains),
    st.builds(initializers.Constant, st.floats(-10, 10)),
    st.just(initializers.Zeros()),
)
image_layers = st.one_of(
    st.builds(nn.Conv2D, sizes, pairs, pairs, st.just("same"), weights),
    st.builds(nn.MaxPool2D, st.just(1) | st.just((1, 1)), st.none() | pairs),
    st.builds(nn.Dropout, st.floats(0, 0.99)),
    st.sampled_from([nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.Softmax(), Layer()]),
)
flat_layers = st.builds(nn.Dense, sizes, weights) | st.builds(nn.Dropout, st.floats(0, 0.99)) | st.just(nn.Sigmoid())
networks = st.builds(
    lambda image, flat, fuse: nn.Sequential([*image, nn.Flatten(), *flat], input_shape=(9, 8, 2), fuse=fuse),
    st.lists(image_layers, max_size=5),
    st.lists(flat_layers, max_size=4),
    st.booleans(),
)
shares = st.floats(0, 0.99)
losses = st.one_of(
    st.builds(nn.SoftmaxCrossEntropy, shares),
    st.builds(nn.SigmoidCrossEntropy, shares, st.none() | st.lists(positive, min_size=1, max_size=3)),
    st.just(nn.SquaredError()),
)
norms = st.none() | positive
optimizers = st.one_of(
    st.builds(nn.SGD, positive, st.floats(0.1, 0.9), st.booleans(), shares, norms),
    st.builds(nn.Adam, positive, shares, shares, positive, shares, norms),
)
plans = st.recursive(
    st.one_of(
        st.just(schedules.Constant()),
        st.builds(nn.LinearDecay, shares),
        st.builds(nn.StepDecay, st.integers(1, 9), positive),
    ),
    lambda inner: st.builds(nn.Warmup, positive, inner, shares),
    max_leaves=3,
)
fused = st.one_of(
    st.builds(ConvMaxPool2D, st.builds(nn.Conv2D, sizes, pairs), st.builds(nn.MaxPool2D, sizes)),
    st.builds(nn.DenseActivation, st.builds(nn.Dense, sizes), st.sampled_from([nn.Sigmoid(), nn.Tanh(), nn.ReLU()])),
)


@settings(max_examples=200, deadline=None)
@given(networks | losses | optimizers | plans | weights | image_layers | fused)
def test_round_trip(description):
    data = to_dict(description)
    back = from_dict(json.loads(json.dumps(data)))
    assert back == description and type(back) is type(description) and repr(back) == repr(description)
    if isinstance(description, nn.Sequential):
        assert back.plan == description.plan and back.shapes == description.shapes


def test_derived_values_survive():
    for layer in (nn.Conv2D(4, 5), nn.MaxPool2D(2), nn.MaxPool2D(3, (2, 1))):
        back = from_dict(json.loads(json.dumps(to_dict(layer))))
        assert back == layer and hash(back) == hash(layer)
    assert from_dict(to_dict(nn.Conv2D(4, 5))).kernel_size == (5, 5)
    assert from_dict(to_dict(nn.SigmoidCrossEntropy(pos_weight=[1, 2]))).pos_weight == (1.0, 2.0)


def test_numpy_values_become_python_values():
    layer = nn.Dense(np.int64(3), initializers.Constant(np.float64(0.5)))
    assert from_dict(json.loads(json.dumps(to_dict(layer)))) == layer


def test_two_classes_of_the_same_name():
    assert to_dict(initializers.Constant(1.0)) == {"class": "initializers.Constant", "value": 1.0}
    assert to_dict(schedules.Constant()) == {"class": "schedules.Constant"}


def test_every_public_description_is_in_the_registry():
    modules = [f"layers.{module.name}" for module in pkgutil.iter_modules(nnlite.layers.__path__)]
    modules += ["initializers", "losses", "optimizers", "schedules"]
    found = set()
    for module in (importlib.import_module(f"nnlite.{name}") for name in modules):
        for name, value in vars(module).items():
            if (
                dataclasses.is_dataclass(value)
                and value.__module__.startswith(module.__name__)
                and not name.startswith("_")
            ):
                found.add(value)
    assert found - {nn.Activation, Branching, Rectifier} == set(REGISTRY.values()), "name each in `__all__`"


def test_names_that_files_hold_stay_known():
    names = {
        "layers": "ActivationDropout AveragePool2D Conv2D ConvMaxPool2D Dense DenseActivation Dropout Flatten GRU "
        "GlobalAveragePooling GlobalMaxPooling LSTM Layer LayerNorm MaxPool2D Permute ReLU Reshape Sigmoid Softmax "
        "Tanh TimeDistributed",
        "initializers": "Constant Glorot He LeCun Orthogonal Zeros",
        "losses": "AbsoluteError Huber SigmoidCrossEntropy SoftmaxCrossEntropy SquaredError",
        "optimizers": "Adam AdamW GradientAccumulation MovingAverage SGD",
        "schedules": "Constant CosineDecay LinearDecay OneCycle ReduceOnPlateau StepDecay Warmup",
    }
    assert {f"{family}.{name}" for family, line in names.items() for name in line.split()} <= REGISTRY.keys()


def test_names_say_family_and_class():
    assert all(name.partition(".")[2] == cls.__name__ for name, cls in REGISTRY.items())


# --- Classes of one's own ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Scale(Layer):
    factor: float = 1.0
    inner: Any = None
    sizes: tuple[int, ...] = ()
    kind: Literal["a", "b"] = "a"
    name: Optional[str] = None  # noqa: UP045 - the older way to write it


@dataclasses.dataclass(frozen=True)
class Halves:
    def __call__(self, shape, rng, dtype):
        return np.full(shape, 0.5, dtype)


def test_custom_layers_and_initializers():
    network = nn.Sequential([Scale(2, nn.Dense(3), (1, 2), "b", "x"), nn.Dense(2, Halves())], input_shape=(4,))
    data = json.loads(json.dumps(to_dict(network)))
    assert data["layers"][0]["class"] == "custom.Scale"
    assert from_dict(data, [Scale, Halves]) == network
    with pytest.raises(FileFormatError, match=r"layers\[0\]: class: .* got 'custom.Scale'. Pass custom=\[Scale\]"):
        from_dict(data)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"factor": "2"}, "custom.Scale: factor: expected float, got '2'"),
        ({"factor": True}, "factor: expected float, got True"),
        ({"sizes": [1, 2.5]}, r"sizes: expected tuple\[int, \.\.\.\], got \(1, 2.5\)"),
        ({"sizes": 3}, r"sizes: expected tuple\[int, \.\.\.\], got 3"),
        ({"kind": "c"}, "kind: expected .*Literal.* got 'c'"),
        ({"name": 3}, "name: expected .* got 3"),
    ],
)
def test_fields_are_held_against_their_annotations(changes, message):
    with pytest.raises(FileFormatError, match=message):
        from_dict(to_dict(Scale()) | changes, [Scale])


def test_what_can_not_be_described():
    class Plain(Layer):
        def __init__(self, factor):
            object.__setattr__(self, "factor", factor)

    @dataclasses.dataclass
    class Mutable(nn.losses.Loss):
        factor: float = 1.0

    with pytest.raises(TypeError, match=r"Mutable: expected .* frozen dataclass .* pass custom=\[Mutable\]"):
        to_dict(Mutable())
    network = nn.Sequential([nn.Flatten(), nn.Dense(2, lambda shape, rng, dtype: np.ones(shape, dtype))], (3,))
    with pytest.raises(TypeError, match=r"layers\[1\]: initializer: expected .* a function as one with __call__"):
        to_dict(network)
    for value in (3, "x", None, [nn.Dense(2)], nn.Dense):
        with pytest.raises(TypeError, match="expected a description"):
            to_dict(value)
    with pytest.raises(ValueError, match="Scale: factor: expected a finite number, got inf"):
        to_dict(Scale(float("inf")))
    with pytest.raises(TypeError, match=r"Scale: inner: expected a description .* got \[1\]"):
        to_dict(Scale(inner=[1]))
    with pytest.raises(ValueError, match="expected at most 1000, got 1001"):
        to_dict(nn.Sequential([Layer()] * (MAX_LAYERS + 1), (3,)))
    assert Plain(3).factor == 3


def test_saving_tells_what_loading_would():
    flagged = dataclasses.make_dataclass("Flagged", [("flag", bool)], bases=(Layer,), frozen=True)
    with pytest.raises(ValueError, match=r"flag: expected bool, got 1\. So it could not be loaded again"):
        to_dict(flagged(1))

    @dataclasses.dataclass(frozen=True)
    class Counting(Layer):
        count: int = 0

        def __post_init__(self):
            object.__setattr__(self, "count", self.count + 1)

    with pytest.raises(ValueError, match="got one that changes"):
        to_dict(Counting())

    other = dataclasses.make_dataclass("Scale", [("x", int)], bases=(Layer,), frozen=True)
    with pytest.raises(ValueError, match="two of the name Scale"):
        to_dict(nn.Sequential([Scale(), other(3)], (3,)))


def test_extra_classes_are_checked():
    for extra in ([3], ["Scale"], [int], [Scale()]):
        with pytest.raises(TypeError, match="load: custom: expected dataclasses"):
            check_custom("load", extra)
    check_custom("load", [Scale, Scale])


def test_annotations_that_can_not_be_resolved():
    @dataclasses.dataclass(frozen=True)
    class Local(Layer):
        value: "Unknown" = 3  # noqa: F821
        function: Callable[[], None] | None = None

    assert from_dict(to_dict(Local(5)), [Local]) == Local(5)


# --- Data from anyone -------------------------------------------------------------------------------------------------

DENSE = {"class": "layers.Dense", "units": 3, "initializer": {"class": "initializers.Zeros"}}
POOL = {"class": "layers.MaxPool2D", "pool_size": [2, 2], "stride": [2, 2]}
CONV = {
    "class": "layers.Conv2D",
    "filters": 2,
    "kernel_size": [3, 3],
    "stride": 1,
    "padding": "valid",
    "initializer": {"class": "initializers.Zeros"},
}
NETWORK = {"class": "network.Sequential", "layers": [DENSE], "input_shape": [4], "fuse": True}


def nested(depth):
    data = {"class": "schedules.Constant"}
    for _ in range(depth):
        data = {"class": "schedules.Warmup", "epochs": 1.0, "schedule": data, "start": 0.0}
    return data


def lists(depth):
    data = 1
    for _ in range(depth):
        data = [data]
    return data


@pytest.mark.parametrize(
    "data, message",
    [
        (None, "expected a description with its class, got None"),
        ([DENSE], "expected a description with its class"),
        ({}, "expected a description with its class, got {}"),
        ({"class": 3}, "expected a description with its class"),
        ({"class": "os.system"}, "class: expected one that is known, got 'os.system'"),
        ({"class": "layers.dense.Dense"}, "got 'layers.dense.Dense'"),
        ({"class": "Dense", "units": 3}, "got 'Dense'"),
        ({"class": "layers.Activation"}, "got 'layers.Activation'"),
        ({"class": "layers.__class__"}, "got 'layers.__class__'"),
        ({"class": "custom.Scale"}, r"Pass custom=\[Scale\]"),
        ({"class": "custom.x; y"}, "got 'custom.x; y'.$"),
        ({"class": "x" * 10**6}, r"got 'x+\.\.\.x+'"),
        (DENSE | {"units": ...}, "layers.Dense: expected a field 'units', got none"),
        (DENSE | {"bias": 3}, "layers.Dense: .* got also 'bias'"),
        (DENSE | {"__class__": 3}, "got also '__class__'"),
        (DENSE | {"units": "3"}, "layers.Dense: units: expected int, got '3'"),
        (DENSE | {"units": 3.0}, "units: expected int, got 3.0"),
        (DENSE | {"units": True}, "units: expected int, got True"),
        (DENSE | {"units": None}, "units: expected int, got None"),
        (DENSE | {"units": [3]}, r"units: expected int, got \(3,\)"),
        (DENSE | {"units": -3}, "Dense: units: expected a positive integer, got -3"),
        (DENSE | {"initializer": None}, "initializer: expected one of initializers, got None"),
        (DENSE | {"initializer": "initializers.Zeros"}, "initializer: expected one of initializers"),
        (DENSE | {"initializer": DENSE}, "initializer: expected one of initializers, got Dense"),
        (DENSE | {"initializer": {"class": "schedules.Constant"}}, "initializer: expected one of initializers"),
        (DENSE | {"initializer": {"class": "initializers.Constant", "value": "x"}}, "Constant: value: expected float"),
        (CONV | {"kernel_size": [3]}, "kernel_size: expected .* got \\(3,\\)"),
        (CONV | {"kernel_size": [3, 0]}, "Conv2D: kernel_size: expected a positive integer or a pair"),
        (CONV | {"kernel_size": [[3, 3], 3]}, "kernel_size: expected"),
        (CONV | {"padding": "x" * 10**6}, "Conv2D: padding: expected"),
        (CONV | {"padding": 3}, "padding: expected str, got 3"),
        (POOL | {"pool_size": [100, 100]}, "at most 256 positions"),
        ({"class": "layers.Dropout", "rate": 1.0, "rest": 0.0}, "Dropout: rate: expected a probability"),
        ({"class": "layers.Dropout", "rate": "a", "rest": 0.0}, "rate: expected float, got 'a'"),
        ({"class": "layers.ConvMaxPool2D", "conv": CONV, "pool": CONV}, "pool: expected .* got Conv2D"),
        ({"class": "layers.ConvMaxPool2D", "conv": DENSE, "pool": POOL}, "conv: expected Conv2D, got Dense"),
        (to_dict(nn.SGD()) | {"nesterov": "yes"}, "nesterov: expected bool, got 'yes'"),
        (to_dict(nn.SGD()) | {"learning_rate": -1}, "learning_rate: expected a positive"),
        (nested(70), "at most 32 descriptions inside of each other"),
        (DENSE | {"units": lists(70)}, "at most 32 lists inside of each other"),
        (NETWORK | {"layers": {}}, "layers: expected a list of at most 1000"),
        (NETWORK | {"layers": [DENSE] * 1001}, "layers: expected a list of at most 1000"),
        (NETWORK | {"layers": [3]}, r"network.Sequential: layers\[0\]: expected a description"),
        (NETWORK | {"layers": [{"class": "schedules.Constant"}]}, r"layers\[0\]: expected a layer, got Constant"),
        (NETWORK | {"layers": [NETWORK]}, r"layers\[0\]: expected a layer"),
        (NETWORK | {"layers": [DENSE, CONV]}, r"layers\[1\] = Conv2D.*expected input of shape"),
        (NETWORK | {"input_shape": 4}, "input_shape: expected a list of integers, got 4"),
        (NETWORK | {"input_shape": [4.0]}, r"input_shape: expected a list of integers, got \[4.0\]"),
        (NETWORK | {"input_shape": [-4]}, "input_shape: expected positive integers"),
        (NETWORK | {"input_shape": []}, "input_shape: expected positive integers"),
        (NETWORK | {"input_shape": [-1] * 10**5}, "input_shape: expected positive integers"),
        (NETWORK | {"fuse": 1}, "fuse: expected true or false, got 1"),
        (NETWORK | {"fuse": ...}, "expected a field 'fuse', got none"),
        (NETWORK | {"params": []}, "got also 'params'"),
    ],
)
def test_hostile_data(data, message):
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if value is not ...}
    with pytest.raises(FileFormatError, match=message) as caught:
        from_dict(data)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "description, family, right",
    [
        (nn.Dense(3), "layers", True),
        (nn.Dense(3), "losses", False),
        (nn.SGD(), "optimizers", True),
        (nn.SGD(), "schedules", False),
        (initializers.Constant(1.0), "initializers", True),
        (initializers.Constant(1.0), "schedules", False),
        (nn.Sequential([], (3,)), "network", True),
        (nn.Sequential([], (3,)), "layers", False),
        (Scale(), "layers", True),
        (Scale(), "losses", False),
        (Scale(), "network", False),
        (Halves(), "initializers", True),
        (Halves(), "optimizers", False),
    ],
)
def test_families(description, family, right):
    data = to_dict(description)
    if right:
        assert from_dict(data, [Scale, Halves], family=family) == description
    else:
        with pytest.raises(
            FileFormatError, match=f"expected a description of {family}, got {type(description).__name__}"
        ):
            from_dict(data, [Scale, Halves], family=family)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
classes = st.sampled_from([*REGISTRY, "network.Sequential", "custom.Scale", ""])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_junk_in_any_field(data):
    """Built, or refused: nothing else happens."""
    name = data.draw(st.sampled_from(sorted(REGISTRY)))
    inner = junk | st.builds(lambda cls, rest: {**rest, "class": cls}, classes, st.just({}))
    values = {field.name: data.draw(inner) for field in dataclasses.fields(REGISTRY[name])}
    try:
        built = from_dict({"class": name, **values})
    except FileFormatError:
        return
    assert from_dict(to_dict(built)) == built
