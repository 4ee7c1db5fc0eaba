"""Training held against PyTorch: the published networks at full size, parameter by parameter and step by step.

Behind each step stand the same parameters, batch, learning rate and momentum. In float64 all agrees to the last
digits. In float32 the two round differently, and where two values in a window of max-pooling are equal up to that, they
may choose different ones: that is no rounding of a gradient any more, but another path for it. So PyTorch is told there
which value was chosen, and it is checked that none was larger by more than rounding.
"""

import numpy as np
import pytest

import nnlite as nn
from filmscore.networks import convolutional, fully_connected
from nnlite.network.shards import shards

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")

from filmscore.torch_network import Dropout, TorchNetwork, set_learning_rate, torch_loss, torch_sgd  # noqa: E402
from filmscore.torch_twin import TorchTwin  # noqa: E402

BATCH, STEPS_OF_EPOCH, EPOCHS, SEED = 8, 5, 4, 3
N_SAMPLES = BATCH * STEPS_OF_EPOCH
SHARDS = shards(BATCH)
OUTPUTS = {"softmax": (nn.Softmax(), nn.SoftmaxCrossEntropy()), "logistic": (nn.Sigmoid(), nn.SigmoidCrossEntropy())}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def samples(dtype, shares):
    """Tiles in which ten classes can be told apart, and their labels; `shares` divides a sample's labels by their
    number."""
    rng = np.random.default_rng(0)
    labels = rng.random((N_SAMPLES, 10)) < 0.3
    labels[~labels.any(axis=1), 0] = True
    patterns = rng.standard_normal((10, 40, 100, 1))
    tiles = np.tensordot(labels, patterns, 1) + rng.standard_normal((N_SAMPLES, 40, 100, 1))
    labels = labels / labels.sum(axis=1, keepdims=True) if shares else labels
    return (tiles / tiles.std()).astype(dtype), labels.astype(dtype)


def swap(network, kind, make):
    """Put modules in the place of those of a kind; returns them."""
    new = []
    for index, module in enumerate(network.layers):
        if isinstance(module, kind):
            new.append(make(module))
            network.layers[index] = new[-1]
    return new


class GivenPool(torch.nn.Module):
    """Max-pooling of 2 x 2 that is told which value to choose."""

    def forward(self, x):
        windows = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        chosen = windows.gather(4, self.places.unsqueeze(4)).squeeze(4)
        assert (windows.amax(dim=4) - chosen < 1e-5).all(), "a larger value was not chosen"
        return chosen


def with_given_maxima(theirs):
    """Let PyTorch choose as the network here does; returns what is to be called before each step."""
    pools = swap(theirs, torch.nn.MaxPool2d, lambda module: GivenPool())

    def before_step(params, x, seed):
        plan = theirs.network.plan
        caches = theirs.network.forward(params, x, np.random.default_rng(0))[1]
        chosen = [
            cache[1] for step, cache in zip(plan, caches, strict=True) if isinstance(step.layer, nn.ConvMaxPool2D)
        ]
        for pool, places in zip(pools, chosen, strict=True):
            pool.places = torch.from_numpy(places.transpose(0, 3, 1, 2).astype(np.int64))

    return before_step


class GivenDropout(Dropout):
    """Dropout with the masks of the training here: a hash of the position, with two words of noise for each shard."""

    def kept(self, x):
        shape = x.permute(0, 2, 3, 1).shape if x.ndim == 4 else x.shape
        hashes = [
            hashed((part.stop - part.start, *shape[1:]), key) for part, key in zip(SHARDS, self.keys, strict=True)
        ]
        kept = torch.from_numpy(np.concatenate(hashes) >= round(self.rate * 2**32))
        return kept.permute(0, 3, 1, 2) if x.ndim == 4 else kept


def hashed(shape, key):
    """As in `tests.naive.dropout`, for all positions at once."""
    h = np.arange(np.prod(shape), dtype=np.uint32) ^ key[0]
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x7FEB352D)
    h = (h ^ h >> np.uint32(15)) + key[1]
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x846CA68B)
    return (h ^ h >> np.uint32(16)).reshape(shape)


def with_given_masks(theirs):
    """Let PyTorch drop what the network here drops; returns what is to be called before each step."""
    dropouts = swap(theirs, Dropout, lambda module: GivenDropout(module.rate, module.rest, module.generator))

    def before_step(params, x, seed):
        seeds = [np.random.SeedSequence((*seed, shard)) for shard in range(len(SHARDS))]
        noise = [np.random.Generator(np.random.SFC64(each)) for each in seeds]
        for dropout in dropouts:
            dropout.keys = [rng.integers(2**32, size=2, dtype=np.uint32) for rng in noise]

    return before_step


def trained_on_both_sides(network, loss, dtype, change=lambda theirs: None):
    """Parameters at the start, and after each step (those here, those in PyTorch)."""
    x, y = samples(dtype, isinstance(loss, nn.SoftmaxCrossEntropy))
    start = nn.lsuv(network, network.init(np.random.default_rng(1), np.float64), x)
    params = {name: value.astype(dtype) for name, value in start.items()}
    theirs = TorchNetwork(network, params, torch.Generator())
    before_step = change(theirs)
    optimizer, schedule = nn.SGD(0.01, momentum=0.9), nn.LinearDecay()
    descent, loss_there = torch_sgd(optimizer, theirs), torch_loss(loss)
    shares = torch.full((BATCH,), 1 / BATCH, dtype=torch.from_numpy(x).dtype)
    states = [(copied(params), copied(params))]

    def step_there(done, n_steps):
        epoch, step = divmod(len(states) - 1, n_steps)
        rows = np.random.default_rng((SEED, epoch)).permutation(N_SAMPLES)[step * BATCH : (step + 1) * BATCH]
        if before_step is not None:
            before_step(states[-1][0], x[rows], (SEED, epoch, step))
        descent.zero_grad()
        loss_there(theirs(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]), shares).backward()
        set_learning_rate(descent, 0.01 * schedule(epoch + step / n_steps, EPOCHS))
        descent.step()
        states.append((copied(params), theirs.params))

    settings = {"schedule": schedule, "max_epochs": EPOCHS, "batch_size": BATCH, "seed": SEED, "on_step": step_there}
    for _ in nn.train(network, params, x, y, loss=loss, optimizer=optimizer, **settings):
        pass
    assert len(states) == 21
    return states


def copied(params):
    return {name: value.copy() for name, value in params.items()}


def distance(a, b):
    """Between all parameters, in float64."""
    return np.sqrt(sum(np.square(a[name].astype(np.float64) - b[name]).sum() for name in a))


def off(states):
    """After each step, how far the two sides are apart, as a share of how far they have come."""
    start = states[0][0]
    return [distance(here, there) / distance(there, start) for here, there in states[1:]]


NETWORKS = {
    "convolutional": lambda output: convolutional(10, output=output, dropout=False),
    "fully connected": lambda output: fully_connected(10, output=output, dropout=0),
}


def logits_network(make, output):
    return nn.Sequential(make(output).layers[:-1], (40, 100, 1))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("network", NETWORKS)
def test_twenty_steps_agree_in_float64(network, output):
    end, loss = OUTPUTS[output]
    states = trained_on_both_sides(logits_network(NETWORKS[network], end), loss, np.float64)
    assert distance(states[-1][0], states[0][0]) > 0.5
    assert max(off(states)) < 1e-11


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("network", NETWORKS)
def test_twenty_steps_agree_to_rounding_in_float32(network, output):
    end, loss = OUTPUTS[output]
    states = trained_on_both_sides(logits_network(NETWORKS[network], end), loss, np.float32, with_given_maxima)
    for here, there in states[1:]:
        for name, value in here.items():
            largest = np.abs(value).max()
            np.testing.assert_allclose(value, there[name], rtol=0, atol=32 * np.spacing(largest), err_msg=name)
    assert max(off(states)) < 1e-4


def test_twenty_steps_agree_with_the_same_dropout():
    network = logits_network(lambda output: convolutional(10, output=output, rest=0.5), nn.Softmax())
    states = trained_on_both_sides(network, nn.SoftmaxCrossEntropy(), np.float64, with_given_masks)
    assert max(off(states)) < 1e-11


# --- The whole training, by both --------------------------------------------------------------------------------------


def small_study(n_samples=360):
    """(tiles, labels) of three classes that are only partly to be told apart, 12 coefficients x 16 frames."""
    rng = np.random.default_rng(0)
    labels = rng.random((n_samples, 3)) < 0.4
    labels[~labels.any(axis=1), 0] = True
    patterns = rng.standard_normal((3, 12, 16, 1))
    tiles = 0.3 * np.tensordot(labels, patterns, 1) + rng.standard_normal((n_samples, 12, 16, 1))
    return (40 * tiles + 10).astype(np.float32), labels.astype(np.float32)


CONVOLUTION = [nn.Conv2D(8, 3), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.3, 0.5)]
HIDDEN = [nn.Flatten(), nn.Dense(12), nn.Sigmoid()]


def small_classifier(seed, layers, **settings):
    return nn.NetworkClassifier(
        nn.Sequential([*layers, nn.Dense(3), nn.Softmax()], (12, 16, 1)),
        **{"optimizer": nn.SGD(0.05, momentum=0.9), "schedule": nn.LinearDecay(), "init": "lsuv", "batch_size": 32}
        | {"standardize_axes": (0, 2), "max_epochs": 12, "random_state": seed, "n_threads": 1}
        | settings,
    )


def said(model, tiles, labels, sample_weight=None):
    """Values for the test rows of a model trained on the others."""
    train, validation, test = np.split(np.arange(len(tiles)), [200, 260])
    held_out = (nn.Rows(tiles, validation), labels[validation])
    model.fit(nn.Rows(tiles, train), labels[train], sample_weight, validation_data=held_out)
    return model.predict_proba(nn.Rows(tiles, test)), labels[test]


@pytest.mark.parametrize("settings", [{}, {"loss": nn.SoftmaxCrossEntropy(label_smoothing=0.1), "patience": 3}])
def test_without_dropout_both_say_the_same(settings):
    tiles, labels = small_study()
    weight = np.random.default_rng(1).choice([0.0, 0.5, 2.0], 200)
    here, there = small_classifier(1, HIDDEN, **settings), TorchTwin(small_classifier(1, HIDDEN, **settings))
    ours, theirs = said(here, tiles, labels, weight)[0], said(there, tiles, labels, weight)[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours.std(axis=0).min() > 0.05
    assert len(here.history_) == len(there.history_)
    for mine, other in zip(here.history_, there.history_, strict=True):
        assert mine.keys() == other.keys()
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert mine["learning_rate"] == pytest.approx(other["learning_rate"])
        assert mine["val_loss"] == pytest.approx(other["val_loss"], rel=1e-5)
    assert here.best_epoch_ == there.best_epoch_
    for name, value in here.params_.items():
        np.testing.assert_allclose(value, there.params_[name], atol=1e-5)


def test_with_dropout_the_metric_agrees_within_the_spread_of_seeds():
    """Ten trainings on each side, each with its own masks: the means differ by less than three standard errors."""
    tiles, labels = small_study()
    layers = [*CONVOLUTION, *HIDDEN, nn.Dropout(0.5, 0.5)]
    scores = np.zeros((2, 10))
    for seed in range(10):
        models = small_classifier(seed, layers), TorchTwin(small_classifier(seed, layers))
        for side, model in enumerate(models):
            values, truth = said(model, tiles, labels)
            scores[side, seed] = nn.metrics.roc_auc(truth, values)
    error = np.sqrt(scores.var(axis=1, ddof=1).sum() / 10)
    assert 0.6 < scores.mean() < 0.95
    assert abs(scores[0].mean() - scores[1].mean()) < 3 * error


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": nn.Adam()}, "torch_sgd: optimizer: expected SGD without"),
        ({"optimizer": nn.SGD(0.1, clip_norm=1)}, "torch_sgd: optimizer: expected SGD without"),
        (
            {
                "loss": nn.SigmoidCrossEntropy(pos_weight=(1, 2, 3)),
                "network": nn.Sequential([*HIDDEN, nn.Dense(3)], (12, 16, 1)),
            },
            "torch_loss: loss: expected",
        ),
        (
            {"network": nn.Sequential([nn.Conv2D(2, 3, padding="same"), nn.Flatten(), nn.Dense(3)], (12, 16, 1))},
            "Conv2D",
        ),
    ],
)
def test_what_pytorch_is_not_given_is_refused(settings, message):
    tiles, labels = small_study()
    classifier = small_classifier(0, HIDDEN)
    for name, value in settings.items():
        setattr(classifier, name, value)
    with pytest.raises(TypeError, match=message):
        said(TorchTwin(classifier), tiles, labels)
    with pytest.raises(ValueError, match="validation_data: expected"):
        TorchTwin(classifier).fit(tiles, labels)
