"""The record of a training: samples with their labels, weights, names, and the rows that count."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nnlite.estimators.coding import Coding
from nnlite.estimators.inputs import as_samples, check_like, feature_names
from nnlite.estimators.label_coding import LabelCoding
from nnlite.labels import relative_weights, weights_by_class
from nnlite.model_selection.checks import as_groups


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples with their labels, read once from what a user gave.

    Attributes
    ----------
    X : array_like (n_samples, ...)
        As `nnlite.estimators.inputs.as_samples` returns it.
    labels : ndarray (n_samples,) or (n_samples, n_outputs)
        Encoded: class indices in int64; 0 and 1 or degrees between them in float32; or numbers in float64.
    weights : ndarray (n_samples,)
        Of the samples: for scores.
    loss_weights : ndarray (n_samples,)
        `weights` times the weights of the classes: for the loss.
    rows : ndarray of int
        The samples that count, rising. At first all those with a weight above 0.
    coding : LabelCoding or ValueCoding
        How the labels are encoded.
    names : ndarray or None
        Names of the columns of X, if it was a data frame that has some.
    groups : ndarray (n_samples,) of int, or None
        The group of each sample: those of one group are never on both sides of a split.
    """

    X: Any
    labels: np.ndarray
    weights: np.ndarray
    loss_weights: np.ndarray
    rows: np.ndarray
    coding: Any
    names: np.ndarray | None = None
    groups: np.ndarray | None = None

    @classmethod
    def read(
        cls,
        who: str,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        coding: Coding | None = None,
        learn: Callable[[str, Any, int], Coding] = LabelCoding.fit,
    ) -> Self:
        """Check samples, labels and weights, and put them into one record.

        Parameters
        ----------
        who : str
            The public function that was called, such as ``NetworkClassifier.fit``: errors begin with it.
        X : array_like (n_samples, ...)
        y : array_like (n_samples,) or (n_samples, n_classes)
        sample_weight : array_like (n_samples,), optional
        groups : array_like (n_samples,), optional
            Integers or strings.
        coding : Coding, optional
            A coding that is known already.
        learn : callable
            ``learn(who, y, n_samples)``: makes one of `y` if none is known.

        Raises
        ------
        ValueError, TypeError
            When shapes, labels, weights or groups don't fit.
        """
        names, X = feature_names(f"{who}: X", X), as_samples(f"{who}: X", X)
        if coding is None:
            coding = learn(who, y, len(X))
        labels = coding.encode(who, y, len(X))
        weights = relative_weights(who, sample_weight, len(X))
        if groups is not None:
            groups = as_groups(who, groups)[1]
            if len(groups) != len(X):
                raise ValueError(f"{who}: groups: expected shape ({len(X)},), one a sample, got {groups.shape}.")
        return cls(X, labels, weights, weights, np.flatnonzero(weights), coding, names, groups)

    def read_validation(self, who: str, data: Any) -> Self:
        """Return the record of validation samples that belong to these training samples.

        Parameters
        ----------
        who : str
        data : (X, y) or (X, y, sample_weight)

        Raises
        ------
        ValueError, TypeError
            When they don't fit each other or the training samples.
        """
        who = f"{who}: validation_data"
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            got = f"{len(data)} entries" if isinstance(data, (tuple, list)) else type(data).__name__
            raise ValueError(f"{who}: expected (X, y) or (X, y, sample_weight), got {got}.")
        validation = type(self).read(who, *data, coding=self.coding)
        check_like(who, validation.X, validation.names, self.sample_shape, self.names)
        return validation

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return tuple(self.X.shape[1:])

    def take(self, rows: np.ndarray) -> Self:
        """Return the same samples with other rows that count."""
        return replace(self, rows=rows)

    def as_indicators(self, who: str) -> Self:
        """Return the same samples with labels as a matrix of 0 and 1. Raise ValueError if there are degrees between."""
        if self.coding.multilabel:
            if not np.isin(self.labels, (0, 1)).all():
                raise ValueError(f"{who}: y: expected entries 0 and 1 in a matrix of labels, got degrees between them.")
            return self
        return replace(self, labels=np.eye(len(self.coding.classes), dtype=np.float32)[self.labels])

    def weights_of_classes(self, who: str, class_weight: Any) -> dict[int, float] | None:
        """Return the weights of the classes by index, in a form that `weigh_classes` takes; None: all weigh 1.

        Parameters
        ----------
        who : str
        class_weight : "balanced", dict or None
            Setting of an estimator: "balanced" takes the frequencies from the rows that count; a dict has labels as
            keys.
        """
        if isinstance(class_weight, str):  # each class has the same share of the weight; a label weighs 1 on average
            labels = self.labels[self.rows]
            counts = np.bincount(labels) if labels.ndim == 1 else labels.sum(axis=0, dtype=np.float64)
            return {k: float(counts.sum() / (np.count_nonzero(counts) * n)) for k, n in enumerate(counts) if n}
        if class_weight is None or self.coding.multilabel:
            return class_weight
        indices = self.coding.indices(f"{who}: class_weight", np.array(list(class_weight)))
        return dict(zip(indices.tolist(), class_weight.values(), strict=True))

    def weigh_classes(self, who: str, per_class: dict[int, float] | None) -> Self:
        """Return the same samples with weights of classes in `loss_weights`."""
        of_samples = weights_by_class(who, self.labels, per_class, len(self.coding.classes))
        return replace(self, loss_weights=self.weights * of_samples)

    def check_classes_occur(self, who: str) -> None:
        """Raise ValueError unless each class that is to be learned has samples."""
        if self.coding.multilabel:
            empty = np.flatnonzero(~np.asarray(self.labels, bool).any(axis=0))
            if len(empty):
                raise ValueError(
                    f"{who}: y: expected a positive sample in each class, got none in column {empty[0]}. "
                    "Leave the class out, or give it samples."
                )
        elif len(np.unique(self.labels[self.rows])) < 2:
            raise ValueError(f"{who}: sample_weight: expected weights above 0 in two classes or more, got one class.")
