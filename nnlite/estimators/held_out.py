"""Samples that are held out of the training to choose the best epoch: how they are drawn, and what a model is worth
on them."""

from collections.abc import Callable

import numpy as np

from nnlite import metrics
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.predictor import Predictor
from nnlite.rows import Rows

Monitor = str | Callable[[np.ndarray, np.ndarray], float]


def score_name(validation: Labelled) -> str:
    """Return what a table calls the score of `evaluate`."""
    return "val AUC" if validation.coding.multilabel else "val accuracy"


def evaluate(
    who: str,
    validation: Labelled,
    predictor: Predictor,
    params: dict[str, np.ndarray],
    monitor: Monitor,
    n_threads: int | None,
) -> tuple[float, float, float]:
    """Return loss, score, and the value that early stopping watches; NaN where the parameters give no finite numbers.

    The loss has the weights of the classes: what is watched is what the training makes small. The score has those of
    the samples alone.

    Parameters
    ----------
    who : str
    validation : Labelled
    predictor : Predictor
    params : dict
    monitor : {"loss", "score"} or callable
    n_threads : int or None
    """
    rows = validation.rows
    logits = predictor.logits(who, params, Rows(validation.X, rows), n_threads)
    if not np.isfinite(logits).all():
        return np.nan, np.nan, np.nan
    y, weights = validation.labels[rows], validation.loss_weights[rows]
    loss = predictor.loss
    targets = loss.targets(predictor.targets(who, y), logits.shape[1], logits.dtype)
    value = loss.value(logits, targets, weights / weights.sum()) if weights.any() else np.nan
    probabilities = loss.predict(logits)
    score = _score(y, probabilities, validation.weights[rows])
    if callable(monitor):
        return value, score, float(monitor(y, probabilities))
    return value, score, value if monitor == "loss" else score


def split(who: str, samples: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled]:
    """Divide samples at random into (training, held out); training keeps a sample of each class.

    Parameters
    ----------
    who : str
    samples : Labelled
        Its rows are divided.
    fraction : float
        Share that is held out.
    seed : int

    Raises
    ------
    ValueError
        If nothing can be held out.
    """
    rows = samples.rows
    order = np.random.default_rng((seed, 1)).permutation(rows)
    drawn = samples.labels[order]
    if drawn.ndim == 1:
        first = np.unique(drawn, return_index=True)[1]
    else:
        # One with each class and one without it; where there is none of a kind it is any sample.
        first = np.unique([drawn.argmax(axis=0), drawn.argmin(axis=0)])
    free = np.delete(order, first)
    if not len(free):
        raise ValueError(
            f"{who}: validation_fraction: expected more samples than are needed for one of each class, got "
            f"{len(rows)} (n_samples = {len(rows)}). Set validation_fraction=0."
        )
    held_out = free[: max(1, round(len(rows) * fraction))]
    return samples.take(np.sort(np.setdiff1d(rows, held_out))), samples.take(np.sort(held_out))


def _score(y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """Return the accuracy; with several labels a sample the mean ROC-AUC of classes with samples of both kinds."""
    if y.ndim == 1:
        return float(np.average(probabilities.argmax(axis=1) == y, weights=weights))
    both = (y.min(axis=0) == 0) & (y.max(axis=0) == 1)
    if not both.any():
        return float("nan")
    return float(metrics.roc_auc(y[:, both], probabilities[:, both], sample_weight=weights))
