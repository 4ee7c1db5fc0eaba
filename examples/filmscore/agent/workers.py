"""Executors that analyse recordings: processes, threads, or a dask.distributed cluster."""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from nnlite.model_selection.execution import Workers, end_with_parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where recordings are analysed."""
    parser.add_argument(
        "--executor",
        default="processes",
        metavar="WHERE",
        help="processes (default), threads, or the address of a dask.distributed scheduler whose workers see the files",
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="processes or threads (%(default)s)"
    )


def workers(where: str, n: int) -> Workers | None:
    """Return an executor, or a function that makes one; None to work in this process, one file after the other.

    Raises
    ------
    ValueError
        For a number below 1, or a place that is none.
    """
    if n < 1:
        raise ValueError(f"--processes: expected 1 or more, got {n}")
    if where == "processes":
        os.environ["NNLITE_NUM_THREADS"] = "1"  # each process works on one recording
        context = multiprocessing.get_context("spawn")  # a forked process may hang where threads run
        return None if n == 1 else functools.partial(ProcessPoolExecutor, n, context, begin)
    if where == "threads":
        return functools.partial(ThreadPoolExecutor, n)
    if ":" not in where:
        raise ValueError(f"--executor: expected processes, threads or the address of a scheduler, got {where!r}")
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--executor: a scheduler's address needs dask.distributed: pip install distributed") from None
    try:
        return Client(where, timeout=20).get_executor()
    except (OSError, ValueError) as error:
        raise ValueError(f"--executor: no scheduler answers at {where}: {error}") from None


def begin() -> None:
    """Prepare a worker process: it ignores Ctrl-C, which its parent handles, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(os.getpid())
