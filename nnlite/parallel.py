"""A batch in shards over threads: the one place of parallelism.

A batch is cut into shards whose sizes depend on the batch alone. A thread takes a shard through the whole network, and
results are combined in the order of the shards: the same bits at any number of threads, and memory bounded by the
shard and not by the batch. Kernels are serial and release the interpreter lock; BLAS is held to one thread meanwhile,
since the shards are what is parallel.
"""

import contextlib
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

from nnlite.layers.base import Params

SHARD_SIZE = 32
"""Samples of a full shard: its activations stay in the second-level cache, and the weights are read once for all of
them."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_lock = threading.Lock()
_worker = threading.local()
_pools: dict[int, ThreadPoolExecutor] = {}
_blas: Any = None
_blas_users = 0
_blas_limits: dict[Any, int] = {}
_default_threads: int | None = None


def _forget_threads() -> None:
    """A forked child has none of its parent's threads."""
    global _lock, _blas_users
    _lock = threading.Lock()
    _pools.clear()
    _blas_users = 0
    _blas_limits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def available_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(n_threads: int | None) -> None:
    """Number of threads that training and inference use unless told otherwise; None: all cores that the process may
    run on.

    The environment variable ``NNLITE_NUM_THREADS`` sets it from outside. Results don't depend on it, to the last bit.
    """
    global _default_threads
    _default_threads = None if n_threads is None else _check_threads(n_threads)


def thread_count(n_threads: int | None = None) -> int:
    """`n_threads`, or what `set_threads`, the environment or the machine say."""
    if n_threads is not None:
        return _check_threads(n_threads)
    if _default_threads is not None:
        return _default_threads
    if configured := os.environ.get("NNLITE_NUM_THREADS"):
        return _check_threads(int(configured) if configured.isdigit() else configured)
    return available_cores()


def _check_threads(n_threads: Any) -> int:
    if isinstance(n_threads, bool) or not isinstance(n_threads, (int, np.integer)) or n_threads < 1:
        raise ValueError(f"threads: expected a positive integer, got {n_threads!r}.")
    return int(n_threads)


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
    """Samples of a full shard of a network.

    Each shard reads all weights and makes a gradient for each of them. Convolutions use a weight at many places of a
    sample, so that this does not count; dense layers use it once, and take more samples at a time.
    """
    return SHARD_SIZE if network.multiply_adds() >= 32 * network.n_parameters else 4 * SHARD_SIZE


def ordered_map(
    function: Callable[[_Item], _Result], items: Sequence[_Item], n_threads: int | None = None
) -> Iterator[_Result]:
    """Results of ``function(item)`` in the order of `items`, at most two for each thread computed ahead.

    Called by one of the threads, as when an augmentation asks a network, it works in that thread alone: all of them
    waiting for each other would wait for ever.
    """
    n_threads = 1 if getattr(_worker, "is_one", False) else min(thread_count(n_threads), len(items))
    with single_threaded_blas():
        if n_threads <= 1:
            for item in items:
                yield function(item)
            return
        waiting: deque[Future[_Result]] = deque()
        remaining: Iterable[_Item] = iter(items)
        pool = _pool(n_threads)
        try:
            for item in remaining:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _pool(n_threads: int) -> ThreadPoolExecutor:
    with _lock:
        if n_threads not in _pools:
            _pools[n_threads] = ThreadPoolExecutor(n_threads, "nnlite", _begin_work)
        return _pools[n_threads]


def _begin_work() -> None:
    _worker.is_one = True


@contextlib.contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS to one thread; the limit is the process's, so the last of those that wanted it lifts it."""
    global _blas, _blas_users
    with _lock:
        if _blas is None:
            _blas = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        if _blas_users == 0:
            for library in _blas:
                if (n_threads := library.get_num_threads()) != 1:
                    _blas_limits[library] = n_threads
                    _set_blas_threads(library, 1)
        _blas_users += 1
    try:
        yield
    finally:
        with _lock:
            _blas_users -= 1
            if _blas_users == 0:
                for library, n_threads in _blas_limits.items():
                    _set_blas_threads(library, n_threads)
                _blas_limits.clear()


def _set_blas_threads(library: Any, n_threads: int) -> None:
    # threadpoolctl lets only the thread that set a limit change it again, which here need not be the last to leave.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(n_threads)


def loss_and_gradients(
    network: Any,
    params: Params,
    batch: Callable[[slice, np.random.Generator], np.ndarray] | np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    loss: Any,
    *,
    seed: Sequence[int] = (0,),
    n_threads: int | None = None,
) -> tuple[float, dict[str, np.ndarray]]:
    """Loss of a batch and its gradient with respect to the parameters.

    Parameters
    ----------
    network : Sequential
        Whose output the loss takes (logits, when the loss absorbs an activation).
    params : dict
    batch : ndarray (n_samples, *input_shape) or callable
        ``batch(rows, rng)`` reads the samples of a slice of the batch, in the thread that will work on them.
    targets : ndarray
        From ``loss.targets``, one row a sample.
    weights : ndarray (n_samples,)
        Weight of each sample in the sum.
    loss : Loss
    seed : sequence of int
        Noise of shard k comes from (*seed, k).
    n_threads : int, optional

    Returns
    -------
    value : float
    grads : dict
        Keys and shapes of `params`.
    """
    prepared = network.prepare(params)
    pieces = shards(len(targets), shard_size(network))

    def run(k: int) -> tuple[float, dict[str, np.ndarray]]:
        rows = pieces[k]
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence((*seed, k))))
        x = batch(rows, rng) if callable(batch) else batch[rows]
        with np.errstate(all="ignore"):  # What overflows shows in the loss.
            output, cache = network.forward(prepared, x, rng)
            value, gradient = loss.value_and_gradient(output, targets[rows], weights[rows])
            return value, network.backward(prepared, cache, gradient, input_grad=False)[1]

    value = 0.0
    total: dict[str, np.ndarray] = {}
    for part, grads in ordered_map(run, range(len(pieces)), n_threads):
        value += part
        if total:
            for name, gradient in grads.items():
                total[name] += gradient
        else:
            total = grads
    return value, total


def predict(
    network: Any,
    params: Params,
    x: Any,
    *,
    read: Callable[[Any], np.ndarray] | None = None,
    n_threads: int | None = None,
) -> np.ndarray:
    """Outputs of a network in inference, for any number of samples in bounded memory.

    Parameters
    ----------
    network : Sequential
    params : dict
    x : array_like (n_samples, *input_shape)
        Also a memory-mapped array, or anything that is indexed like one.
    read : callable, optional
        Applied to each shard of `x`: a conversion or scaling.
    n_threads : int, optional

    Returns
    -------
    ndarray (n_samples, *output_shape)
    """
    dtype = next((value.dtype for value in params.values()), np.dtype(np.float32))
    result = np.empty((len(x), *network.output_shape), dtype)
    prepared = network.prepare(params)

    def run(rows: slice) -> None:
        result[rows] = network.apply(prepared, x[rows] if read is None else read(x[rows]))

    for _ in ordered_map(run, shards(len(x), shard_size(network)), n_threads):
        pass
    return result
