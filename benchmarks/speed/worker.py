"""The process in which one contender lives: it makes modes ready and times them when it is told to.

Each contender has a process of its own, so that their thread pools, allocators and settings don't meet, and one that
crashes takes nobody along. Between its turns it waits for the next order.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import sys
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from speed.case import Modes, Ready, Task

SHORTEST_SAMPLE_S = 0.005
"""What a sample takes at least: shorter calls are repeated within it."""

ROUND_S, ROUND_SAMPLES = 0.5, (3, 10)
"""About how long a mode's turn lasts, and how many samples it has at least and at most."""


def serve(connection: Connection, adapter: str, task: Task, log: Path, cores: list[int]) -> None:
    """Answer orders until there are no more; what libraries print goes to the log."""
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the leading process, and what is started here can be ended with this one
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    server = _Server(adapter, task)
    while True:
        try:
            order, *arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send({"answer": getattr(server, order)(*arguments)})
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            connection.send({"error": f"{type(error).__name__}: {error}"})


class _Server:
    def __init__(self, adapter: str, task: Task) -> None:
        self._adapter, self._task = adapter, task
        self._modes: Modes = {}
        self._ready: dict[str, Ready] = {}
        self._loops: dict[str, int] = {}

    def modes(self) -> list[str]:
        """Names of the modes; none is made yet."""
        module, _, function = self._adapter.partition(":")
        self._modes = getattr(importlib.import_module(module), function)(self._task)
        return list(self._modes)

    def make(self, mode: str, path: str) -> dict[str, Any]:
        """Make a mode, save its result to a file, and warm it up."""
        began = time.perf_counter()
        ready = self._ready[mode] = self._modes[mode]()
        if ready.result is not None:
            np.savez(path, **ready.result())
        self._loops[mode] = 1 if ready.slow else self._calibrate(ready)
        answer = {"has_result": ready.result is not None, "work": ready.work, "tolerance": ready.tolerance}
        return {**answer, "make_s": time.perf_counter() - began}

    def _calibrate(self, ready: Ready) -> int:
        """Warm up; return how many calls make a sample."""
        seconds = [self._time(ready, 1) for _ in range(1 if self._task.quick else 5)]
        if self._task.quick or ready.before is not None:
            return 1
        return max(1, math.ceil(SHORTEST_SAMPLE_S / max(min(seconds), 1e-9)))

    def sample(self, mode: str) -> list[float]:
        """One turn: seconds of a call, sample by sample, after a call that does not count."""
        ready, loops = self._ready[mode], self._loops[mode]
        if ready.slow or self._task.quick:
            return [self._time(ready, loops)]
        self._time(ready, 1)
        samples: list[float] = []
        end = time.perf_counter() + ROUND_S
        fewest, most = ROUND_SAMPLES
        while len(samples) < fewest or (len(samples) < most and time.perf_counter() < end):
            samples.append(self._time(ready, loops))
        return samples

    def report(self, mode: str) -> dict[str, float]:
        """Further figures of a mode."""
        report = self._ready[mode].report
        return {} if report is None else report()

    @staticmethod
    def _time(ready: Ready, loops: int) -> float:
        if ready.before is not None:
            ready.before()
        gc.collect()
        gc.disable()
        try:
            run = ready.run
            began = time.perf_counter()
            for _ in range(loops):
                run()
            return (time.perf_counter() - began) / loops
        finally:
            gc.enable()
