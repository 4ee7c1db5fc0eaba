"""Splits that keep groups whole and classes even: folds, a held-out share, a cap or a weight per group."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import check_integer, check_rng, is_number
from nnlite.model_selection.balancing import assign_groups
from nnlite.model_selection.checks import (
    FloatArray,
    as_folds,
    as_groups,
    as_labels,
    as_names,
    as_weights,
    check_length,
)

IntArray = NDArray[np.intp]


class SplitWarning(UserWarning):
    """A warning that a class can't be in every fold, or is in none."""


def grouped_stratified_folds(
    labels: ArrayLike,
    groups: ArrayLike,
    n_folds: int,
    rng: np.random.Generator,
    *,
    weights: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
) -> IntArray:
    """Return folds that are grouped, multi-label and stratified at once.

    No group is in two folds. Each class's weighted samples and the folds' sizes are as even as whole groups allow
    (a local optimum, not always the best). A class is in min(n_folds, number of its groups) folds where possible.

    Parameters
    ----------
    labels : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1, or class labels.
    groups : array of shape (n_samples,)
        Integers or strings, such as the game of each window.
    n_folds : int
        At least 2.
    rng : numpy.random.Generator
        The same state gives the same folds, and rows in another order the same folds for each group.
    weights : array of shape (n_samples,), optional
        Weight of a sample in the balance; :func:`balanced_weights` balances the number of groups instead.
    class_names : sequence of str, optional
        For the warning.

    Returns
    -------
    array of shape (n_samples,)
        The fold of each sample, 0 to n_folds - 1.

    Warns
    -----
    SplitWarning
        Names each class that is absent from a fold.

    Raises
    ------
    ValueError
        When there are fewer groups than folds, or an argument is of a wrong shape.

    Examples
    --------
    >>> games = ["a", "a", "b", "c", "c", "d"]
    >>> folds = grouped_stratified_folds([0, 1, 0, 1, 0, 1], games, 2, np.random.default_rng(0))
    >>> bool(folds[0] == folds[1] and folds[3] == folds[4]), np.bincount(folds).tolist()
    (True, [3, 3])
    """
    who = "grouped_stratified_folds"
    check_integer(who, "n_folds", n_folds, low=2, expected="an integer of at least 2")
    return _assign(who, labels, groups, np.full(n_folds, 1 / n_folds), rng, weights, class_names)


def split_by(
    groups: ArrayLike,
    labels: ArrayLike,
    test_share: float,
    rng: np.random.Generator,
    *,
    weights: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
) -> tuple[IntArray, IntArray]:
    """Hold out a share of the samples by whole groups, stratified: by game, by track, or by window.

    Parameters
    ----------
    groups : array of shape (n_samples,)
        The units that stay whole: games, tracks, or ``range(n_samples)`` for single windows.
    labels : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1, or class labels.
    test_share : float
        Between 0 and 1; met as well as whole groups allow. With few groups of unequal size there is one best split,
        and most seeds find it: it is no random draw of groups.
    rng, weights, class_names
        As for :func:`grouped_stratified_folds`.

    Returns
    -------
    train, test : array of int
        Row numbers, rising.

    Examples
    --------
    >>> train, test = split_by(["a", "b", "b", "c", "d"], [0, 1, 1, 0, 1], 0.4, np.random.default_rng(0))
    >>> len(train), len(test)
    (3, 2)
    """
    who = "split_by"
    if not is_number(test_share) or not 0 < test_share < 1:
        raise ValueError(f"{who}: test_share: expected a number between 0 and 1, got {test_share!r}.")
    fold = _assign(who, labels, groups, np.array([1 - test_share, test_share]), rng, weights, class_names)
    return np.flatnonzero(fold == 0), np.flatnonzero(fold == 1)


def fold_rows(folds: ArrayLike) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield for each fold the row numbers outside it (training) and inside it (test), rising.

    Raise ValueError if either has none.

    Examples
    --------
    >>> [test.tolist() for train, test in fold_rows([0, 1, 0])]
    [[0, 2], [1]]
    """
    array = as_folds("fold_rows", folds)
    n_folds = int(array.max()) + 1
    empty = sorted(set(range(n_folds)) - set(array.tolist()))
    if n_folds < 2 or empty:
        got = f"none in fold {empty[0]}" if empty else "all in fold 0"
        raise ValueError(f"fold_rows: folds: expected samples in two folds or more, without a gap, got {got}.")
    for fold in range(n_folds):
        yield np.flatnonzero(array != fold), np.flatnonzero(array == fold)


def summarize_folds(
    folds: ArrayLike, labels: ArrayLike, groups: ArrayLike, class_names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Count samples and groups of each fold, in all and per class, ready for a table or JSON.

    Examples
    --------
    >>> summarize_folds([0, 0, 1], [[1], [0], [1]], ["a", "b", "c"], ["Drama"])[0]
    {'fold': 0, 'samples': 2, 'groups': 2, 'classes': {'Drama': {'samples': 1, 'groups': 1}}}
    """
    who = "summarize_folds"
    y, default = as_labels(who, labels)
    names = as_names(who, class_names, default)
    fold = as_folds(who, folds)
    _, position = as_groups(who, groups)
    check_length(who, "folds", len(fold), len(y))
    check_length(who, "groups", len(position), len(y))
    table = []
    for number in range(int(fold.max()) + 1):
        rows = fold == number
        classes = {
            name: {"samples": int(y[rows, c].sum()), "groups": len(np.unique(position[rows & y[:, c]]))}
            for c, name in enumerate(names)
        }
        n_groups = len(np.unique(position[rows]))
        table.append({"fold": number, "samples": int(rows.sum()), "groups": n_groups, "classes": classes})
    return table


def capped_rows(groups: ArrayLike, cap: int, rng: np.random.Generator) -> IntArray:
    """Return at most `cap` random rows of each group, rising: so that one long album doesn't speak for all.

    Examples
    --------
    >>> len(capped_rows(["a"] * 10 + ["b"] * 2, 3, np.random.default_rng(0)))
    5
    """
    check_rng("capped_rows", rng)
    check_integer("capped_rows", "cap", cap)
    names, position = as_groups("capped_rows", groups)
    order = rng.permutation(len(position))
    order = order[np.argsort(position[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(position, minlength=len(names)))[:-1]])
    rank_in_group = np.arange(len(order)) - starts[position[order]]
    return np.sort(order[rank_in_group < cap])


def balanced_weights(groups: ArrayLike) -> FloatArray:
    """Return weights of mean 1 that give every group the same sum.

    Examples
    --------
    >>> balanced_weights(["a", "a", "a", "b"]).tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    names, position = as_groups("balanced_weights", groups)
    counts = np.bincount(position)
    return len(position) / (len(names) * counts[position])


def _assign(
    who: str,
    labels: ArrayLike,
    groups: ArrayLike,
    shares: FloatArray,
    rng: np.random.Generator,
    weights: ArrayLike | None,
    class_names: Sequence[str] | None,
) -> IntArray:
    check_rng(who, rng)
    y, default = as_labels(who, labels)
    names = as_names(who, class_names, default)
    group_names, position = as_groups(who, groups)
    check_length(who, "groups", len(position), len(y))
    weight = as_weights(who, weights, len(y))
    if len(group_names) < len(shares):
        raise ValueError(
            f"{who}: groups: expected at least {len(shares)} groups, one a part, got {len(group_names)}. Ask for fewer "
            "folds, or split by a finer unit."
        )
    columns = np.concatenate([y, np.ones((len(y), 1), dtype=bool)], axis=1)
    n_groups = len(group_names)
    mass = np.stack([np.bincount(position, weight * c, n_groups) for c in columns.T], axis=1).astype(np.float64)
    member = np.stack([np.bincount(position, weights=c, minlength=n_groups) > 0 for c in columns.T], axis=1)
    fold = assign_groups(mass, member, shares, rng)
    _warn_of_absent_classes(who, member[:, :-1], fold, len(shares), names)
    return fold[position]


def _warn_of_absent_classes(
    who: str, member: NDArray[np.bool_], fold: IntArray, n_folds: int, names: Sequence[str]
) -> None:
    said = []
    for c, name in enumerate(names):
        absent = sorted(set(range(n_folds)) - set(fold[member[:, c]].tolist()))
        if absent:
            said.append(f"{name} ({int(member[:, c].sum())} groups) is absent from {', '.join(map(str, absent))}")
    if said:
        part = "folds" if who == "grouped_stratified_folds" else "parts (0: train, 1: test)"
        warnings.warn(f"{who}: labels: of {n_folds} {part}, {'; '.join(said)}.", SplitWarning, stacklevel=4)
