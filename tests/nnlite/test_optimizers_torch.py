"""Optimizers against PyTorch's, step by step, with a schedule's factors; and gradients that are added up."""

import tracemalloc

import numpy as np
import pytest

import nnlite as nn
from nnlite.optimizers import SGD, Adam, AdamW, GradientAccumulation, MovingAverage
from tests.nnlite.optimizer_cases import random_arrays

torch = pytest.importorskip("torch")

FACTORS = (1.0, 0.5, 0.25, 1.0, 2.0, 0.0, 1.0)


def both(optimizer, make, clip_norm=None, each_step=lambda modules: None):
    """Parameters after some steps: ours with the state, and theirs by name."""
    params = random_arrays(20)
    theirs = {name: torch.nn.Parameter(torch.tensor(p)) for name, p in params.items()}
    weights = [p for name, p in theirs.items() if params[name].ndim >= 2]
    others = [p for name, p in theirs.items() if params[name].ndim < 2]
    reference, state = make(weights, others), optimizer.init(params)
    rates = [group["lr"] for group in reference.param_groups]
    for step, factor in enumerate(FACTORS):
        grads = random_arrays([21, step])
        optimizer.update(params, grads, state, factor)
        for name, p in theirs.items():
            p.grad = torch.tensor(grads[name])
        for group, rate in zip(reference.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(theirs.values(), clip_norm)
        reference.step()
        each_step(theirs)
    return params, state, {name: p.detach().numpy() for name, p in theirs.items()}


def groups(weights, others, decay):
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.5])
@pytest.mark.parametrize("kind", ["SGD", "Nesterov", "Adam", "AdamW"])
def test_steps_are_theirs(kind, decay):
    ours, theirs = {
        "SGD": (SGD(0.1, 0.9, weight_decay=decay), lambda p: torch.optim.SGD(p, 0.1, 0.9)),
        "Nesterov": (SGD(0.1, 0.9, True, decay), lambda p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True)),
        "Adam": (Adam(0.1, weight_decay=decay), lambda p: torch.optim.Adam(p, 0.1)),
        "AdamW": (AdamW(0.1, weight_decay=decay), lambda p: torch.optim.AdamW(p, 0.1)),
    }[kind]
    params, _, expected = both(ours, lambda weights, others: theirs(groups(weights, others, decay)))
    for name, p in params.items():
        np.testing.assert_allclose(p, expected[name], rtol=1e-12, atol=1e-12)


def test_the_norm_of_all_gradients_is_clipped_as_theirs():
    """They add 1e-6 to the norm."""
    make = lambda weights, others: torch.optim.AdamW(groups(weights, others, 0.01), 0.1)  # noqa: E731
    params, _, expected = both(AdamW(0.1, clip_norm=0.5), make, clip_norm=0.5)
    for name, p in params.items():
        np.testing.assert_allclose(p, expected[name], rtol=1e-5, atol=1e-6)


def test_an_average_is_theirs():
    def averaged(average, p, steps):
        return average + (1 - min(0.9, (1 + float(steps + 1)) / (10 + float(steps + 1)))) * (p - average)

    model = torch.nn.ParameterDict({name: torch.tensor(p) for name, p in random_arrays(20).items()})
    reference = torch.optim.swa_utils.AveragedModel(model, avg_fn=averaged)
    reference.n_averaged += 1  # it would take the first parameters as they are; ours begins with the initial ones
    steps = [-1]

    def follow(theirs):
        steps[0] += 1
        for name, p in theirs.items():
            model[name].data = p.detach().clone()
        reference.n_averaged.fill_(steps[0] or 1)
        if steps[0]:
            reference.update_parameters(model)
        else:  # it has no formula for step 0
            for name, p in reference.module.items():
                p.data = averaged(p.data, model[name].data, 0)

    optimizer = MovingAverage(SGD(0.1, 0.9), 0.9)
    make = lambda weights, others: torch.optim.SGD([*weights, *others], 0.1, 0.9)  # noqa: E731
    params, state, expected = both(optimizer, make, each_step=follow)
    average = optimizer.averaged(params, state)
    for name, p in params.items():
        np.testing.assert_allclose(p, expected[name], rtol=1e-12)
        np.testing.assert_allclose(average[name], reference.module[name].detach().numpy(), rtol=1e-12, atol=1e-15)
        assert (average[name] != p).all()


def test_gradients_of_four_batches_are_added_up_as_theirs():
    many = [random_arrays([50, batch]) for batch in range(8)]
    params = random_arrays(20)
    theirs = {name: torch.nn.Parameter(torch.tensor(p)) for name, p in params.items()}
    optimizer, reference = (
        GradientAccumulation(AdamW(0.1, weight_decay=0), 4),
        torch.optim.AdamW(theirs.values(), 0.1, weight_decay=0),
    )
    state = optimizer.init(params)
    for k, grads in enumerate(many):
        optimizer.update(params, grads, state)
        for name, p in theirs.items():
            (p * torch.tensor(grads[name]) / 4).sum().backward()
        if k % 4 == 3:
            reference.step()
            reference.zero_grad()
    for name, p in params.items():
        np.testing.assert_allclose(p, theirs[name].detach().numpy(), rtol=1e-12, atol=1e-12)


def test_a_large_batch_is_what_they_add_up_over_small_ones():
    """Gradients of a batch are added up shard by shard: a batch of any size takes the memory of some shards."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((512, 12, 12, 2)), rng.integers(0, 3, 512)
    net = nn.Sequential([nn.Conv2D(4, 3), nn.ReLU(), nn.GlobalAveragePooling(), nn.Dense(3)], (12, 12, 2))
    params = net.init(rng, np.float64)
    _, grads = nn.loss_and_gradients(net, params, x, y, np.full(512, 1 / 512), nn.SoftmaxCrossEntropy())
    kernel = torch.tensor(params["0.weight"].transpose(3, 2, 0, 1).copy(), requires_grad=True)
    bias, weight, last = (torch.tensor(params[name], requires_grad=True) for name in ("0.bias", "3.weight", "3.bias"))
    for k in range(0, 512, 64):
        images = torch.tensor(x[k : k + 64].transpose(0, 3, 1, 2).copy())
        hidden = torch.relu(torch.nn.functional.conv2d(images, kernel, bias)).mean((2, 3))
        loss = torch.nn.functional.cross_entropy(hidden @ weight + last, torch.tensor(y[k : k + 64]))
        (loss / 8).backward()
    np.testing.assert_allclose(grads["0.weight"], kernel.grad.numpy().transpose(2, 3, 1, 0), rtol=1e-9, atol=1e-12)
    for name, theirs in (("0.bias", bias), ("3.weight", weight), ("3.bias", last)):
        np.testing.assert_allclose(grads[name], theirs.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_memory_of_a_batch_does_not_grow_with_it():
    net = nn.Sequential([nn.Conv2D(8, 3), nn.ReLU(), nn.GlobalAveragePooling(), nn.Dense(3)], (20, 20, 2))
    params, peaks = net.init(np.random.default_rng(0)), []
    for n in (128, 1024):
        x, y, weights = np.zeros((n, 20, 20, 2), np.float32), np.zeros(n, int), np.full(n, 1 / n)
        for _ in range(2):  # the first compiles
            tracemalloc.start()
            nn.loss_and_gradients(net, params, x, y, weights, nn.SoftmaxCrossEntropy(), n_threads=1)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 0.01 * x.nbytes  # some bookkeeping for each shard
