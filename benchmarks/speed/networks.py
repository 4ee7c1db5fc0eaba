"""What the subjects with networks share: networks, parameters, batches, and what a peer has to reproduce."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.networks import convolutional, fully_connected
from speed.case import Contender, Task

N_CLASSES = 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9
OUTPUT_TOLERANCES = {"float32": 1e-3, "bfloat16": 0.1}
"""Of probabilities, relative to the largest."""

CHANGE_TOLERANCES = {"float32": 0.03, "bfloat16": 0.3}
"""Of what steps change in a parameter, relative to its root of squares.

Rounding decides which of two nearly equal values max-pooling takes, and the gradient goes to that one alone: in a batch
of 128 all libraries in float32 differ from float64 by up to 0.007, in bfloat16 by up to 0.2. What is wrong differs by
more: without momentum by about a half, a missing gradient by 1."""

CHECK_STEPS, CHECK_LEARNING_RATE = 3, 0.1
"""Steps that everyone takes from the same parameters, without dropout, before anything is timed; large ones, so that
a wrong gradient shows in the parameters."""


def gated(n_classes: int) -> nn.Sequential:
    """Gated recurrent units over 100 steps of 40 features, the last state classified."""
    return nn.Sequential([nn.GRU(128), nn.Dense(n_classes), nn.Softmax()], input_shape=(100, 40))


def long_short_term_memory(n_classes: int) -> nn.Sequential:
    """The same with long short-term memory."""
    return nn.Sequential([nn.LSTM(128), nn.Dense(n_classes), nn.Softmax()], input_shape=(100, 40))


NETWORKS = {
    "convolutional": convolutional,
    "fully_connected": fully_connected,
    "gru": gated,
    "lstm": long_short_term_memory,
}

SGEMM = Contender("sgemm", "speed.peers.blas:sgemm", role="rate")


def network(task: Task) -> nn.Sequential:
    """The network of a task, ending in Softmax."""
    arguments = {"dropout": 0.0} if task.settings["network"] == "fully_connected" else {}
    return NETWORKS[task.settings["network"]](N_CLASSES, **arguments)


def without_dropout(net: nn.Sequential) -> nn.Sequential:
    """The same layers at the same places, none of which drops anything."""
    layers = [dataclasses.replace(layer, rate=0.0) if isinstance(layer, nn.Dropout) else layer for layer in net.layers]
    return nn.Sequential(layers, net.input_shape)


def prepare(task: Task) -> None:
    """Save parameters of unit variance, and samples with labels for all steps; as ONNX too, where that is possible."""
    net = network(task)
    n_samples = task.settings["batch"] * task.settings.get("n_batches", 1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_samples, *net.input_shape)).astype(np.float32)
    y = rng.integers(N_CLASSES, size=n_samples)
    params = nn.lsuv(net.until(-1), net.init(rng), x[:256])
    task.save(x=x, y=y)
    task.save("params", **params)
    task.save("torch", **nn.to_torch_state_dict(net, params))
    recurrent = isinstance(net.layers[0], (nn.GRU, nn.LSTM))  # there is no translation for them
    if importlib.util.find_spec("onnx") is not None and not recurrent:
        nn.to_onnx(task.folder / "network.onnx", (net, params))


def training_flops(net: nn.Sequential) -> float:
    """Multiplications and additions of a training step for one sample, done densely: forward, and two gradients of each
    layer but the first, whose input has none; its states have, if it is recurrent."""
    first = next(layer for layer in net.layers if hasattr(layer, "initializer"))
    place = net.layers.index(first)
    spared = first.multiply_adds(net.shapes[place])
    if isinstance(first, (nn.GRU, nn.LSTM)):
        steps, features = net.shapes[place]
        spared = steps * features * first.units * len(first.GATES)
    return 2.0 * (3 * net.multiply_adds() - spared)


def changes(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the steps of a check did to each parameter."""
    return {name: after[name].astype(np.float64) - before[name] for name in before}


def in_batches(task: Task, *arrays: Any) -> list[tuple[Any, ...]]:
    """Arrays cut into the task's batches."""
    size, count = task.settings["batch"], task.settings.get("n_batches", 1)
    return [tuple(array[k * size : (k + 1) * size] for array in arrays) for k in range(count)]


def flops_of(case_network: str, *, training: bool) -> float:
    """Of one sample, done densely."""
    net = NETWORKS[case_network](N_CLASSES)
    return training_flops(net) if training else 2.0 * net.multiply_adds()
