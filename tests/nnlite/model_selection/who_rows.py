"""A valid call of each public name of `nnlite.model_selection`, for `test_who_speaks`."""

import numpy as np

from nnlite import model_selection
from tests.nnlite.model_selection.search_tasks import parabola
from tests.nnlite.who_rows import GAMES, RNG, Row, Y, all_of

ROWS: dict[str, Row] = {
    **{
        f"model_selection.{cls.__name__}": Row(cls, {"low": 1, "high": 2})
        for cls in (model_selection.Uniform, model_selection.LogUniform, model_selection.IntUniform)
    },
    "model_selection.ParameterGrid": Row(model_selection.ParameterGrid, {"space": {"x": [1, 2]}}),
    "model_selection.ParameterSampler": Row(
        model_selection.ParameterSampler, {"space": {"x": model_selection.Uniform(0, 1)}, "n": 3, "rng": RNG}
    ),
    "model_selection.candidate_key": Row(model_selection.candidate_key, {"candidate": {"x": 1}, "budget": 3.0}),
    "model_selection.balanced_weights": Row(model_selection.balanced_weights, {"groups": GAMES}),
    "model_selection.capped_rows": Row(model_selection.capped_rows, {"groups": GAMES, "cap": 1, "rng": RNG}),
    "model_selection.fold_hash": Row(model_selection.fold_hash, {"assignment": {"a": 0}}),
    "model_selection.write_folds": Row(model_selection.write_folds, {"path": "written.json", "assignment": {"a": 0}}),
    "model_selection.read_folds": Row(model_selection.read_folds, {"path": "folds.json"}),
    "model_selection.fold_rows": Row(all_of(model_selection.fold_rows), {"folds": Y}),
    "model_selection.folds_by_group": Row(
        model_selection.folds_by_group, {"folds": np.arange(12) // 6, "groups": GAMES}
    ),
    "model_selection.folds_of_rows": Row(
        model_selection.folds_of_rows, {"assignment": dict.fromkeys("abcdef", 0), "groups": GAMES}
    ),
    "model_selection.grouped_stratified_folds": Row(
        model_selection.grouped_stratified_folds,
        {
            "labels": Y,
            "groups": GAMES,
            "n_folds": 2,
            "rng": RNG,
            "weights": np.ones(12),
            "class_names": ["x", "y", "z"],
        },
    ),
    "model_selection.split_by": Row(
        model_selection.split_by,
        {
            "groups": GAMES,
            "labels": Y,
            "test_share": 0.5,
            "rng": RNG,
            "weights": np.ones(12),
            "class_names": ["x", "y", "z"],
        },
    ),
    "model_selection.summarize_folds": Row(
        model_selection.summarize_folds,
        {"folds": Y, "labels": Y, "groups": GAMES, "class_names": ["x", "y", "z"]},
    ),
    "model_selection.halving_budgets": Row(
        model_selection.halving_budgets, {"min_budget": 1, "max_budget": 9, "factor": 3}
    ),
    **{
        f"model_selection.{name}": Row(
            getattr(model_selection, name),
            {
                "candidates": [{"x": 1}],
                "evaluate": function,
                "seed": 0,
                "executor": None,
                "journal": None,
                "context": {},
                "retry_failed": False,
                "progress": None,
            }
            | budgets,
        )
        for name, function, budgets in (
            ("search", parabola, {}),
            (
                "successive_halving",
                lambda candidate, seed, budget: 0.0,
                {"min_budget": 1, "max_budget": 3, "factor": 3},
            ),
        )
    },
    "model_selection.run_tasks": Row(
        model_selection.run_tasks,
        {
            "function": lambda task: 0,
            "tasks": [{"x": 1}],
            "executor": None,
            "journal": None,
            "context": {},
            "retry_failed": False,
            "progress": None,
        },
    ),
}
