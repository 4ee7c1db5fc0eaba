"""Run independent jobs over processes. A job that fails, or kills its process, does not affect the others."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
DIED = "the process that worked on it died (a crash in a decoder, or no memory left)"


def run(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    n_processes: int,
    failed: Callable[[Job, str], Result],
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Yield `work(job)` for each job, in the order in which they finish.

    Parameters
    ----------
    work : function of a module
        The work. It is sent to the processes by its name, together with the job.
    n_processes : int
        With one, the work is done in this process.
    failed : function
        Makes the result of a job that raised, or whose process died, from the job and the reason.
    executor : concurrent.futures.Executor, optional
        An executor to use in place of processes of this machine.
    """
    jobs = list(jobs)
    lost: list[Job] = []
    if executor is not None:
        yield from _as_done(executor, work, jobs, failed, lost)
        yield from (failed(job, DIED) for job in lost)
    elif n_processes == 1:
        yield from map(work, jobs)
    else:
        with _processes(n_processes) as pool:
            yield from _as_done(pool, work, jobs, failed, lost)
        for job in lost:  # a process that dies breaks the pool: run alone, only the job at fault fails
            with _processes(1) as pool:
                yield from run(work, [job], 1, failed, pool)


def _processes(n: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))  # a fork with threads may hang


def _as_done(
    executor: Executor,
    work: Callable[[Job], Result],
    jobs: list[Job],
    failed: Callable[[Job, str], Result],
    lost: list[Job],
) -> Iterator[Result]:
    """Yield results; jobs that were lost with a broken executor are appended to `lost` instead."""
    futures: dict[Future[Result], Job] = {}
    try:
        for job in jobs:
            try:
                futures[executor.submit(work, job)] = job
            except BrokenExecutor:
                lost.append(job)
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenExecutor:
                lost.append(futures[future])
            except Exception as error:
                yield failed(futures[future], f"{type(error).__name__}: {error}")
    finally:
        for future in futures:
            future.cancel()
