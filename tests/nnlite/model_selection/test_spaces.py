"""Candidates: grids, random samples, their keys, and what is refused."""

import hashlib
import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid as ReferenceGrid

from nnlite.model_selection import (
    IntUniform,
    LogUniform,
    ParameterGrid,
    ParameterSampler,
    Uniform,
    candidate_key,
    halving_budgets,
    search,
)
from tests.nnlite.model_selection import search_tasks

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure

PUBLISHED = {"learning_rate": (0.1, 0.01, 0.001), "n_hidden": (50, 100, 200), "batch_size": (200, 400, 800)}


def keyed(candidates):
    return sorted(map(candidate_key, candidates))


def test_grid_has_every_combination_once_in_a_fixed_order():
    grid = ParameterGrid(PUBLISHED)
    assert len(grid) == 27
    assert list(grid)[:2] == [
        {"learning_rate": 0.1, "n_hidden": 50, "batch_size": 200},
        {"learning_rate": 0.1, "n_hidden": 50, "batch_size": 400},
    ]
    assert keyed(grid) == keyed(ReferenceGrid({name: list(values) for name, values in PUBLISHED.items()}))
    assert list(ParameterGrid(PUBLISHED)) == list(grid)
    assert ParameterGrid({"x": np.arange(2), "y": [None, (1, 2)]})[-1] == {"x": 1, "y": (1, 2)}


@unhurried
@given(st.dictionaries(st.text(max_size=3), st.lists(st.integers(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_grid_is_a_sequence(space):
    grid = ParameterGrid(space)
    listed = list(grid)
    assert len(listed) == len(grid)
    assert [grid[i] for i in range(len(grid))] == listed
    assert [list(candidate) for candidate in grid[:3]] == [list(space)] * len(listed[:3])
    assert grid[-1] == listed[-1]
    with pytest.raises(IndexError):
        grid[len(grid)]


def test_samples_have_their_distributions():
    rng = np.random.default_rng(0)
    n = 4000
    for distribution, cdf in (
        (Uniform(-1, 3), scipy.stats.uniform(-1, 4).cdf),
        (LogUniform(1e-4, 1), scipy.stats.loguniform(1e-4, 1).cdf),
    ):
        drawn = [distribution.sample(rng) for _ in range(n)]
        assert all(distribution.low <= x <= distribution.high for x in drawn)
        assert scipy.stats.kstest(drawn, cdf).pvalue > 0.001
    counts = np.bincount([IntUniform(0, 4).sample(rng) for _ in range(n)])
    assert len(counts) == 5
    assert scipy.stats.chisquare(counts).pvalue > 0.001
    assert LogUniform(0.1, 0.1).sample(rng) == 0.1


def test_sampler_draws_different_candidates_from_lists_and_distributions():
    space = {
        "learning_rate": LogUniform(1e-4, 1e-1),
        "n_hidden": IntUniform(50, 200),
        "batch_size": [200, 400],
        "dropout": scipy.stats.uniform(0.1, 0.4),
        "depth": scipy.stats.randint(1, 4),
    }
    candidates = ParameterSampler(space, 30, np.random.default_rng(1))
    assert len(candidates) == len(set(keyed(candidates))) == 30
    assert list(candidates) == list(ParameterSampler(space, 30, np.random.default_rng(1)))
    assert list(candidates) != list(ParameterSampler(space, 30, np.random.default_rng(2)))
    for candidate in candidates:
        assert 50 <= candidate["n_hidden"] <= 200
        assert 0.1 <= candidate["dropout"] <= 0.5
        assert {type(value) for value in candidate.values()} <= {int, float}
    json.dumps(list(candidates))


def test_sampler_of_lists_takes_without_replacement():
    candidates = ParameterSampler(PUBLISHED, 27, np.random.default_rng(0))
    assert keyed(candidates) == keyed(ParameterGrid(PUBLISHED))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ParameterGrid({}), "empty search space"),
        (lambda: ParameterGrid({"x": []}), "x: expected at least one value"),
        (lambda: ParameterGrid({"x": "relu"}), r"A single value is \['relu'\]"),
        (lambda: ParameterGrid({"x": 3}), "x: expected a list of values, got 3"),
        (lambda: ParameterGrid({"x": Uniform(0, 1)}), "ParameterSampler takes distributions"),
        (lambda: ParameterGrid([1, 2]), "expected a mapping"),
        (lambda: ParameterSampler({}, 3, np.random.default_rng(0)), "empty search space"),
        (lambda: ParameterSampler({"x": [1, 2]}, 3, np.random.default_rng(0)), "at most 2"),
        (lambda: ParameterSampler({"x": IntUniform(1, 2)}, 3, np.random.default_rng(0)), "expected 3 different"),
        (lambda: ParameterSampler({"x": [1, 2]}, 0, np.random.default_rng(0)), "at least 1 candidate"),
        (lambda: Uniform(1, 0), "low <= high"),
        (lambda: Uniform(0, math.inf), "finite"),
        (lambda: LogUniform(0, 1), "above 0"),
        (lambda: IntUniform(0.5, 2), "whole numbers"),
        (lambda: candidate_key({"x": math.nan}), "finite numbers"),
        (lambda: candidate_key({"x": np.zeros(2)}), "Pass paths and names"),
        (lambda: search([], search_tasks.parabola), "empty search space"),
        (lambda: search([3], search_tasks.parabola), "dictionaries of hyper-parameters, got 3"),
        (lambda: search([{"x": 1}], search_tasks.parabola, seed=-1), "seed: expected"),
        (lambda: search([{"x": 1}], lambda c, seed: 1.0, journal="unused.jsonl"), "top level of a module"),
        (lambda: halving_budgets(0, 3), "0 < min <= max"),
        (lambda: halving_budgets(1, 3, 1), "factor: expected a number above 1"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_keys_are_of_values_and_not_of_order_or_type():
    assert candidate_key({"a": 1, "b": (1, 2)}) == candidate_key({"b": [1, 2], "a": np.int64(1)})
    assert candidate_key({"a": 1}) != candidate_key({"a": 2})
    assert candidate_key({"a": 1}) != candidate_key({"a": 1}, budget=3)
    text = '{"candidate":{"a":1}}'
    assert candidate_key({"a": 1}) == hashlib.sha256(text.encode()).hexdigest()[:16]
