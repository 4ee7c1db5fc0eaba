"""The leading process's view of a contender: start its process, give orders, wait, and outlive it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speed.case import Contender, Task
from speed.worker import serve

PATIENCE_S = 3600.0
"""How long an order may take; compilers and patient planners take minutes."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NNLITE_NUM_THREADS",
)
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}


class ContenderFailed(RuntimeError):
    """A contender raised, crashed, or took too long; the message says which."""


class Worker:
    """A contender in a process of its own; `close` ends it."""

    def __init__(self, contender: Contender, task: Task, log: Path) -> None:
        self.log = log
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, contender.adapter, task, log, cores_for(task.threads))
        self._process = context.Process(target=serve, args=arguments, name=contender.name)
        with _environment(task.threads):
            self._process.start()
        theirs.close()

    def ask(self, order: str, *arguments: Any) -> Any:
        """The answer to an order of `speed.worker`; raises ContenderFailed."""
        try:
            self._connection.send((order, *arguments))
            if not self._connection.poll(PATIENCE_S):
                self.close()
                raise ContenderFailed(f"no answer within {PATIENCE_S:g} s")
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            code = self._process.exitcode
            raise ContenderFailed(f"its process ended with code {code}; {self._last_words()}") from error
        if "error" in answer:
            raise ContenderFailed(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        """End the process, by force if need be."""
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._kill()
            self._process.join()

    def _kill(self) -> None:
        if hasattr(os, "killpg"):  # what it has started ends too
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # type: ignore[arg-type]  # it has been started
        self._process.kill()

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.is_file() else []
        return lines[-1][:300] if lines else "it said nothing"


def available_cores() -> list[int]:
    """Cores that this process may run on."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def cores_for(threads: int) -> list[int]:
    """Cores that a contender is bound to: some libraries have no other way to be held to a number of threads."""
    cores = available_cores()
    return cores[:threads] if threads < len(cores) else []


@contextlib.contextmanager
def _environment(threads: int) -> Iterator[None]:
    """What a process inherits: libraries read these variables when they are loaded."""
    wanted = dict.fromkeys(THREAD_VARIABLES, str(threads)) | QUIET
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
