"""Between a user's labels and the columns of a network's output."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.labels import class_weights

WHO = "NetworkClassifier"


@dataclass(frozen=True)
class LabelCoding:
    """How labels become class indices (one a sample) or indicator rows (any number), and back.

    Attributes
    ----------
    classes : ndarray
        Label of each column.
    multilabel : bool
        Whether a sample may have several labels: `y` is then a matrix of 0 and 1.
    """

    classes: np.ndarray
    multilabel: bool

    @classmethod
    def fit(cls, y: Any, n_samples: int) -> "LabelCoding":
        """Learn the classes from the training labels; each must occur."""
        y = np.asarray(y)
        if y.ndim not in (1, 2) or len(y) != n_samples:
            raise ValueError(
                f"{WHO}: y: expected shape ({n_samples},) or ({n_samples}, n_classes), a row for each sample of X, "
                f"got {y.shape}."
            )
        if y.ndim == 1:
            classes = np.unique(y)
            if len(classes) < 2:
                raise ValueError(f"{WHO}: y: expected two classes or more, got one class, {classes.tolist()}.")
            return cls(classes.astype(classes.dtype.newbyteorder("="), copy=False), multilabel=False)
        empty = np.flatnonzero(~np.asarray(y, bool).any(axis=0))
        if len(empty):
            raise ValueError(
                f"{WHO}: y: expected a positive sample in each class, got none in column {empty[0]}. "
                "Leave the class out, or give it samples."
            )
        return cls(np.arange(y.shape[1]), multilabel=True)

    def encode(self, y: Any, n_samples: int) -> np.ndarray:
        """Class indices (int64), or an indicator matrix (float32)."""
        y = np.asarray(y)
        expected = (n_samples, len(self.classes)) if self.multilabel else (n_samples,)
        if y.shape != expected:
            raise ValueError(f"{WHO}: y: expected shape {expected}, got {y.shape}.")
        if self.multilabel:
            if not np.isin(y, (0, 1)).all():
                raise ValueError(f"{WHO}: y: expected entries 0 and 1 in a matrix of labels.")
            return y.astype(np.float32)
        indices = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        unknown = np.flatnonzero(self.classes[indices] != y)
        if len(unknown):
            raise ValueError(f"{WHO}: y: expected one of {self.classes.tolist()}, got {y[unknown[0]]!r}.")
        return indices.astype(np.int64)

    def decode(self, probabilities: np.ndarray) -> np.ndarray:
        """The most probable class, or 1 wherever a probability reaches one half."""
        if self.multilabel:
            return (probabilities >= 0.5).astype(np.int64)
        return self.classes[probabilities.argmax(axis=1)]

    def sample_weights(self, labels: np.ndarray, class_weight: Any, sample_weight: Any) -> np.ndarray:
        """Weight of each encoded sample: its own times its classes'."""
        if isinstance(class_weight, dict) and not self.multilabel:
            indices = self.encode(np.array(list(class_weight)), len(class_weight))
            class_weight = dict(zip(indices.tolist(), class_weight.values(), strict=True))
        weights = class_weights(labels, class_weight, len(self.classes))
        if sample_weight is None:
            return weights
        own = np.asarray(sample_weight, np.float64)
        if own.shape != weights.shape:
            raise ValueError(f"{WHO}: sample_weight: expected shape {weights.shape}, got {own.shape}.")
        return weights * own
