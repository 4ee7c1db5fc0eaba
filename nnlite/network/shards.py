"""A batch in shards over threads.

A batch is cut into shards. Their sizes depend on the batch alone. A thread takes a shard through the whole network, and
results are combined in the order of the shards: the same bits at any number of threads, and memory bounded by the
shard and not by the batch.

Layers that need the whole batch, as `BatchNorm` does, exchange numbers between the shards on the way
(:mod:`nnlite.layers.whole_batch`). The bits are the same at any number of threads then too; all shards are in memory.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nnlite.checks import as_array, as_numbers, check_callable, check_flag, check_seeds, count_samples, shown
from nnlite.layers.base import Params, Shape
from nnlite.layers.whole_batch import WholeBatch
from nnlite.network.logits import logits_network
from nnlite.network.sequential import Sequential, check_network
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.threads import check_threads, for_each, ordered_map

Batch = Callable[[slice, np.random.Generator], np.ndarray]

SHARD_SIZE = 32
"""Samples of a full shard: its activations stay in the second-level cache, and the weights are read once for all of
them."""


def shards(n_samples: int, size: int = SHARD_SIZE) -> list[slice]:
    """Cut `n_samples` into nearly equal pieces of at most `size`, an even number of them when there is enough for two.

    >>> [s.stop - s.start for s in shards(25)], [s.stop - s.start for s in shards(100)]
    ([13, 12], [25, 25, 25, 25])
    """
    if n_samples == 0:
        return []
    count = -(-n_samples // size)
    if n_samples >= 8:
        count = min(count + count % 2, n_samples)
    base, longer = divmod(n_samples, count)
    edges = [k * base + min(k, longer) for k in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def shard_size(network: Any) -> int:
    """Return the number of samples of a full shard of a network.

    Each shard reads all weights. Convolutions use a weight at many places of a sample, so that this does not count;
    dense layers use it once, and take more samples at a time.
    """
    return SHARD_SIZE if network.multiply_adds() >= 32 * network.n_parameters else 4 * SHARD_SIZE


def training_shards(network: Any, n_samples: int) -> list[slice]:
    """Return the shards of a batch in training.

    Each makes a gradient for each weight. Dense layers do little else with it, and give their products to the threads
    themselves: where nearly all of the work is theirs, batches of usual sizes are one shard.
    """
    if network.multiply_adds() >= 1.25 * network.n_parameters:
        return shards(n_samples, shard_size(network))
    return [slice(0, n_samples)] if n_samples <= 16 * SHARD_SIZE else shards(n_samples, 16 * SHARD_SIZE)


def loss_and_gradients(
    network: Any,
    params: Params,
    batch: Batch | np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    loss: Any,
    *,
    seed: Sequence[int] = (0,),
    n_threads: int | None = None,
    deferred: bool = False,
    running: dict[str, np.ndarray] | None = None,
) -> tuple[float, dict[str, Any]]:
    """Return the loss of a batch and its gradient with respect to the parameters.

    Parameters
    ----------
    network : Sequential
        A final activation that the loss absorbs is left out, as in `nnlite.train`.
    params : dict
    batch : ndarray (n_samples, *input_shape) or callable
        ``batch(rows, rng)`` reads the samples of a slice of the batch, a few at a time, in the threads.
    targets : ndarray
        From ``loss.targets``, one row a sample.
    weights : ndarray (n_samples,)
        Weight of each sample in the sum: ``np.full(n_samples, 1 / n_samples)`` for the mean.
    loss : Loss
    seed : sequence of int
        Noise of shard k comes from (*seed, k); what `batch` takes for pieces of a large shard, from its children.
    n_threads : int, optional
    deferred : bool
        Leave the gradients of large dense layers to an optimizer that takes a
        :class:`nnlite.layers.weight_gradients.WeightGradient`.
    running : dict, optional
        Is filled with new values of the parameters that no gradient moves, such as the running means of `BatchNorm`:
        ``params.update(running)`` after the step. Their gradients are zeros.

    Returns
    -------
    value : float
    grads : dict
        Keys and shapes of `params`.

    Raises
    ------
    ValueError
        When samples, targets and weights don't fit each other, the network or the loss.
    """
    who = "loss_and_gradients"
    network, targets, weights = check_step(who, network, batch, targets, weights, loss)
    return gradients_of_batch(who, network, params, batch, targets, weights, loss, seed, n_threads, deferred, running)


def check_step(
    who: str, network: Any, batch: Batch | np.ndarray, targets: Any, weights: Any, loss: Any
) -> tuple[Sequential, np.ndarray, np.ndarray]:
    """Check that targets and weights belong to the batch, the network and the loss.

    Parameters
    ----------
    who : str
        What an error begins with.
    network, batch, targets, weights, loss
        As for `loss_and_gradients`.

    Returns
    -------
    network : Sequential
        Without a final activation that the loss absorbs.
    targets, weights : ndarray

    Raises
    ------
    ValueError, TypeError
    """
    check_network(who, network)
    check_loss(who, loss)
    network, targets = logits_network(network, loss), as_array(who, "targets", targets)
    n = len(targets) if targets.ndim else 0
    if n == 0:
        raise ValueError(f"{who}: targets: expected a row for each sample, got shape {targets.shape}.")
    if not callable(batch) and (given := count_samples(who, "batch", batch)) != n:
        raise ValueError(f"{who}: targets: expected {given} rows, one for each sample of batch, got {n}.")
    weights = as_array(who, "weights", weights)
    if weights.shape != (n,):
        got = "None" if weights.dtype == object and weights.ndim == 0 else f"shape {weights.shape}"
        raise ValueError(
            f"{who}: weights: expected shape ({n},), one a sample, got {got}. np.full({n}, 1 / {n}) makes the loss the "
            "mean over the batch."
        )
    if weights.dtype.kind not in "biuf" or not math.isfinite(weights.sum()):
        raise ValueError(f"{who}: weights: expected finite numbers, got {weights.dtype} with other ones in it.")
    if len(network.output_shape) != 1:
        raise ValueError(
            f"{who}: network: expected one axis of outputs, got output of shape {network.output_shape}. Add Flatten "
            "or global pooling before the last Dense layer."
        )
    if hasattr(loss, "check_targets"):  # a loss that does not derive from `Loss` may have none
        loss.check_targets(who, targets, network.output_shape[0])
    return network, targets, weights


def gradients_of_batch(
    who: str,
    network: Any,
    params: Params,
    batch: Batch | np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    loss: Any,
    seed: Sequence[int],
    n_threads: int | None,
    deferred: bool,
    running: dict[str, np.ndarray] | None = None,
) -> tuple[float, dict[str, Any]]:
    """Return what `loss_and_gradients` does; errors begin with `who`."""
    check_network(who, network)
    check_loss(who, loss)
    check_threads(who, n_threads)
    check_seeds(who, "seed", seed)
    check_flag(who, "deferred", deferred)
    n_samples = count_samples(who, "targets", targets)
    if not callable(batch) and (given := count_samples(who, "batch", batch)) != n_samples:
        raise ValueError(f"{who}: batch: expected {n_samples} samples, as many as targets, got {given}.")
    if (shape := as_numbers(who, "weights", weights).shape) != (n_samples,):
        raise ValueError(f"{who}: weights: expected shape ({n_samples},), one a sample, got {shape}.")
    prepared = network.prepare(params, who=who)
    pieces = training_shards(network, n_samples)
    whole = deferred and len(pieces) == 1  # with several shards, gradients are added up

    def run(k: int) -> WholeBatch[tuple[float, dict[str, Any]]]:
        rows = pieces[k]
        seeds = np.random.SeedSequence((*seed, k))
        rng = _generator(seeds)
        if not callable(batch):
            x = np.require(batch[rows], requirements="A")  # without BLAS NumPy sums in another order
        elif rows.stop - rows.start <= SHARD_SIZE:
            x = batch(rows, rng)
        else:
            x = _read_in_pieces(who, batch, rows, seeds, network.input_shape, next(iter(params.values())).dtype)
        output, cache = yield from network.forward_shard(prepared, x, rng, who=who)
        value, gradient = loss.value_and_gradient(output, targets[rows], weights[rows])
        _, grads = yield from network.backward_shard(prepared, cache, gradient, input_grad=False, deferred=whole)
        if k == 0 and running is not None:  # all shards know the same of the batch
            running.update(network.follow(prepared, cache))
        return value, grads

    value = 0.0
    total: dict[str, Any] = {}
    for part, grads in in_step([run(k) for k in range(len(pieces))], n_threads):
        value += part
        if total:
            for name, gradient in grads.items():
                total[name] += gradient
        else:
            total = grads
    return value, total


def in_step(shards: Sequence[WholeBatch[Any]], n_threads: int | None) -> Iterator[Any]:
    """Yield the results of computations on the shards of a batch, in their order.

    Each runs in a thread up to its next exchange; when all are there, they get what the others gave, in the order of
    the shards, and go on. Without an exchange each runs through, and at most two for each thread are computed ahead.

    Raises
    ------
    RuntimeError
        If one shard has ended where another waits for it: `input_grad` and the like are the same in all shards.
    """
    message: list[Any] | None = None

    @np.errstate(all="ignore")  # what overflows shows in the loss
    def advance(shard: WholeBatch[Any]) -> tuple[bool, Any]:
        try:
            return False, shard.send(message)  # type: ignore[arg-type]  # None starts it
        except StopIteration as end:
            return True, end.value

    while True:
        given, n_done = [], 0
        for is_done, value in ordered_map(advance, shards, n_threads):
            if is_done:
                n_done += 1
                yield value
            else:
                given.append(value)
        if not given:
            return
        if n_done:
            raise RuntimeError("forward_shard, backward_shard: expected as many exchanges in each shard, got fewer.")
        message = given


def _generator(seeds: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seeds))


def _read_in_pieces(
    who: str, batch: Batch, rows: slice, seeds: np.random.SeedSequence, input_shape: Shape, dtype: np.dtype
) -> np.ndarray:
    """Read the samples of a large shard, with all threads."""
    x = aligned_empty((rows.stop - rows.start, *input_shape), dtype)
    pieces = shards(len(x))
    sources = [_generator(child) for child in seeds.spawn(len(pieces))]

    def read(k: int) -> None:
        first, last = pieces[k].start, pieces[k].stop
        samples = batch(slice(rows.start + first, rows.start + last), sources[k])
        if samples.shape != x[first:last].shape:
            raise ValueError(f"{who}: batch: expected samples of shape {x[first:last].shape}, got {samples.shape}.")
        x[first:last] = samples

    for_each(read, range(len(pieces)))
    return x


def check_reader(who: str, read: Any) -> None:
    """Raise TypeError unless `read` is a function of samples, or None."""
    if read is not None:
        check_callable(who, "read", read, "a function of samples or None")


def check_loss(who: str, loss: Any) -> None:
    """Raise TypeError unless `loss` computes values and gradients, as `nnlite.losses.Loss` says."""
    if not callable(getattr(loss, "value_and_gradient", None)):
        raise TypeError(f"{who}: loss: expected a loss such as SoftmaxCrossEntropy(), got {shown(loss)}.")


def predict(
    network: Any,
    params: Params,
    x: Any,
    *,
    read: Callable[[Any], np.ndarray] | None = None,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return the outputs of a network in inference, for any number of samples in bounded memory.

    Parameters
    ----------
    network : Sequential
    params : dict
        Those of a longer network that begins with the same layers will do: ``predict(net.until(2), params, x)``.
    x : array_like (n_samples, *input_shape)
        Also a memory-mapped array, or anything that is indexed like one.
    read : callable, optional
        Applied to each shard of `x`: a conversion or scaling.
    n_threads : int, optional

    Returns
    -------
    ndarray (n_samples, *output_shape)
    """
    who = "predict"
    check_network(who, network)
    check_reader(who, read)
    check_threads(who, n_threads)
    prepared = network.prepare(_without_later(network, params), who=who)
    dtype = next((value.dtype for value in params.values()), np.dtype(np.float32))
    result = np.empty((count_samples(who, "x", x), *network.output_shape), dtype)

    def run(rows: slice) -> None:
        result[rows] = network.apply(prepared, x[rows] if read is None else read(x[rows]), who=who)

    for_each(run, shards(len(x), shard_size(network)), n_threads)
    return result


def _without_later(network: Any, params: Params) -> Params:
    """Return `params` without those of layers that come after the last one of the network."""
    n_layers = len(network.layers)
    if not isinstance(params, Mapping):
        return params
    later = {name for name in params if (number := str(name).partition(".")[0]).isdecimal() and int(number) >= n_layers}
    return {name: value for name, value in params.items() if name not in later} if later else params
