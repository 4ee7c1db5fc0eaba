"""The first training step of a new process, from importing the library on. Each function imports what it needs."""

from __future__ import annotations

import math


def nnlite(way: str, quick: bool) -> None:
    """A step with this project."""
    import numpy as np

    import nnlite as nn
    from filmscore.networks import convolutional

    rng = np.random.default_rng(0)
    batch = 8 if quick else 128
    net = convolutional(10)
    params = net.init(rng)
    x = rng.standard_normal((batch, *net.input_shape)).astype(np.float32)
    y = rng.integers(10, size=batch)
    settings = {"loss": nn.SoftmaxCrossEntropy(), "optimizer": nn.SGD(0.01, momentum=0.9)}
    (epoch,) = nn.train(net, params, x, y, **settings, max_epochs=1, batch_size=batch)
    _check(epoch.loss)


def torch(way: str, quick: bool) -> None:
    """The same step with PyTorch, eager or compiled."""
    import torch
    from torch import nn as tnn

    layers: list[tnn.Module] = []
    channels = 1
    for filters, size, rate in ((32, 5, 0.1), (64, 3, 0.2), (128, 2, 0.3), (256, 2, 0.4)):
        layers += [tnn.Conv2d(channels, filters, size), tnn.Sigmoid(), tnn.MaxPool2d(2), tnn.Dropout(rate)]
        channels = filters
    layers += [tnn.Flatten(), tnn.Linear(1280, 50), tnn.Sigmoid(), tnn.Dropout(0.5), tnn.Linear(50, 50), tnn.Sigmoid()]
    model = tnn.Sequential(*layers, tnn.Linear(50, 10))
    forward = torch.compile(model) if way == "compiled" else model
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    batch = 8 if quick else 128
    x, y = torch.randn(batch, 1, 40, 100), torch.randint(10, (batch,))
    loss = tnn.functional.cross_entropy(forward(x), y)
    loss.backward()
    optimizer.step()
    _check(loss.item())


def _check(loss: float) -> None:
    if not math.isfinite(loss):
        raise ArithmeticError(f"expected a finite loss, got {loss}")
