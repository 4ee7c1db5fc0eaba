"""One contract for all layers, and each against its naive twin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite.testing import check_layer
from tests import naive
from tests.nnlite.layers.layer_cases import CASES, LAYERS, NAMES


@pytest.mark.parametrize(("layer", "input_shape"), CASES, ids=NAMES)
def test_contract(layer, input_shape):
    check_layer(layer, input_shape, np.random.default_rng(0))


def test_every_public_layer_has_a_case():
    assert LAYERS == {type(layer) for layer, _ in CASES}, "give each settings to try in layer_cases.py"
    assert {layer.__name__ for layer in LAYERS} <= set(nn.__all__), "name each in nnlite/__init__.pyi"


def draw(shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(actual, expected, dtype=np.float32):
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=100 * np.finfo(dtype).eps * (1 + np.abs(expected).max(initial=0))
    )


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([(5, 6), (6, 9), (8, 5)]),
    kernel=st.sampled_from([(2, 3), (4, 2)]),
    stride=st.sampled_from([1, 2, (3, 1)]),
    pool=st.sampled_from([None, 1, 2]),
)
def test_convolution_with_same_padding(seed, size, kernel, stride, pool):
    conv = nn.Conv2D(5, kernel, stride, "same")
    layer = conv if pool is None else nn.ConvMaxPool2D(conv, nn.MaxPool2D(pool))
    rng = np.random.default_rng(seed)
    x, weight, bias = (rng.integers(-3, 4, shape).astype(np.float32) for shape in [(2, *size, 3), (*kernel, 3, 5), 5])
    params, window = {"weight": weight, "bias": bias}, (pool or 1, pool or 1)
    full = naive.conv2d(x, weight, bias, conv.stride, "same")
    expected, places = naive.max_pool(full, window)
    y, cache = layer.forward(params, x, rng)
    np.testing.assert_array_equal(y, expected)
    assert y.shape[1:] == layer.output_shape(x.shape[1:])
    dy = rng.integers(-3, 4, y.shape).astype(np.float32)
    dfull = naive.max_pool_grad(dy, places, full.shape, window)
    dx, grads = layer.backward(params, cache, dy)
    np.testing.assert_array_equal(dx, naive.conv2d_grad_x(dfull, weight, x.shape, conv.stride, "same"))
    expected = naive.conv2d_grad_weight(x, dfull, weight.shape, conv.stride, "same")
    np.testing.assert_array_equal(grads["weight"], expected)
    np.testing.assert_array_equal(grads["bias"], dfull.sum((0, 1, 2)))


@settings(deadline=None, max_examples=30)
@given(n=st.integers(0, 4), features=st.integers(1, 9), units=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_dense(n, features, units, seed):
    x, weight, bias, dy = (draw(shape, seed) for shape in [(n, features), (features, units), units, (n, units)])
    params, layer = {"weight": weight, "bias": bias}, nn.Dense(units)
    y, cache = layer.forward(params, x, np.random.default_rng(0))
    close(y, naive.dense(x, weight, bias))
    dx, grads = layer.backward(params, cache, dy)
    for actual, expected in zip((dx, grads["weight"], grads["bias"]), naive.dense_grads(x, weight, dy), strict=True):
        close(actual, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax(dtype):
    x = draw((6, 5), dtype=dtype)
    x[0] *= 1000
    y = nn.Softmax().apply({}, x)
    close(y, [naive.softmax(row) for row in x], dtype)
    close(y.sum(1), np.ones(6), dtype)
    close(nn.Softmax().apply({}, x[1:] + dtype(100)), y[1:], np.float32)


def test_sigmoid_of_large_arguments_does_not_overflow():
    x = np.array([[-1e4, -100, 0, 100, 1e4]], np.float32)
    np.testing.assert_allclose(nn.Sigmoid().apply({}, x), [[0, 0, 0.5, 1, 1]], atol=1e-30)


def test_dropout_keeps_the_mean_and_its_mask():
    x = np.ones((200, 50), np.float32)
    layer = nn.Dropout(0.3)
    y, cache = layer.forward({}, x, np.random.default_rng(0))
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert abs(y.mean() - 1) < 0.03
    dx, _ = layer.backward({}, cache, x)
    np.testing.assert_array_equal(dx, y)
    other, _ = layer.forward({}, x, np.random.default_rng(1))
    assert 0.5 < np.mean((y == 0) == (other == 0)) < 0.65  # 0.7 ** 2 + 0.3 ** 2 = 0.58
    assert layer.apply({}, x) is x


@pytest.mark.parametrize("layer", [nn.Dropout(0.9), nn.ActivationDropout(nn.Tanh(), nn.Dropout(0.9, rest=0.5))])
def test_dropout_keeps_nan(layer):
    """Padding stays padding, and a loss that turned NaN is seen."""
    x = np.full((3, 37), np.nan, np.float32)
    assert np.isnan(layer.forward({}, x, np.random.default_rng(0))[0]).all()


def test_max_pool_propagates_nan():
    x = draw((1, 4, 4, 2))
    x[0, 0, 1, 0] = np.nan
    y = nn.MaxPool2D(2).apply({}, x)
    assert np.isnan(y).sum() == 1
    assert np.isnan(y[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Dense(0), "Dense: units: expected a positive integer, got 0"),
        (lambda: nn.Dense(2.5), "Dense: units: expected a positive integer, got 2.5"),
        (lambda: nn.Dense(True), "Dense: units: expected a positive integer, got True"),
        (lambda: nn.Conv2D(-1, 3), "Conv2D: filters: expected a positive integer, got -1"),
        (lambda: nn.Conv2D(4, 0), "Conv2D: kernel_size: expected a positive integer or a pair of them, got 0"),
        (lambda: nn.Conv2D(4, (3, 3, 3)), r"Conv2D: kernel_size: expected .* got \(3, 3, 3\)"),
        (lambda: nn.Conv2D(4, 3, stride=1.5), "Conv2D: stride: expected a positive integer or a pair of them, got 1.5"),
        (lambda: nn.Conv2D(4, 3, padding="full"), 'Conv2D: padding: expected "valid" or "same", got \'full\''),
        (lambda: nn.MaxPool2D("2"), "MaxPool2D: pool_size: expected a positive integer or a pair of them, got '2'"),
        (lambda: nn.MaxPool2D(17), r"MaxPool2D: pool_size: expected at most 256 positions in a window, got \(17, 17\)"),
        (lambda: nn.Dropout(1.0), r"Dropout: rate: expected a probability in \[0, 1\), got 1.0"),
        (lambda: nn.Dropout(float("nan")), "Dropout: rate: expected a probability"),
        (
            lambda: nn.ActivationDropout(nn.ReLU(), nn.Dropout(0.3, rest=0.5)),
            "ActivationDropout: expected Sigmoid or Tanh and a Dropout, or ReLU and a Dropout with rest 0, got ReLU",
        ),
        (lambda: nn.ActivationDropout(nn.Dropout(0.3), nn.ReLU()), "ActivationDropout: expected Sigmoid or Tanh"),
        (
            lambda: nn.DenseActivation(nn.Dense(3), nn.Softmax()),
            r"DenseActivation: expected a Dense and a Sigmoid.* got Dense\(units=3.* Softmax\(\). Write the two layers",
        ),
        (lambda: nn.Dropout(0.1, rest=np.inf), "Dropout: rest: expected a finite number, got inf"),
        (
            lambda: nn.ConvMaxPool2D(nn.Conv2D(4, 3), nn.MaxPool2D(3, stride=2)),
            "ConvMaxPool2D: pool: expected stride equal to pool_size .* Use Conv2D and MaxPool2D one after the other",
        ),
    ],
)
def test_settings_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_numpy_integers_are_integers():
    assert nn.Conv2D(np.int64(4), np.int32(3)) == nn.Conv2D(4, 3)
    assert repr(nn.Dense(np.int64(4))) == repr(nn.Dense(4))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            nn.Conv2D(4, 3),
            (128,),
            r"Conv2D: expected input of shape \(height, width, channels\), got \(128,\). Flatten",
        ),
        (nn.Conv2D(4, 3), (2, 9, 1), "Conv2D: expected input of height at least 3, the kernel's, got 2. Use a smaller"),
        (nn.Conv2D(4, 3), (9, 2, 1), "Conv2D: expected input of width at least 3"),
        (nn.MaxPool2D(2), (1, 8, 3), "MaxPool2D: expected input of at least 2 x 2 positions, got 1 x 8. Leave out"),
        (nn.MaxPool2D(2), (8, 8), r"MaxPool2D: expected input of shape \(height, width, channels\), got \(8, 8\)"),
        (nn.Dense(4), (), r"Dense: expected input of shape \(..., features\), got \(\)"),
        (nn.Softmax(), (), r"Softmax: expected input of shape \(..., classes\), got \(\)"),
    ],
)
def test_shapes_that_a_layer_cannot_take(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)


BACKWARD = [case for case in CASES if type(case[0]) not in (nn.Layer, nn.Flatten)]


@pytest.mark.parametrize(("layer", "input_shape"), BACKWARD, ids=[type(layer).__name__ for layer, _ in BACKWARD])
def test_a_gradient_of_another_shape_is_refused(layer, input_shape):
    """Kernels trust shapes: they would read beyond the array."""
    rng = np.random.default_rng(0)
    params = layer.init(input_shape, rng, np.float32)
    y, cache = layer.forward(params, draw((3, *input_shape)), rng)
    with pytest.raises(ValueError, match=r"dy: expected the shape of the output, .* got"):
        layer.backward(params, cache, y[:2])
    dx, _ = layer.backward(params, cache, y.astype(np.float64))
    assert dx.dtype == np.float32


def test_weights_of_another_shape_are_refused():
    layer, x = nn.Conv2D(4, 3), draw((1, 5, 5, 2))
    params = layer.init((5, 5, 2), np.random.default_rng(0), np.float32)
    for wrong in (params["weight"][:2], params["weight"].astype(np.float64)):
        with pytest.raises(ValueError, match=r"Conv2D: params: weight: expected shape \(3, 3, 2, 4\) and float32"):
            layer.apply({**params, "weight": wrong}, x)


@pytest.mark.parametrize("layer", [nn.Sigmoid(), nn.MaxPool2D(2), nn.Conv2D(2, 2), nn.Dropout(0.5)])
def test_integers_are_refused(layer):
    x = np.ones((1, 4, 4, 1), int)
    with pytest.raises(TypeError, match=r"x: expected an array of float32 or float64, got int64"):
        layer.forward(layer.init((4, 4, 1), np.random.default_rng(0), np.float32), x, np.random.default_rng(0))


def test_weights_in_another_memory_order_have_the_same_gradient():
    layer, rng = nn.Conv2D(4, 3), np.random.default_rng(0)
    params = layer.init((5, 5, 2), rng, np.float32)
    x, dy = draw((2, 5, 5, 2)), draw((2, 3, 3, 4))
    results = []
    for weight in (params["weight"], np.asfortranarray(params["weight"])):
        _, cache = layer.forward({**params, "weight": weight}, x, rng)
        results.append(layer.backward({**params, "weight": weight}, cache, dy)[1]["weight"])
    np.testing.assert_array_equal(*results)
