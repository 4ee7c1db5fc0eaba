"""Search: candidates are evaluated, here or over an executor. No result is lost, and a run that was stopped can go
on."""

import functools
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

import numpy as np

from nnlite.model_selection.canonical import canonical_json
from nnlite.model_selection.execution import Workers
from nnlite.model_selection.journal import Journal
from nnlite.model_selection.progress import Progress
from nnlite.model_selection.recording import as_context, open_journal, read_records, run_unknown
from nnlite.model_selection.trials import Evaluate, Planned, Trial, lost_trial, plan_trials, run_trial


class MeanScore(NamedTuple):
    """The mean and sample standard deviation of a candidate's scores over folds or repeats."""

    candidate: dict[str, Any]
    mean: float
    deviation: float
    n: int
    failed: int


@dataclass(frozen=True)
class SearchResult:
    """The trials in the order of their candidates, failed ones included; iterable."""

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
        """The first of `ranked`. ValueError if every trial failed."""
        if not self.ranked:
            raise ValueError(
                f"SearchResult: best: expected a trial with a score, but all {len(self)} failed; the first: "
                f"{self.trials[0].error}"
            )
        return self.ranked[0]

    def means_over(self, *names: str) -> list[MeanScore]:
        """Return mean scores of the candidates that differ only in `names`, such as "fold" and "repeat".

        The best come first.

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
            with np.errstate(over="ignore", invalid="ignore"):  # scores may be near the largest float
                mean = float(np.mean(scores)) if scores else math.nan
                deviation = float(np.std(scores, ddof=1)) if len(scores) > 1 else math.nan
            means.append(MeanScore(rest, mean, deviation, len(scores), len(trials) - len(scores)))
        return sorted(means, key=lambda entry: -math.inf if math.isnan(entry.mean) else entry.mean, reverse=True)


def search(
    candidates: Iterable[Mapping[str, Any]],
    evaluate: Evaluate,
    *,
    seed: int = 0,
    executor: Workers | None = None,
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
    executor : concurrent.futures.Executor, or callable, optional
        Runs the trials; by default they run here, one after the other. A function without arguments that makes an
        executor lets the search survive the death of a worker, as in :func:`run_tasks`.
    journal : path-like, optional
        JSON lines: each outcome is written, by this process, and synced when it comes. A run that finds its journal
        skips what is there; more candidates may be added. One that was written with another `evaluate`, `seed` or
        `context` is refused.
    context : mapping, optional
        Other things that scores depend on, such as the hashes of data and folds; checked against the journal.
    retry_failed : bool
        Run again what the journal has as failed.
    progress : text stream, optional
        Stream for lines that say how many are done and when all will be, such as ``sys.stderr``.

    Returns
    -------
    SearchResult
        One trial for each different candidate. If it raises, or its score is NaN or infinite, it is recorded as failed.

    Raises
    ------
    RuntimeError
        When the executor breaks and was not made by a function; what was finished is in the journal.

    Examples
    --------
    >>> def evaluate(candidate, seed):
    ...     return -((candidate["x"] - 2) ** 2)
    >>> result = search([{"x": 0}, {"x": 1}, {"x": 2}, {"x": 3}], evaluate)
    >>> result.best.candidate, result.best.score
    ({'x': 2}, 0.0)
    """
    who = "search"
    planned = plan_trials(who, candidates, seed)
    with open_book(who, evaluate, seed, executor, journal, context) as book:
        return SearchResult(find_trials(who, planned, evaluate, executor, book, retry_failed, who, progress))


def open_book(
    who: str,
    evaluate: Evaluate,
    seed: int,
    executor: Workers | None,
    path: str | os.PathLike[str] | None,
    context: Mapping[str, Any] | None,
) -> Any:
    """Return the journal of a search as a context manager (of None without a path)."""
    arguments = {"seed": seed, "context": as_context(who, context)}
    return open_journal(who, "evaluate", evaluate, executor, path, arguments)


def find_trials(
    who: str,
    planned: Sequence[Planned],
    evaluate: Evaluate,
    executor: Workers | None,
    book: Journal | None,
    retry_failed: bool,
    title: str,
    progress: TextIO | None,
) -> tuple[Trial, ...]:
    """Return trials in the order of `planned`, from the journal or by running them.

    `title` begins the line of progress.
    """
    known = read_records(who, book, planned, Trial, "candidate", retry_failed)
    bar = Progress(title, len(planned), len(known), progress)
    work = functools.partial(run_trial, evaluate)
    return run_unknown(who, work, planned, executor, lost_trial, book, known, bar)
