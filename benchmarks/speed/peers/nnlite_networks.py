"""This project's networks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import nnlite as nn
from speed import networks
from speed.case import Modes, Ready, Task


def training(task: Task) -> Modes:
    """Steps of gradient descent on batches that lie in memory."""

    def make() -> Ready:
        net = networks.network(task)
        arrays, params = task.arrays(), task.arrays("params")
        step = _Steps(net, params, networks.LEARNING_RATE)
        batches = networks.in_batches(task, arrays["x"], arrays["y"])

        def run() -> None:
            for x, y in batches:
                step(x, y)

        return Ready(run, lambda: _checked(networks.without_dropout(net), task))

    return {"": make}


def plain_training(task: Task) -> Modes:
    """The reference: the layers as written, one after the other, in float64."""

    def make() -> Ready:
        net = networks.without_dropout(networks.network(task))
        plain = nn.Sequential(net.layers, net.input_shape, fuse=False)
        return Ready(lambda: None, lambda: _checked(plain, task, np.float64), slow=True)

    return {"float64, layer by layer": make}


def inference(task: Task) -> Modes:
    """Probabilities of a batch."""

    def make() -> Ready:
        net = networks.network(task)
        x, params = task.arrays()["x"], net.prepare(task.arrays("params"))

        def run() -> np.ndarray:
            return nn.predict(net, params, x, n_threads=task.threads)

        return Ready(run, lambda: {"probabilities": run()})

    return {"": make}


def plain_inference(task: Task) -> Modes:
    """The reference: the layers as written, one after the other, in float64."""

    def make() -> Ready:
        net = networks.network(task)
        plain = nn.Sequential(net.layers, net.input_shape, fuse=False)
        params = {name: array.astype(np.float64) for name, array in task.arrays("params").items()}
        x = task.arrays()["x"].astype(np.float64)
        return Ready(lambda: None, lambda: {"probabilities": nn.predict(plain, params, x)}, slow=True)

    return {"float64, layer by layer": make}


class _Steps:
    """Gradient descent with momentum from some parameters on."""

    def __init__(self, net: nn.Sequential, params: dict[str, np.ndarray], learning_rate: float) -> None:
        self.net = net.until(-1)
        self.params = {name: array.copy() for name, array in params.items()}
        self.loss = nn.SoftmaxCrossEntropy()
        self.optimizer = nn.SGD(learning_rate, momentum=networks.MOMENTUM)
        self.state = self.optimizer.init(self.params)
        self.count = itertools.count()

    def __call__(self, x: np.ndarray, y: np.ndarray) -> Any:
        return nn.train_step(
            self.net,
            self.params,
            x,
            y,
            np.full(len(x), 1 / len(x)),
            loss=self.loss,
            optimizer=self.optimizer,
            optimizer_state=self.state,
            seed=(0, next(self.count)),
        )


def _checked(net: nn.Sequential, task: Task, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """What the steps of the check change, under the names and in the order of axes that PyTorch has."""
    arrays = task.arrays()
    before = {name: array.astype(dtype) for name, array in task.arrays("params").items()}
    steps = _Steps(net, before, networks.CHECK_LEARNING_RATE)
    x, y = networks.in_batches(task, arrays["x"].astype(dtype), arrays["y"])[0]
    for _ in range(networks.CHECK_STEPS):
        steps(x, y)
    first, last = (nn.to_torch_state_dict(net, params) for params in (before, steps.params))
    return networks.changes(first, last)
