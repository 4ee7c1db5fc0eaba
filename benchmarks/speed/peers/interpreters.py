"""Whole processes: from the start of the interpreter to its end."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

from speed.case import Modes, Ready, Task

ROOT = Path(__file__).resolve().parents[3]


def statement(task: Task) -> Modes:
    """A new interpreter that runs one statement."""
    return {"": lambda: Ready(lambda: run(task.settings["statement"], {}))}


def first_step(task: Task) -> Modes:
    """A new interpreter that does a training step of the published network, with or without compiled code on disk."""
    library, cold = task.settings["library"], task.settings["cold"]
    ways = ("eager", "compiled") if library == "torch" else ("",)
    return {way: lambda way=way: _first_step(task, library, way, cold) for way in ways}


def _first_step(task: Task, library: str, way: str, cold: bool) -> Ready:
    numbers = itertools.count()
    cache = task.folder / f"cache-{library}-{way}"
    environment: dict[str, str] = {}

    def use_cache() -> None:
        folder = cache / str(next(numbers)) if cold else cache
        environment.update(NNLITE_CACHE_DIR=str(folder), TORCHINDUCTOR_CACHE_DIR=str(folder))

    def do() -> str:
        return run(f"from speed import first_steps; first_steps.{library}({way!r}, {task.quick})", environment)

    def do_and_look() -> None:
        said = do()
        if library == "nnlite" and cold != ("compiling" in said):
            raise RuntimeError(f"expected {'a' if cold else 'no'} line about compiling, got {said[-300:]!r}")

    use_cache()
    if not cold:
        do()
    return Ready(do_and_look, before=use_cache, slow=cold)


def run(code: str, environment: dict[str, str]) -> str:
    """What a new interpreter says on its standard error while it runs some code, from the root of the checkout."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("benchmarks", "examples"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{code!r} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stderr
