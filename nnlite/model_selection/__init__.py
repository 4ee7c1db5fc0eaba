"""Choosing models: splits that keep groups whole, candidates, and a search that loses nothing.

**Splits** (:func:`grouped_stratified_folds`, :func:`split_by`) take the unit that must stay whole, such as a game, and
balance several labels a sample at once. Which group is in which fold can be hashed, written and read.

**Candidates** are iterables of dictionaries: :class:`ParameterGrid`, :class:`ParameterSampler`, a list. :func:`search`
and :func:`successive_halving` evaluate them, one after the other or over any ``concurrent.futures.Executor``; failures
are recorded, and with a journal a run that was stopped continues where it was. :func:`run_tasks` does the same for
tasks that have no score, such as the folds of a study.
"""

from nnlite.model_selection.assignments import fold_hash, folds_by_group, folds_of_rows, read_folds, write_folds
from nnlite.model_selection.halving import halving_budgets, successive_halving
from nnlite.model_selection.searching import MeanScore, SearchResult, search
from nnlite.model_selection.spaces import IntUniform, LogUniform, ParameterGrid, ParameterSampler, Uniform
from nnlite.model_selection.splits import (
    SplitWarning,
    balanced_weights,
    capped_rows,
    fold_rows,
    grouped_stratified_folds,
    split_by,
    summarize_folds,
)
from nnlite.model_selection.tasks import Outcome, run_tasks
from nnlite.model_selection.trials import Trial, candidate_key

__all__ = [
    "IntUniform",
    "LogUniform",
    "MeanScore",
    "Outcome",
    "ParameterGrid",
    "ParameterSampler",
    "SearchResult",
    "SplitWarning",
    "Trial",
    "Uniform",
    "balanced_weights",
    "candidate_key",
    "capped_rows",
    "fold_hash",
    "fold_rows",
    "folds_by_group",
    "folds_of_rows",
    "grouped_stratified_folds",
    "halving_budgets",
    "read_folds",
    "run_tasks",
    "search",
    "split_by",
    "successive_halving",
    "summarize_folds",
    "write_folds",
]
