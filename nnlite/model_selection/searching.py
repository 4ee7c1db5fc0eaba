"""Search: evaluate candidates, here or over an executor, resumable, with no result lost."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, TextIO

import numpy as np

from nnlite.model_selection.canonical import canonical_json
from nnlite.model_selection.journal import Journal
from nnlite.model_selection.progress import Progress
from nnlite.model_selection.trials import Evaluate, Task, Trial, make_tasks, module_level_name, run_trials


class MeanScore(NamedTuple):
    """Mean and sample standard deviation of a candidate's scores over folds or repeats."""

    candidate: dict[str, Any]
    mean: float
    deviation: float
    n: int
    failed: int


@dataclass(frozen=True)
class SearchResult:
    """Trials in the order of their candidates, failed ones included; iterable."""

    trials: tuple[Trial, ...]

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    @property
    def failed(self) -> list[Trial]:
        """The trials that raised or gave no finite score."""
        return [trial for trial in self.trials if trial.failed]

    @property
    def ranked(self) -> list[Trial]:
        """The trials with a score: the largest budget first, then the highest score, then in order."""
        scored = [trial for trial in self.trials if trial.score is not None]
        return sorted(scored, key=lambda trial: (-(trial.budget or 0), -(trial.score or 0)))

    @property
    def best(self) -> Trial:
        """The first of `ranked`; raises when every trial failed."""
        if not self.ranked:
            raise ValueError(
                f"SearchResult: best: expected a trial with a score, but all {len(self)} failed; the first: "
                f"{self.trials[0].error}"
            )
        return self.ranked[0]

    def means_over(self, *names: str) -> list[MeanScore]:
        """Mean scores of the candidates that differ only in `names`, such as "fold" and "repeat"; the best first.

        A failed trial counts in `failed` and not in the mean: look at both.
        """
        groups: dict[str, tuple[dict[str, Any], list[Trial]]] = {}
        for trial in self.trials:
            missing = [name for name in names if name not in trial.candidate]
            if missing:
                raise ValueError(f"means_over: names: expected names in every candidate, got {missing[0]!r}.")
            rest = {name: value for name, value in trial.candidate.items() if name not in names}
            groups.setdefault(canonical_json([rest, trial.budget], "means_over"), (rest, []))[1].append(trial)
        means = []
        for rest, trials in groups.values():
            scores = [trial.score for trial in trials if trial.score is not None]
            mean = float(np.mean(scores)) if scores else math.nan
            deviation = float(np.std(scores, ddof=1)) if len(scores) > 1 else math.nan
            means.append(MeanScore(rest, mean, deviation, len(scores), len(trials) - len(scores)))
        return sorted(means, key=lambda entry: -math.inf if math.isnan(entry.mean) else entry.mean, reverse=True)


def search(
    candidates: Iterable[Mapping[str, Any]],
    evaluate: Evaluate,
    *,
    seed: int = 0,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
    context: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    progress: TextIO | None = None,
) -> SearchResult:
    """Evaluate every candidate and keep every outcome.

    Parameters
    ----------
    candidates : iterable of dict
        :class:`ParameterGrid`, :class:`ParameterSampler`, a list; values that JSON can hold. Equal ones are one.
    evaluate : callable
        ``evaluate(candidate, seed=seed)`` returns the score, higher is better, or a dictionary with "score" and
        anything else that JSON can hold. With an executor of processes or a journal it must be a function at the top
        level of a module; ``functools.partial`` may hold values. Its arguments are paths and configuration, not arrays.
    seed : int
        Each candidate's seed comes from this and from the candidate, whatever the others are.
    executor : concurrent.futures.Executor, optional
        Where trials run; by default here, one after the other.
    journal : path-like, optional
        JSON lines: each outcome is written, by this process, and synced when it comes. A run that finds its journal
        skips what is there; more candidates may be added. One that was written with another `evaluate`, `seed` or
        `context` is refused.
    context : mapping, optional
        What else scores depend on, such as the hashes of data and folds; checked against the journal.
    retry_failed : bool
        Run again what the journal has as failed.
    progress : text stream, optional
        Where to write how many are done and when all will be, such as ``sys.stderr``.

    Returns
    -------
    SearchResult
        One trial for each different candidate. One that raises, or whose score is NaN or infinite, is recorded as
        failed.

    Raises
    ------
    RuntimeError
        When the executor breaks; what was finished is in the journal.

    Examples
    --------
    >>> def evaluate(candidate, seed):
    ...     return -((candidate["x"] - 2) ** 2)
    >>> result = search([{"x": 0}, {"x": 1}, {"x": 2}, {"x": 3}], evaluate)
    >>> result.best.candidate, result.best.score
    ({'x': 2}, 0.0)
    """
    tasks = make_tasks("search", candidates, seed)
    with open_journal("search", evaluate, seed, executor, journal, context) as book:
        known = read_trials("search", book, tasks, retry_failed)
        bar = Progress("search", len(tasks), len(known), progress)
        return SearchResult(run_known("search", tasks, evaluate, executor, book, known, bar))


def open_journal(
    who: str,
    evaluate: Evaluate,
    seed: int,
    executor: Executor | None,
    path: str | os.PathLike[str] | None,
    context: Mapping[str, Any] | None,
) -> Any:
    """The run's journal as a context manager (of None without a path), after a check of what needs a name."""
    threads = executor is None or isinstance(executor, ThreadPoolExecutor)
    name = "" if threads and path is None else module_level_name(who, evaluate)
    if path is None:
        return nullcontext()
    return Journal(who, path, {"function": who, "evaluate": name, "seed": seed, "context": dict(context or {})})


def read_trials(who: str, book: Journal | None, tasks: Iterable[Task], retry_failed: bool) -> dict[str, Trial]:
    """The tasks' trials that the journal has, by key; the last entry of a key counts."""
    wanted = {task.key: task.candidate for task in tasks}
    names = {field.name for field in fields(Trial)}
    known = {}
    for entry in book.entries if book else []:
        if set(entry) != names:
            raise ValueError(f"{who}: journal: expected the names {sorted(names)} in every line, got {sorted(entry)}.")
        if entry["key"] in wanted:
            known[entry["key"]] = Trial(**{**entry, "candidate": wanted[entry["key"]]})
    return {key: trial for key, trial in known.items() if not (trial.failed and retry_failed)}


def run_known(
    who: str,
    tasks: list[Task],
    evaluate: Evaluate,
    executor: Executor | None,
    book: Journal | None,
    known: dict[str, Trial],
    progress: Progress,
) -> tuple[Trial, ...]:
    """Run the tasks that are not known, journal them as they come, and return all in the order of tasks."""
    found = dict(known)
    for trial in known.values():
        progress.known(trial.score)
    try:
        for trial in run_trials(who, [task for task in tasks if task.key not in known], evaluate, executor):
            if book:
                book.append(asdict(trial))
            found[trial.key] = trial
            progress.update(trial.score)
    finally:
        progress.finish()
    return tuple(found[task.key] for task in tasks)
