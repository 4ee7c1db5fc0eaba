"""State dictionaries: against PyTorch itself where it is installed, and there and back bit for bit everywhere."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite.exchange.stack import plain_layers
from tests.nnlite.exchange.networks import NETWORKS

EACH = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
RNG = np.random.default_rng(0)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")


def as_modules(torch, network):
    """Return the same layers in PyTorch's words, as somebody writes them who has read its manual and not our code."""
    return chain(torch, plain_layers(network)).double().eval()


def chain(torch, layers):
    class Branches(torch.nn.Module):
        """Branches as somebody writes them: the sum of their outputs, or these along the axis of channels."""

        def __init__(self, merge, branches):
            super().__init__()
            self.merge = merge
            for branch, module in branches.items():
                self.add_module(branch, module)

        def forward(self, x):
            outputs = [module(x) for module in self.children()]
            return sum(outputs) if self.merge == "sum" else torch.cat(outputs, dim=1)

    modules = []
    for plain in layers:
        layer, shape, _ = plain
        name = type(layer).__name__
        if name in ("Residual", "Parallel"):
            modules.append(Branches(layer.merge, {k: chain(torch, inner) for k, inner in plain.branches().items()}))
        elif name == "Conv2D":
            modules.append(
                torch.nn.Conv2d(shape[-1], layer.filters, layer.kernel, stride=layer.steps, padding=layer.padding)
            )
        elif name == "Dense":
            modules.append(torch.nn.Linear(shape[-1], layer.units))
        elif name == "MaxPool2D":
            modules.append(torch.nn.MaxPool2d(layer.window, stride=layer.steps))
        elif name == "LeakyReLU":
            modules.append(torch.nn.LeakyReLU(layer.negative_slope))
        elif name == "ELU":
            modules.append(torch.nn.ELU(layer.alpha))
        elif name == "Softmax":
            modules.append(torch.nn.Softmax(dim=1))
        else:
            others = {"Layer": "Identity", "Dropout": "Dropout", "Flatten": "Flatten"}
            modules.append(getattr(torch.nn, others.get(name, name))())
    return torch.nn.Sequential(*modules)


def outputs(torch, module, x):
    """Return the outputs of a module for channels-last samples, channels last."""
    first = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
    with torch.no_grad():
        y = module(torch.from_numpy(np.ascontiguousarray(first))).numpy()
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y


def tensors(torch, state):
    return {name: torch.from_numpy(array) for name, array in state.items()}


def random_params(network, dtype=np.float64):
    params = network.init(np.random.default_rng(1), dtype)
    return {name: RNG.standard_normal(value.shape).astype(dtype) for name, value in params.items()}


# --- Beside PyTorch ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@EACH
def test_a_network_leaves_for_pytorch(torch, network):
    params = random_params(network)
    module = as_modules(torch, network)
    module.load_state_dict(tensors(torch, nn.to_torch_state_dict(network, params)))
    x = RNG.standard_normal((5, *network.input_shape))
    np.testing.assert_allclose(outputs(torch, module, x), network.apply(params, x), rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@EACH
def test_a_network_comes_from_pytorch(torch, network):
    torch.manual_seed(0)
    module = as_modules(torch, network)
    params = nn.from_torch_state_dict(network, module.state_dict())
    x = RNG.standard_normal((5, *network.input_shape))
    np.testing.assert_allclose(network.apply(params, x), outputs(torch, module, x), rtol=1e-10, atol=1e-12)
    again = nn.to_torch_state_dict(network, params)
    assert list(again) == list(module.state_dict())
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(again[name], tensor.numpy(), strict=True)
        assert not np.shares_memory(again[name], tensor.numpy())


def test_a_normalization_behind_an_image_has_its_scales_in_the_order_of_pytorch(torch):
    layers = [nn.Conv2D(2, 2), nn.Flatten(), nn.LayerNorm(), nn.Tanh(), nn.Dense(3), nn.LayerNorm()]
    network = nn.Sequential(layers, (4, 5, 1))
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 2),
        torch.nn.Flatten(),
        torch.nn.LayerNorm(24),
        torch.nn.Tanh(),
        torch.nn.Linear(24, 3),
        torch.nn.LayerNorm(3),
    ).double()
    params = random_params(network)
    module.load_state_dict(tensors(torch, nn.to_torch_state_dict(network, params)))
    x = RNG.standard_normal((5, 4, 5, 1))
    np.testing.assert_allclose(outputs(torch, module, x), network.apply(params, x), rtol=1e-10, atol=1e-12)
    back = nn.from_torch_state_dict(network, module.state_dict())
    assert all(np.array_equal(back[name], value) for name, value in params.items())


def test_a_module_with_names_of_its_own(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.features = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
            self.head = torch.nn.Linear(4 * 3 * 2, 3)

        def forward(self, x):
            return self.head(self.features(x).flatten(1))

    network = nn.Sequential(
        [nn.Conv2D(4, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Dropout(0.5), nn.Flatten(), nn.Dense(3)], (8, 6, 2)
    )
    module = Net()
    state = module.state_dict()
    assert nn.torch_modules(state) == ["features.0", "head"]
    params = nn.from_torch_state_dict(network, state, names=nn.torch_modules(state))
    x = RNG.standard_normal((5, 8, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(network.apply(params, x), outputs(torch, module, x), rtol=1e-5, atol=1e-6)
    params["0.weight"] *= 2
    module.load_state_dict(tensors(torch, nn.to_torch_state_dict(network, params, names=["features.0", "head"])))
    np.testing.assert_allclose(network.apply(params, x), outputs(torch, module, x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"expected '0.weight', got none. It has 'features.0.weight': names=torch_"):
        nn.from_torch_state_dict(network, state)
    trained = nn.from_torch_state_dict(network, dict(module.named_parameters()), names=["features.0", "head"])
    np.testing.assert_array_equal(trained["0.weight"], params["0.weight"])
    state["head.bias"] = state["head.bias"].bfloat16()
    with pytest.raises(TypeError, match=r"state_dict: head.bias: expected an array or tensor that NumPy knows, got T"):
        nn.from_torch_state_dict(network, state, names=["features.0", "head"])


# --- There and back ---------------------------------------------------------------------------------------------------


@st.composite
def networks(draw):
    """Draw stacks of random sizes; nothing of them runs."""
    size = st.integers(1, 4)
    shape = (draw(st.integers(4, 7)), draw(st.integers(4, 7)), draw(size))
    layers = []
    for _ in range(draw(st.integers(0, 2))):
        layers += [nn.Conv2D(draw(size), (draw(st.integers(1, 2)), draw(st.integers(1, 2)))), nn.ReLU()]
    layers += [nn.Flatten(), *(nn.Dense(draw(size)) for _ in range(draw(size)))]
    return nn.Sequential(layers, shape)


@settings(max_examples=50)
@given(networks(), st.integers(0, 2**32))
def test_there_and_back_is_the_same_bits(network, seed):
    """All bits survive: NaN with its payload, infinity and negative zero too."""
    rng = np.random.default_rng(seed)
    bits = {name: rng.integers(2**32, size=s, dtype=np.uint32) for name, s in network.parameter_shapes.items()}
    for value in bits.values():
        value.flat[0] = rng.choice(np.array([0x7FC12345, 0xFF800000, 0x80000000, 1], np.uint32))
    params = {name: value.view(np.float32) for name, value in bits.items()}
    state = nn.to_torch_state_dict(network, params)
    back = nn.from_torch_state_dict(network, state)
    assert list(back) == list(params)
    for name, value in bits.items():
        np.testing.assert_array_equal(back[name].view(np.uint32), value, strict=True)
        assert not np.shares_memory(back[name], params[name]) and back[name].flags.c_contiguous
    for name, value in nn.to_torch_state_dict(network, back).items():
        assert value.tobytes() == state[name].tobytes() and value.flags.c_contiguous and value.flags.writeable


def test_the_inputs_behind_flatten_change_places():
    """Weight (h, w, c) of a Dense layer is the one of torch's input c * H * W + h * W + w."""
    height, width, channels = shape = (3, 4, 2)
    network = nn.Sequential([nn.Flatten(), nn.Sigmoid(), nn.Dense(1), nn.Dense(1)], shape)
    params = {name: np.zeros(size, np.float32) for name, size in network.parameter_shapes.items()}
    params["2.weight"][:, 0] = np.arange(24)
    weight = nn.to_torch_state_dict(network, params)["2.weight"]
    for h, w, c in np.ndindex(shape):
        assert weight[0, (c * height + h) * width + w] == (h * width + w) * channels + c


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: a.astype(a.dtype.newbyteorder(">")), lambda a: a[()]])
def test_arrays_of_any_order_come(change):
    network = NETWORKS["convolutions"]
    params = random_params(network, np.float32)
    state = {name: change(value) for name, value in nn.to_torch_state_dict(network, params).items()}
    for name, value in nn.from_torch_state_dict(network, state).items():
        np.testing.assert_array_equal(value, params[name], strict=True)


def test_a_bare_module_has_bare_names():
    network = nn.Sequential([nn.Dense(2)], (3,))
    state = {"weight": np.ones((2, 3)), "bias": np.zeros(2)}
    assert nn.torch_modules(state) == [""]
    params = nn.from_torch_state_dict(network, state, names=[""])
    assert list(nn.to_torch_state_dict(network, params, names=[""])) == ["weight", "bias"]


# --- What can't be ----------------------------------------------------------------------------------------------------

SMALL = nn.Sequential([nn.Dense(2), nn.ReLU(), nn.Dense(1)], (3,))
STATE = nn.to_torch_state_dict(SMALL, SMALL.init(np.random.default_rng(0)))


class Squares(nn.Layer):
    """A layer of a user's."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"2.bias": None}, "expected '2.bias', got none. A module without bias has one of zeros: add it."),
        ({"0.weight": None}, "expected '0.weight', got none."),
        ({"0.weight": None, "fc.weight": 1}, "got none. It has 'fc.weight': names=torch_modules(state_dict) takes its"),
        ({"4.weight": 1, "5.weight": 1}, "got also '4.weight' (2 such keys). Leave out what the network has no layer"),
        ({"0.weight": STATE["0.weight"].T}, "0.weight: expected shape (2, 3), since the network has 0.weight of shape"),
        ({"0.bias": np.zeros(2)}, "expected float32 for all, or float64 for all, got float32, float64."),
        ({"0.bias": np.zeros(2, int)}, "0.bias: expected float32 or float64, got int64. module.float() makes it"),
        ({"0.bias": [[1.0], [1.0, 2.0]]}, "0.bias: expected an array or tensor that NumPy knows, got list"),
        ({"0.bias": "zeros"}, "0.bias: expected float32 or float64, got"),
    ],
)
def test_states_that_do_not_fit(changes, message):
    state = {name: value for name, value in (STATE | changes).items() if value is not None}
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        nn.from_torch_state_dict(SMALL, state)
    assert str(caught.value).startswith("from_torch_state_dict: state_dict: ")


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"], "ab", []])
def test_names_that_do_not_fit(names):
    params = nn.from_torch_state_dict(SMALL, STATE)
    with pytest.raises(ValueError, match="names: expected 2 different names, one for each layer with parameters, got"):
        nn.to_torch_state_dict(SMALL, params, names=names)
    with pytest.raises(ValueError, match="from_torch_state_dict: names: expected 2 different names"):
        nn.from_torch_state_dict(SMALL, STATE, names=names)


def test_a_layer_of_ones_own_without_parameters_has_nothing_to_exchange():
    own = nn.Sequential([nn.Dense(2), Squares(), nn.Dense(1)], (3,))
    assert list(nn.to_torch_state_dict(own, own.init(np.random.default_rng(0)))) == [
        "0.weight", "0.bias", "2.weight", "2.bias"
    ]  # fmt: skip


def test_layers_that_pytorch_does_not_have():
    own = nn.Sequential([nn.Dense(2), nn.TimeDistributed(nn.Dense(2))], (4, 3))
    with pytest.raises(
        TypeError, match=r"to_torch_state_dict: layers\[1\]: expected one of BatchNorm, Conv2D, Dense, .* got T"
    ):
        nn.to_torch_state_dict(own, own.init(np.random.default_rng(0)))
    behind = nn.Sequential([nn.Flatten(), Squares(), nn.Dense(2)], (4, 4, 1))
    with pytest.raises(TypeError, match=r"layers\[1\]: .* got Squares\(\). It would meet the values"):
        nn.to_torch_state_dict(behind, behind.init(np.random.default_rng(0)))
    mixed = nn.Sequential([nn.Flatten(), nn.Parallel([[], nn.Dense(32)], "sum"), nn.Dense(2)], (4, 4, 2))
    with pytest.raises(TypeError, match=r"layers\[1\]: .* add the values of a flattened image in different orders"):
        nn.to_torch_state_dict(mixed, mixed.init(np.random.default_rng(0)))
    images = nn.Sequential([nn.Conv2D(2, 2), nn.Dense(2)], (4, 4, 1))
    with pytest.raises(TypeError, match=r"layers\[1\]: .* got Dense.* Conv2D\(units, 1\) does it"):
        nn.from_torch_state_dict(images, {})


def test_parameters_of_another_network_stay():
    with pytest.raises(ValueError, match=r"to_torch_state_dict: params: expected '0.bias', a parameter of the network"):
        nn.to_torch_state_dict(SMALL, {})
