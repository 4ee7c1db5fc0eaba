"""ONNX files: what ONNX Runtime makes of them beside what the library itself says."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import nnlite as nn
from filmscore import networks as filmscore
from nnlite.exchange import onnx_file
from nnlite.exchange.stack import declares
from nnlite.layers.counterparts import OnnxNode
from tests.nnlite.exchange.networks import NETWORKS
from tests.nnlite.layers.layer_cases import CASES, NAMES

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 9, 8, 2)).astype(np.float32)
Y = np.where(X[:, :4].mean((1, 2, 3)) > X[:, 5:].mean((1, 2, 3)), "up", "down")
LAYERS = [nn.Conv2D(4, 3), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.1), nn.Flatten()]


def leaves(layer):
    """Return whether all of a layer is known to ONNX, with what is in its branches."""
    inside = [inner for layers in getattr(layer, "paths", dict)().values() for inner in layers]
    if hasattr(layer, "paths"):
        return all(map(leaves, inside))
    return all(declares(part, "onnx") for part in layer.unfused())


LEAVING = [leaves(layer) for layer, _ in CASES]


@pytest.fixture
def path(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: no files to write")
    return tmp_path / "model.onnx"


def run(path, x):
    """Return (output, name -> metadata) of a file in ONNX Runtime, which has read nothing but the file."""
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: nothing to compare with")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": x})
    return output, {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}


def quick(*last, **settings):
    network = nn.Sequential([*LAYERS, *last], X.shape[1:]) if last else None
    return nn.NetworkClassifier(network, **{"max_epochs": 3, "random_state": 0} | settings)


# --- The same numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_network(path, network, dtype):
    params = network.init(np.random.default_rng(1), dtype)
    params = {name: value + dtype(0.1) for name, value in params.items()}  # biases that are seen
    nn.to_onnx(path, (network, params))
    for count in (1, 5, 33):
        x = RNG.standard_normal((count, *network.input_shape)).astype(np.float32)
        expected = network.apply(params, x)
        np.testing.assert_allclose(run(path, x)[0], expected.astype(np.float32), rtol=1e-5, atol=1e-5, strict=True)


def test_strides_and_padding(path):
    """Zeros come after, where their number is odd, and the rest of a window is left out."""
    for stride in (1, 2, 3):
        for kernel in ((4, 3), 2, 5):
            network = nn.Sequential(
                [nn.Conv2D(3, kernel, stride, padding="same"), nn.MaxPool2D(2, stride=1), nn.ReLU()], (8, 7, 2)
            )
            params = network.init(np.random.default_rng(1))
            nn.to_onnx(path, (network, params))
            np.testing.assert_allclose(run(path, X[:4, :8, :7])[0], network.apply(params, X[:4, :8, :7]), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (quick(), Y),
        (quick(standardize_axes=(0,)), Y),
        (quick(nn.Dense(2), standardize_axes=(0, 1, 2)), Y),
        (quick(nn.Dense(2), nn.Softmax(), init="lsuv"), Y),
        (quick(nn.Dense(2), loss=nn.SquaredError()), Y),
        (quick(nn.Dense(2), nn.Sigmoid(), loss=nn.SquaredError()), Y),
        (quick(nn.Dense(3)), np.stack([Y == "up", X[:, 0, 0, 0] > 0, X[:, 0, 0, 1] > 0], 1)),
        (quick(nn.Dense(1)), (Y == "up")[:, None]),
        (quick(nn.Dense(2), nn.Softmax(), standardize_axes=(0,)), np.stack([Y == "up", Y == Y], 1)),
    ],
)
def test_a_classifier(path, model, y):
    """Samples far from 0 and of different size show whether the scaling is right."""
    x = X * np.linspace(0.5, 3, 2, dtype=np.float32) + np.float32(2)
    model.fit(x, y)
    nn.to_onnx(path, model)
    probabilities, metadata = run(path, x)
    np.testing.assert_allclose(probabilities, model.predict_proba(x), rtol=0, atol=1e-5, strict=True)
    assert np.ptp(probabilities, axis=0).min() > 1e-3  # the samples are told apart
    assert metadata["classes"] == model.classes_.tolist()


@pytest.mark.parametrize("several", [False, True])
def test_a_regressor(path, several):
    y = 300 + 40 * X[:, :4].mean((1, 2, 3))
    network = nn.Sequential([*LAYERS, nn.Dense(2 if several else 1)], X.shape[1:])
    model = nn.NetworkRegressor(network, standardize_axes=(0,), max_epochs=3, random_state=0, loss=nn.Huber())
    model.fit(X, np.column_stack([y, -y]) if several else y)
    nn.to_onnx(path, model, unit="bpm")
    predictions, metadata = run(path, X)
    np.testing.assert_allclose(predictions.reshape(model.predict(X).shape), model.predict(X), rtol=1e-6)
    assert predictions.shape == (len(X), 2 if several else 1) and metadata == {"unit": "bpm"}
    assert np.ptp(predictions, axis=0).min() > 1e-3


SEVERAL = np.stack([Y == "up", X[:, 0, 0, 0] > 0, X[:, 0, 0, 1] > 0.5], 1)


@pytest.mark.parametrize("average", ["probability", "logit"])
@pytest.mark.parametrize("prior", ["balanced", "training"])
@pytest.mark.parametrize("y", [SEVERAL, np.where(SEVERAL[:, 2], "loud", Y)], ids=["several", "one"])
def test_an_ensemble(path, average, prior, y):
    model = nn.BaggedEnsemble(
        quick(nn.Dense(1), standardize_axes=(0,)), n_bags=2, average=average, prior=prior, random_state=0
    ).fit(X * 3 + 1, y)
    nn.to_onnx(path, model)
    probabilities, metadata = run(path, X * 3 + 1)
    np.testing.assert_allclose(probabilities, model.predict_proba(X * 3 + 1), rtol=0, atol=1e-5)
    assert np.ptp(probabilities, axis=0).min() > 1e-3
    assert metadata == {"classes": model.classes_.tolist(), "thresholds": [0.5, 0.5, 0.5]}


@pytest.mark.filterwarnings("ignore:BaggedEnsemble")
def test_an_ensemble_with_constant_classes(path):
    y = np.column_stack([np.zeros(60), SEVERAL[:, :2], np.ones(60)])
    model = nn.BaggedEnsemble(quick(), random_state=0).fit(X, y)
    nn.to_onnx(path, model, note="x")
    np.testing.assert_allclose(run(path, X)[0], model.predict_proba(X), rtol=0, atol=1e-5)


def test_an_ensemble_that_says_no_to_everything(path):
    """Shares are equal where all values are 0."""
    model = nn.BaggedEnsemble(quick(nn.Dense(1)), random_state=0).fit(X, np.where(SEVERAL[:, 2], "loud", Y))
    for (member,) in model.members_:
        member.params_["5.bias"][...] = -2000
    nn.to_onnx(path, model)
    np.testing.assert_array_equal(model.predict_proba(X), np.full((60, 3), 1 / 3))
    np.testing.assert_allclose(run(path, X)[0], model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("output", [nn.Softmax(), nn.Sigmoid()], ids=str)
@pytest.mark.parametrize("scaled", [False, True])
def test_the_published_network_at_full_size(path, output, scaled):
    network = filmscore.convolutional(10, output=output)
    tiles = (RNG.standard_normal((48, 40, 100, 1)) * 20 + RNG.standard_normal((40, 1, 1)) * 50).astype(np.float32)
    genres = (RNG.random((48, 10)) < 0.4) | np.eye(10, dtype=bool)[np.arange(48) % 10]
    model = nn.NetworkClassifier(
        network, init="lsuv", max_epochs=1, random_state=0, standardize_axes=(0, 2) if scaled else None
    ).fit(tiles, genres)
    nn.to_onnx(path, model, class_names=[f"genre {k}" for k in range(10)])
    probabilities, metadata = run(path, tiles)
    np.testing.assert_allclose(probabilities, model.predict_proba(tiles), rtol=0, atol=1e-5, strict=True)
    assert np.ptp(probabilities, axis=0).max() > 1e-2
    assert metadata["class_names"][9] == "genre 9"


def test_constant_columns_and_numbers_in_float64(path):
    """Columns that are constant in training are ignored, and samples are cut to float32 before the file sees them."""
    x = np.column_stack([np.full(60, 5.0), X[:, 0, 0], X[:, 0, 0, 0] * 1e3])
    model = quick(standardize_axes=(0,)).fit(x, Y)
    nn.to_onnx(path, model)
    x[:, 0] = 7
    np.testing.assert_allclose(run(path, x.astype(np.float32))[0], model.predict_proba(x), rtol=0, atol=1e-5)


# --- The file ---------------------------------------------------------------------------------------------------------


def test_what_the_file_says(path):
    import onnx

    network = NETWORKS["convolutions"]
    params = network.init(np.random.default_rng(0))
    nn.to_onnx(path, (network, params), recipe={"n_mfcc": 40, "window": ("hann", 2048)}, class_names=["a", "ü"])
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    ends = [[(axis.dim_param or axis.dim_value) for axis in end.type.tensor_type.shape.dim]
            for end in (model.graph.input[0], model.graph.output[0])]  # fmt: skip
    assert ends == [["n_samples", 9, 8, 2], ["n_samples", 3]]
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["input", "output"]
    assert (model.producer_name, model.producer_version) == ("nnlite", nn.__version__)
    metadata = run(path, X[:1])[1]
    assert metadata == {"recipe": {"n_mfcc": 40, "window": ["hann", 2048]}, "class_names": ["a", "ü"]}
    stored = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    np.testing.assert_array_equal(stored["0.weight"], params["0.weight"].transpose(3, 2, 0, 1), strict=True)
    assert stored.keys() == params.keys()
    assert [node.op_type for node in model.graph.node].count("Transpose") == 2


def test_equal_models_make_equal_files(path, tmp_path):
    model = quick(standardize_axes=(0,)).fit(X, Y)
    nn.to_onnx(path, model, note="x")
    nn.to_onnx(tmp_path / "again.onnx", model, note="x")
    assert path.read_bytes() == (tmp_path / "again.onnx").read_bytes()


def test_what_a_saved_model_brought_along_goes_on(path, tmp_path):
    nn.save(tmp_path / "model.npz", quick().fit(X, Y), recipe={"n_mfcc": 40}, note="old")
    nn.to_onnx(path, nn.load(tmp_path / "model.npz"), note="new")
    assert run(path, X)[1] == {"classes": ["down", "up"], "recipe": {"n_mfcc": 40}, "note": "new"}


def test_a_path_of_any_kind(path):
    pair = NETWORKS["nothing"], {}
    nn.to_onnx(str(path), pair)
    written = path.read_bytes()
    with pytest.raises(OSError, match="No such file or directory"):
        nn.to_onnx(path.parent / "not there" / "model.onnx", pair)
    assert path.read_bytes() == written and [p.name for p in path.parent.iterdir()] == ["model.onnx"]


# --- What can't be ----------------------------------------------------------------------------------------------------


class Own(nn.Layer):
    """A layer of a user's."""


class OwnLoss(nn.SoftmaxCrossEntropy):
    """A loss of a user's."""


NETWORK = NETWORKS["vectors"]
PARAMS = NETWORK.init(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("model", "metadata", "error", "message"),
    [
        ((nn.Sequential([Own()], (3,)), {}), {}, TypeError, r"layers\[0\]: expected one of .*Conv2D, .* got Own\(\)"),
        (quick(loss=OwnLoss()), {}, TypeError, "loss: expected one of .*SigmoidCrossEntropy, .* got OwnLoss"),
        ((NETWORK, {}), {}, ValueError, "params: expected '0.bias', a parameter of the network, got none"),
        ((NETWORK, None), {}, TypeError, "model: expected a dict of parameters beside the network, got None"),
        (
            (NETWORK, PARAMS, 3),
            {},
            TypeError,
            r"model: expected a fitted NetworkClassifier, NetworkRegressor or BaggedEnsemble or a pair",
        ),
        (
            NETWORK,
            {},
            TypeError,
            "model: expected a fitted NetworkClassifier, NetworkRegressor or BaggedEnsemble or a pair",
        ),
        ((NETWORK, PARAMS), {"recipe": {1, 2}}, ValueError, r"metadata\['recipe'\]: expected None, a truth value"),
        ((NETWORK, PARAMS), {"limit": np.inf}, ValueError, r"metadata\['limit'\]: .* finite number .* got inf"),
    ],
)
def test_models_that_can_not_leave(path, model, metadata, error, message):
    path.write_bytes(b"before")
    if isinstance(model, nn.NetworkClassifier):
        model.fit(X, Y)
    with pytest.raises(error, match=message):
        nn.to_onnx(path, model, **metadata)
    assert path.read_bytes() == b"before" and [p.name for p in path.parent.iterdir()] == ["model.onnx"]


def test_a_model_that_has_learnt_nothing(path):
    with pytest.raises(nn.NotFittedError, match="not fitted yet"):
        nn.to_onnx(path, quick())
    with pytest.raises(nn.NotFittedError, match="BaggedEnsemble: not fitted yet"):
        nn.to_onnx(path, nn.BaggedEnsemble())


def test_models_that_are_too_large(path, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 500)
    with pytest.raises(ValueError, match=r"to_onnx: model: expected at most 2 GiB.* got \d+ bytes"):
        nn.to_onnx(path, (NETWORKS["convolutions"], NETWORKS["convolutions"].init(np.random.default_rng(0))))
    assert not path.exists()


def test_without_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"to_onnx: needs onnx, which is not installed: pip install 'nnlite\[onnx\]'"):
        nn.to_onnx(tmp_path / "model.onnx", (NETWORK, PARAMS))
    assert not list(Path(tmp_path).iterdir())


class Scaled(nn.Layer):
    """A layer of a user's that says what it is in ONNX; a subclass of it doesn't."""

    def apply(self, params, x):
        return 2 * x

    def onnx(self, input_shape, params):
        return [OnnxNode("Mul", {"two": np.array(2)})]


class Shifted(Scaled):
    def apply(self, params, x):
        return 2 * x + 1


def test_a_layer_of_ones_own_leaves_if_its_class_says_how(path):
    for layers, shape in (([Scaled(), nn.Dense(2), Scaled()], (3,)), ([nn.Conv2D(2, 2), Scaled()], (4, 3, 1))):
        network = nn.Sequential(layers, shape)
        params = network.init(np.random.default_rng(0))
        nn.to_onnx(path, (network, params))
        x = RNG.standard_normal((5, *shape)).astype(np.float32)
        np.testing.assert_allclose(run(path, x)[0], network.apply(params, x), rtol=1e-5, atol=1e-5)
    with pytest.raises(TypeError, match=r"layers\[0\]: .* got Shifted\(\)"):
        nn.to_onnx(path, (nn.Sequential([Shifted()], (3,)), {}))


@pytest.mark.parametrize(("case", "leaves"), [*zip(CASES, LEAVING, strict=True)], ids=NAMES)
def test_each_layer_leaves_or_says_that_it_stays(path, case, leaves):
    layer, input_shape = case
    network = nn.Sequential([layer], input_shape)
    params = {name: value + np.float32(0.1) for name, value in network.init(np.random.default_rng(0)).items()}
    if not leaves:
        with pytest.raises(TypeError, match=r"layers\[0[^]]*\]: expected one of .*Conv2D, .* got \w+\("):
            nn.to_onnx(path, (network, params))
        assert not path.exists()
        return
    nn.to_onnx(path, (network, params))
    x = RNG.standard_normal((5, *input_shape)).astype(np.float32)
    np.testing.assert_allclose(run(path, x)[0], network.apply(params, x), rtol=1e-5, atol=1e-5)


def test_the_guide_names_the_layers_that_do_not_leave():
    text = (Path(__file__).parents[3] / "docs" / "exchange.md").read_text("utf-8")
    (named,) = re.findall(r"so\nare these layers: (.*?)\. ", text)
    staying = {type(layer).__name__ for (layer, _), leaving in zip(CASES, LEAVING, strict=True) if not leaving}
    leaving = {type(layer).__name__ for (layer, _), leaving in zip(CASES, LEAVING, strict=True) if leaving}
    assert re.findall(r"`(\w+)`", named) == sorted(staying - leaving)
