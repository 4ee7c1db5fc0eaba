"""Scores and labels of groups from those of their samples, such as of tracks from windows."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.checks import as_array, is_one_of
from nnlite.labels import relative_weights
from nnlite.metrics.checks import BoolArray, FloatArray, as_groups, as_indicator, as_scores
from nnlite.metrics.probabilities import is_probability


def average_by_group(
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    mean: Literal["arithmetic", "logit", "softmax"] = "arithmetic",
    sample_weight: ArrayLike | None = None,
) -> tuple[NDArray[Any], FloatArray]:
    """Return the mean score of each group, such as of a track over its windows.

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
    weight = relative_weights(who, sample_weight, len(s))
    if not is_one_of(mean, ("arithmetic", "logit", "softmax")):
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
    """Return the labels of each group, which all its samples must share; in the order of :func:`average_by_group`.

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
    raw = as_array(who, "y_true", y_true)
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
