"""Rectifiers beside PyTorch, at their ends, and with settings that make no sense."""

import math

import numpy as np
import pytest

import nnlite as nn

LAYERS = [nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.LeakyReLU(0.0), nn.ELU(), nn.ELU(0.5), nn.GELU(), nn.SiLU()]
ENDS = [-np.inf, -1e30, -800, -100, -40, -1e-30, 0.0, 1e-30, 40, 100, 800, 1e30, np.inf]
EACH = pytest.mark.parametrize("layer", LAYERS, ids=repr)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients_are_those_of_pytorch(layer, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    theirs = getattr(torch.nn, type(layer).__name__)(*vars(layer).values())
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(4000) * 4, np.linspace(-30, 30, 997), ENDS[1:-1]]).astype(dtype)
    dy = rng.standard_normal(x.size).astype(dtype)
    given = torch.from_numpy(x.copy()).requires_grad_()
    expected = theirs(given)
    expected.backward(torch.from_numpy(dy))
    y, cache = layer.forward({}, x, rng)
    dx, _ = layer.backward({}, cache, dy)
    close = {"rtol": 16 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).eps, "strict": True}
    np.testing.assert_allclose(y, expected.detach().numpy(), **close)
    np.testing.assert_allclose(dx, given.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_tails_keep_their_relative_precision(dtype):
    """1 + erf(x) would be 0 there."""
    x = np.linspace(-9, -1, 50).astype(dtype)
    normal = [0.5 * math.erfc(-float(value) / math.sqrt(2)) for value in x]
    np.testing.assert_allclose(nn.GELU().apply({}, x), x * normal, rtol=200 * np.finfo(dtype).eps)
    np.testing.assert_allclose(nn.SiLU().apply({}, x), x / (1 + np.exp(-x)), rtol=8 * np.finfo(dtype).eps)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinity_gives_the_limit_and_nan_stays(layer, dtype):
    x = np.array([*ENDS, np.nan], dtype)
    with np.errstate(all="raise", under="ignore", over="ignore"):
        y, cache = layer.forward({}, x, np.random.default_rng(0))
        dx, _ = layer.backward({}, cache, np.ones_like(x))
    left = {"LeakyReLU": -np.inf, "ELU": -getattr(layer, "alpha", 0)}.get(type(layer).__name__, 0.0)
    left = 0.0 if layer == nn.LeakyReLU(0.0) else left
    slope = getattr(layer, "negative_slope", 0.0)
    np.testing.assert_allclose(y[[0, -2]], [left, np.inf], atol=1e-30)
    np.testing.assert_allclose(dx[[0, 1, -3, -2]], [slope, slope, 1, 1], rtol=1e-6, atol=1e-30)
    assert np.isnan(y[-1]) and np.isnan(y).sum() == 1 and not np.isnan(dx[:-1]).any()


def test_the_initializer_knows_the_slope():
    for layer, gain in [(nn.LeakyReLU(1.0), 1.0), (nn.LeakyReLU(0.0), 2**0.5), (nn.GELU(), 2**0.5)]:
        net = nn.Sequential([nn.Dense(300, nn.He()), layer], (400,))
        weight = net.init(np.random.default_rng(0))["0.weight"]
        assert abs(weight.std() / (gain / 20) - 1) < 0.02


@pytest.mark.parametrize("wrong", [-0.1, np.inf, np.nan, "0.1", True])
def test_settings_that_make_no_sense(wrong):
    for make, name in ((nn.LeakyReLU, "negative_slope"), (nn.ELU, "alpha")):
        with pytest.raises(ValueError, match=rf"{make.__name__}: {name}: expected a number of 0 or more, got"):
            make(wrong)
