"""Independent tasks, such as the folds of a study. Every outcome is kept, and a run that was stopped can go on."""

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from nnlite.checks import check_iterable
from nnlite.model_selection.canonical import canonical_json, digest
from nnlite.model_selection.execution import Workers, attempt
from nnlite.model_selection.progress import Progress
from nnlite.model_selection.recording import as_context, open_journal, read_records, run_unknown

Function = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task: the `value` that the function returned, or the `error` with where it was raised."""

    key: str
    task: dict[str, Any]
    value: Any
    seconds: float
    error: str | None

    @property
    def failed(self) -> bool:
        """True if there is no value: the function raised, or returned NaN or something that JSON can't hold."""
        return self.error is not None

    @property
    def score(self) -> None:
        """None: the values of tasks are not compared."""
        return None


@dataclass(frozen=True)
class _Waiting:
    key: str
    task: dict[str, Any]


def run_tasks(
    function: Function,
    tasks: Iterable[Mapping[str, Any]],
    *,
    executor: Workers | None = None,
    journal: str | os.PathLike[str] | None = None,
    context: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    progress: TextIO | None = None,
) -> tuple[Outcome, ...]:
    """Call a function with each task and keep every outcome; run again, it goes on where it stopped.

    Parameters
    ----------
    function : callable
        ``function(task)`` returns what JSON can hold, without NaN and infinity; large results go to a file that the
        task names. With an executor of processes or a journal it must be a function at the top level of a module;
        ``functools.partial`` may hold values.
    tasks : iterable of dict
        Paths, configuration and seeds: values that JSON can hold. Equal tasks are run once.
    executor : concurrent.futures.Executor, or callable, optional
        Runs the tasks; by default they run here, one after the other. A function without arguments that makes an
        executor, such as ``functools.partial(ProcessPoolExecutor, 4)``, lets the run survive the death of a worker: the
        tasks that it took along are run again, one at a time, and one that dies again is recorded as failed.
    journal : path-like, optional
        JSON lines: each outcome is written, by this process, and synced when it comes. A run that finds its journal
        skips what is there; other tasks may be added. One that was written with another `function` or `context` is
        refused.
    context : mapping, optional
        Other things that the values depend on, such as the hashes of data and folds; checked against the journal.
    retry_failed : bool
        Run again what the journal has as failed.
    progress : text stream, optional
        Stream for lines that say how many are done and when all will be, such as ``sys.stderr``.

    Returns
    -------
    tuple of Outcome
        One a task, in their order.

    Raises
    ------
    RuntimeError
        When the executor breaks and was not made by a function; what was finished is in the journal.

    Notes
    -----
    On several machines: ``executor=distributed.Client(address).get_executor()``, with the address of a dask scheduler
    (``pip install 'nnlite[cluster]'``); workers must find the function's module and the tasks' paths. A worker that
    dies takes nothing along: the scheduler gives its tasks to another.

    Examples
    --------
    >>> def count_down(task):
    ...     return {"rows": 12 // task["fold"]}
    >>> outcomes = run_tasks(count_down, [{"fold": 2}, {"fold": 0}, {"fold": 3}])
    >>> [outcome.value for outcome in outcomes]
    [{'rows': 6}, None, {'rows': 4}]
    >>> outcomes[1].error.splitlines()[0]
    'ZeroDivisionError: integer division or modulo by zero'
    """
    who = "run_tasks"
    keys: list[str] = []
    waiting: dict[str, _Waiting] = {}
    for task in check_iterable(who, "tasks", tasks, "dictionaries of paths, configuration and seeds"):
        if not isinstance(task, Mapping):
            raise ValueError(f"{who}: tasks: expected dictionaries of paths, configuration and seeds, got {task!r}.")
        keys.append(digest(canonical_json(task, f"{who}: tasks"))[:16])
        waiting.setdefault(keys[-1], _Waiting(keys[-1], dict(task)))
    if not waiting:
        raise ValueError(f"{who}: tasks: expected at least one task, got none.")
    jobs = list(waiting.values())
    with open_journal(who, "function", function, executor, journal, {"context": as_context(who, context)}) as book:
        known = read_records(who, book, jobs, Outcome, "task", retry_failed)
        bar = Progress(who, len(jobs), len(known), progress)
        work = functools.partial(_run, function)
        found = {o.key: o for o in run_unknown(who, work, jobs, executor, _lost, book, known, bar)}
    return tuple(found[key] for key in keys)


def _run(function: Function, waiting: _Waiting) -> Outcome:
    """Call the function, in the worker, and turn whatever happens into an outcome."""
    value, error, seconds = attempt(functools.partial(_as_json, function), waiting.task)
    return Outcome(waiting.key, waiting.task, value, seconds, error)


def _as_json(function: Function, task: dict[str, Any]) -> Any:
    """Return the value as it will come back from a journal: tuples are lists there."""
    return json.loads(canonical_json(function(task), "run_tasks: function: its value"))


def _lost(waiting: _Waiting, error: str) -> Outcome:
    return Outcome(waiting.key, waiting.task, None, 0.0, error)
