"""The generator of epochs: exact going-on, weights, divergence."""

import numpy as np
import pytest

import nnlite as nn
from nnlite.network.logits import logits_network

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


ONE_LAYER = nn.Sequential([nn.Dense(3)], input_shape=(4,))
N = 12
LABELS = np.arange(N) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
MEAN = np.full(N, 1 / N)


def step_arguments(**change):
    rng = np.random.default_rng(0)
    params = ONE_LAYER.init(rng)
    x = rng.standard_normal((N, 4)).astype(np.float32)
    given = {"network": ONE_LAYER, "params": params, "batch": x, "targets": LABELS, "weights": MEAN}
    return given | {"loss": nn.SoftmaxCrossEntropy()} | change


def train_step(**arguments):
    optimizer = nn.SGD(0.1, momentum=0.9)
    return nn.train_step(**arguments, optimizer=optimizer, optimizer_state=optimizer.init(arguments["params"]))


@pytest.mark.parametrize("function", [train_step, nn.loss_and_gradients])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": LABELS[:8]}, "targets: expected 12 rows, one for each sample .*, got 8"),
        ({"targets": LABELS[:8], "weights": MEAN[:8]}, "targets: expected 12 rows, one for each sample .*, got 8"),
        ({"targets": np.r_[LABELS, 0]}, "targets: expected 12 rows"),
        ({"targets": LABELS[:0], "weights": MEAN[:0]}, r"targets: expected a row for each sample, got shape \(0,\)"),
        ({"targets": 3}, r"targets: expected a row for each sample, got shape \(\)"),
        ({"targets": np.where(LABELS == 2, -1, LABELS)}, "targets: expected class indices .*, got -1 at sample 2"),
        ({"targets": LABELS + 1}, r"targets: expected class indices from 0 to 2, got 3 at sample 2 \(4 such labels\)"),
        ({"targets": LABELS.astype(float)}, "targets: expected integer class indices, got dtype float64"),
        ({"targets": LABELS == 1}, "targets: expected integer class indices, got dtype bool"),
        ({"targets": LABELS.astype(str)}, "targets: expected integer class indices, got dtype <U"),
        ({"targets": ONE_HOT * 2}, "targets: expected rows that add up to 1, got 2 in row 0"),
        ({"targets": ONE_HOT * np.nan}, "targets: expected probabilities of 0 or more, got nan"),
        ({"targets": ONE_HOT[:, :2]}, r"targets: expected class indices .*, of shape \(samples, 3\), got shape"),
        ({"targets": ONE_HOT * 5, "loss": nn.SigmoidCrossEntropy()}, "targets: expected indicators from 0 to 1, got 5"),
        ({"targets": LABELS, "loss": nn.SigmoidCrossEntropy()}, "targets: expected indicators, of shape"),
        ({"targets": -ONE_HOT, "loss": nn.SigmoidCrossEntropy()}, "targets: expected indicators from 0 to 1, got -1"),
        ({"targets": ONE_HOT * np.nan, "loss": nn.SigmoidCrossEntropy()}, "targets: expected indicators .* got nan"),
        ({"targets": ONE_HOT + np.inf, "loss": nn.SquaredError()}, "targets: expected finite numbers, got"),
        ({"targets": ONE_HOT[:, 0], "loss": nn.SquaredError()}, "targets: expected targets, of shape"),
        ({"weights": None}, r"weights: expected shape \(12,\), one a sample, got None. np.full\(12, 1 / 12\) makes"),
        ({"weights": 1.0}, r"weights: expected shape \(12,\), one a sample, got shape \(\)"),
        ({"weights": MEAN[:5]}, r"weights: expected shape \(12,\), one a sample, got shape \(5,\)"),
        ({"weights": MEAN * np.nan}, "weights: expected finite numbers"),
        ({"weights": MEAN.astype(str)}, "weights: expected finite numbers"),
        ({"network": nn.Sequential([nn.Conv2D(3, 1)], (2, 2, 1))}, "network: expected one axis of outputs, got output"),
    ],
)  # fmt: skip
def test_steps_refuse_what_train_refuses(function, change, message):
    arguments = step_arguments(**change)
    before = {name: value.copy() for name, value in arguments["params"].items()}
    with pytest.raises(ValueError, match=f"^{function.__name__}: {message}"):
        function(**arguments)
    assert all(np.array_equal(before[name], value) for name, value in arguments["params"].items())


@pytest.mark.parametrize(
    ("loss", "targets", "last"),
    [
        (nn.SoftmaxCrossEntropy(), LABELS, nn.Softmax()),
        (nn.SoftmaxCrossEntropy(), LABELS.astype(np.uint8), nn.Softmax()),
        (nn.SoftmaxCrossEntropy(), ONE_HOT, nn.Softmax()),
        (nn.SigmoidCrossEntropy(), ONE_HOT, nn.Sigmoid()),
        (nn.SigmoidCrossEntropy(), ONE_HOT.astype(bool), nn.Sigmoid()),
    ],
)
def test_a_final_activation_is_left_out_of_steps(loss, targets, last):
    """A step is that of `train`: not one of a softmax of a softmax."""
    plain, written = step_arguments(loss=loss, targets=targets), step_arguments(loss=loss, targets=targets)
    written["network"] = nn.Sequential([nn.Dense(3), last], (4,))
    value, grads = nn.loss_and_gradients(**plain)
    same_value, same_grads = nn.loss_and_gradients(**written)
    assert value == same_value and all(np.array_equal(grads[name], same_grads[name]) for name in grads)
    assert train_step(**plain) == train_step(**written) == value
    assert all(np.array_equal(plain["params"][name], written["params"][name]) for name in grads)


@pytest.mark.parametrize("function", [train_step, nn.loss_and_gradients])
def test_steps_refuse_the_activation_of_another_loss(function):
    with pytest.raises(ValueError, match=r"SigmoidCrossEntropy: expected a network that ends in Sigmoid\(\)"):
        network = nn.Sequential([nn.Dense(3), nn.Softmax()], (4,))
        function(**step_arguments(network=network, loss=nn.SigmoidCrossEntropy(), targets=ONE_HOT))


@pytest.mark.parametrize("checks", [True, False], ids=["the library's", "a user's own"])
def test_a_gradient_that_is_not_finite_ends_the_step(checks):
    """The optimizer may check it or not."""

    class Own(nn.optimizers.Optimizer):
        def init(self, params):
            return {}

        def update(self, params, grads, state, learning_rate_factor=1.0):
            raise AssertionError("it should not come so far")

    class Sharp(nn.SquaredError):
        def value_and_gradient(self, logits, targets, weights):
            value, gradient = super().value_and_gradient(logits, targets, weights)
            return value, gradient * np.float32(np.inf)

    arguments, optimizer = step_arguments(loss=Sharp(), targets=ONE_HOT), nn.Adam() if checks else Own()
    state = optimizer.init(arguments["params"])
    with pytest.raises(nn.TrainingDiverged, match=r"train_step: the gradient of 0\.\w+ was no longer finite"):
        nn.train_step(**arguments, optimizer=optimizer, optimizer_state=state)
    assert not checks or state["step"] == 0
