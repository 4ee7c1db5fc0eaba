"""Trials: a candidate, its seed, and the outcome of its evaluation."""

import functools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnlite.checks import check_integer, check_iterable, check_mapping, check_number
from nnlite.model_selection.canonical import canonical_json, digest
from nnlite.model_selection.execution import attempt

Evaluate = Callable[..., Any]


@dataclass(frozen=True)
class Trial:
    """An evaluation of one candidate.

    `score` is None for a failure, and `error` says why; `details` holds what `evaluate` returned besides the score;
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
        """True if it raised, or its score was not a finite number."""
        return self.score is None


@dataclass(frozen=True)
class Planned:
    """A trial that is still to be run."""

    key: str
    candidate: dict[str, Any]
    budget: float | None
    seed: int


def candidate_key(candidate: Mapping[str, Any], budget: float | None = None) -> str:
    """Return the name of a candidate, 16 hexadecimal digits: equal for equal values in any order, in any process.

    Examples
    --------
    >>> candidate_key({"n_hidden": 50, "learning_rate": 0.1}) == candidate_key({"learning_rate": 0.1, "n_hidden": 50})
    True
    """
    check_mapping("candidate_key", "candidate", candidate, "a dict of hyper-parameters")
    if budget is not None:
        check_number("candidate_key", "budget", budget, expected="a finite number or None")
    content = {"candidate": candidate} if budget is None else {"candidate": candidate, "budget": budget}
    return digest(canonical_json(content, "candidate_key: candidate"))[:16]


def plan_trials(
    who: str, candidates: Iterable[Mapping[str, Any]], seed: int, budget: float | None = None
) -> list[Planned]:
    """Return a trial for each different candidate; its seed comes from `seed` and the candidate, not from its place."""
    check_integer(who, "seed", seed, low=0, expected="a whole number of at least 0")
    check_iterable(who, "candidates", candidates, "dictionaries of hyper-parameters")
    planned: dict[str, Planned] = {}
    for candidate in candidates:
        if not isinstance(candidate, Mapping):
            raise ValueError(f"{who}: candidates: expected dictionaries of hyper-parameters, got {candidate!r}.")
        key = candidate_key(candidate, budget)
        # Without the budget: a longer run of a candidate is the continuation of the shorter one.
        words = [int(candidate_key(candidate)[i : i + 8], 16) for i in (0, 8)]
        drawn = np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0]
        planned.setdefault(key, Planned(key, dict(candidate), budget, int(drawn >> np.uint64(1))))
    if not planned:
        raise ValueError(f"{who}: candidates: expected at least one candidate, got an empty search space.")
    return list(planned.values())


def run_trial(evaluate: Evaluate, planned: Planned) -> Trial:
    """Evaluate a candidate, in the worker, and turn whatever happens into a trial."""
    keywords: dict[str, Any] = {"seed": planned.seed}
    if planned.budget is not None:
        keywords["budget"] = planned.budget
    scored, error, seconds = attempt(functools.partial(_scored, evaluate), planned.candidate, **keywords)
    if error is not None:
        return lost_trial(planned, error, seconds)
    score, details = scored
    if not math.isfinite(score):
        return lost_trial(planned, f"the score is {score}", seconds, details)
    return Trial(**asdict(planned), score=score, details=details, seconds=seconds, error=None)


def lost_trial(planned: Planned, error: str, seconds: float = 0.0, details: dict[str, Any] | None = None) -> Trial:
    """Return the record of a trial without a score."""
    return Trial(**asdict(planned), score=None, details=details or {}, seconds=seconds, error=error)


def _scored(evaluate: Evaluate, candidate: Mapping[str, Any], **keywords: Any) -> tuple[float, dict[str, Any]]:
    """Return the score and the details of an outcome in either form."""
    outcome = evaluate(candidate, **keywords)
    details: dict[str, Any] = {}
    if isinstance(outcome, Mapping):
        details = dict(outcome)
        if "score" not in details:
            raise ValueError(
                f'evaluate: expected a number or a dictionary with "score", got the names {sorted(details)}.'
            )
        outcome = details.pop("score")
        # As they will come back from a journal: tuples are lists there.
        details = json.loads(canonical_json(details, "evaluate: details"))
    if isinstance(outcome, bool) or not isinstance(outcome, int | float | np.integer | np.floating):
        raise TypeError(f'evaluate: expected a number or a dictionary with "score", got {outcome!r}.')
    return float(outcome), details
