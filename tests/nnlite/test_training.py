"""The generator of epochs: exact going-on, weights, divergence."""

import numpy as np
import pytest

import nnlite as nn
from nnlite.training import logits_network

NET = nn.Sequential([nn.Dense(8), nn.Sigmoid(), nn.Dropout(0.2), nn.Dense(3), nn.Softmax()], input_shape=(4,))


def data(n=90):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


def run(epochs, params=None, state=None, first=0, stop=None, **settings):
    x, y = data()
    params = NET.init(np.random.default_rng(1)) if params is None else params
    optimizer = nn.SGD(0.1, momentum=0.9)
    state = optimizer.init(params) if state is None else state
    settings = {"schedule": nn.LinearDecay(), "batch_size": 32, "seed": 5} | settings
    losses = []
    for epoch in nn.train(
        NET, params, x, y, loss=nn.SoftmaxCrossEntropy(), optimizer=optimizer, max_epochs=epochs,
        optimizer_state=state, first_epoch=first, **settings,
    ):  # fmt: skip
        losses.append(epoch.loss)
        if epoch.number + 1 == stop:
            break
    return params, state, losses


def test_loss_falls():
    losses = run(30)[2]
    assert losses[-1] < 0.7 * losses[0]


def test_ten_epochs_equal_four_and_six_more_bit_for_bit():
    whole, _, losses = run(10)
    params, state, first = run(10, stop=4)
    params, _, second = run(10, params, state, first=4)
    assert first + second == losses
    assert all(np.array_equal(whole[name], params[name]) for name in whole)


@pytest.mark.parametrize("n_threads", [2, 4])
def test_same_bits_at_any_number_of_threads(n_threads):
    one, many = run(3, batch_size=90, n_threads=1)[0], run(3, batch_size=90, n_threads=n_threads)[0]
    assert all(np.array_equal(one[name], many[name]) for name in one)


def test_another_seed_gives_another_run():
    assert run(2)[2] != run(2, seed=6)[2]


def test_a_sample_of_weight_zero_is_as_if_it_were_not_there():
    x, y = data()
    weight = np.ones(len(x))
    weight[::3] = 0
    loss = nn.SoftmaxCrossEntropy()
    net = nn.Sequential([nn.Dense(3)], input_shape=(4,))
    results = []
    for samples, labels, weights in ((x, y, weight), (x[weight > 0], y[weight > 0], None)):
        params = net.init(np.random.default_rng(1))
        list(nn.train(net, params, samples, labels, loss=loss, optimizer=nn.SGD(0.5), max_epochs=5, batch_size=1000,
                      sample_weight=weights))  # fmt: skip
        results.append(params)
    for name in results[0]:
        np.testing.assert_allclose(results[0][name], results[1][name], atol=1e-5)


def test_divergence_says_where_and_keeps_the_parameters_from_before():
    x, y = data()
    net = nn.Sequential([nn.Dense(5), nn.ReLU(), nn.Dense(1)], input_shape=(4,))
    params = net.init(np.random.default_rng(1))
    with (
        np.errstate(all="ignore"),
        pytest.raises(nn.TrainingDiverged, match=r"became (nan|inf) in epoch \d+, step \d+ of 1. Lower the"),
    ):
        list(nn.train(net, params, x, y * 1e3, loss=nn.SquaredError(), optimizer=nn.SGD(1e3), max_epochs=50))
    assert all(np.isfinite(value).all() for value in params.values())


def test_the_final_activation_belongs_to_its_loss():
    assert logits_network(NET, nn.SoftmaxCrossEntropy()).layers == NET.layers[:-1]
    assert logits_network(NET, nn.SquaredError()) is NET
    with pytest.raises(ValueError, match=r"SigmoidCrossEntropy: expected a network that ends in Sigmoid\(\)"):
        logits_network(NET, nn.SigmoidCrossEntropy())
    fused = nn.Sequential([nn.DenseActivation(nn.Dense(2), nn.Sigmoid())], (3,))
    with pytest.raises(ValueError, match=r"that ends in Sigmoid\(\) .* got DenseActivation\(.* at the end"):
        logits_network(fused, nn.SigmoidCrossEntropy())


def test_transform_runs_on_the_rows_of_each_shard():
    x, y = data()
    seen = []

    def transform(rows, rng):
        seen.append(len(rows))
        return rows + 0 * rng.standard_normal(rows.shape).astype(np.float32)

    params = NET.init(np.random.default_rng(1))
    list(nn.train(NET, params, x, y, loss=nn.SoftmaxCrossEntropy(), optimizer=nn.SGD(0.1), max_epochs=1, batch_size=64,
                  transform=transform))  # fmt: skip
    assert sum(seen) == 90


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "train: batch_size: expected a positive integer, got 0"),
        ({"sample_weight": np.ones(3)}, r"train: sample_weight: expected shape \(90,\), one a sample, got \(3,\)"),
        ({"sample_weight": np.zeros(90)}, "train: sample_weight: expected finite numbers of at least 0"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        run(1, **change)


def test_wrong_shape_of_x():
    with pytest.raises(ValueError, match=r"train: x: expected shape \(n_samples, 4\) .*, got \(90, 5\)"):
        list(nn.train(NET, NET.init(np.random.default_rng(0)), np.zeros((90, 5)), np.zeros(90, int),
                      loss=nn.SoftmaxCrossEntropy(), optimizer=nn.SGD(), max_epochs=1))  # fmt: skip
