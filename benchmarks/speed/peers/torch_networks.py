"""PyTorch: eager and compiled, both memory formats, float32 and bfloat16."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import nn as tnn

import nnlite as nn
from speed import networks
from speed.case import Modes, Ready, Task
from speed.machine import vectors

LAYOUTS = {"NCHW": torch.contiguous_format, "channels-last": torch.channels_last}
PRECISIONS = ("float32", "bfloat16")
COMPILED: dict[str, dict[str, Any]] = {"compiled": {}}
FROZEN: dict[str, dict[str, Any]] = {
    "compiled with frozen parameters": {"freezing": True},
    "compiled with frozen parameters and autotuned": {"freezing": True, "max_autotune": True},
}
"""Further ways to compile, for inference: parameters become constants."""


class LastState:
    """In front of a recurrent module: its output is that of the last step."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs, _ = super().forward(x)  # type: ignore[misc]
        return outputs[:, -1]


class LastStateOfGRU(LastState, tnn.GRU):  # type: ignore[misc]
    """Gated recurrent units."""


class LastStateOfLSTM(LastState, tnn.LSTM):  # type: ignore[misc]
    """Long short-term memory."""


def training(task: Task) -> Modes:
    """Steps of gradient descent on batches that lie in memory."""
    return _modes(task, COMPILED, _training)


def inference(task: Task) -> Modes:
    """Probabilities of a batch."""
    return _modes(task, COMPILED | FROZEN, _inference)


def _modes(task: Task, compiled: dict[str, dict[str, Any]], make: Callable[..., Ready]) -> Modes:
    torch.set_num_threads(task.threads)
    # Each mode compiles the same code for other guards; beyond the limit PyTorch would silently go on uncompiled.
    torch._dynamo.config.recompile_limit = 64
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    images = len(networks.network(task).shapes[1]) == 3
    modes: Modes = {}
    for way, layout, precision in itertools.product(("eager", *compiled), LAYOUTS if images else ("",), PRECISIONS):
        if precision == "bfloat16" and way != "eager" and "bf16" not in vectors():
            continue  # emulated: takes PyTorch minutes to compile, and then longer than float32
        name = ", ".join(filter(None, (way, layout, precision)))
        modes[name] = functools.partial(make, task, compiled.get(way), layout, precision)
    return modes


def _training(task: Task, compiled: dict[str, Any] | None, layout: str, precision: str) -> Ready:
    model = _model(task, layout)[:-1]  # the loss absorbs the softmax
    batches = [(_samples(x, layout), torch.from_numpy(y)) for x, y in _batches(task)]
    forward = model if compiled is None else torch.compile(model, options=compiled)
    loss_of = tnn.CrossEntropyLoss()

    def step(optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with _precision(precision):
            loss = loss_of(forward(x), y)
        loss.backward()
        optimizer.step()

    def descent(learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), learning_rate, momentum=networks.MOMENTUM, fused=True)

    def state() -> dict[str, np.ndarray]:
        return {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}

    def result() -> dict[str, np.ndarray]:
        before, optimizer = state(), descent(networks.CHECK_LEARNING_RATE)
        model.eval()  # without dropout, whose masks can't be equal
        for _ in range(networks.CHECK_STEPS):
            step(optimizer, *batches[0])
        changed = networks.changes(before, state())
        model.train()
        model.load_state_dict({name: torch.from_numpy(array) for name, array in before.items()})
        return changed

    optimizer = descent(networks.LEARNING_RATE)

    def run() -> None:
        for x, y in batches:
            step(optimizer, x, y)

    return Ready(run, result, tolerance=_tolerance(networks.CHANGE_TOLERANCES, precision))


def _inference(task: Task, compiled: dict[str, Any] | None, layout: str, precision: str) -> Ready:
    model = _model(task, layout).eval()
    x = _samples(task.arrays()["x"], layout)
    forward = model if compiled is None else torch.compile(model, options=compiled)

    def run() -> torch.Tensor:
        with torch.inference_mode(), _precision(precision):
            return forward(x)

    tolerance = _tolerance(networks.OUTPUT_TOLERANCES, precision)
    return Ready(run, lambda: {"probabilities": run().float().numpy()}, tolerance=tolerance)


def _model(task: Task, layout: str) -> tnn.Sequential:
    net = networks.network(task)
    model = tnn.Sequential(*(_module(layer, shape) for layer, shape in zip(net.layers, net.shapes, strict=False)))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in task.arrays("torch").items()})
    return model.to(memory_format=LAYOUTS[layout]) if layout else model


def _module(layer: Any, input_shape: tuple[int, ...]) -> tnn.Module:
    match layer:
        case nn.Conv2D():
            return tnn.Conv2d(input_shape[2], layer.filters, layer.kernel)
        case nn.MaxPool2D():
            return tnn.MaxPool2d(layer.window)
        case nn.Dense():
            return tnn.Linear(input_shape[-1], layer.units)
        case nn.GRU():
            return LastStateOfGRU(input_shape[1], layer.units, batch_first=True)
        case nn.LSTM():
            return LastStateOfLSTM(input_shape[1], layer.units, batch_first=True)
        case nn.Dropout():
            return tnn.Dropout(layer.rate)
        case nn.Flatten():
            return tnn.Flatten()
        case nn.Sigmoid():
            return tnn.Sigmoid()
        case nn.Softmax():
            return tnn.Softmax(dim=1)
    raise TypeError(f"expected a layer of the networks that are measured, got {layer!r}")


def _batches(task: Task) -> list[tuple[np.ndarray, np.ndarray]]:
    arrays = task.arrays()
    return networks.in_batches(task, arrays["x"], arrays["y"])


def _samples(x: np.ndarray, layout: str) -> torch.Tensor:
    tensor = torch.from_numpy(x)
    if x.ndim < 4:
        return tensor
    tensor = tensor.permute(0, 3, 1, 2)
    return tensor.contiguous(memory_format=LAYOUTS[layout]) if layout else tensor.contiguous()


def _precision(precision: str) -> AbstractContextManager[Any]:
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)


def _tolerance(tolerances: dict[str, float], precision: str) -> float | None:
    return tolerances[precision] if precision == "bfloat16" else None
