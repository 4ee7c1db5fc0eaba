"""The base of all losses, and the checks that they share."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlite.losses.logits import check_logits

if TYPE_CHECKING:
    from nnlite.layers.base import Layer

__all__ = ["Array", "Loss", "Targets", "as_column", "check_batch", "weighted"]

Array = NDArray[np.floating]
Targets = NDArray[np.floating] | NDArray[np.int64]


class Loss:
    """Base of all losses; one of your own derives from it and defines the three methods that raise here.

    What its outputs mean to a classifier is said by `class_targets`, `log_odds` and `log_odds_and_gradient`. The base
    takes each output for the logit of a class by itself.
    """

    @property
    def output_activation(self) -> "type[Layer] | None":
        """The class of the final layer that the loss absorbs, or None. `predict` does what that layer does.

        A loss that says so in its own class, and not in a base's, can leave in ONNX files.
        """
        return None

    def targets(self, y: ArrayLike, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Check labels and convert them to the form that `value_and_gradient` takes, one row a sample."""
        raise NotImplementedError

    def check_targets(self, who: str, targets: NDArray, n_outputs: int) -> None:
        """Raise ValueError unless `targets` are such as the method `targets` returns; fast, for use in every step.

        The base lets everything pass.

        Parameters
        ----------
        who : str
            Name of the caller, with which an error begins.
        targets : ndarray
            One row a sample, one sample or more.
        n_outputs : int
        """

    def value_and_gradient(self, logits: Array, targets: Targets, weights: Array) -> tuple[float, Array]:
        """Return the loss of a batch, ``sum_i weights[i] * loss_i``, and its gradient with respect to the logits.

        Parameters
        ----------
        logits : ndarray of shape (N, K)
            The network's output before the absorbed activation, float32 or float64.
        targets : ndarray
            As `targets` returns them, or some of their rows.
        weights : ndarray of shape (N,)
            Weight of each sample; for the mean over a batch they add up to 1.

        Returns
        -------
        value : float
            Added up in float64.
        gradient : ndarray of shape (N, K)
            In the logits' dtype.

        Raises
        ------
        ValueError
            If the shapes don't fit each other.
        """
        raise NotImplementedError

    def value(self, logits: Array, targets: Targets, weights: Array) -> float:
        """Return the loss of a batch without its gradient; arguments as in `value_and_gradient`."""
        return self.value_and_gradient(logits, targets, weights)[0]

    def predict(self, logits: Array) -> Array:
        """Return the outputs of the network for its logits: the absorbed activation, in the logits' dtype."""
        raise NotImplementedError

    def class_targets(self, labels: NDArray, n_classes: int, who: str | None = None) -> NDArray:
        """Return the labels of a classifier in the form that `targets` takes.

        Parameters
        ----------
        labels : ndarray (n_samples,) or (n_samples, n_classes)
            The column of each sample's class, or 1 for each class that a sample has and 0 for the others.
        n_classes : int
        who : str, optional
            Name of the caller, with which an error begins; by default that of the loss.

        Raises
        ------
        ValueError
            If the loss can't learn from a sample without a class, and there is one.
        """
        return labels

    def mix(self, targets: Targets, others: Targets, shares: NDArray, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Return targets that are mixed of two, as mixup needs them: ``share * target + (1 - share) * other``.

        Parameters
        ----------
        targets, others : ndarray
            As `targets` returns them, or some of their rows.
        shares : ndarray (n_samples,)
            From 0 to 1.
        n_outputs : int
        dtype : dtype
            dtype of the result.
        """
        kept = shares[:, None]
        return (kept * targets + (1.0 - kept) * others).astype(dtype)

    def log_odds(self, logits: Array) -> Array:
        """Return log(p / (1 - p)) of the probability p of each class, float64 of the shape of `logits`."""
        return logits.astype(np.float64)

    def log_odds_and_gradient(self, logits: Array, k: int) -> tuple[Array, Array]:
        """Return the log-odds of class `k` and their gradient with respect to the logits.

        Parameters
        ----------
        logits : ndarray (n_samples, n_classes)
        k : int
            Column of the class.

        Returns
        -------
        values : ndarray (n_samples,)
            In float64.
        gradient : ndarray (n_samples, n_classes)
            In the logits' dtype.
        """
        gradient = np.zeros_like(logits)
        gradient[:, k] = 1.0
        return logits[:, k].astype(np.float64), gradient


def weighted(losses: Array, gradient: Array, weights: Array, dtype: np.dtype) -> tuple[float, Array]:
    gradient *= np.asarray(weights)[:, None]
    return float((losses * weights).sum(dtype=np.float64)), gradient.astype(dtype, copy=False)


def as_column(values: NDArray, n_outputs: int) -> NDArray:
    return values[:, None] if values.ndim == 1 and n_outputs == 1 else values


def check_batch(who: str, logits: Array, targets: Targets, weights: Array, expected: tuple[int, ...]) -> None:
    check_logits(who, logits)
    if np.shape(targets) != expected:
        raise ValueError(
            f"{who}: targets: expected shape {expected} for logits of shape {logits.shape}, got {np.shape(targets)}. "
            "One row a sample, as targets() returns them."
        )
    if np.shape(weights) != (len(logits),):
        raise ValueError(f"{who}: weights: expected shape ({len(logits)},), one a sample, got {np.shape(weights)}.")
