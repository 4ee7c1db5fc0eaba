"""Labelled tracks for which the model says something else: wrong labels, or unusual music."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filmscore.agent.library import Library, Track
from nnlite import metrics


@dataclass(frozen=True)
class Contradiction:
    """A genre that a track is labelled with and hardly has, or the other way round.

    Attributes
    ----------
    name : str
    labelled : bool
    rank : float
        Among the labelled tracks.
    weight : float
        Confidence of the contradiction, from 0 to 1.
    """

    name: str
    labelled: bool
    rank: float
    weight: float


@dataclass(frozen=True)
class Surprise:
    """A track with the genres that contradict its labels, the most confident first."""

    track: Track
    tags: tuple[str, ...]
    score: float
    contradictions: tuple[Contradiction, ...]


def surprises(library: Library, labels: Mapping[int, Sequence[str]], limit: int = 20) -> list[Surprise]:
    """Return the tracks for which the model contradicts the labels most confidently.

    If a share p of the labelled tracks has a genre, the model is taken to assign it to the share p of tracks with the
    highest values. The distance of a track from that border on the wrong side, from 0 to 1, is multiplied by the
    quality of the model for the genre on these labels: 2 AUC - 1, or 0 if that is negative. So genres that the model
    does not recognise cause no surprise.

    Parameters
    ----------
    labels : mapping
        Number of a track -> its genres.
    limit : int
    """
    numbers = np.array(sorted(labels), np.int64)
    if len(numbers) < 2:
        return []
    names = library.class_names
    y = np.array([[name in labels[number] for name in names] for number in numbers.tolist()])
    values = library.track_values[numbers - 1]
    weights, ranks = np.zeros(y.shape), np.zeros(y.shape)
    for k in range(len(names)):
        ordered = np.sort(values[:, k])
        below, upto = (np.searchsorted(ordered, values[:, k], side) for side in ("left", "right"))
        rank, share = (below + upto) / (2 * len(numbers)), y[:, k].mean()
        ranks[:, k] = rank
        if 0 < share < 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", metrics.UndefinedMetricWarning)
                skill = max(0.0, 2 * float(metrics.roc_auc(y[:, k], values[:, k])) - 1)
            wrong = np.where(y[:, k], (1 - share - rank) / (1 - share), (rank - (1 - share)) / share)
            weights[:, k] = skill * np.maximum(0, wrong)
    order = np.argsort(-weights.max(axis=1), kind="stable")
    order = order[weights[order].max(axis=1) > 0][:limit]
    return [
        Surprise(
            library.track(int(numbers[i])),
            tuple(labels[int(numbers[i])]),
            float(weights[i].max()),
            tuple(
                Contradiction(names[k], bool(y[i, k]), float(ranks[i, k]), float(weights[i, k]))
                for k in np.argsort(-weights[i], kind="stable")
                if weights[i, k] > 0
            ),
        )
        for i in order
    ]
