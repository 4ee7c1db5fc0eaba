"""Networks, losses and optimizers of nnlite as PyTorch writes them. Needs torch (`pip install 'nnlite[torch]'`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn as tnn
from torch.nn import functional

import nnlite as nn
from nnlite.layers.base import Layer

Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Dropout(tnn.Module):
    """A module for `nnlite.Dropout`: a dropped unit becomes `rest`, and the others' distance from it is scaled."""

    def __init__(self, rate: float, rest: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.rest, self.generator = rate, rest, generator

    def kept(self, x: torch.Tensor) -> torch.Tensor:
        """Return a mask of the values that stay."""
        return torch.rand(x.shape, generator=self.generator) >= self.rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        rest = torch.as_tensor(self.rest, dtype=x.dtype)
        return torch.where(self.kept(x), rest + (x - rest) / (1 - self.rate), rest)


class TorchNetwork(tnn.Module):
    """The layers of a network, in PyTorch, with the same parameters; batches are channels-last, as nnlite has them.

    Parameters
    ----------
    network : Sequential
        Without the final activation that the loss absorbs.
    params : dict
        Parameters of the network, in float32 or float64.
    generator : torch.Generator
        The source of the dropout masks.
    """

    def __init__(self, network: nn.Sequential, params: dict[str, np.ndarray], generator: torch.Generator) -> None:
        super().__init__()
        self.network = network
        pairs = zip(network.layers, network.shapes, strict=False)
        self.layers = tnn.Sequential(*(_module(layer, shape, generator) for layer, shape in pairs))
        self.to(torch.from_numpy(next(iter(params.values()))).dtype)
        self.load(params)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.permute(0, 3, 1, 2) if x.ndim == 4 else x)

    @property
    def params(self) -> dict[str, np.ndarray]:
        """A copy of the parameters, by the names and in the order of axes that nnlite has for them."""
        return nn.from_torch_state_dict(self.network, self.layers.state_dict())

    def load(self, params: dict[str, np.ndarray]) -> None:
        """Take over parameters of the network."""
        arrays = nn.to_torch_state_dict(self.network, params)
        self.layers.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})


def torch_loss(loss: Any) -> Loss:
    """Return ``f(logits, targets, weights)``, the loss of a batch; weights that add up to 1 make it a mean."""
    smoothing = getattr(loss, "label_smoothing", 0.0)
    match loss:
        case nn.SoftmaxCrossEntropy():

            def value(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
                per_sample = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
                return (weights * per_sample).sum()

        case nn.SigmoidCrossEntropy(pos_weight=None):

            def value(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
                smoothed = (1 - smoothing) * targets + smoothing / 2
                per_label = functional.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
                return (weights * per_label.sum(dim=1)).sum()

        case _:
            raise TypeError(
                f"torch_loss: loss: expected SoftmaxCrossEntropy or SigmoidCrossEntropy without pos_weight, got {loss}."
            )
    return value


def torch_sgd(optimizer: Any, module: tnn.Module) -> torch.optim.SGD:
    """Return the same SGD in PyTorch; its learning rate must be set before each step."""
    if not isinstance(optimizer, nn.SGD) or optimizer.weight_decay or optimizer.clip_norm is not None:
        raise TypeError(f"torch_sgd: optimizer: expected SGD without weight_decay and clip_norm, got {optimizer!r}.")
    return torch.optim.SGD(
        module.parameters(), optimizer.learning_rate, momentum=optimizer.momentum, nesterov=optimizer.nesterov
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def _module(layer: Layer, input_shape: tuple[int, ...], generator: torch.Generator) -> tnn.Module:
    match layer:
        case nn.Conv2D(padding="valid"):
            return tnn.Conv2d(input_shape[2], layer.filters, layer.kernel, layer.steps)
        case nn.MaxPool2D():
            return tnn.MaxPool2d(layer.window, layer.steps)
        case nn.Dense():
            return tnn.Linear(input_shape[-1], layer.units)
        case nn.Dropout():
            return Dropout(layer.rate, layer.rest, generator)
        case nn.Flatten():
            return tnn.Flatten()
        case nn.Sigmoid():
            return tnn.Sigmoid()
        case nn.Tanh():
            return tnn.Tanh()
        case nn.ReLU():
            return tnn.ReLU()
    raise TypeError(f"TorchNetwork: network: expected layers of the published networks, got {layer!r}.")
