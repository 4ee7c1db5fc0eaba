"""Successive halving: many candidates on a small budget, the better ones on a larger, the best on the full one."""

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from nnlite.checks import check_number
from nnlite.model_selection.execution import Workers
from nnlite.model_selection.searching import SearchResult, find_trials, open_book
from nnlite.model_selection.trials import Evaluate, Trial, plan_trials


def halving_budgets(min_budget: float, max_budget: float, factor: float = 3) -> list[float]:
    """Return the budgets of the rounds.

    Each is `factor` times the one before, the last is `max_budget`, and the first is at least `min_budget`.

    Whole numbers stay whole, rounded down but not below `min_budget`.

    Examples
    --------
    >>> halving_budgets(10, 100, 3)
    [11, 33, 100]
    """
    return _budgets("halving_budgets", min_budget, max_budget, factor)


def _budgets(who: str, min_budget: float, max_budget: float, factor: float) -> list[float]:
    """Return what `halving_budgets` does; errors begin with `who`."""
    check_number(who, "min_budget", min_budget)
    check_number(who, "max_budget", max_budget)
    if not 0 < min_budget <= max_budget:
        raise ValueError(f"{who}: min_budget, max_budget: expected 0 < min <= max, got {min_budget} and {max_budget}.")
    if check_number(who, "factor", factor, expected="a number above 1") <= 1:
        raise ValueError(f"{who}: factor: expected a number above 1, got {factor}.")
    # The small term keeps an exact power, such as 243 = 3^5, from falling short by rounding.
    n_rounds = int(math.log(max_budget / min_budget) / math.log(factor) + 1e-9) + 1
    budgets = [max_budget / factor**i for i in reversed(range(n_rounds))]
    if isinstance(min_budget, int) and isinstance(max_budget, int):
        return list(dict.fromkeys(max(min_budget, int(budget + 1e-9)) for budget in budgets))
    return budgets


def successive_halving(
    candidates: Iterable[Mapping[str, Any]],
    evaluate: Evaluate,
    *,
    min_budget: float,
    max_budget: float,
    factor: float = 3,
    seed: int = 0,
    executor: Workers | None = None,
    journal: str | os.PathLike[str] | None = None,
    context: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    progress: TextIO | None = None,
) -> SearchResult:
    """Evaluate all candidates on a small budget, and the best of each round on a larger one.

    Parameters
    ----------
    candidates : iterable of dict
        As for :func:`search`.
    evaluate : callable
        ``evaluate(candidate, seed=seed, budget=budget)``; otherwise as for :func:`search`. The seed of a candidate is
        the same in every round, so a larger budget may continue where the smaller stopped (:func:`candidate_key`
        names a checkpoint).
    min_budget, max_budget : int or float
        Budget of the first round (at least) and of the last (exactly): epochs, samples or seconds.
    factor : float
        Each round keeps one in `factor`, at least one, and multiplies the budget by it.
    seed, executor, journal, context, retry_failed, progress
        As for :func:`search`.

    Returns
    -------
    SearchResult
        The trials of all rounds, round by round; `best` is the best at the largest budget. Failed candidates drop out.

    Notes
    -----
    Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization"; rounds as in
    Li et al. 2018, "Hyperband". A candidate that is slow at first, for its low learning rate for instance, may drop out
    although it would win.

    Examples
    --------
    >>> def evaluate(candidate, seed, budget):
    ...     return candidate["x"] * (1 - 0.5**budget)
    >>> result = successive_halving([{"x": x} for x in range(9)], evaluate, min_budget=1, max_budget=9)
    >>> [(trial.candidate["x"], trial.budget) for trial in result.trials[9:]], result.best.candidate
    ([(6, 3), (7, 3), (8, 3), (8, 9)], {'x': 8})
    """
    who = "successive_halving"
    budgets = _budgets(who, min_budget, max_budget, factor)
    survivors = [planned.candidate for planned in plan_trials(who, candidates, seed)]
    sizes = [len(survivors)]
    for _ in budgets[1:]:
        sizes.append(max(1, int(sizes[-1] / factor + 1e-9)))
    trials: list[Trial] = []
    with open_book(who, evaluate, seed, executor, journal, context) as book:
        for i, (budget, size) in enumerate(zip(budgets, sizes, strict=True)):
            scored = [trial for trial in trials[-len(survivors) :] if trial.score is not None] if trials else []
            if trials:
                # Sorted by score, then back in the order of candidates: which finished first must not matter.
                order = sorted(range(len(scored)), key=lambda j: -(scored[j].score or 0))[:size]
                survivors = [scored[j].candidate for j in sorted(order)]
            if not survivors:
                break
            planned = plan_trials(who, survivors, seed, budget)
            title = f"{who}: round {i + 1} of {len(budgets)}, budget {budget:g}"
            trials.extend(find_trials(who, planned, evaluate, executor, book, retry_failed, title, progress))
    return SearchResult(tuple(trials))
