"""Layers before and after recurrent ones: layers for each step, pooling over steps, images as sequences."""

import re
from pathlib import Path

import numpy as np
import pytest

import nnlite as nn
from nnlite.testing import check_gradients

PAGE = Path(__file__).resolve().parents[3] / "docs" / "recurrent.md"


def padded(lengths=(3, 5, 1, 0), features=4):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((len(lengths), 5, features))
    for row, length in zip(x, lengths, strict=True):
        row[length:] = np.nan
    return x


@pytest.mark.parametrize("inner", [nn.Dense(3), nn.LayerNorm(), nn.Tanh()], ids=lambda layer: type(layer).__name__)
def test_time_distributed_leaves_padding_alone(inner):
    """Every step is as by itself; padding stays, and gives no gradient whatever the output's says there."""
    x, layer, rng = padded(), nn.TimeDistributed(inner), np.random.default_rng(0)
    params = layer.init(x.shape[1:], rng, np.float64)
    y, cache = layer.forward(params, x, rng)
    there = ~np.isnan(x[:, :, 0])
    np.testing.assert_array_equal(np.isnan(y).all(axis=2), ~there)
    expected, alone = inner.forward(params, x[there], rng)
    np.testing.assert_array_equal(y[there], expected)
    dy = np.where(np.isnan(y), np.nan, 1.0) * rng.standard_normal(y.shape)
    dx, grads = layer.backward(params, cache, dy)
    dx_alone, grads_alone = inner.backward(params, alone, dy[there])
    np.testing.assert_array_equal(dx[there], dx_alone)
    assert not dx[~there].any()
    for name, gradient in grads.items():
        np.testing.assert_array_equal(gradient, grads_alone[name])


@pytest.mark.parametrize(
    ("layer", "pool"), [(nn.GlobalAveragePooling(), np.mean), (nn.GlobalMaxPooling(), np.max)], ids=["mean", "max"]
)
def test_global_pooling_leaves_padding_out(layer, pool):
    lengths, x = (3, 5, 1, 0), padded()
    y, cache = layer.forward({}, x, np.random.default_rng(0))
    for n, length in enumerate(lengths):
        expected = pool(x[n, :length], axis=0) if length else np.full(4, np.nan)
        np.testing.assert_allclose(y[n], expected, rtol=0, atol=1e-15)
    dx, _ = layer.backward({}, cache, np.ones_like(y))
    np.testing.assert_allclose(dx.sum(axis=1), [[1.0] * 4] * 3 + [[0.0] * 4], atol=1e-15)
    assert not dx[np.isnan(x)].any()


def test_global_pooling_of_images_keeps_nan():
    """There is no padding in an image."""
    x = np.zeros((1, 2, 3, 2), np.float32)
    x[0, 1, 2] = np.nan
    for layer in (nn.GlobalAveragePooling(), nn.GlobalMaxPooling()):
        assert np.isnan(layer.apply({}, x)).all()


def test_average_pooling_is_the_mean_of_each_window():
    x = np.random.default_rng(0).standard_normal((2, 7, 6, 3))
    layer = nn.AveragePool2D((3, 2), stride=(2, 3))
    y = layer.apply({}, x)
    assert y.shape[1:] == layer.output_shape(x.shape[1:]) == (3, 2, 3)
    for n, i, j, c in np.ndindex(y.shape):
        np.testing.assert_allclose(y[n, i, j, c], x[n, 2 * i : 2 * i + 3, 3 * j : 3 * j + 2, c].mean(), atol=1e-15)


def test_columns_of_an_image_as_a_sequence():
    image = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)
    network = nn.Sequential([nn.Permute((1, 0, 2)), nn.Reshape((4, -1))], input_shape=(3, 4, 2))
    y = network.apply({}, image)
    for n, w in np.ndindex(2, 4):
        np.testing.assert_array_equal(y[n, w], image[n, :, w].reshape(-1))


def test_convolutional_recurrent_network():
    layers = [
        nn.Conv2D(3, 2),
        nn.Tanh(),
        nn.AveragePool2D(2),
        nn.Permute((1, 0, 2)),
        nn.Reshape((4, -1)),
        nn.LayerNorm(),
        nn.GRU(4, return_sequences=True),
        nn.TimeDistributed(nn.Dense(3)),
        nn.GlobalAveragePooling(),
        nn.Dense(2),
    ]
    network = nn.Sequential(layers, input_shape=(5, 9, 1))
    assert check_gradients(network, np.random.default_rng(0)) < 1e-6
    assert "TimeDistributed" in network.summary()


def test_padding_that_a_layer_does_not_know_is_loud():
    """Dense by itself would learn from padding, were it zeros."""
    network = nn.Sequential([nn.Dense(3), nn.GRU(2)], input_shape=(5, 4))
    params = network.init(np.random.default_rng(0))
    epochs = nn.train(
        network,
        params,
        padded((3, 5, 1)),
        np.ones(3, int),
        loss=nn.SoftmaxCrossEntropy(),
        optimizer=nn.SGD(),
        max_epochs=1,
    )
    with pytest.raises(nn.TrainingDiverged):
        list(epochs)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: nn.TimeDistributed(3), TypeError, "TimeDistributed: layer: expected a layer, got 3"),
        (lambda: nn.TimeDistributed(nn.Dense(2)).output_shape((4,)), ValueError, r"expected input of shape \(steps"),
        (lambda: nn.TimeDistributed(nn.Dense(2)).output_shape((0, 4)), ValueError, "with one step or more"),
        (lambda: nn.GlobalMaxPooling().output_shape((4,)), ValueError, "GlobalMaxPooling: expected input of shape"),
        (lambda: nn.AveragePool2D(3).output_shape((2, 9, 1)), ValueError, "AveragePool2D: expected input of at least"),
        (lambda: nn.AveragePool2D(0), ValueError, "AveragePool2D: pool_size: expected a positive integer"),
        (lambda: nn.Reshape((2, -1, -1)), ValueError, "Reshape: shape: expected positive integers"),
        (lambda: nn.Reshape((3, -1)).output_shape((2, 5)), ValueError, "Reshape: expected as many values"),
        (lambda: nn.Reshape((3, 4)).output_shape((2, 5)), ValueError, "Reshape: expected as many values"),
        (lambda: nn.Permute((1, 2)), ValueError, "Permute: axes: expected each of 0, 1, ... once"),
        (lambda: nn.Permute((1, 0)).output_shape((2, 5, 1)), ValueError, "Permute: expected input with 2 axes"),
        (lambda: nn.LayerNorm(0), ValueError, "LayerNorm: epsilon: expected a positive number"),
        (lambda: nn.LayerNorm().output_shape(()), ValueError, "LayerNorm: expected input of shape"),
    ],
)
def test_what_does_not_fit(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_exchange_of_parameters_with_pytorch():
    """There and back to the bit, and the same outputs from PyTorch's modules."""
    layers = [nn.GRU(4, return_sequences=True, bidirectional=True), nn.LayerNorm(), nn.LSTM(3), nn.Dense(2)]
    network = nn.Sequential(layers, input_shape=(6, 5))
    rng = np.random.default_rng(0)
    params = {name: rng.standard_normal(value.shape) for name, value in network.init(rng, np.float64).items()}
    state = nn.to_torch_state_dict(network, params)
    back = nn.from_torch_state_dict(network, state)
    assert all(np.array_equal(back[name], value) for name, value in params.items())
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    modules = torch.nn.ModuleList(
        [
            torch.nn.GRU(5, 4, batch_first=True, bidirectional=True),
            torch.nn.LayerNorm(8),
            torch.nn.LSTM(8, 3, batch_first=True),
            torch.nn.Linear(3, 2),
        ]
    ).double()
    modules.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    x = rng.standard_normal((3, 6, 5))
    with torch.no_grad():
        states, _ = modules[0](torch.from_numpy(x))
        states, _ = modules[2](modules[1](states))
        expected = modules[3](states[:, -1]).numpy()
    np.testing.assert_allclose(network.apply(params, x), expected, rtol=0, atol=1e-13)


def test_recurrent_layers_have_no_translation_to_onnx(tmp_path):
    network = nn.Sequential([nn.GRU(3)], input_shape=(4, 2))
    pytest.importorskip("onnx", reason="onnx is not installed: no files to write")
    with pytest.raises(TypeError, match=r"to_onnx: layers\[0\]: expected one of .*, got GRU"):
        nn.to_onnx(tmp_path / "network.onnx", (network, network.init(np.random.default_rng(0))))


def test_the_page_runs():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer_norm_of_large_numbers(dtype):
    """The variance of numbers beyond the root of the largest one overflows; what it divides does not."""
    layer, rng = nn.LayerNorm(), np.random.default_rng(0)
    small = rng.standard_normal((5, 3, 8)).astype(dtype)
    params = {"scale": rng.standard_normal(8).astype(dtype), "shift": rng.standard_normal(8).astype(dtype)}
    exponent = np.frexp(np.finfo(dtype).max)[1] - 4
    mixed = small.copy()
    mixed[::2] = np.ldexp(small[::2], exponent)
    dy = rng.standard_normal(small.shape).astype(dtype)
    # Without epsilon, which large numbers don't notice, the scale of the input has no part in the output.
    exact = nn.LayerNorm(epsilon=np.finfo(dtype).tiny)
    expected, expected_cache = exact.forward(params, small, rng)
    actual, cache = layer.forward(params, mixed, rng)
    np.testing.assert_allclose(actual[::2], expected[::2], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(actual[1::2], layer.apply(params, small)[1::2])
    dx, grads = layer.backward(params, cache, dy)
    expected_dx, _ = exact.backward(params, expected_cache, dy)
    np.testing.assert_allclose(np.ldexp(dx[::2], exponent), expected_dx[::2], rtol=1e-3, atol=1e-4)
    assert all(np.isfinite(value).all() for value in grads.values())
    for bad in (np.nan, np.inf):
        mixed[0, 0, 0] = bad
        assert np.isnan(layer.apply(params, mixed)[0, 0]).all() and np.isfinite(layer.apply(params, mixed)[1:]).all()
