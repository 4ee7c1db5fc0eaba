"""A step of a training: gradients of a batch, and what an optimizer makes of them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite.checks import check_instance, check_mapping, check_number, speaking
from nnlite.layers.weight_gradients import is_finite
from nnlite.network.sequential import Sequential
from nnlite.network.shards import Batch, check_step, gradients_of_batch
from nnlite.optimizers import NonFiniteGradient, Optimizer
from nnlite.runtime.threads import at_most, check_threads, single_threaded_blas
from nnlite.training.batches import TrainingBatch

__all__ = ["TrainingDiverged", "diverged", "step", "train_step"]


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
    return step(
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


def step(
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
    """Do what `train_step` does, without its checks; errors begin with `who`."""
    with single_threaded_blas(), at_most(n_threads):
        deferred = getattr(optimizer, "takes_deferred", False)
        running: dict[str, np.ndarray] = {}
        value, grads = gradients_of_batch(
            who, network, params, batch, targets, weights, loss, seed, None, deferred, running
        )
        if not math.isfinite(value):
            raise diverged(who, f"the loss became {value}", _about_nan(batch))
        if not getattr(optimizer, "checks_gradients", False):
            for name, gradient in grads.items():
                if not is_finite(gradient):
                    raise diverged(who, f"the gradient of {name} was no longer finite")
        before = {name: params[name].copy() for name in running}
        _write(params, running)  # an optimizer that averages parameters averages the new ones
        try:
            with speaking(who):
                optimizer.update(params, grads, optimizer_state, learning_rate_factor)
        except BaseException as error:
            _write(params, before)
            if isinstance(error, NonFiniteGradient):
                raise diverged(who, f"the gradient of {error.name} was no longer finite") from None
            raise
    return value


def _write(params: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> None:
    for name, value in values.items():
        params[name][...] = value


def diverged(who: str, reason: str, where: str = "") -> TrainingDiverged:
    error = TrainingDiverged(
        f"{who}: {reason}{where}. Lower the learning rate, scale the inputs to unit variance, or clip the gradient's "
        "norm; the parameters are those from before this step."
    )
    error.reason, error.cause = reason, where
    return error


def _about_nan(batch: Any) -> str:
    """Return what a message says of samples with NaN in them."""
    x = batch.x[batch.rows] if isinstance(batch, TrainingBatch) else batch
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not np.isnan(x).any():
        return ""
    return (
        ", and the samples have NaN in them (behind the ends of sequences only recurrent layers, TimeDistributed and "
        "global pooling may meet it: write TimeDistributed(Dense(...)), TimeDistributed(LayerNorm()))"
    )
