"""Trials: a candidate, its seed, and what became of it; run here or over an executor, gathered by key."""

import concurrent.futures
import copy
import functools
import json
import math
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnlite.model_selection.canonical import canonical_json, digest

Evaluate = Callable[..., Any]


@dataclass(frozen=True)
class Trial:
    """One evaluation of one candidate.

    `score` is None for a failure, whose `error` says why; `details` holds what `evaluate` returned besides the score;
    `budget` is None outside successive halving.
    """

    key: str
    candidate: dict[str, Any]
    budget: float | None
    seed: int
    score: float | None
    details: dict[str, Any]
    seconds: float
    error: str | None

    @property
    def failed(self) -> bool:
        """Whether it raised, or its score was not a finite number."""
        return self.score is None


@dataclass(frozen=True)
class Task:
    """A trial that is still to be run."""

    key: str
    candidate: dict[str, Any]
    budget: float | None
    seed: int


def candidate_key(candidate: Mapping[str, Any], budget: float | None = None) -> str:
    """Name of a candidate, 16 hexadecimal digits: equal for equal values in any order, in any process.

    Examples
    --------
    >>> candidate_key({"n_hidden": 50, "learning_rate": 0.1}) == candidate_key({"learning_rate": 0.1, "n_hidden": 50})
    True
    """
    content = {"candidate": candidate} if budget is None else {"candidate": candidate, "budget": budget}
    return digest(canonical_json(content, "candidate_key: candidate"))[:16]


def make_tasks(who: str, candidates: Iterable[Mapping[str, Any]], seed: int, budget: float | None = None) -> list[Task]:
    """One task for each different candidate; its seed comes from `seed` and the candidate, not from its place."""
    if seed < 0:
        raise ValueError(f"{who}: seed: expected a whole number of at least 0, got {seed}.")
    tasks: dict[str, Task] = {}
    for candidate in candidates:
        if not isinstance(candidate, Mapping):
            raise ValueError(f"{who}: candidates: expected dictionaries of hyper-parameters, got {candidate!r}.")
        key = candidate_key(candidate, budget)
        # Without the budget: a longer run of a candidate is the continuation of the shorter one.
        words = [int(candidate_key(candidate)[i : i + 8], 16) for i in (0, 8)]
        drawn = np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0]
        tasks.setdefault(key, Task(key, dict(candidate), budget, int(drawn >> np.uint64(1))))
    if not tasks:
        raise ValueError(f"{who}: candidates: expected at least one candidate, got an empty search space.")
    return list(tasks.values())


def run_trials(
    who: str, tasks: Sequence[Task], evaluate: Evaluate, executor: concurrent.futures.Executor | None
) -> Iterator[Trial]:
    """Run tasks and yield trials as they finish; with an executor, in any order.

    Raises
    ------
    RuntimeError
        When the executor itself breaks. The trials that were yielded are done.
    """
    if executor is None:
        for task in tasks:
            yield _run(evaluate, task)
        return
    # dask takes equal arguments for an equal result and would hand out an earlier failure again.
    run = uuid.uuid4().hex
    futures: dict[concurrent.futures.Future[Trial], Task] = {}
    try:
        for task in tasks:
            futures[executor.submit(_run, evaluate, task, run)] = task
        for future in concurrent.futures.as_completed(futures):
            # A result that is held here is one that dask computes again when the worker that found it dies.
            task = futures.pop(future)
            try:
                trial = future.result()
            except (concurrent.futures.BrokenExecutor, concurrent.futures.CancelledError):
                raise
            except Exception as error:  # The trial was lost on its way: a worker killed, a result that can't be sent.
                trial = Trial(**asdict(task), score=None, details={}, seconds=0.0, error=_describe(error))
            del future
            yield trial
    except (concurrent.futures.BrokenExecutor, concurrent.futures.CancelledError) as error:
        raise RuntimeError(
            f"{who}: executor: expected it to run all {len(tasks)} trials, got {_describe(error)}: a worker may have "
            "been killed, by lack of memory for instance. With a journal, the same call continues after the finished "
            "trials."
        ) from error
    finally:
        for future in futures:
            future.cancel()


def _run(evaluate: Evaluate, task: Task, run: str = "") -> Trial:
    """In the worker: evaluate, and turn whatever happens into a trial; `run` only tells two calls apart."""
    start = time.perf_counter()
    score: float | None = None
    details: dict[str, Any] = {}
    error: str | None = None
    arguments: dict[str, Any] = {"seed": task.seed}
    if task.budget is not None:
        arguments["budget"] = task.budget
    try:
        score, details = _score_and_details(evaluate(copy.deepcopy(task.candidate), **arguments))
        if not math.isfinite(score):
            score, error = None, f"the score is {score}"
    except Exception as raised:
        error = _describe(raised) + "\n" + "".join(traceback.format_tb(raised.__traceback__)[-3:])
    seconds = time.perf_counter() - start
    return Trial(**asdict(task), score=score, details=details, seconds=seconds, error=error)


def _score_and_details(outcome: Any) -> tuple[float, dict[str, Any]]:
    if isinstance(outcome, Mapping):
        details = dict(outcome)
        if "score" not in details:
            raise ValueError(
                f'evaluate: expected a number or a dictionary with "score", got the names {sorted(details)}.'
            )
        outcome = details.pop("score")
        # As they will come back from a journal: tuples are lists there.
        details = json.loads(canonical_json(details, "evaluate: details"))
    else:
        details = {}
    if isinstance(outcome, bool) or not isinstance(outcome, int | float | np.integer | np.floating):
        raise TypeError(f'evaluate: expected a number or a dictionary with "score", got {outcome!r}.')
    return float(outcome), details


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def module_level_name(who: str, evaluate: Evaluate) -> str:
    """Name by which another process finds a callable; raises if it can't: for lambdas and inner functions.

    A ``functools.partial`` has the name of its function with the values it holds.
    """
    if isinstance(evaluate, functools.partial):
        bound = canonical_json(
            [list(evaluate.args), evaluate.keywords], f"{who}: evaluate: arguments of functools.partial"
        )
        return module_level_name(who, evaluate.func) + bound
    module, name = getattr(evaluate, "__module__", None), getattr(evaluate, "__qualname__", "")
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not evaluate:
        raise ValueError(
            f"{who}: evaluate: expected a function at the top level of a module, got {evaluate!r}. Other processes and "
            "a journal need its name; functools.partial may hold values."
        )
    return f"{module}.{name}"
