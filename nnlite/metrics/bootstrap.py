"""Intervals of metrics, and of the difference of two models, by resampling whole groups."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array, check_callable, check_integer, check_rng, is_number
from nnlite.metrics.averages import UndefinedMetricWarning
from nnlite.metrics.checks import as_groups, check_length

Metric = Callable[[NDArray[Any], NDArray[Any]], Any]
Figures = dict[str, NDArray[np.float64]]

# The name of a figure that a metric returns without a name.
_SINGLE = ""


class Interval(NamedTuple):
    """A metric with its bootstrap interval; floats, or arrays for a metric that returns one.

    `estimate` is the metric of the data as they are. `undefined` counts the resamples in which the metric was NaN, for
    lack of a class for instance: they are left out of the interval.
    """

    estimate: Any
    low: Any
    high: Any
    level: float
    undefined: Any


def bootstrap_intervals(
    metric: Metric,
    y_true: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> Any:
    """Return percentile intervals of one or several metrics over resampled groups, such as games.

    Whole groups are drawn with replacement, as many as there are, because the samples of one group are not independent
    of each other.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, scores)`` returns a float, an array, or a dictionary of these; NaN or None where it is
        undefined.
    y_true, scores : array of n_samples rows
        Rows are drawn; further axes are the metric's.
    groups : array of shape (n_samples,)
        Integers or strings; at least two distinct ones. ``numpy.arange(n_samples)`` resamples single samples.
    rng : numpy.random.Generator
        Equal generators and equal groups give the same resamples, whatever the metric and the scores are.
    n_resamples : int
    level : float
        Coverage that the intervals aim at.

    Returns
    -------
    Interval, or dict of Interval for a metric that returns a dictionary

    Raises
    ------
    ValueError
        When lengths differ, when there are fewer than two groups, or when the metric's names or shapes change from one
        resample to another.

    Notes
    -----
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; by clusters: Davison and Hinkley 1997,
    section 3.8. With few groups the interval is too narrow: below twenty or so take it as a lower bound of the
    uncertainty.

    A resample may lack a class. The macro averages of this package then average the other classes, which is another
    quantity; average the figures per class with ``mean()`` to leave such resamples out and have them counted.

    Examples
    --------
    >>> def accuracy_at_half(y, scores):
    ...     return float((y == (scores >= 0.5)).mean())
    >>> y, scores, games = [1, 0, 1, 0], [0.9, 0.2, 0.4, 0.6], ["a", "a", "b", "b"]
    >>> interval = bootstrap_intervals(accuracy_at_half, y, scores, games, np.random.default_rng(0))
    >>> interval.estimate, interval.low, interval.high
    (0.5, 0.0, 1.0)
    """
    return _intervals("bootstrap_intervals", metric, y_true, {"scores": scores}, groups, rng, n_resamples, level)


def bootstrap_difference(
    metric: Metric,
    y_true: ArrayLike,
    scores: ArrayLike,
    baseline: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> Any:
    """Return intervals of ``metric(y_true, scores) - metric(y_true, baseline)``, both on the same resamples.

    Two models agree on which groups are hard. The difference is therefore known better than either figure: whether one
    model is better is read from this interval, not from the overlap of two.

    Parameters
    ----------
    metric, y_true, scores
        As for :func:`bootstrap_intervals`.
    baseline : array of n_samples rows
        Scores of the other model for the same samples.
    groups, rng, n_resamples, level
        As for :func:`bootstrap_intervals`.

    Returns
    -------
    Interval, or dict of Interval for a metric that returns a dictionary
        NaN in either model's metric makes the difference undefined.

    Examples
    --------
    >>> def accuracy_at_half(y, scores):
    ...     return float((y == (scores >= 0.5)).mean())
    >>> y, games = [1, 0, 1, 0, 1, 0], ["a", "a", "b", "b", "c", "c"]
    >>> new, old = [0.9, 0.2, 0.8, 0.6, 0.7, 0.3], [0.9, 0.6, 0.8, 0.6, 0.4, 0.3]
    >>> gain = bootstrap_difference(accuracy_at_half, y, new, old, games, np.random.default_rng(0))
    >>> round(gain.estimate, 3), gain.low, gain.high
    (0.333, 0.0, 0.5)
    """
    arrays = {"scores": scores, "baseline": baseline}
    return _intervals("bootstrap_difference", metric, y_true, arrays, groups, rng, n_resamples, level)


def _intervals(
    who: str,
    metric: Metric,
    y_true: ArrayLike,
    arrays: Mapping[str, ArrayLike],
    groups: ArrayLike,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Any:
    """Return the intervals of the metric of the first array, minus that of the second if there is one."""
    check_callable(who, "metric", metric, "a function of targets and scores")
    check_rng(who, rng)
    check_integer(who, "n_resamples", n_resamples)
    if not is_number(level) or not 0 < level < 1:
        raise ValueError(f"{who}: level: expected a number between 0 and 1, got {level!r}.")
    y = _rows(who, y_true, "y_true")
    compared = [_rows(who, array, name) for name, array in arrays.items()]
    for name, array in zip(arrays, compared, strict=True):
        check_length(who, name, len(array), "y_true", len(y))
    names, position = as_groups(who, groups, len(y), "y_true")
    if len(names) < 2:
        raise ValueError(f"{who}: groups: expected at least 2 groups to resample, got {len(names)}.")

    def figures(rows: Any) -> Figures:
        first, *others = (_figures(who, metric(y[rows], array[rows])) for array in compared)
        for other in others:
            _check_same_shapes(who, first, other)
            first = {name: first[name] - other[name] for name in first}
        return first

    members = np.split(np.argsort(position, kind="stable"), np.cumsum(np.bincount(position))[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        estimates = figures(slice(None))
        resampled = {name: np.empty((n_resamples, *estimate.shape)) for name, estimate in estimates.items()}
        for i, drawn in enumerate(rng.integers(len(names), size=(n_resamples, len(names)))):
            found = figures(np.concatenate([members[group] for group in drawn]))
            _check_same_shapes(who, estimates, found)
            for name, figure in found.items():
                resampled[name][i] = figure
    result = {name: _interval(estimate, resampled[name], level) for name, estimate in estimates.items()}
    return result.get(_SINGLE, result)


def _interval(estimate: NDArray[np.float64], resampled: NDArray[np.float64], level: float) -> Interval:
    undefined = np.isnan(resampled)
    nothing = undefined.all(axis=0)
    # A column that is NaN throughout stays NaN; nanquantile would warn of it.
    low, high = np.nanquantile(np.where(nothing, 0.0, resampled), [(1 - level) / 2, (1 + level) / 2], axis=0)
    low, high = np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)
    if estimate.ndim:
        return Interval(estimate, low, high, level, undefined.sum(axis=0))
    return Interval(float(estimate), float(low), float(high), level, int(undefined.sum()))


def _rows(who: str, values: ArrayLike, argument: str) -> NDArray[Any]:
    array = as_array(who, argument, values)
    if array.ndim == 0:
        raise ValueError(f"{who}: {argument}: expected an array of n_samples rows, got the number {array}.")
    return array


def _figures(who: str, outcome: Any) -> Figures:
    """Return the result of a metric by name; None becomes NaN."""
    named = outcome if isinstance(outcome, Mapping) else {_SINGLE: outcome}
    if not named or (_SINGLE in named and isinstance(outcome, Mapping)):
        raise ValueError(f"{who}: metric: expected figures with names that are not empty, got {outcome!r}.")
    try:
        return {name: np.asarray(figure, dtype=np.float64) for name, figure in named.items()}
    except (TypeError, ValueError):
        raise ValueError(
            f"{who}: metric: expected a number, an array, or a dictionary of these, got {outcome!r}."
        ) from None


def _check_same_shapes(who: str, expected: Figures, found: Figures) -> None:
    then, now = ({name: figure.shape for name, figure in figures.items()} for figures in (expected, found))
    if then != now:
        raise ValueError(
            f"{who}: metric: expected the same names and shapes of any rows, got {now} after {then}. A class that a "
            "resample lacks is NaN or None in its place."
        )
