"""Execution of jobs: in this process, on an executor, or in pools that are replaced when a worker dies.

A job that fails does not end the others.
"""

import contextlib
import copy
import functools
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, as_completed
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from nnlite.model_selection.canonical import canonical_json

# An executor, or a function without arguments that makes one, so that a broken one can be replaced.
Workers = Executor | Callable[[], Executor]


class Job(Protocol):
    """A piece of work.

    A function at the top level of a module makes a record of it, under a key that no other job has.
    """

    @property
    def key(self) -> str:
        """The name of the job, which is also that of a file."""


class Report(NamedTuple):
    """The result of a call: its value, or the error as text with where it was raised."""

    value: Any
    error: str | None
    seconds: float


JobT = TypeVar("JobT", bound=Job)
Record = TypeVar("Record")


def attempt(function: Callable[..., Any], argument: Any, **keywords: Any) -> Report:
    """Call a function with a copy of the argument; what it raises, but for an interrupt, is reported."""
    start = time.perf_counter()
    try:
        value, error = function(copy.deepcopy(argument), **keywords), None
    except (Exception, SystemExit) as raised:  # sys.exit is how scripts fail: it must not end the others
        lines = traceback.format_exception(raised, limit=-8)  # the innermost: a stack of a library's own is long
        value, error = None, describe(raised) + "\n" + "".join(lines)
    return Report(value, error, time.perf_counter() - start)


def describe(error: BaseException) -> str:
    """Return type and message of an error."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def run_jobs(
    who: str,
    work: Callable[[JobT], Record],
    jobs: Sequence[JobT],
    workers: Workers | None,
    lost: Callable[[JobT, str], Record],
) -> Iterator[Record]:
    """Yield a record of each job as it is finished; with an executor, in any order.

    Parameters
    ----------
    who : str
        The calling function, for messages.
    work : callable
        Makes the record of a job, and does not raise. Where processes run it, other processes must find it by name.
    jobs : sequence
    workers : executor or callable, optional
        None runs the jobs here, one after the other.
    lost : callable
        ``lost(job, error)`` makes the record of a job that has none because it did not come back.

    Raises
    ------
    RuntimeError
        When the executor breaks, or those that a function makes break without running anything. Jobs are done if their
        records were yielded.
    """
    if workers is None:
        yield from map(work, jobs)
        return
    try:
        if isinstance(workers, Executor):
            for _, record in _submitted(work, jobs, workers, lost):
                yield record
        else:
            yield from _run_in_pools(work, jobs, workers, lost)
    except (BrokenExecutor, CancelledError) as error:
        raise RuntimeError(
            f"{who}: executor: expected it to run all of {len(jobs)}, got {describe(error)}: a worker may have been "
            "killed, by lack of memory for instance. With a journal, the same call continues after the finished ones. "
            "Instead of an executor pass a function that makes one, such as functools.partial(ProcessPoolExecutor, 2), "
            "and a broken one is replaced."
        ) from error


def _submitted(
    work: Callable[[JobT], Record], jobs: Sequence[JobT], executor: Executor, lost: Callable[[JobT, str], Record]
) -> Iterator[tuple[JobT, Record]]:
    # dask takes equal arguments for an equal result and would hand out an earlier failure again.
    run = uuid.uuid4().hex
    futures: dict[Future[Record], JobT] = {}
    try:
        for job in jobs:
            futures[executor.submit(_work, work, job, run)] = job
        for future in as_completed(futures):
            # A result that is held here is one that dask computes again when the worker that found it dies.
            job = futures.pop(future)
            try:
                record = future.result()
            except (BrokenExecutor, CancelledError):
                raise
            except Exception as error:  # Lost on its way: a worker killed, a result that can't be sent.
                record = lost(job, describe(error))
            del future
            yield job, record
    finally:
        for future in futures:
            future.cancel()


def _work(work: Callable[[JobT], Record], job: JobT, run: str) -> Record:
    """Do a job, in the worker; `run` only tells two calls apart."""
    end_with_parent(os.getpid())
    return work(job)


@functools.cache
def end_with_parent(pid: int) -> None:
    """Let a worker process end when the one that started it is killed: it would go on, and then wait for ever.

    Jobs call it; a pool's initializer may, for workers that would be killed before their first job.

    Parameters
    ----------
    pid : int
        The calling process, so that a forked one does not take its parent's call for its own.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, name="end-with-parent", daemon=True).start()


def _run_in_pools(
    work: Callable[[JobT], Record],
    jobs: Sequence[JobT],
    make: Callable[[], Executor],
    lost: Callable[[JobT, str], Record],
) -> Iterator[Record]:
    """Replace a pool that breaks.

    A pool does not say which job broke it: all that ran in it are lost. They are run again one at a time, so that a
    second death is certainly the job's own, and is recorded.
    """
    waiting = {job.key: job for job in jobs}
    with tempfile.TemporaryDirectory(prefix="running-") as folder:
        marked = functools.partial(_marked, work, folder)
        while waiting:
            before = len(waiting)
            broken: BrokenExecutor | None = None
            try:
                with make() as pool:
                    for job, record in _submitted(marked, list(waiting.values()), pool, lost):
                        del waiting[job.key]
                        yield record
            except BrokenExecutor as error:
                broken = error
            suspects = [job for key, job in waiting.items() if Path(folder, key).exists()]
            if broken and len(waiting) == before and not suspects:
                raise broken  # Nothing ran: the next pool would be no better.
            for job in suspects:
                yield _run_alone(marked, job, make, lost, Path(folder, job.key))
                del waiting[job.key]


def _run_alone(
    marked: Callable[[JobT], Record],
    job: JobT,
    make: Callable[[], Executor],
    lost: Callable[[JobT, str], Record],
    marker: Path,
) -> Record:
    """Run in a pool of its own a job whose worker died before; a second death is recorded."""
    marker.unlink()
    try:
        with make() as pool:
            ((_, record),) = _submitted(marked, [job], pool, lost)
    except BrokenExecutor as error:
        if not marker.exists():
            raise  # Not even started.
        marker.unlink()
        cause = "killed by the system for lack of memory, or by a fault in compiled code"
        return lost(job, f"{describe(error)} The worker died twice, the second time with this alone: {cause}.")
    return record


def _marked(work: Callable[[JobT], Record], folder: str, job: JobT) -> Record:
    """Do a job, in the worker, while a file says that it is being run: the worker may not live to say more."""
    marker = Path(folder, job.key)
    with contextlib.suppress(OSError):  # Another machine has no such folder.
        marker.touch()
    record = work(job)
    marker.unlink(missing_ok=True)
    return record


def module_level_name(who: str, argument: str, function: Callable[..., Any]) -> str:
    """Return the name by which another process finds a callable.

    Raise ValueError if it can't: for lambdas and inner functions.

    A ``functools.partial`` has the name of its function with the values it holds.
    """
    if isinstance(function, functools.partial):
        bound = canonical_json(
            [list(function.args), function.keywords], f"{who}: {argument}: arguments of functools.partial"
        )
        return module_level_name(who, argument, function.func) + bound
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not function:
        raise ValueError(
            f"{who}: {argument}: expected a function at the top level of a module, got {function!r}. Other processes "
            "and a journal need its name; functools.partial may hold values."
        )
    return f"{module}.{name}"
