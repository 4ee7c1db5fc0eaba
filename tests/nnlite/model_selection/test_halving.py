"""Successive halving against its naive twin."""

import io
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.model_selection import (
    ParameterGrid,
    halving_budgets,
    successive_halving,
)
from tests.nnlite.model_selection import search_tasks

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure


def naive_halving(candidates, budgets, factor):
    """Sort, cut, repeat."""
    rounds = []
    for budget in budgets:
        rounds.append([(candidate, budget) for candidate in candidates])
        scored = sorted(candidates, key=lambda c: -search_tasks.learning_curve(c, 0, budget))
        candidates = scored[: max(1, int(len(candidates) / factor + 1e-9))]
    return rounds


def test_halving_equals_its_naive_twin():
    rng = np.random.default_rng(0)
    candidates = [{"height": float(h), "speed": float(s)} for h, s in rng.random((27, 2))]
    result = successive_halving(candidates, search_tasks.learning_curve, min_budget=1, max_budget=27)
    rounds = naive_halving(candidates, [1, 3, 9, 27], 3)
    assert [len(entries) for entries in rounds] == [27, 9, 3, 1]
    trials = [(trial.candidate["height"], trial.budget) for trial in result]
    for entries in rounds:
        expected = sorted((candidate["height"], budget) for candidate, budget in entries)
        assert sorted(trials[: len(entries)]) == expected
        trials = trials[len(entries) :]
    assert trials == []
    assert result.best.budget == 27
    assert result.best.candidate == rounds[-1][0][0]
    assert len({trial.seed for trial in result}) == 27  # a candidate keeps its seed


def test_halving_resumes_and_runs_anywhere(tmp_path):
    candidates = [{"height": h / 10, "speed": (7 * h % 10) / 10 + 0.1} for h in range(9)]
    options = {"min_budget": 2, "max_budget": 18}
    here = successive_halving(candidates, search_tasks.learning_curve, **options)
    journal = tmp_path / "journal.jsonl"
    with ThreadPoolExecutor(3) as executor:
        there = successive_halving(
            candidates, search_tasks.learning_curve, executor=executor, journal=journal, **options
        )
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 9 + 3 + 1
    journal.write_bytes(b"".join(lines[:11]))
    log = io.StringIO()
    resumed = successive_halving(candidates, search_tasks.learning_curve, journal=journal, progress=log, **options)
    assert "round 1 of 3, budget 2: 9 of 9 from the journal" in log.getvalue()
    assert "round 2 of 3, budget 6: 1 of 3 from the journal" in log.getvalue()
    for result in (there, resumed):
        assert [(t.key, t.seed, t.score) for t in result] == [(t.key, t.seed, t.score) for t in here]


def test_halving_drops_failures():
    def evaluate(candidate, seed, budget):
        return candidate["x"] if candidate["x"] < 4 else math.nan

    result = successive_halving(ParameterGrid({"x": range(9)}), evaluate, min_budget=1, max_budget=9)
    assert [t.candidate["x"] for t in result if t.budget == 3] == [1, 2, 3]
    assert result.best.candidate == {"x": 3}
    nothing = successive_halving(ParameterGrid({"x": [7, 8]}), evaluate, min_budget=1, max_budget=9)
    assert len(nothing) == len(nothing.failed) == 2


@unhurried
@given(st.integers(1, 50), st.integers(1, 1000), st.sampled_from([1.5, 2, 3, 4]))
def test_budgets_rise_to_the_largest(low, extra, factor):
    budgets = halving_budgets(low, low + extra, factor)
    assert budgets[-1] == low + extra
    assert budgets[0] >= low
    assert budgets == sorted(set(budgets))
    assert len(budgets) == 1 or budgets[0] < low * factor + 1
    exact = halving_budgets(float(low), float(low + extra), factor)
    np.testing.assert_allclose(np.diff(np.log(exact)), np.log(factor))


def test_budgets_of_exact_powers():
    assert halving_budgets(1, 243, 3) == [1, 3, 9, 27, 81, 243]
    assert halving_budgets(0.5, 4.0, 2) == [0.5, 1.0, 2.0, 4.0]
    assert halving_budgets(5, 5) == [5]
