"""Training: a generator of epochs over shuffled batches."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import check_callable, check_instance, check_integer, check_mapping, check_number, speaking
from nnlite.labels import relative_weights
from nnlite.layers.weight_gradients import is_finite
from nnlite.network.logits import logits_network
from nnlite.network.sequential import Sequential, check_network
from nnlite.network.shards import Batch, check_loss, check_step, gradients_of_batch
from nnlite.optimizers import NonFiniteGradient, Optimizer
from nnlite.rows import fetch, stays_in_memory
from nnlite.runtime.threads import at_most, check_threads, single_threaded_blas
from nnlite.schedules import Constant

Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class TrainingDiverged(ArithmeticError):
    """The loss or its gradient is no longer finite.

    Attributes
    ----------
    reason : str
        Which of them, where `train_step` found it.
    cause : str
        What is known of its cause, as the end of a sentence.
    """

    reason: str = ""
    cause: str = ""


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
    steps = -(-n_samples // batch_size)
    for number in range(first_epoch, max_epochs):
        start = time.perf_counter()
        order = np.random.default_rng((seed, number)).permutation(n_samples)
        from_disk = number == first_epoch or not stays_in_memory(x)
        total, weight, factor = 0.0, 0.0, 1.0
        for step in range(steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            if from_disk:
                fetch(x, order[(step + 1) * batch_size : (step + 2) * batch_size])
            batch_weight = float(weights[rows].sum())
            if batch_weight == 0:
                continue
            factor = schedule(number + step / steps, max_epochs)
            try:
                value = _step(
                    who,
                    inner,
                    params,
                    _Reader(x, rows, transform),
                    targets[rows],
                    weights[rows] / batch_weight,
                    loss,
                    optimizer,
                    state,
                    factor,
                    (seed, number, step),
                    n_threads,
                )
            except TrainingDiverged as error:
                where = f" in epoch {number}, step {step} of {steps}"
                raise _diverged(who, error.reason or str(error), where + error.cause) from None
            total += value * batch_weight
            weight += batch_weight
            if on_step is not None:
                on_step(step + 1, steps)
        seconds = time.perf_counter() - start
        yield Epoch(number, total / weight, optimizer.learning_rate * factor, steps, seconds)


def train_step(
    network: Sequential,
    params: dict[str, np.ndarray],
    batch: Batch | np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    loss: Any,
    optimizer: Any,
    optimizer_state: dict[str, np.ndarray],
    learning_rate_factor: float = 1.0,
    seed: Sequence[int] = (0,),
    n_threads: int | None = None,
) -> float:
    """Do a step of an optimizer on a batch, for a training loop of one's own: what `train` does with each batch.

    Faster than :func:`nnlite.loss_and_gradients` and ``optimizer.update`` one after the other, with the same bits: the
    gradient of a large dense layer is never in memory as a whole.

    Parameters
    ----------
    network, params, batch, targets, weights, loss
        As for :func:`nnlite.loss_and_gradients`: a final activation that the loss absorbs is left out. `params` are
        changed in place.
    optimizer : Optimizer
    optimizer_state : dict
        From ``optimizer.init(params)``; changed in place.
    learning_rate_factor : float
        The schedule's factor on the learning rate.
    seed, n_threads
        As for :func:`nnlite.loss_and_gradients`.

    Returns
    -------
    float
        The loss of the batch before the step.

    Raises
    ------
    ValueError
        When samples, targets and weights don't fit each other, the network or the loss.
    TrainingDiverged
        When the loss or its gradient is not finite. Nothing has been changed then.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(2)], input_shape=(4,))
    >>> params, loss, optimizer = net.init(np.random.default_rng(0)), nn.SoftmaxCrossEntropy(), nn.SGD(0.5)
    >>> state = optimizer.init(params)
    >>> x, y = np.eye(4, dtype=np.float32), np.array([0, 0, 1, 1])
    >>> losses = [
    ...     nn.train_step(net, params, x, y, np.full(4, 1 / 4), loss=loss, optimizer=optimizer, optimizer_state=state)
    ...     for _ in range(50)
    ... ]
    >>> losses[0] > 0.6 > 0.1 > losses[-1]
    True
    """
    who = "train_step"
    check_instance(who, "optimizer", optimizer, Optimizer, "an optimizer such as SGD(0.01)")
    check_mapping(who, "optimizer_state", optimizer_state, "what optimizer.init(params) returned")
    check_number(who, "learning_rate_factor", learning_rate_factor)
    check_threads(who, n_threads)
    network, targets, weights = check_step(who, network, batch, targets, weights, loss)
    return _step(
        who,
        network,
        params,
        batch,
        targets,
        weights,
        loss,
        optimizer,
        optimizer_state,
        learning_rate_factor,
        seed,
        n_threads,
    )


def _step(
    who: str,
    network: Sequential,
    params: dict[str, np.ndarray],
    batch: Batch | np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    loss: Any,
    optimizer: Any,
    optimizer_state: dict[str, np.ndarray],
    learning_rate_factor: float,
    seed: Sequence[int],
    n_threads: int | None,
) -> float:
    """Do what `train_step` does; errors begin with `who`."""
    with single_threaded_blas(), at_most(n_threads):
        deferred = getattr(optimizer, "takes_deferred", False)
        value, grads = gradients_of_batch(who, network, params, batch, targets, weights, loss, seed, None, deferred)
        if not math.isfinite(value):
            raise _diverged(who, f"the loss became {value}", _about_nan(batch))
        if not getattr(optimizer, "checks_gradients", False):
            for name, gradient in grads.items():
                if not is_finite(gradient):
                    raise _diverged(who, f"the gradient of {name} was no longer finite")
        try:
            with speaking(who):
                optimizer.update(params, grads, optimizer_state, learning_rate_factor)
        except NonFiniteGradient as error:
            raise _diverged(who, f"the gradient of {error.name} was no longer finite") from None
    return value


def _diverged(who: str, reason: str, where: str = "") -> TrainingDiverged:
    error = TrainingDiverged(
        f"{who}: {reason}{where}. Lower the learning rate, scale the inputs to unit variance, or clip the gradient's "
        "norm; the parameters are those from before this step."
    )
    error.reason, error.cause = reason, where
    return error


def _about_nan(batch: Any) -> str:
    """Return what a message says of samples with NaN in them."""
    x = batch.x[batch.rows] if isinstance(batch, _Reader) else batch
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not np.isnan(x).any():
        return ""
    return (
        ", and the samples have NaN in them (behind the ends of sequences only recurrent layers, TimeDistributed and "
        "global pooling may meet it: write TimeDistributed(Dense(...)), TimeDistributed(LayerNorm()))"
    )


class _Reader:
    """Rows of a batch, read shard by shard."""

    def __init__(self, x: Any, rows: np.ndarray, transform: Transform | None) -> None:
        self.x, self.rows, self.transform = x, rows, transform

    def __call__(self, part: slice, rng: np.random.Generator) -> np.ndarray:
        x = self.x[self.rows[part]]
        return x if self.transform is None else self.transform(x, rng)


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
