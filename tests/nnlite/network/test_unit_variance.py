"""Layer-sequential unit variance: what it promises, and that it changes nothing that was passed in."""

import numpy as np

import nnlite as nn
from nnlite.layers.chain import parameters_by_layer


def deep_sigmoid_network():
    layers = []
    for filters in (6, 8, 10):
        layers += [nn.Conv2D(filters, 2), nn.Sigmoid(), nn.MaxPool2D(2)]
    return nn.Sequential([*layers, nn.Flatten(), nn.Dense(9), nn.Sigmoid(), nn.Dense(4), nn.Softmax()], (16, 20, 1))


def test_the_sums_of_each_layer_have_mean_zero_and_deviation_one():
    net, rng = deep_sigmoid_network(), np.random.default_rng(0)
    x = rng.standard_normal((200, 16, 20, 1)).astype(np.float32) * 3 + 1
    params = net.init(rng)
    before = {name: value.copy() for name, value in params.items()}
    scaled = nn.lsuv(net, params, x)
    assert all(np.array_equal(params[name], before[name]) for name in params)
    parts = parameters_by_layer(scaled)
    for layer, index in net.plan:
        if parts[index]:
            y = (layer.dense if isinstance(layer, nn.DenseActivation) else layer).apply(parts[index], x)
            sums = y.reshape(-1, y.shape[-1])
            assert abs(sums.mean(0)).max() < 0.02 and abs((sums - sums.mean(0)).std() - 1) < 0.02
        x = layer.apply(parts[index], x)


def test_samples_stay_apart_in_a_deep_stack_where_they_did_not():
    net, rng = deep_sigmoid_network(), np.random.default_rng(0)
    x = rng.standard_normal((200, 16, 20, 1)).astype(np.float32)
    params = net.init(rng)
    assert net.apply(params, x).std(0).max() < 0.02
    assert net.apply(nn.lsuv(net, params, x), x).std(0).min() > 0.1


def test_constant_samples_are_survived():
    net = deep_sigmoid_network()
    params = net.init(np.random.default_rng(0))
    scaled = nn.lsuv(net, params, np.ones((5, 16, 20, 1), np.float32))
    assert all(np.isfinite(value).all() for value in scaled.values())


def test_the_estimator_uses_it():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((300, 16, 20, 1)).astype(np.float32), np.arange(300) % 4
    model = nn.NetworkClassifier(deep_sigmoid_network(), init="lsuv", max_epochs=1, random_state=0).fit(x, y)
    assert model.predict_proba(x).std(0).min() > 0.05
