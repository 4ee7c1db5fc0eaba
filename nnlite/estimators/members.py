"""The members of an ensemble, and their training, here or over an executor."""

from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass
from typing import TextIO

from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.fit_state import FitCheckpoint
from nnlite.estimators.labelled import Labelled
from nnlite.model_selection.execution import Workers, run_jobs
from nnlite.model_selection.progress import Progress
from nnlite.training import TrainingDiverged

WHO = "BaggedEnsemble"


@dataclass(frozen=True)
class Task:
    """A network that is still to be trained: is a sample of class `label` or not?

    Attributes
    ----------
    label, bag : int
        Which class, by its column, and which of its networks.
    model : NetworkClassifier
        With its seed and its checkpoint, not fitted.
    training : Labelled
        All positives and the negatives that were drawn; labels are one column of 0 and 1.
    validation : Labelled or None
        Samples that choose the best epoch.
    """

    label: int
    bag: int
    model: NetworkClassifier
    training: Labelled
    validation: Labelled | None

    @property
    def key(self) -> str:
        """Name of the task among the others."""
        return f"class-{self.label}-bag-{self.bag}"


@dataclass(frozen=True)
class Outcome:
    """The result of a task.

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


def train_member(task: Task) -> Outcome:
    """Train a member; in a worker, if there are any.

    Parameters
    ----------
    task : Task

    Raises
    ------
    KeyboardInterrupt
        When Ctrl-C ended the training: it is to end that of all members.
    """
    path, model, training = task.model.checkpoint, task.model, task.training
    chosen_by = task.validation
    validation = None if chosen_by is None else (chosen_by.X, chosen_by.labels, chosen_by.weights)
    was_there = False
    try:
        was_there = path is not None and FitCheckpoint(path).complete
        with model._speaking_as(WHO):
            groups = {} if training.groups is None else {"groups": training.groups}
            model.fit(training.X, training.labels, training.weights, validation, **groups)
    except TrainingDiverged as error:
        return Outcome(task.label, task.bag, None, str(error), None, was_there)
    except Exception as error:
        error.add_note(f"{WHO}: raised by bag {task.bag} of class {task.label}")
        return Outcome(task.label, task.bag, None, str(error), error, was_there)
    if model.stopped_by_ == "interrupt":
        raise KeyboardInterrupt
    return Outcome(task.label, task.bag, model, None, None, was_there)


def lost_member(task: Task, error: str) -> Outcome:
    """Return the outcome of a task that did not come back.

    Parameters
    ----------
    task : Task
    error : str
    """
    return Outcome(task.label, task.bag, None, error)


def train_members(
    tasks: list[Task], executor: Workers | None, progress: TextIO | None
) -> tuple[dict[tuple[int, int], NetworkClassifier], dict[tuple[int, int], str]]:
    """Train all members: (class, bag) -> fitted model, and (class, bag) -> message of those that failed.

    Parameters
    ----------
    tasks : list of Task
    executor : Executor, callable or None
    progress : text stream or None

    Raises
    ------
    RuntimeError
        When the executor breaks.
    Exception
        What a member raised other than that its training diverged.
    """
    members: dict[tuple[int, int], NetworkClassifier] = {}
    failures: dict[tuple[int, int], str] = {}
    bar = Progress(WHO, len(tasks), 0, progress)
    try:
        for outcome in run_jobs(WHO, train_member, tasks, executor, lost_member):
            place = (outcome.label, outcome.bag)
            if outcome.raised is not None:
                raise outcome.raised
            if outcome.model is None:
                failures[place] = str(outcome.error)
            else:
                members[place] = outcome.model
            bar.count(failed=outcome.model is None, was_there=outcome.was_there)
    except RuntimeError as error:
        if isinstance(error.__cause__, BrokenExecutor | CancelledError):
            error.add_note(f"{WHO}: its journal is checkpoint=: with it the same call keeps the members that are done.")
        raise
    finally:
        bar.finish()
    return dict(sorted(members.items())), dict(sorted(failures.items()))
