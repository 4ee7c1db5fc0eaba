"""Training, validation and test parts of a set of features, split by window, by track or by game."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from filmscore.features import Features
from nnlite.model_selection import SplitWarning, split_by

QUESTIONS = {
    "window": "windows of recordings that training heard other windows of: memory as much as genre",
    "track": "unheard tracks, from soundtracks that training heard other tracks of",
    "game": "unheard soundtracks, of games that training knows nothing of",
}
"""The music that the figures of each split are about."""

MIN_SOUNDTRACKS = 3
"""A class with fewer soundtracks is not judged: its figure would be about these soundtracks, not about the genre."""


@dataclass(frozen=True)
class Split:
    """The row numbers of the three parts.

    Attributes
    ----------
    train, validation, test : array of int
    not_evaluable : tuple of str
        Classes that the test part can't judge: it has none or only these, or too few soundtracks have them.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    not_evaluable: tuple[str, ...]


def split_features(
    features: Features, by: str, rng: np.random.Generator, *, test_share: float = 0.2, validation_share: float = 0.2
) -> Split:
    """Cut the windows into three parts that share no window, track or game, balanced over the classes.

    `validation_share` is a share of the windows that are not in the test part. A class with too few groups for every
    part stays in training, so that the network keeps all its outputs. The test part then has none of it, and it is
    listed as not evaluable.

    Parameters
    ----------
    by : {"window", "track", "game"}
    """
    groups, labels = features.groups(by), features.labels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitWarning)  # named in `not_evaluable` below
        rest, test = split_by(groups, labels, test_share, rng)
        validation = split_by(groups[rest], labels[rest], validation_share, rng)[1]
    part = np.zeros(len(labels), np.int8)
    part[rest[validation]], part[test] = 1, 2
    for k in np.flatnonzero(labels.any(axis=0)):
        for source in (1, 2):
            if not labels[part == 0, k].any():
                part[np.isin(groups, groups[labels[:, k] & (part == source)])] = 0
    present, enough = labels[part == 2], np.isin(features.class_names, evaluable_classes(features))
    judged = present.any(axis=0) & ~present.all(axis=0) & enough
    not_evaluable = tuple(name for name, good in zip(features.class_names, judged, strict=True) if not good)
    return Split(*(np.flatnonzero(part == k) for k in range(3)), not_evaluable)


def evaluable_classes(features: Features) -> tuple[str, ...]:
    """Return the classes that at least `MIN_SOUNDTRACKS` soundtracks have, but not all tracks."""
    soundtracks = np.array([track.soundtrack for track in features.tracks])
    enough = [len(set(soundtracks[has])) >= MIN_SOUNDTRACKS and not has.all() for has in features.tags.T]
    return tuple(name for name, good in zip(features.class_names, enough, strict=True) if good)
