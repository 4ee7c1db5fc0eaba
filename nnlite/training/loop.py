"""Training: a generator of epochs over shuffled batches."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import check_callable, check_instance, check_integer, check_mapping, check_number, speaking
from nnlite.labels import relative_weights
from nnlite.network.logits import logits_network
from nnlite.network.sequential import Sequential, check_network
from nnlite.network.shards import check_loss
from nnlite.optimizers import Optimizer
from nnlite.rows import fetch, stays_in_memory
from nnlite.runtime.threads import check_threads
from nnlite.schedules import Constant, factor_at
from nnlite.training.batches import MIXUP, TrainingBatch, Transform, mixed
from nnlite.training.step import TrainingDiverged, diverged, step

__all__ = ["Epoch", "train"]


@dataclass(frozen=True)
class Epoch:
    """The record of one pass over the training data.

    Attributes
    ----------
    number : int
        From 0.
    loss : float
        Weighted mean over the samples as they were seen: with noise, and while the parameters changed.
    learning_rate : float
        Of the last step.
    n_steps : int
    seconds : float
    """

    number: int
    loss: float
    learning_rate: float
    n_steps: int
    seconds: float


def train(
    network: Sequential,
    params: dict[str, np.ndarray],
    x: Any,
    y: Any,
    *,
    loss: Any,
    optimizer: Any,
    schedule: Any = None,
    max_epochs: int,
    batch_size: int = 128,
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    transform: Transform | None = None,
    mixup: float = 0.0,
    history: Sequence[Mapping[str, Any]] | None = None,
    optimizer_state: dict[str, np.ndarray] | None = None,
    first_epoch: int = 0,
    n_threads: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Iterator[Epoch]:
    """Train `params` in place; yield after each epoch.

    Everything random comes from (seed, epoch, step, shard): stopping after any epoch and going on with the same
    `params` and `optimizer_state` from ``first_epoch`` gives the bits of an uninterrupted run, at any number of
    threads.

    Parameters
    ----------
    network : Sequential
        A final activation that the loss absorbs is left out while training.
    params : dict
        Changed in place.
    x : array_like (n_samples, *input_shape)
        Anything that can be indexed with an array of integers; rows are read by the threads. Those of a memory-mapped
        array are read from disk one batch ahead.
    y : array_like
        What ``loss.targets`` takes.
    loss, optimizer, schedule
        See :mod:`nnlite.losses`, :mod:`nnlite.optimizers`, :mod:`nnlite.schedules`.
    max_epochs : int
        Where the schedule ends.
    batch_size : int
        Samples of a step; the last batch of an epoch may be smaller.
    seed : int
    sample_weight : ndarray (n_samples,), optional
        A batch's loss is the mean weighted by these.
    transform : callable, optional
        ``transform(rows of x, rng) -> float array``: conversion, scaling, augmentation; runs in the threads.
    mixup : float
        Mix each sample with another of its batch, and their targets, with shares from the beta distribution of this
        parameter (:func:`nnlite.augmentation.mixup_draws`); 0: don't. Each sample is read and transformed twice then.
        The loss of a mixed sample is the mixture of the losses of both targets, with the weights of both samples; with
        `AbsoluteError` and `Huber` it is the loss of the mixed target.
    history : list of dict, optional
        Rows of the epochs that are done, for a schedule such as `ReduceOnPlateau`. Add one after each epoch, such as
        ``{"loss": ..., "val_loss": ...}``. By default the losses of this call.
    optimizer_state : dict, optional
        From ``optimizer.init(params)``, changed in place: pass it to keep it.
    first_epoch : int
    n_threads : int, optional
    on_step : callable, optional
        ``on_step(steps done in this epoch, steps of an epoch)``.

    Yields
    ------
    Epoch

    Raises
    ------
    TrainingDiverged
        When the loss of a step, or its gradient, is not finite. `params` are those from before that step.
    """
    who = "train"
    n_samples = _check_training(network, x, max_epochs, batch_size)
    check_mapping(who, "params", params, "a dict of arrays")
    check_loss(who, loss)
    check_instance(who, "optimizer", optimizer, Optimizer, "an optimizer such as SGD(0.01)")
    for name, value in (("schedule", schedule), ("transform", transform), ("on_step", on_step)):
        if value is not None:
            check_callable(who, name, value, "a function or None")
    for name, value in (("seed", seed), ("first_epoch", first_epoch)):
        check_integer(who, name, value, low=0, expected="an integer of at least 0")
    check_number(who, "mixup", mixup, low=0, expected="a finite number of 0 or more")
    if mixup and not hasattr(loss, "mix"):
        raise TypeError(f"{who}: mixup: needs a loss with a method mix, as those that derive from Loss have it.")
    check_threads(who, n_threads)
    if optimizer_state is not None:
        check_mapping(who, "optimizer_state", optimizer_state, "what optimizer.init(params) returned, or None")
    inner = logits_network(network, loss)
    inner.prepare(params, who=who)
    schedule = Constant() if schedule is None else schedule
    dtype = next(iter(params.values())).dtype
    with speaking(who):
        targets = loss.targets(y, inner.output_shape[-1], dtype)
    if len(targets) != n_samples:
        raise ValueError(f"train: y: expected {n_samples} labels, one for each sample of x, got {len(targets)}.")
    weights = relative_weights("train", sample_weight, n_samples)
    state = optimizer.init(params) if optimizer_state is None else optimizer_state
    own_history: list[dict[str, Any]] = []
    steps = -(-n_samples // batch_size)
    for number in range(first_epoch, max_epochs):
        start = time.perf_counter()
        order = np.random.default_rng((seed, number)).permutation(n_samples)
        from_disk = number == first_epoch or not stays_in_memory(x)
        total, weight, factor = 0.0, 0.0, 1.0
        for k in range(steps):
            rows = order[k * batch_size : (k + 1) * batch_size]
            if from_disk:
                fetch(x, order[(k + 1) * batch_size : (k + 2) * batch_size])
            batch = TrainingBatch(x, rows, targets[rows], weights[rows], transform)
            if mixup:
                draws = np.random.default_rng((seed, number, k, MIXUP))
                batch = mixed(batch, mixup, draws, loss, inner.output_shape[-1], dtype)
            batch_weight = float(batch.weights.sum())
            if batch_weight == 0:
                continue
            factor = factor_at(schedule, number + k / steps, max_epochs, own_history if history is None else history)
            try:
                value = step(
                    who,
                    inner,
                    params,
                    batch,
                    batch.targets,
                    batch.weights / batch_weight,
                    loss,
                    optimizer,
                    state,
                    factor,
                    (seed, number, k),
                    n_threads,
                )
            except TrainingDiverged as error:
                where = f" in epoch {number}, step {k} of {steps}"
                raise diverged(who, error.reason or str(error), where + error.cause) from None
            total += value * batch_weight
            weight += batch_weight
            if on_step is not None:
                on_step(k + 1, steps)
        seconds = time.perf_counter() - start
        own_history.append({"epoch": number, "loss": total / weight})
        yield Epoch(number, total / weight, optimizer.learning_rate * factor, steps, seconds)


def _check_training(network: Sequential, x: Any, max_epochs: int, batch_size: int) -> int:
    for name, value in (("max_epochs", max_epochs), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"train: {name}: expected a positive integer, got {value!r}.")
    check_network("train", network)
    shape = tuple(getattr(x, "shape", ()))
    if shape[1:] != network.input_shape or not shape or not shape[0]:
        raise ValueError(
            f"train: x: expected shape (n_samples, {', '.join(map(str, network.input_shape))}) with samples in it, "
            f"got {shape}."
        )
    return shape[0]
