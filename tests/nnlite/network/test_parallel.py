"""Shards: the same bits at any number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnlite as nn
from nnlite.network import shards as parallel
from nnlite.network.shards import loss_and_gradients, shards


def small_network():
    return nn.Sequential(
        [
            nn.Conv2D(5, 3),
            nn.Tanh(),
            nn.MaxPool2D(2),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Dense(7),
            nn.Sigmoid(),
            nn.Dense(3),
        ],
        input_shape=(9, 8, 2),
    )


@given(st.integers(0, 5000), st.integers(1, 100))
def test_shards_cut_everything_once_into_nearly_equal_pieces(n_samples, size):
    pieces = shards(n_samples, size)
    assert [k for piece in pieces for k in range(piece.start, piece.stop)] == list(range(n_samples))
    lengths = [piece.stop - piece.start for piece in pieces]
    assert not lengths or (max(lengths) <= size and max(lengths) - min(lengths) <= 1 and min(lengths) > 0)


def test_gradients_have_the_same_bits_at_any_number_of_threads():
    net, rng = small_network(), np.random.default_rng(0)
    params = net.init(rng)
    x = rng.standard_normal((150, 9, 8, 2)).astype(np.float32)
    y = rng.integers(0, 3, 150)
    weights = np.full(150, 1 / 150)
    loss = nn.SoftmaxCrossEntropy()
    runs = [loss_and_gradients(net, params, x, y, weights, loss, seed=(3, 1), n_threads=n) for n in (1, 2, 4)]
    for value, grads in runs[1:]:
        assert value == runs[0][0]
        assert all(np.array_equal(grads[name], runs[0][1][name]) for name in params)


def test_gradients_of_shards_add_up_to_those_of_the_whole_batch():
    net = nn.Sequential([nn.Dense(6), nn.Tanh(), nn.Dense(3)], input_shape=(5,))
    rng = np.random.default_rng(0)
    params = net.init(rng, np.float64)
    x, y = rng.standard_normal((100, 5)), rng.integers(0, 3, 100)
    weights = rng.random(100)
    loss = nn.SoftmaxCrossEntropy()
    value, grads = loss_and_gradients(net, params, x, y, weights, loss)
    logits, cache = net.forward(params, x, rng)
    expected_value, gradient = loss.value_and_gradient(logits, y, weights)
    _, expected = net.backward(params, cache, gradient)
    assert value == pytest.approx(expected_value, rel=1e-12)
    for name in params:
        np.testing.assert_allclose(grads[name], expected[name], rtol=1e-10, atol=1e-12)


def test_predict_reads_any_number_of_samples_and_equals_apply():
    net, rng = small_network(), np.random.default_rng(0)
    params = net.init(rng)
    x = rng.standard_normal((77, 9, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(nn.predict(net, params, x), net.apply(params, x), rtol=1e-5, atol=1e-6)
    assert nn.predict(net, params, x[:0]).shape == (0, 3)
    assert np.array_equal(nn.predict(net, params, x, n_threads=1), nn.predict(net, params, x, n_threads=3))


def dense_network():
    """Return a network with products that are cut into blocks: 16 of the first layer's gradient, 4 of its output."""
    return nn.Sequential([nn.Dense(200), nn.Tanh(), nn.Dropout(0.5), nn.Dense(10)], input_shape=(4000,))


def test_dense_networks_have_the_same_bits_at_any_number_of_threads():
    net, rng = dense_network(), np.random.default_rng(0)
    params = net.init(rng)
    x, y = rng.standard_normal((200, 4000)).astype(np.float32), rng.integers(0, 10, 200)
    weights, loss = np.full(200, 1 / 200), nn.SoftmaxCrossEntropy()

    def noisy(rows, rng):
        return x[rows] + rng.standard_normal(x[rows].shape, np.float32)

    for batch in (x, noisy):
        runs = [loss_and_gradients(net, params, batch, y, weights, loss, seed=(3, 1), n_threads=n) for n in (1, 2, 5)]
        for value, grads in runs[1:]:
            assert value == runs[0][0]
            assert all(np.array_equal(grads[name], runs[0][1][name]) for name in params)
    outputs = [nn.predict(net, params, x, n_threads=n) for n in (1, 2, 5)]
    assert np.array_equal(outputs[0], outputs[1]) and np.array_equal(outputs[0], outputs[2])


def test_batches_stay_whole_only_where_the_work_is_that_of_dense_layers():
    """Other layers in a single shard would have one thread."""
    image = [nn.Conv2D(32, 3), nn.MaxPool2D(2), nn.Conv2D(64, 3), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(100)]
    networks = {
        "dense": dense_network(),
        "image": nn.Sequential(image, input_shape=(28, 28, 1)),
        "recurrent": nn.Sequential([nn.GRU(16), nn.Dense(2)], input_shape=(20, 8)),
        "convolutional": nn.Sequential([nn.Conv2D(4, 3), nn.MaxPool2D(2), nn.Conv2D(8, 3)], input_shape=(20, 20, 1)),
    }
    counts = {name: [len(parallel.training_shards(net, n)) for n in (32, 128, 600)] for name, net in networks.items()}
    assert counts == {"dense": [1, 1, 2], "image": [2, 2, 6], "recurrent": [2, 2, 6], "convolutional": [2, 4, 20]}


def test_a_network_without_parameters():
    net = nn.Sequential([nn.Flatten()], input_shape=(3, 1))
    targets, weights = np.zeros(100, int), np.full(100, 0.01)
    for batch in (np.zeros((100, 3, 1)), lambda rows, _: np.zeros((rows.stop - rows.start, 3, 1))):
        value, grads = loss_and_gradients(net, {}, batch, targets, weights, nn.SoftmaxCrossEntropy())
        assert value == pytest.approx(np.log(3)) and grads == {}


@pytest.mark.parametrize("n_samples", [1, 32, 33, 200, 700])
def test_large_shards_are_read_in_pieces_each_row_once_and_with_noise_of_its_own(n_samples):
    net = nn.Sequential([nn.Dense(3)], input_shape=(4,))
    params = net.init(np.random.default_rng(0), np.float64)
    seen, drawn = np.zeros(n_samples, int), []

    def batch(rows, rng):
        seen[rows] += 1
        drawn.append(rng.integers(2**62))
        return np.ones((rows.stop - rows.start, 4), np.float16)

    targets, weights = np.zeros(n_samples, int), np.full(n_samples, 1 / n_samples)
    value, _ = loss_and_gradients(net, params, batch, targets, weights, nn.SoftmaxCrossEntropy())
    whole, _ = loss_and_gradients(net, params, np.ones((n_samples, 4)), targets, weights, nn.SoftmaxCrossEntropy())
    assert (seen == 1).all() and len(set(drawn)) == len(drawn) >= n_samples / parallel.SHARD_SIZE
    assert value == whole


def test_samples_of_another_shape_are_refused():
    net = nn.Sequential([nn.Dense(3)], input_shape=(4,))
    params = net.init(np.random.default_rng(0))
    for n_samples in (5, 100):
        targets, weights = np.zeros(n_samples, int), np.ones(n_samples)
        with pytest.raises(ValueError, match=r"expected s.* 4\), got"):
            loss_and_gradients(
                net, params, lambda rows, _: np.ones((rows.stop - rows.start, 1)), targets, weights,
                nn.SoftmaxCrossEntropy(),
            )  # fmt: skip
