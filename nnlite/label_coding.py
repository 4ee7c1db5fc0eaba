"""Between a user's labels and the columns of a network's output."""

import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    def fit(cls, y: Any, n_samples: int, n_outputs: int | None = None) -> "LabelCoding":
        """Learn the classes from the training labels; each must occur.

        Parameters
        ----------
        y : array_like (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            A column is taken for labels of which each sample has one, with a warning, unless there is one output.
        n_samples : int
        n_outputs : int, optional
            Outputs of the network, if it is known.
        """
        y = as_labels(y, n_samples)
        if y.ndim == 2 and y.shape[1] == 1 and n_outputs != 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected: its entries are taken for classes. Pass "
                "y.ravel(), or a network with one output if its entries are truth values.",
                getattr(sys.modules.get("sklearn.exceptions"), "DataConversionWarning", UserWarning),
                stacklevel=4,
            )
            y = y[:, 0]
        if y.ndim == 1:
            return cls.of_classes(y)
        empty = np.flatnonzero(~np.asarray(y, bool).any(axis=0))
        if len(empty):
            raise ValueError(
                f"{WHO}: y: expected a positive sample in each class, got none in column {empty[0]}. "
                "Leave the class out, or give it samples."
            )
        return cls(np.arange(y.shape[1]), multilabel=True)

    @classmethod
    def of_classes(cls, labels: Any, y: Any = None) -> "LabelCoding":
        """From all labels that there are; if `y` is a matrix they are its columns, 0, 1 and so on."""
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            return cls(np.arange(np.shape(y)[1]), multilabel=True)
        try:
            classes = np.unique(np.asarray(labels))
        except TypeError as error:
            raise ValueError(f"{WHO}: y: expected labels that can be sorted, all of one kind: {error}.") from error
        if len(classes) < 2:
            raise ValueError(f"{WHO}: y: expected two classes or more, got one class, {classes.tolist()}.")
        return cls(classes.astype(classes.dtype.newbyteorder("="), copy=False), multilabel=False)

    def encode(self, y: Any, n_samples: int) -> np.ndarray:
        """Class indices (int64), or an indicator matrix (float32)."""
        y = self.flat(as_labels(y, n_samples))
        expected = (n_samples, len(self.classes)) if self.multilabel else (n_samples,)
        if y.shape != expected:
            raise ValueError(f"{WHO}: y: expected shape {expected}, got {y.shape}.")
        if self.multilabel:
            if not np.isin(y, (0, 1)).all():
                raise ValueError(f"{WHO}: y: expected entries 0 and 1 in a matrix of labels.")
            return y.astype(np.float32)
        return self._indices("y", y)

    def flat(self, y: np.ndarray) -> np.ndarray:
        """Labels without an axis of length 1 that they don't need."""
        return y[:, 0] if not self.multilabel and y.ndim == 2 and y.shape[1] == 1 else y

    def decode(self, probabilities: np.ndarray) -> np.ndarray:
        """The most probable class, or 1 wherever a probability reaches one half."""
        if self.multilabel:
            return (probabilities >= 0.5).astype(np.int64)
        return self.classes[probabilities.argmax(axis=1)]

    def weights_of_classes(self, labels: np.ndarray, class_weight: Any) -> dict[int, float] | None:
        """Index of a class -> its weight, "balanced" being that of these encoded labels."""
        if isinstance(
            class_weight, str
        ):  # every class has the same share of the weight, and a label weighs 1 on average
            counts = np.bincount(labels) if labels.ndim == 1 else labels.sum(axis=0, dtype=np.float64)
            return {k: float(counts.sum() / (np.count_nonzero(counts) * n)) for k, n in enumerate(counts) if n}
        if class_weight is None or self.multilabel:
            return class_weight
        indices = self._indices("class_weight", np.array(list(class_weight)))
        return dict(zip(indices.tolist(), class_weight.values(), strict=True))

    def _indices(self, argument: str, labels: np.ndarray) -> np.ndarray:
        try:
            indices = np.searchsorted(self.classes, labels).clip(max=len(self.classes) - 1)
            unknown = np.flatnonzero(self.classes[indices] != labels)
        except TypeError:  # strings among numbers
            unknown = np.arange(1)
        if len(unknown):
            raise ValueError(f"{WHO}: {argument}: expected one of {self.classes.tolist()}, got {labels[unknown[0]]!r}.")
        return indices.astype(np.int64)


def as_labels(y: Any, n_samples: int) -> np.ndarray:
    """Labels as an array of one or two axes with a row for each sample.

    Parameters
    ----------
    y : array_like
    n_samples : int

    Raises
    ------
    ValueError, TypeError
        If there are none, their number doesn't fit, they are sparse, or they are no labels but measurements.
    """
    if y is None:
        raise ValueError(f"{WHO}: requires y to be passed, but the target y is None.")
    if hasattr(y, "toarray") and hasattr(y, "nnz"):
        raise TypeError(f"{WHO}: y: expected a dense array, got sparse data. y.toarray() makes it dense.")
    y = np.asarray(y)
    if y.ndim not in (1, 2) or len(y) != n_samples:
        raise ValueError(
            f"{WHO}: y: expected shape ({n_samples},) or ({n_samples}, n_classes), a row for each sample of X, "
            f"got {y.shape}."
        )
    if y.dtype.kind == "c":
        raise ValueError(f"{WHO}: y: Complex data not supported: expected labels, got dtype {y.dtype}.")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise ValueError(f"{WHO}: y: expected labels, got NaN or infinity.")
        fractions = np.flatnonzero(y != np.floor(y))
        if len(fractions):
            raise ValueError(
                f"{WHO}: y: Unknown label type: continuous: expected labels, got the fraction "
                f"{y.flat[fractions[0]]}. numpy.digitize(y, edges) makes classes of measurements."
            )
    return y


def sample_weights(sample_weight: Any, n_samples: int) -> np.ndarray:
    """Weight of each sample in float64, 1 by default; not all of them zero.

    Only their ratios count: they come times a power of two, so that the largest is in [1, 2) and no sum overflows.

    Parameters
    ----------
    sample_weight : array_like (n_samples,) or None
    n_samples : int

    Raises
    ------
    ValueError
    """
    if sample_weight is None:
        return np.ones(n_samples)
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(f"{WHO}: sample_weight: expected shape ({n_samples},), got {weights.shape}.")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError(f"{WHO}: sample_weight: expected finite weights of 0 or more, at least one of them not zero.")
    return np.ldexp(weights, 1 - np.frexp(weights.max())[1])
