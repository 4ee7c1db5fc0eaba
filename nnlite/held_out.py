"""Samples that are held out to choose the best epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite import metrics
from nnlite.predictor import Predictor
from nnlite.rows import Rows

Monitor = str | Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class HeldOut:
    """Some rows of an array of samples, with their labels.

    Attributes
    ----------
    X : array_like (n_samples, ...)
    labels : ndarray
        Encoded, one a row of `X`.
    rows : ndarray of int
    weights : ndarray (n_samples,)
        Of samples, for the score.
    loss_weights : ndarray (n_samples,)
        Times those of their classes, for the loss: what is watched is what is made small.
    """

    X: Any
    labels: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    loss_weights: np.ndarray

    @property
    def score_name(self) -> str:
        return "val AUC" if self.labels.ndim == 2 else "val accuracy"

    def evaluate(
        self, predictor: Predictor, params: dict[str, np.ndarray], monitor: Monitor, n_threads: int | None
    ) -> tuple[float, float, float]:
        """(loss, score, what is watched); NaN where the parameters give no finite numbers.

        Parameters
        ----------
        predictor : Predictor
        params : dict
        monitor : {"loss", "score"} or callable
        n_threads : int or None
        """
        logits = predictor.logits(params, Rows(self.X, self.rows), n_threads)
        if not np.isfinite(logits).all():
            return np.nan, np.nan, np.nan
        y, weights = self.labels[self.rows], self.loss_weights[self.rows]
        loss = predictor.loss
        targets = loss.targets(predictor.targets(y), logits.shape[1], logits.dtype)
        value = loss.value(logits, targets, weights / weights.sum()) if weights.any() else np.nan
        probabilities = loss.predict(logits)
        score = _score(y, probabilities, self.weights[self.rows])
        if callable(monitor):
            return value, score, float(monitor(y, probabilities))
        return value, score, value if monitor == "loss" else score


def _score(y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """Accuracy; of several labels a sample the mean ROC-AUC of the classes with samples of both kinds, NaN if none."""
    if y.ndim == 1:
        return float(np.average(probabilities.argmax(axis=1) == y, weights=weights))
    both = (y.min(axis=0) == 0) & (y.max(axis=0) == 1)
    if not both.any():
        return float("nan")
    return float(metrics.roc_auc(y[:, both], probabilities[:, both], sample_weight=weights))


def split(labels: np.ndarray, rows: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows at random into (training, held out), each in rising order; training keeps a sample of each class.

    Parameters
    ----------
    labels : ndarray
        Encoded, of all samples.
    rows : ndarray of int
        Which of them to divide.
    fraction : float
        Share that is held out.
    seed : int

    Raises
    ------
    ValueError
        If nothing can be held out.
    """
    order = np.random.default_rng((seed, 1)).permutation(rows)
    drawn = labels[order]
    if drawn.ndim == 1:
        first = np.unique(drawn, return_index=True)[1]
    else:
        # One with each class and one without it; where there is none of a kind it is any sample.
        first = np.unique([drawn.argmax(axis=0), drawn.argmin(axis=0)])
    free = np.delete(order, first)
    if not len(free):
        raise ValueError(
            "NetworkClassifier: validation_fraction: expected more samples than are needed for one of each class, got "
            f"{len(rows)} (n_samples = {len(rows)}). Set validation_fraction=0."
        )
    held_out = free[: max(1, round(len(rows) * fraction))]
    return np.sort(np.setdiff1d(rows, held_out)), np.sort(held_out)
