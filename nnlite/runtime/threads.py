"""Threads: their number, and maps over them; never more threads than asked for.

Code with work that falls into pieces calls `for_each`, or `ordered_map` for the results of the pieces. The outermost
call gets the threads. A call from within a piece works in the thread of that piece. If there was only one piece, the
threads are still free for it.
Kernels are serial and release the interpreter lock. BLAS is held to one thread meanwhile: the pieces run in parallel.
"""

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import threadpoolctl

from nnlite.checks import check_integer

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

CONTROL_GROUPS = Path("/sys/fs/cgroup")

_lock = threading.Lock()
_here = threading.local()
_pools: dict[int, ThreadPoolExecutor] = {}
_blas: Any = None
_blas_users = 0
_blas_limits: dict[Any, int] = {}
_default_threads: int | None = None


def _forget_threads() -> None:
    """Forget the pools and locks of the parent: a forked child has none of its threads."""
    global _lock, _blas_users
    _lock = threading.Lock()
    _pools.clear()
    _blas_users = 0
    _blas_limits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def available_cores() -> int:
    """Return the number of cores that this process may use: those it may run on, and not more than its share of time.

    A container has a share of time, such as 1.5 cores, from its control group (version 1 or 2).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _share_of_time())))


@functools.cache
def _share_of_time() -> float:
    """Return how many cores the control group of this process may keep busy; infinity without a limit."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((CONTROL_GROUPS / name).read_text(encoding="ascii") for name in names).split()
            quota, period = map(int, words)
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if quota > 0 and period > 0:
            return quota / period
    return math.inf


def set_threads(n_threads: int | None) -> None:
    """Set how many threads training and inference use unless told otherwise.

    None stands for all cores that the process may run on.

    The environment variable ``NNLITE_NUM_THREADS`` sets it from outside; without it ``OMP_NUM_THREADS`` is an upper
    limit, which joblib, loky and dask set for their workers. Results don't depend on it, to the last bit.
    """
    global _default_threads
    check_threads("set_threads", n_threads)
    _default_threads = None if n_threads is None else int(n_threads)


def thread_count(n_threads: int | None = None) -> int:
    """Return `n_threads`, or what `set_threads`, the environment or the machine say.

    Within `at_most`, it is not more than that.
    """
    limit: int | None = getattr(_here, "limit", None)
    if n_threads is None:
        return _wanted_threads() if limit is None else limit
    check_threads("threads", n_threads)
    wanted = int(n_threads)
    return wanted if limit is None else min(wanted, limit)


def _wanted_threads() -> int:
    if _default_threads is not None:
        return _default_threads
    if configured := os.environ.get("NNLITE_NUM_THREADS"):
        if not (configured.isascii() and configured.isdigit() and int(configured)):
            raise ValueError(f"NNLITE_NUM_THREADS: expected a positive integer, got {configured!r} in the environment.")
        return int(configured)
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # the first of nested levels
    cores = available_cores()
    return min(cores, int(limit)) if limit.isascii() and limit.isdigit() and int(limit) else cores


def check_threads(who: str, n_threads: Any) -> None:
    """Raise ValueError unless `n_threads` is a number of threads, or None for as many as `set_threads` says."""
    if n_threads is not None:
        check_integer(who, "n_threads", n_threads, expected="a positive integer or None")


def ordered_map(
    function: Callable[[_Item], _Result], items: Sequence[_Item], n_threads: int | None = None
) -> Iterator[_Result]:
    """Yield the results of ``function(item)`` in the order of `items`; at most two for each thread are computed ahead.

    A call from one of the threads works in that thread alone, as when an augmentation asks a network: if all threads
    waited for each other, they would wait for ever. With a single item, its function may use the free threads.
    """
    allowed = thread_count(n_threads)
    n_threads = min(allowed, len(items))
    with single_threaded_blas():
        if n_threads <= 1:
            for item in items:
                with at_most(allowed):
                    result = function(item)
                yield result
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


def for_each(function: Callable[[_Item], object], items: Sequence[_Item], n_threads: int | None = None) -> None:
    """Call ``function(item)`` for each item, in no order: in this thread and in others beside it.

    Take it instead of `ordered_map` for pieces so short that handing each over to a thread would take too long.
    """
    allowed = thread_count(n_threads)
    helpers = min(allowed, len(items)) - 1
    if helpers <= 0:
        with single_threaded_blas(), at_most(allowed):
            for item in items:
                function(item)
        return
    waiting = deque(items)
    begun: list[SimpleQueue[BaseException | None]] = []

    def work() -> None:
        while waiting:
            try:
                item = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            function(item)

    def help_out() -> None:
        error: BaseException | None = None
        ended: SimpleQueue[BaseException | None] = SimpleQueue()
        begun.append(ended)
        try:
            work()
        except BaseException as raised:
            error = raised
        ended.put(error)

    with single_threaded_blas(), at_most(1):
        for _ in range(helpers):
            _pool(helpers).submit(help_out)
        try:
            work()
        finally:
            waiting.clear()  # a helper that begins from here on does nothing, and need not be waited for
            errors = [ended.get() for ended in tuple(begun)]
    for error in errors:
        if error is not None:
            raise error


def _pool(n_threads: int) -> ThreadPoolExecutor:
    with _lock:
        if n_threads not in _pools:
            _pools[n_threads] = ThreadPoolExecutor(n_threads, "nnlite", _begin_work)
        return _pools[n_threads]


def _begin_work() -> None:
    _here.limit = 1


class at_most:
    """A context in which what this thread calls uses so many threads, and not more."""

    def __init__(self, n_threads: int | None) -> None:
        self.limit = thread_count(n_threads)

    def __enter__(self) -> None:
        self.before = getattr(_here, "limit", None)
        _here.limit = self.limit

    def __exit__(self, *_: object) -> None:
        _here.limit = self.before


class single_threaded_blas:
    """A context in which BLAS has one thread. The limit is the process's: the last one to leave lifts it."""

    def __enter__(self) -> None:
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

    def __exit__(self, *_: object) -> None:
        global _blas_users
        with _lock:
            _blas_users -= 1
            if _blas_users == 0:
                for library, n_threads in _blas_limits.items():
                    _set_blas_threads(library, n_threads)
                _blas_limits.clear()


def _set_blas_threads(library: Any, n_threads: int) -> None:
    # threadpoolctl lets only the thread that set a limit change it again, and another one may be the last to leave.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(n_threads)
