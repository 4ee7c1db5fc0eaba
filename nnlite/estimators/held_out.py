"""Samples that are held out of the training to choose the best epoch: how they are drawn, and what a model is worth
on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.estimators.labelled import Labelled
from nnlite.estimators.predictor import Predictor
from nnlite.estimators.random_part import chances, draw_part
from nnlite.rows import Rows

Monitor = str | Callable[[np.ndarray, np.ndarray], float]


START = -1
"""The number of the epoch before the first: the parameters that a fit starts from."""


@dataclass(frozen=True)
class Draw:
    """A draw of samples that are held out, which can be made again.

    Attributes
    ----------
    seed : int
    fraction : float
    """

    seed: int
    fraction: float


def evaluate(
    who: str,
    validation: Labelled,
    predictor: Predictor,
    params: dict[str, np.ndarray],
    monitor: Monitor,
    n_threads: int | None,
) -> tuple[dict[str, float], float]:
    """Return columns of the history, and the value that early stopping watches.

    All are NaN where the parameters give no finite numbers. ``val_loss`` has the weights of the classes: what is
    watched is what the training makes small. Scores have those of the samples alone. ``val_accuracy`` and ``val_r2``
    are what the method `score` returns; ``val_roc_auc``, the mean over classes with samples of both kinds, is there
    with several labels a sample, or where it is watched.

    Parameters
    ----------
    who : str
    validation : Labelled
    predictor : Predictor
    params : dict
    monitor : {"loss", "accuracy", "roc_auc", "r2"} or callable
        A callable is given targets in the form that `predict` returns, and probabilities or predicted numbers.
    n_threads : int or None
    """
    rows, coding, loss = validation.rows, predictor.coding, predictor.loss
    logits = predictor.logits(who, params, Rows(validation.X, rows), n_threads)
    if not np.isfinite(logits).all():
        return dict.fromkeys(["val_loss", *coding.score_names(monitor)], np.nan), np.nan
    y, weights = validation.labels[rows], validation.loss_weights[rows]
    targets = loss.targets(predictor.targets(who, y), logits.shape[1], logits.dtype)
    found = {"val_loss": loss.value(logits, targets, weights / weights.sum()) if weights.any() else np.nan}
    outputs = coding.in_units(loss.predict(logits))
    found |= coding.scores(y, outputs, validation.weights[rows], monitor)
    if callable(monitor):
        return found, float(monitor(coding.labels(y), coding.watched(outputs)))
    return found, found[f"val_{monitor}"]


def with_present_names(history: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return a history with the column ``val_score`` of earlier versions under the name that says what it is."""
    return [{name if key == "val_score" else key: value for key, value in row.items()} for row in history]


def present_monitor(monitor: Any, multilabel: bool) -> Any:
    """Return a setting `monitor` with "score", as earlier versions call it, under the name that says what it is."""
    return ("roc_auc" if multilabel else "accuracy") if monitor == "score" else monitor


def split(who: str, samples: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled]:
    """Divide samples at random into (training, held out); training keeps a sample of each class.

    Each sample is held out with a chance of exactly `fraction`, and so is that part of each class on average. The
    number of samples that are held out of a class varies by less than one where each sample has one label, and as
    little as the labels allow where samples have several. A class of which training would keep less than one sample on
    average gives as many as it can, the only sample of a class stays, and one sample is held out in any case.

    With several labels a sample, training also keeps a sample without each label. With groups all of this holds for
    groups in the place of samples.

    Parameters
    ----------
    who : str
    samples : Labelled
        Its rows are divided. If it has groups, no group is on both sides.
    fraction : float
        Share that is held out.
    seed : int

    Raises
    ------
    ValueError
        If nothing can be held out.
    """
    units = _Units(samples)
    chance = chances(len(units.sizes), units.kinds, fraction)
    if not chance.any():
        what = "samples" if samples.groups is None else "groups of samples"
        raise ValueError(
            f"{who}: validation_fraction: expected more {what} than are needed for one of each class, got "
            f"{len(units.sizes)} (n_samples = {len(samples.rows)}). Set validation_fraction=0."
        )
    drawn = draw_part(chance, units.kinds, units.patterns, units.sizes, np.random.default_rng((seed, 1)))
    held_out = drawn[units.of_rows]
    return samples.take(samples.rows[~held_out]), samples.take(samples.rows[held_out])


def can_split(samples: Labelled) -> bool:
    """Return whether `split` can hold out anything."""
    units = _Units(samples)
    return bool(chances(len(units.sizes), units.kinds, 0.5).any())


class _Units:
    """The units that are drawn: samples, or groups of them, with the classes that they have.

    Attributes
    ----------
    of_rows : ndarray (n_rows,) of int
        The unit of each row of the samples.
    sizes : ndarray (n_units,) of int
        Samples in each.
    kinds : list of ndarray of int
        The units that have a sample of a class, for each class, and with several labels a sample also those that have
        one without it.
    patterns : ndarray (n_units,) of int
        Equal for units of the same kinds.
    """

    def __init__(self, samples: Labelled) -> None:
        labels = samples.labels[samples.rows]
        if samples.groups is None:
            self.of_rows: np.ndarray = np.arange(len(labels))
        else:
            self.of_rows = np.unique(samples.groups[samples.rows], return_inverse=True)[1]
        self.sizes = np.bincount(self.of_rows)
        self.kinds = [np.unique(self.of_rows[rows]) for rows in samples.coding.kinds(labels)]
        self.patterns = labels if samples.groups is None and labels.ndim == 1 else self._patterns()

    def _patterns(self) -> np.ndarray:
        has = np.zeros((len(self.sizes), len(self.kinds)), bool)
        for k, units in enumerate(self.kinds):
            has[units, k] = True
        return np.unique(np.packbits(has, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
