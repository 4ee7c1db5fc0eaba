"""The rewrite rules, one by one, and fused against unfused networks."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite.layers import fusion
from nnlite.testing import check_gradients

CONV, DENSE = nn.Conv2D(3, 2), nn.Dense(4)
POOL, OVERLAPPING, BIG = nn.MaxPool2D(2), nn.MaxPool2D(3, stride=1), nn.MaxPool2D(6)
MERGED = nn.ConvMaxPool2D(CONV, POOL)


@dataclass(frozen=True)
class Bump(nn.Activation):
    """An activation that rises and falls: it doesn't set `monotone`."""


@dataclass(frozen=True)
class OwnConv(nn.Conv2D):
    """A subclass that may compute something else."""


@dataclass(frozen=True)
class OwnPool(nn.MaxPool2D):
    """A subclass that may compute something else."""


def steps(*pairs):
    return tuple(fusion.Step(layer, index) for layer, index in pairs)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.Sigmoid(), POOL], steps((POOL, 1), (nn.Sigmoid(), 0))),
        ([nn.ReLU(), OVERLAPPING], steps((OVERLAPPING, 1), (nn.ReLU(), 0))),
        ([nn.ReLU(), nn.Tanh(), POOL], steps((POOL, 2), (nn.ReLU(), 0), (nn.Tanh(), 1))),
        ([nn.ELU(), nn.LeakyReLU(), POOL], steps((POOL, 2), (nn.ELU(), 0), (nn.LeakyReLU(), 1))),
        ([nn.GELU(), POOL], steps((nn.GELU(), 0), (POOL, 1))),
        ([nn.SiLU(), POOL], steps((nn.SiLU(), 0), (POOL, 1))),
        ([nn.ReLU(), POOL, POOL], steps((POOL, 1), (POOL, 2), (nn.ReLU(), 0))),
        ([nn.ReLU(), nn.Dropout(0.1), POOL], steps((nn.ReLU(), 0), (nn.Dropout(0.1), 1), (POOL, 2))),
        ([Bump(), POOL], steps((Bump(), 0), (POOL, 1))),
        ([nn.ReLU(), OwnPool(2)], steps((nn.ReLU(), 0), (OwnPool(2), 1))),
        ([POOL, nn.ReLU()], steps((POOL, 0), (nn.ReLU(), 1))),
        ([], ()),
    ],
)
def test_commute(layers, expected):
    assert fusion.commute(fusion.unfused(layers)) == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([CONV, POOL], steps((MERGED, 0))),
        ([CONV, POOL, CONV, POOL], steps((MERGED, 0), (MERGED, 2))),
        ([CONV, POOL, POOL], steps((MERGED, 0), (POOL, 2))),
        ([CONV, OVERLAPPING], steps((CONV, 0), (OVERLAPPING, 1))),
        ([CONV, BIG], steps((CONV, 0), (BIG, 1))),  # 36 outputs do not fit into the registers
        ([CONV, nn.Sigmoid(), POOL], steps((CONV, 0), (nn.Sigmoid(), 1), (POOL, 2))),
        ([OwnConv(3, 2), POOL], steps((OwnConv(3, 2), 0), (POOL, 1))),
        ([CONV, OwnPool(2)], steps((CONV, 0), (OwnPool(2), 1))),
        ([POOL, CONV], steps((POOL, 0), (CONV, 1))),
        ([nn.Tanh(), nn.Dropout(0.2)], steps((nn.ActivationDropout(nn.Tanh(), nn.Dropout(0.2)), 0))),
        (
            [nn.ReLU(), nn.Dropout(0.2), nn.Dropout(0.1)],
            steps((nn.ActivationDropout(nn.ReLU(), nn.Dropout(0.2)), 0), (nn.Dropout(0.1), 2)),
        ),
        # The zeros of a ReLU would come back as something above or below.
        ([nn.ReLU(), nn.Dropout(0.2, rest=0.5)], steps((nn.ReLU(), 0), (nn.Dropout(0.2, rest=0.5), 1))),
        ([DENSE, nn.Tanh(), nn.ReLU()], steps((nn.DenseActivation(DENSE, nn.Tanh()), 0), (nn.ReLU(), 2))),
        (
            [DENSE, nn.Tanh(), nn.Dropout(0.2), nn.Dropout(0.1)],
            steps(
                (nn.DenseActivation(DENSE, nn.ActivationDropout(nn.Tanh(), nn.Dropout(0.2))), 0), (nn.Dropout(0.1), 3)
            ),
        ),
        (
            [DENSE, nn.ReLU(), nn.Dropout(0.2, rest=0.5)],
            steps((nn.DenseActivation(DENSE, nn.ReLU()), 0), (nn.Dropout(0.2, rest=0.5), 2)),
        ),
        ([DENSE, Bump()], steps((DENSE, 0), (Bump(), 1))),
        ([DENSE, nn.Softmax()], steps((DENSE, 0), (nn.Softmax(), 1))),
        ([nn.Dropout(0.2), nn.ReLU()], steps((nn.Dropout(0.2), 0), (nn.ReLU(), 1))),
        ([Bump(), nn.Dropout(0.2)], steps((Bump(), 0), (nn.Dropout(0.2), 1))),
    ],
)
def test_merge(layers, expected):
    assert fusion.merge(fusion.unfused(layers)) == expected


def test_both_rules_together():
    layers = [CONV, nn.Sigmoid(), POOL, nn.Dropout(0.1), CONV, POOL, nn.ReLU(), nn.Flatten(), DENSE]
    noisy = nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.1))
    expected = steps((MERGED, 0), (noisy, 1), (MERGED, 4), (nn.ReLU(), 6), (nn.Flatten(), 7), (DENSE, 8))
    assert fusion.fuse(layers) == expected
    assert fusion.fuse([step.layer for step in expected]) == steps(*((s.layer, k) for k, s in enumerate(expected)))
    assert fusion.unfused(layers) == steps(*((layer, index) for index, layer in enumerate(layers)))


CONVOLUTIONS = st.builds(
    nn.Conv2D, st.just(3), st.sampled_from([2, (1, 3)]), st.just(1), st.sampled_from(["valid", "same"])
)
ACTIVATIONS = st.sampled_from([nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(0.2), nn.GELU()])
POOLS = st.sampled_from([nn.MaxPool2D(2), nn.MaxPool2D((1, 2)), nn.MaxPool2D(2, stride=1)])
DROPOUTS = st.sampled_from([nn.Dropout(0.3), nn.Dropout(0.3, rest=0.5)])
PIECES = st.one_of(CONVOLUTIONS, ACTIVATIONS, POOLS, DROPOUTS)


@st.composite
def stacks(draw):
    """Draw layers that fit on top of each other: convolutions and poolings in front, and a dense end."""
    shape, layers = (8, 9, 2), []
    for layer in draw(st.lists(PIECES, min_size=2, max_size=6)):
        try:
            shape = layer.output_shape(shape)
        except ValueError:
            continue
        layers.append(layer)
    end = [nn.Dense(3), draw(ACTIVATIONS), *draw(st.lists(DROPOUTS, max_size=1)), nn.Dense(2)]
    return [*layers, nn.Flatten(), *end]


@settings(max_examples=5, deadline=None)
@given(layers=stacks(), seed=st.integers(0, 2**32))
def test_fused_equals_unfused(layers, seed):
    fused, plain = (nn.Sequential(layers, (8, 9, 2), fuse=fuse) for fuse in (True, False))
    rng = np.random.default_rng(seed)
    params = fused.init(rng, np.float64)
    x = rng.standard_normal((3, 8, 9, 2))
    results = []
    for net in (fused, plain):
        y, cache = net.forward(params, x, np.random.default_rng(seed))
        dx, grads = net.backward(params, cache, np.cos(np.arange(6.0)).reshape(3, 2))
        none, again = net.backward(params, cache, np.cos(np.arange(6.0)).reshape(3, 2), input_grad=False)
        assert none is None
        for name, value in grads.items():
            np.testing.assert_array_equal(again[name], value)
        results.append({"y": y, "apply": net.apply(params, x), "dx": dx, **grads})
    assert results[0].keys() == results[1].keys() == {"y", "apply", "dx", *params}
    for name, expected in results[1].items():
        scale = np.abs(expected).max(initial=1e-3)
        np.testing.assert_allclose(results[0][name], expected, rtol=0, atol=1e-10 * scale, err_msg=name)
    assert check_gradients(fused, rng) < 1e-6


def test_published_network_in_float32():
    layers = []
    for filters, kernel, rate in [(32, 5, 0.1), (64, 3, 0.2), (128, 2, 0.3), (256, 2, 0.4)]:
        layers += [nn.Conv2D(filters, kernel), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(rate)]
    layers += [nn.Flatten(), nn.Dense(50), nn.Sigmoid(), nn.Dropout(0.5), nn.Dense(50), nn.Sigmoid(), nn.Dense(10)]
    fused, plain = (nn.Sequential(layers, (40, 100, 1), fuse=fuse) for fuse in (True, False))
    params, x = fused.init(np.random.default_rng(0)), np.random.default_rng(1).standard_normal((2, 40, 100, 1))
    np.testing.assert_allclose(fused.apply(params, x), plain.apply(params, x), rtol=1e-3, atol=1e-4)
    assert [type(step.layer).__name__ for step in fused.plan[:3]] == [
        "ConvMaxPool2D",
        "ActivationDropout",
        "ConvMaxPool2D",
    ]
