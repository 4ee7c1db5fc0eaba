"""Augmentation and mixup in training: against a loop, at any number of threads, from a file, after an interruption."""

from functools import partial

import numpy as np
import pytest

import nnlite as nn
from nnlite.augmentation import mixup_draws, spec_augment, time_shift
from nnlite.training.batches import MIXUP, TrainingBatch, mixed

NET = nn.Sequential([nn.Conv2D(4, 3), nn.ReLU(), nn.Flatten(), nn.Dense(3)], (6, 9, 1))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 6, 9, 1)).astype(np.float32)
Y = RNG.integers(0, 3, 90)


def augment(x, rng):
    return spec_augment(time_shift(x, rng, most=2), rng, max_frames=3, max_bands=2)


def trained(x=X, y=Y, cut=None, n_threads=None, loss=None, **settings):
    params = NET.init(np.random.default_rng(1))
    optimizer = nn.MovingAverage(nn.AdamW(0.01), 0.9)
    state = optimizer.init(params)
    losses = []
    for first, last in ((0, 4),) if cut is None else ((0, cut), (cut, 4)):
        epochs = nn.train(
            NET, params, x, y, loss=loss or nn.SoftmaxCrossEntropy(0.1), optimizer=optimizer, max_epochs=4,
            batch_size=40, optimizer_state=state, first_epoch=first, n_threads=n_threads,
            schedule=nn.OneCycle(), **settings,
        )  # fmt: skip
        for epoch in epochs:
            losses.append(epoch.loss)
            if epoch.number + 1 == last:
                break
    return params | state | {"losses": np.array(losses)}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("settings", [{"transform": augment}, {"mixup": 0.3}, {"transform": augment, "mixup": 0.3}])
def test_one_seed_gives_the_same_bits(settings, tmp_path):
    plain, expected = trained(), trained(**settings)
    assert any((plain[name] != array).any() for name, array in expected.items())
    assert_same(trained(n_threads=1, **settings), expected)
    assert_same(trained(n_threads=3, **settings), expected)
    assert_same(trained(cut=2, **settings), expected)
    np.save(tmp_path / "x.npy", X)
    assert_same(trained(np.load(tmp_path / "x.npy", mmap_mode="r"), **settings), expected)
    assert any((trained(seed=1, **settings)[name] != array).any() for name, array in expected.items())


@pytest.mark.parametrize("kind", ["indices", "distributions", "sigmoid", "squared"])
def test_the_loss_of_a_mixed_batch_has_the_gradient_of_both_losses(kind):
    """sum of s v loss(target) + (1 - s) w loss(partner's target), by two calls of the loss."""
    rng = np.random.default_rng(2)
    loss = {"sigmoid": nn.SigmoidCrossEntropy(0.1), "squared": nn.SquaredError()}.get(kind, nn.SoftmaxCrossEntropy(0.1))
    if kind == "indices":
        targets = rng.integers(0, 3, 12)
    else:
        targets = rng.dirichlet(np.ones(3), 12)
    weights, rows, x = rng.random(12), rng.permutation(12)[:8], rng.random((12, 2))
    weights[rows[:3]] = 0.0
    batch = TrainingBatch(x, rows, targets[rows], weights[rows], None)
    actual = mixed(batch, 0.5, np.random.default_rng(5), loss, 3, np.float64)
    partners, shares = mixup_draws(8, 0.5, np.random.default_rng(5))
    logits = rng.standard_normal((8, 3))
    own = loss.value_and_gradient(logits, targets[rows], shares * weights[rows])
    other = loss.value_and_gradient(logits, targets[rows[partners]], (1 - shares) * weights[rows[partners]])
    value, gradient = loss.value_and_gradient(logits, actual.targets, actual.weights)
    np.testing.assert_allclose(gradient, own[1] + other[1], rtol=1e-12, atol=1e-15)
    if kind != "squared":  # there a constant is missing
        assert value == pytest.approx(own[0] + other[0])
    read = actual(slice(2, 6), rng)
    for k, sample in zip(range(2, 6), read, strict=True):
        expected = shares[k] * x[rows[k]] + (1 - shares[k]) * x[rows[partners[k]]]
        np.testing.assert_allclose(sample, expected, rtol=1e-14)


def test_a_step_of_mixup_is_one_by_hand():
    params, state = NET.init(np.random.default_rng(1)), {}
    (epoch,) = nn.train(
        NET, params, X[:30], Y[:30], loss=nn.SoftmaxCrossEntropy(), optimizer=nn.SGD(0.1), max_epochs=1, mixup=0.4,
        optimizer_state=state, seed=7,
    )  # fmt: skip
    order = np.random.default_rng((7, 0)).permutation(30)
    partners, shares = mixup_draws(30, 0.4, np.random.default_rng((7, 0, 0, MIXUP)))
    s = shares[:, None]
    x = s[:, :, None, None] * X[order] + (1 - s)[:, :, None, None] * X[order[partners]]
    targets = s * np.eye(3)[Y[order]] + (1 - s) * np.eye(3)[Y[order[partners]]]
    by_hand = NET.init(np.random.default_rng(1))
    value = nn.train_step(
        NET, by_hand, x.astype(np.float32), targets.astype(np.float32), np.full(30, 1 / 30),
        loss=nn.SoftmaxCrossEntropy(), optimizer=nn.SGD(0.1), optimizer_state={},
    )  # fmt: skip
    assert epoch.loss == pytest.approx(value, rel=1e-6)
    for name, array in params.items():
        np.testing.assert_allclose(array, by_hand[name], atol=1e-6)


def test_wrong_settings():
    run = partial(nn.train, NET, NET.init(RNG), X, Y, optimizer=nn.SGD(), max_epochs=1)
    with pytest.raises(ValueError, match="train: mixup: expected a finite number of 0 or more, got -1"):
        next(run(loss=nn.SoftmaxCrossEntropy(), mixup=-1))

    class Own:
        def targets(self, y, n_outputs, dtype):
            return y

        def value_and_gradient(self, logits, targets, weights):
            return 0.0, logits

    with pytest.raises(TypeError, match="train: mixup: needs a loss with a method mix"):
        next(run(loss=Own(), mixup=0.2))
