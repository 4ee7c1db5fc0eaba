"""Contenders for the tests of the harness: right, wrong, and failing in every way."""

import os
import time

import numpy as np

from speed.case import Modes, Ready, Task


def answer(task: Task) -> dict[str, np.ndarray]:
    return {"answer": task.arrays()["x"] * 2}


def right(task: Task) -> Modes:
    seconds, work = task.settings.get("seconds", 0.0), task.settings.get("work")
    return {"": lambda: Ready(lambda: time.sleep(seconds), lambda: answer(task), work=work)}


def at_two_speeds(task: Task) -> Modes:
    def mode(seconds: float) -> Ready:
        return Ready(lambda: time.sleep(seconds), lambda: answer(task))

    return {"slow": lambda: mode(0.5), "fast": lambda: mode(0.01)}


def wrong(task: Task) -> Modes:
    def raising() -> Ready:
        raise ValueError("no such instruction")

    def failing() -> None:
        raise ArithmeticError("the third call fails")

    def resting() -> None:  # as long as another mode, or there would be no second turn
        time.sleep(0.02)

    calls = iter([resting, resting])
    return {
        "other numbers": lambda: Ready(lambda: None, lambda: {"answer": task.arrays()["x"] * 2.1}),
        "nearly": lambda: Ready(resting, lambda: {"answer": task.arrays()["x"] * 2.1}, tolerance=0.1),
        "other shape": lambda: Ready(lambda: None, lambda: {"answer": np.zeros(1)}),
        "not a number": lambda: Ready(lambda: None, lambda: {"answer": np.full(3, np.nan)}),
        "raises when it is made": raising,
        "raises when it runs": lambda: Ready(lambda: next(calls, failing)(), lambda: answer(task)),
    }


def crashing(task: Task) -> Modes:
    def crash() -> None:
        print("illegal instruction", flush=True)
        os._exit(3)

    return {"": lambda: Ready(crash)}


def limits(task: Task) -> Modes:
    """What a contender is told about threads."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else task.threads
    said = {"cores": float(cores), "threads": float(os.environ["OMP_NUM_THREADS"])}
    return {"": lambda: Ready(lambda: None, report=lambda: said)}
