"""The members of an ensemble: what each is trained on, and their training, here or over an executor."""

from dataclasses import dataclass

import numpy as np

from nnlite.classifier import NetworkClassifier
from nnlite.resume import FitCheckpoint
from nnlite.rows import Rows
from nnlite.training import TrainingDiverged

WHO = "BaggedEnsemble"


@dataclass(frozen=True)
class Task:
    """One network that is still to be trained: is a sample of class `label` or not?

    Attributes
    ----------
    label, bag : int
        Which class, by its column, and which of its networks.
    model : NetworkClassifier
        With its seed and its checkpoint, not fitted.
    X : Rows
        All positives and the negatives that were drawn.
    y : ndarray (n_rows, 1)
        0 and 1.
    weights : ndarray (n_rows,)
    validation : (Rows, ndarray, ndarray) or None
        Samples, labels and weights.
    """

    label: int
    bag: int
    model: NetworkClassifier
    X: Rows
    y: np.ndarray
    weights: np.ndarray
    validation: tuple[Rows, np.ndarray, np.ndarray] | None

    @property
    def key(self) -> str:
        """Its name among the others."""
        return f"class-{self.label}-bag-{self.bag}"


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    label, bag : int
    model : NetworkClassifier or None
        Fitted.
    error : str or None
        Why there is no model.
    raised : Exception or None
        An error that the other tasks would run into as well: settings or samples that can't be.
    was_there : bool
        Whether the checkpoint had the model, so that it took no time.
    """

    label: int
    bag: int
    model: NetworkClassifier | None
    error: str | None = None
    raised: Exception | None = None
    was_there: bool = False


def draw_rows(positive: np.ndarray, negative: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Rows that a member is trained on, rising: all positives and `ratio` times as many negatives, or all there are.

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
    """Weights with those of the negatives scaled until they add up to `ratio` times those of the positives.

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


def train_member(task: Task) -> Outcome:
    """Train a member; in a worker, if there are any.

    Parameters
    ----------
    task : Task

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C, which ends the training of a network, is to end that of all.
    """
    path, model = task.model.checkpoint, task.model
    was_there = False
    try:
        was_there = path is not None and FitCheckpoint(path).complete
        model.fit(task.X, task.y, task.weights, task.validation)
    except TrainingDiverged as error:
        return Outcome(task.label, task.bag, None, str(error), None, was_there)
    except Exception as error:
        error.add_note(f"{WHO}: so said bag {task.bag} of class {task.label}")
        return Outcome(task.label, task.bag, None, str(error), error, was_there)
    if model.stopped_by_ == "interrupt":
        raise KeyboardInterrupt
    return Outcome(task.label, task.bag, model, None, None, was_there)


def lost_member(task: Task, error: str) -> Outcome:
    """The outcome of a task that did not come back.

    Parameters
    ----------
    task : Task
    error : str
    """
    return Outcome(task.label, task.bag, None, error)
