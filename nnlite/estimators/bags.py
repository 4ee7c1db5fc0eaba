"""Bags: the samples that each member of an ensemble is trained on, and their weights."""

import os
from pathlib import Path

import numpy as np

from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.held_out import can_split
from nnlite.estimators.label_coding import LabelCoding
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.members import WHO, Task
from nnlite.rows import Rows

ONE_CLASS = LabelCoding(np.arange(1), multilabel=True)
"""Coding of the labels of a member: whether a sample has its class."""


def plan_members(
    template: NetworkClassifier,
    training: Labelled,
    validation: Labelled | None,
    classes: list[int],
    *,
    n_bags: int,
    ratio: float,
    seed: int,
    checkpoint: str | os.PathLike[str] | None,
) -> list[Task]:
    """Return what is to be trained: `n_bags` networks for each class, each with its draw from (seed, class, bag).

    Parameters
    ----------
    template : NetworkClassifier
        Settings of all members; its network has one output.
    training : Labelled
        Labels are a matrix of 0 and 1.
    validation : Labelled or None
        Samples that choose the best epoch; without them each member holds some of its own out, if it has enough.
    classes : list of int
        Columns of the labels, in each of which some of the samples have the class and some not.
    n_bags : int
    ratio : float
        Negatives for each positive.
    seed : int
    checkpoint : path-like or None
        Folder for the members' checkpoints.
    """
    rows, tasks = training.rows, []
    for k in classes:
        has = training.labels[rows, k] == 1
        held_out = None if validation is None else _held_out(validation, k, ratio)
        for bag in range(n_bags):
            rng = np.random.default_rng((seed, k, bag))
            drawn = draw_rows(rows[has], rows[~has], ratio, rng)
            model = unfitted(template)
            model.random_state = int(rng.integers(2**32))
            question = _question(training, drawn, k, ratio)
            if validation is not None or round(len(drawn) * model.validation_fraction) < 1 or not can_split(question):
                model.validation_fraction = 0.0
            tasks.append(Task(k, bag, model, question, held_out))
            if checkpoint is not None:
                model.checkpoint = Path(checkpoint, f"{tasks[-1].key}.npz")
    return tasks


def unfitted(estimator: NetworkClassifier) -> NetworkClassifier:
    """Return an unfitted classifier with the same settings. They are descriptions, so none needs to be copied.

    Parameters
    ----------
    estimator : NetworkClassifier
    """
    return type(estimator)(**estimator.get_params(deep=False))


def draw_rows(positive: np.ndarray, negative: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Return the rows that a member is trained on, rising: all positives, and `ratio` times as many negatives.

    Where there are fewer negatives all of them are taken.

    Parameters
    ----------
    positive, negative : ndarray of int
        Rows with and without the class.
    ratio : float
    rng : numpy.random.Generator

    Examples
    --------
    >>> draw_rows(np.array([1, 4]), np.array([0, 2, 3, 5]), 1.0, np.random.default_rng(0)).tolist()
    [1, 3, 4, 5]
    """
    wanted = max(1, round(ratio * len(positive)))
    if wanted < len(negative):
        negative = rng.choice(negative, wanted, replace=False)
    return np.sort(np.concatenate([positive, negative]))


def weigh(y: np.ndarray, weights: np.ndarray, ratio: float) -> np.ndarray:
    """Return weights with those of the negatives scaled until they add up to `ratio` times those of the positives.

    Parameters
    ----------
    y : ndarray (n_rows,)
        0 and 1, both with a weight above 0.
    weights : ndarray (n_rows,)
    ratio : float

    Examples
    --------
    >>> weigh(np.array([1, 1, 1, 0]), np.ones(4), 1.0).tolist()
    [1.0, 1.0, 1.0, 3.0]
    """
    positive = y.astype(bool)
    scale = ratio * weights[positive].sum() / weights[~positive].sum()
    return np.where(positive, weights, weights * scale)


def _question(samples: Labelled, rows: np.ndarray, k: int, ratio: float) -> Labelled:
    """Return some of the samples, labelled by whether they have class `k`, with weights that balance both kinds."""
    y = samples.labels[rows, k]
    X, weights = Rows(samples.X, rows), weigh(y, samples.weights[rows], ratio)
    groups = None if samples.groups is None else samples.groups[rows]
    return Labelled.read(f"{WHO}.fit", X, y[:, None], weights, groups=groups, coding=ONE_CLASS)


def _held_out(validation: Labelled, k: int, ratio: float) -> Labelled | None:
    """Return validation samples of a class, weighted as its training samples are; None if they are all of one kind."""
    y = validation.labels[validation.rows, k]
    return None if y.min() == y.max() else _question(validation, validation.rows, k, ratio)
