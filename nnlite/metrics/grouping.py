"""From samples to groups, such as windows to tracks, and intervals by resampling groups."""

import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.metrics.averages import UndefinedMetricWarning
from nnlite.metrics.checks import BoolArray, FloatArray, as_groups, as_indicator, as_scores, as_weights, check_length
from nnlite.metrics.probabilities import is_probability


class Interval(NamedTuple):
    """A metric with its bootstrap interval; floats, or arrays for a metric that returns one.

    `undefined` counts the resamples in which the metric was NaN: they are left out of the interval.
    """

    value: Any
    low: Any
    high: Any
    level: float
    undefined: Any


def average_by_group(
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    mean: Literal["arithmetic", "logit", "softmax"] = "arithmetic",
    sample_weight: ArrayLike | None = None,
) -> tuple[NDArray[Any], FloatArray]:
    """Mean score of each group, such as of a track over its windows.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes) or (n_samples,)
    groups : array of shape (n_samples,)
        Integers or strings.
    mean : {"arithmetic", "logit", "softmax"}
        "arithmetic": of the scores as they are, probabilities or logits. "logit": of the logits of probabilities, back
        through the sigmoid; for classes that are decisions of their own. "softmax": of the logarithms of probabilities,
        back through the softmax (the normalised geometric mean); for distributions over classes. Both clip
        probabilities to 1e-7 from 0 and 1.
    sample_weight : array of shape (n_samples,), optional

    Returns
    -------
    names : array of shape (n_groups,)
        The sorted distinct groups.
    means : array of shape (n_groups, n_classes) or (n_groups,), float64

    Examples
    --------
    >>> names, means = average_by_group([0.25, 0.75, 0.5], ["b", "b", "a"])
    >>> names.tolist(), means.tolist()
    (['a', 'b'], [0.5, 0.5])
    """
    who = "average_by_group"
    s = as_scores(who, scores)
    names, position = as_groups(who, groups, len(s))
    weight = as_weights(who, sample_weight, len(s))
    if mean not in ("arithmetic", "logit", "softmax"):
        raise ValueError(f'{who}: mean: expected "arithmetic", "logit" or "softmax", got {mean!r}.')
    if mean != "arithmetic":
        if not is_probability(s):
            raise ValueError(
                f'{who}: scores: mean="{mean}" expects probabilities, got {s.min():g} to {s.max():g}. Logits take '
                '"arithmetic".'
            )
        s = np.log(np.clip(s, 1e-7, 1.0)) - (np.log1p(-np.clip(s, 0.0, 1 - 1e-7)) if mean == "logit" else 0.0)
    total = np.bincount(position, weights=weight, minlength=len(names))
    if (total == 0).any():
        raise ValueError(
            f"{who}: sample_weight: group {names[total == 0][0].item()!r} has only samples of weight 0. Leave them out "
            "before."
        )
    columns = s.reshape(len(s), -1).T
    means = np.stack(
        [np.bincount(position, weights=weight * column, minlength=len(names)) / total for column in columns], axis=1
    )
    if mean == "logit":
        means = 1 / (1 + np.exp(-means))
    elif mean == "softmax":
        means = np.exp(means - means.max(axis=1, keepdims=True))
        means /= means.sum(axis=1, keepdims=True)
    return names, means.reshape(len(names), *s.shape[1:])


def labels_by_group(y_true: ArrayLike, groups: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The labels of each group, which all its samples must share; in the order of :func:`average_by_group`.

    Parameters
    ----------
    y_true : array of shape (n_samples, n_classes) or (n_samples,)
        0 and 1, or class labels.
    groups : array of shape (n_samples,)
        Integers or strings.

    Returns
    -------
    names : array of shape (n_groups,)
        The sorted distinct groups.
    labels : array of shape (n_groups, n_classes), bool, or (n_groups,)

    Examples
    --------
    >>> labels_by_group([[1, 0], [1, 0], [1, 1]], [7, 7, 3])[1].tolist()
    [[True, True], [True, False]]
    """
    who = "labels_by_group"
    raw = np.asarray(y_true)
    y: BoolArray | NDArray[Any] = as_indicator(who, raw) if raw.ndim == 2 else raw
    if y.ndim not in (1, 2):
        raise ValueError(f"{who}: y_true: expected shape (n_samples, n_classes) or (n_samples,), got {y.shape}.")
    names, position = as_groups(who, groups, len(y), "y_true")
    first = np.full(len(names), len(y))
    np.minimum.at(first, position, np.arange(len(y)))
    labels = y[first]
    differs = (y != labels[position]).reshape(len(y), -1).any(axis=1)
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise ValueError(
            f"{who}: y_true: expected the same labels in all samples of a group, got {y[row].tolist()} in row {row} "
            f"and {labels[position[row]].tolist()} in row {first[position[row]]} of group "
            f"{names[position[row]].item()!r}."
        )
    return names, labels


def bootstrap_interval(
    metric: Callable[[NDArray[Any], NDArray[Any]], Any],
    y_true: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    *,
    n: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of a metric over resampled groups, such as games.

    Whole groups are drawn with replacement, as many as there are, because the samples of one group are not independent
    of each other.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, scores)`` returns a float or an array; it may return NaN.
    y_true, scores : array of n_samples rows
        Rows are drawn; further axes are the metric's. Two models stacked in a third axis of `scores` and a metric that
        subtracts give the interval of their difference.
    groups : array of shape (n_samples,)
        Integers or strings; at least two distinct ones.
    rng : numpy.random.Generator
    n : int
        Number of resamples.
    level : float
        Coverage that the interval aims at.

    Returns
    -------
    Interval

    Notes
    -----
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; by clusters: Davison and Hinkley 1997,
    section 3.8. With few groups the interval is too narrow: below twenty or so take it as a lower bound of the
    uncertainty.

    Examples
    --------
    >>> def accuracy_at_half(y, scores):
    ...     return float((y == (scores >= 0.5)).mean())
    >>> y, scores, games = [1, 0, 1, 0], [0.9, 0.2, 0.4, 0.6], ["a", "a", "b", "b"]
    >>> interval = bootstrap_interval(accuracy_at_half, y, scores, games, np.random.default_rng(0), n=100)
    >>> interval.value, interval.low, interval.high
    (0.5, 0.0, 1.0)
    """
    who = "bootstrap_interval"
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{who}: rng: expected a numpy.random.Generator, got {rng!r}. numpy.random.default_rng(seed) makes one."
        )
    y, s = np.asarray(y_true), np.asarray(scores)
    if y.ndim == 0 or s.ndim == 0:
        raise ValueError(
            f"{who}: y_true, scores: expected arrays of n_samples rows, got shapes {y.shape} and {s.shape}."
        )
    check_length(who, "y_true", len(y), "scores", len(s))
    names, position = as_groups(who, groups, len(s))
    if len(names) < 2:
        raise ValueError(f"{who}: groups: expected at least 2 groups to resample, got {len(names)}.")
    if n < 1 or not 0 < level < 1:
        raise ValueError(
            f"{who}: n, level: expected n of at least 1 and level between 0 and 1, got n={n}, level={level}."
        )
    rows = np.split(np.argsort(position, kind="stable"), np.cumsum(np.bincount(position))[:-1])
    draws = rng.integers(len(names), size=(n, len(names)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        value = np.asarray(metric(y, s), dtype=np.float64)
        resampled = np.empty((n, *value.shape))
        for i, draw in enumerate(draws):
            chosen = np.concatenate([rows[group] for group in draw])
            resampled[i] = metric(y[chosen], s[chosen])
    undefined = np.isnan(resampled)
    # A column that is NaN throughout stays NaN; nanquantile would warn of it.
    filled = np.where(undefined.all(axis=0), 0.0, resampled)
    low, high = np.nanquantile(filled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    nothing = undefined.all(axis=0)
    results = (value, np.where(nothing, np.nan, low), np.where(nothing, np.nan, high))
    value_, low_, high_ = (r if r.ndim else float(r) for r in results)
    count = undefined.sum(axis=0)
    return Interval(value_, low_, high_, level, count if count.ndim else int(count))
