"""The time that a window costs in training and in inference, measured in turns on one thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.files import replace_file

ROUNDS = 7
"""Turns, of which the quickest counts: other work of the machine only adds time."""


class Cost(NamedTuple):
    """The costs of a network: its parameters, and milliseconds of one thread for a window.

    Attributes
    ----------
    parameters : int
    training_ms : float
        Of one epoch: forward, backward and the update of the parameters.
    inference_ms : float
    """

    parameters: int
    training_ms: float
    inference_ms: float

    def __add__(self, other: tuple[Any, ...]) -> Cost:
        """Return the costs of two networks, one of which works on the output of the other."""
        return Cost(*(a + b for a, b in zip(self, other, strict=True)))


class Batch(NamedTuple):
    """The work of a step: a network up to its logits, loss and optimizer, its samples, and how many windows these stand
    for."""

    network: nn.Sequential
    loss: Any
    optimizer: Any
    x: np.ndarray
    n_windows: int


def measured(path: Path, batches: Mapping[str, Callable[[], Batch]]) -> dict[str, Cost]:
    """Return the cost of each batch, from a file if it has all of them, since only figures of one run can be compared.

    Parameters
    ----------
    path : Path
        JSON, written if there is none or one of others.
    batches : dict
        Name -> function that makes a batch.
    """
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.keys() >= batches.keys():
            return {name: Cost(*kept[name]) for name in batches}
    found = measure({name: make() for name, make in batches.items()})
    with replace_file(path) as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    return found


def measure(batches: Mapping[str, Batch]) -> dict[str, Cost]:
    """Measure several turns of each and return the quickest; the first, which compiles kernels, does not count."""
    steps = {name: _steps(batch) for name, batch in batches.items()}
    seconds: dict[str, list[tuple[float, ...]]] = {name: [] for name in batches}
    for turn in range(ROUNDS + 1):
        for name, both in steps.items():
            taken = tuple(map(_seconds, both))
            if turn:
                seconds[name].append(taken)
    found = {}
    for name, batch in batches.items():
        training, inference = 1000 * np.min(seconds[name], axis=0) / batch.n_windows
        shapes = batch.network.parameter_shapes.values()
        found[name] = Cost(sum(int(np.prod(shape)) for shape in shapes), float(training), float(inference))
    return found


def _steps(batch: Batch) -> Sequence[Callable[[], Any]]:
    """Return a step of training and one of inference."""
    network, loss, optimizer = batch.network, batch.loss, batch.optimizer
    params = network.init(np.random.default_rng(0))
    state = optimizer.init(params)
    n, n_classes = len(batch.x), network.output_shape[-1]
    targets = loss.targets(np.eye(n_classes, dtype=np.float32)[np.arange(n) % n_classes], n_classes, np.float32)
    weights = np.full(n, 1 / n, np.float32)

    def training() -> None:
        nn.train_step(
            network,
            params,
            batch.x,
            targets,
            weights,
            loss=loss,
            optimizer=optimizer,
            optimizer_state=state,
            n_threads=1,
        )

    return training, lambda: nn.predict(network, params, batch.x, n_threads=1)


def _seconds(step: Callable[[], Any]) -> float:
    before = time.perf_counter()
    step()
    return time.perf_counter() - before
