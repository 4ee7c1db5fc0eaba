"""Between a user's labels and the columns of a network's output."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nnlite import metrics
from nnlite.estimators.coding import Coding
from nnlite.estimators.inputs import check_targets_given, warn_caller
from nnlite.layers.activations import Sigmoid, Softmax
from nnlite.layers.base import Layer
from nnlite.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy
from nnlite.network.sequential import Sequential

MANY = 20
"""More classes than these, with fewer than three samples each on average, are no classes but measurements."""


@dataclass(frozen=True)
class LabelCoding(Coding):
    """A table of classes: it turns labels into class indices (one a sample) or indicator rows (any number), and back.

    Attributes
    ----------
    classes : ndarray
        Label of each column.
    multilabel : bool
        Whether a sample may have several labels: `y` is then a matrix of 0 and 1, or of degrees between them.
    """

    WORD: ClassVar[str] = "class"
    WORDS: ClassVar[str] = "classes"
    classes: np.ndarray
    multilabel: bool

    @property
    def n_outputs(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def score_name(self) -> str:
        """Column of the history that a log shows beside the loss."""
        return "val_roc_auc" if self.multilabel else "val_accuracy"

    @classmethod
    def fit(cls, who: str, y: Any, n_samples: int, n_outputs: int | None = None) -> "LabelCoding":
        """Learn the classes from the training labels.

        Parameters
        ----------
        who : str
            The public function that was called: errors begin with it.
        y : array_like (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            A column is taken for labels of which each sample has one, with a warning, unless there is one output.
        n_samples : int
        n_outputs : int, optional
            Outputs of the network, if it is known.
        """
        y = as_labels(who, y, n_samples)
        if y.ndim == 2 and y.shape[1] == 1 and n_outputs != 1:
            warn_caller(
                "A column-vector y was passed when a 1d array was expected: its entries are taken for classes. Pass "
                "y.ravel(), or a network with one output if its entries are truth values.",
                getattr(sys.modules.get("sklearn.exceptions"), "DataConversionWarning", UserWarning),
            )
            y = as_labels(who, y[:, 0], n_samples)
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), multilabel=True)
        coding = cls.of_classes(f"{who}: y", y)
        n_classes = len(coding.classes)
        if n_classes > MANY and y.dtype.kind in "iuf" and len(y) < 3 * n_classes:
            warn_caller(
                f"{who}: y: expected classes, got {n_classes} different numbers for {len(y)} samples: are they "
                "measurements? numpy.digitize(y, edges) makes classes of them; strings are always classes."
            )
        return coding

    @classmethod
    def of_classes(cls, where: str, labels: Any, y: Any = None) -> "LabelCoding":
        """Make a table of all labels that there are; if `y` is a matrix they are its columns, 0, 1 and so on."""
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            return cls(np.arange(np.shape(y)[1]), multilabel=True)
        try:
            classes = np.unique(np.asarray(labels))
        except TypeError as error:
            raise ValueError(f"{where}: expected labels that can be sorted, all of one kind: {error}.") from error
        if len(classes) < 2:
            raise ValueError(f"{where}: expected two classes or more, got one class, {classes.tolist()}.")
        return cls(classes.astype(classes.dtype.newbyteorder("="), copy=False), multilabel=False)

    def encode(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return class indices (int64), or a matrix of indicators or degrees (float32)."""
        y = self.flat(as_labels(who, y, n_samples))
        expected = (n_samples, len(self.classes)) if self.multilabel else (n_samples,)
        if y.shape != expected:
            raise ValueError(f"{who}: y: expected shape {expected}, got {y.shape}.")
        if self.multilabel:
            if not ((y >= 0) & (y <= 1)).all():
                raise ValueError(
                    f"{who}: y: expected entries 0 and 1 in a matrix of labels, or degrees between them, got "
                    f"{y.min()} to {y.max()}."
                )
            return y.astype(np.float32)
        return self.indices(f"{who}: y", y)

    def flat(self, y: np.ndarray) -> np.ndarray:
        """Return labels without an axis of length 1 that they don't need."""
        return y[:, 0] if not self.multilabel and y.ndim == 2 and y.shape[1] == 1 else y

    def decode(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the most probable class, or 1 wherever a probability reaches one half."""
        if self.multilabel:
            return (probabilities >= 0.5).astype(np.int64)
        return self.classes[probabilities.argmax(axis=1)]

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        """Return encoded labels in the form that `decode` returns: classes, or a matrix of 0 and 1 (int64)."""
        return self.whole(encoded).astype(np.int64) if self.multilabel else self.classes[encoded]

    def whole(self, y: np.ndarray) -> np.ndarray:
        """Return labels of which degrees have become 0 and 1, as `decode` makes them of probabilities."""
        return y >= 0.5 if self.multilabel and y.dtype.kind == "f" else y

    def given(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return what a user passed to `score` in the form that `decode` returns; see `as_labels`."""
        return self.whole(self.flat(as_labels(who, y, n_samples)))

    def kinds(self, encoded: np.ndarray) -> list[np.ndarray]:
        """Return the rows of each class; with several labels a sample, those with a label and those without it."""
        if encoded.ndim == 1:
            order = np.argsort(encoded, kind="stable")
            return np.split(order, np.flatnonzero(np.diff(encoded[order])) + 1)
        found = [np.flatnonzero(column == value) for column in (encoded >= 0.5).T for value in (True, False)]
        return [rows for rows in found if len(rows)]

    def targets(self, who: str, loss: Loss, encoded: np.ndarray) -> np.ndarray:
        """Return labels in the form that the loss takes."""
        return loss.class_targets(encoded, len(self.classes), who)

    def value_and_gradient(self, loss: Loss, logits: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the log-odds of a class, and their gradient with respect to the logits."""
        return loss.log_odds_and_gradient(logits, k)

    def default_loss(self, network: Sequential) -> Loss:
        """Return the loss of a classifier that was given none: a softmax's, if classes exclude each other."""
        ends_in_softmax = bool(network.layers) and isinstance(network.layers[-1], Softmax)
        return SigmoidCrossEntropy() if self.multilabel and not ends_in_softmax else SoftmaxCrossEntropy()

    def last_layers(self) -> Sequence[Layer]:
        """Return the final activation of a classifier that was given no network."""
        return (Sigmoid() if self.multilabel else Softmax(),)

    def score_names(self, monitor: Any) -> list[str]:
        """Return the columns of scores that the history has."""
        return ["val_accuracy"] + ["val_roc_auc"] * (self.multilabel or monitor == "roc_auc")

    def scores(self, encoded: np.ndarray, outputs: np.ndarray, weights: np.ndarray, monitor: Any) -> dict[str, float]:
        """Return the accuracy of probabilities, and the mean ROC-AUC with several labels a sample or if it is asked."""
        correct = metrics.accuracy(self.labels(encoded), self.decode(outputs), sample_weight=weights)
        found = {"val_accuracy": correct}
        if "val_roc_auc" in self.score_names(monitor):
            found["val_roc_auc"] = _roc_auc(encoded, outputs, weights)
        return found

    def fingerprint(self) -> dict[str, Any]:
        """Return what a checkpoint is compared by."""
        return {"classes": str(self.classes.tolist())}

    def indices(self, where: str, labels: np.ndarray) -> np.ndarray:
        """Return the class index of each label, int64; `where` is what errors begin with."""
        try:
            indices = np.searchsorted(self.classes, labels).clip(max=len(self.classes) - 1)
            unknown = np.flatnonzero(self.classes[indices] != labels)
        except TypeError:  # strings among numbers
            unknown = np.arange(1)
        if len(unknown):
            raise ValueError(f"{where}: expected one of {self.classes.tolist()}, got {labels[unknown[0]]!r}.")
        return indices.astype(np.int64)


def _roc_auc(y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean ROC-AUC of classes with samples of both kinds, each class against the rest; NaN for none."""
    if y.ndim == 1:
        y = np.eye(probabilities.shape[1])[y]
    y = y >= 0.5
    both = y.any(axis=0) & ~y.all(axis=0)
    if not both.any():
        return float("nan")
    return float(metrics.roc_auc(y[:, both], probabilities[:, both], sample_weight=weights))


def as_labels(who: str, y: Any, n_samples: int) -> np.ndarray:
    """Return labels as an array of one or two axes with a row for each sample.

    Parameters
    ----------
    who : str
    y : array_like
    n_samples : int

    Raises
    ------
    ValueError, TypeError
        If there are none, their number doesn't fit, they are sparse, or they are no labels but measurements.
    """
    check_targets_given(who, y)
    try:
        y = np.asarray(y)
    except ValueError:
        y = None
    if y is None or (y.dtype == object and any(isinstance(labels, (list, tuple, set)) for labels in y.flat)):
        raise ValueError(
            f"{who}: y: expected a class or a row of 0 and 1 for each sample, got lists of labels. "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y) makes a matrix of them."
        )
    if y.ndim not in (1, 2) or len(y) != n_samples:
        raise ValueError(
            f"{who}: y: expected shape ({n_samples},) or ({n_samples}, n_classes), a row for each sample of X, "
            f"got {y.shape}."
        )
    if y.dtype.kind == "c":
        raise ValueError(f"{who}: y: Complex data not supported: expected labels, got dtype {y.dtype}.")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise ValueError(f"{who}: y: expected labels, got NaN or infinity.")
        fractions = np.flatnonzero(y != np.floor(y))
        if len(fractions) and not (y.ndim == 2 and y.min() >= 0 and y.max() <= 1):  # there they are degrees
            raise ValueError(
                f"{who}: y: Unknown label type: continuous: expected labels, got the fraction "
                f"{y.flat[fractions[0]]}. numpy.digitize(y, edges) makes classes of measurements."
            )
    return y
