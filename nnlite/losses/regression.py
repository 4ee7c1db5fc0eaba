"""Losses of differences to a target: squared error (for numbers, and for the Brier score of classes), absolute error,
and Huber's."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlite.checks import check_number
from nnlite.labels import check_matrix, check_range, checked_numbers
from nnlite.losses.base import Array, Loss, Targets, as_column, check_batch, weighted
from nnlite.losses.logits import check_logits

if TYPE_CHECKING:
    from nnlite.layers.base import Layer

__all__ = ["AbsoluteError", "Huber", "SquaredError"]


class RegressionLoss(Loss):
    """Base of losses of the difference between an output and its target, summed over the outputs."""

    @property
    def output_activation(self) -> "type[Layer] | None":
        """None: outputs are compared as they are."""
        return None

    def targets(self, y: ArrayLike, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Check targets and convert them.

        Parameters
        ----------
        y : array_like of shape (N, n_outputs)
            Any finite numbers. Shape (N,) for one output.
        n_outputs : int
            Number of outputs.
        dtype : dtype
            dtype of the result.

        Returns
        -------
        ndarray of shape (N, n_outputs)

        Raises
        ------
        ValueError
            If a value is NaN or infinite, or the shape doesn't fit.
        """
        who = type(self).__name__
        values = as_column(checked_numbers(who, y), n_outputs)
        check_matrix(who, values, n_outputs, "targets")
        check_range(who, values, -math.inf, math.inf, "finite numbers")
        return values.astype(dtype, copy=False)

    def check_targets(self, who: str, targets: NDArray, n_outputs: int) -> None:
        """Raise ValueError unless `targets` are finite numbers; see `Loss.check_targets`."""
        check_matrix(who, targets, n_outputs, "targets", "targets")
        if targets.dtype.kind not in "biuf":
            raise ValueError(f"{who}: targets: expected numbers, got dtype {targets.dtype}.")
        if not np.isfinite(targets).all():
            check_range(who, targets, -math.inf, math.inf, "finite numbers", "targets")

    def predict(self, logits: Array) -> Array:
        """Return the outputs as they are (no copy)."""
        check_logits(type(self).__name__, logits)
        return logits

    def class_targets(self, labels: NDArray, n_classes: int, who: str | None = None) -> NDArray:
        """Return 1 for the classes that a sample has and 0 for the others, shape (n_samples, n_classes)."""
        return np.eye(n_classes, dtype=np.float32)[labels] if labels.ndim == 1 else labels

    def value_and_gradient(self, logits: Array, targets: Targets, weights: Array) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient; see `Loss.value_and_gradient`."""
        check_batch(type(self).__name__, logits, targets, weights, np.shape(logits))
        with np.errstate(all="ignore"):
            losses, gradient = self._of_differences(logits.astype(np.float64) - targets)
            return weighted(losses.sum(axis=1), gradient, weights, logits.dtype)

    def _of_differences(self, differences: Array) -> tuple[Array, Array]:
        """Return the loss of each difference and its gradient, in float64."""
        raise NotImplementedError


@dataclass(frozen=True)
class SquaredError(RegressionLoss):
    """Half the squared distance to the target, summed over the outputs.

    The half makes the gradient ``output - target``; through a final `Sigmoid` layer it is the delta rule, learning rate
    x (target - output) x slope x input. Keras's and PyTorch's mean squared error is 2 / K times this.

    Examples
    --------
    >>> loss = SquaredError()
    >>> targets = loss.targets([3.0, 0.0], n_outputs=1, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.array([[1.0], [0.0]]), targets, np.array([0.5, 0.5]))
    >>> value, gradient.tolist()
    (1.0, [[-1.0], [0.0]])
    """

    output_activation = RegressionLoss.output_activation  # a class says this itself: see `Loss.output_activation`

    def _of_differences(self, differences: Array) -> tuple[Array, Array]:
        """Return half the square of each difference, and the difference."""
        return np.square(differences) / 2.0, differences


@dataclass(frozen=True)
class AbsoluteError(RegressionLoss):
    """The distance to the target, summed over the outputs: learns the median, which outliers hardly move.

    The gradient is the sign of the difference, 0 where there is none. Keras's and PyTorch's mean absolute error is
    1 / K times this.

    Examples
    --------
    >>> loss = AbsoluteError()
    >>> targets = loss.targets([3.0, 0.0], n_outputs=1, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.array([[1.0], [0.0]]), targets, np.array([0.5, 0.5]))
    >>> value, gradient.tolist()
    (1.0, [[-0.5], [0.0]])
    """

    output_activation = RegressionLoss.output_activation  # a class says this itself: see `Loss.output_activation`

    def _of_differences(self, differences: Array) -> tuple[Array, Array]:
        """Return the size of each difference, and its sign."""
        return np.abs(differences), np.sign(differences)


@dataclass(frozen=True)
class Huber(RegressionLoss):
    """Squared error for small differences, absolute error for large ones, summed over the outputs (Huber 1964).

    A difference d adds ``d**2 / 2`` up to `delta`, and ``delta (|d| - delta / 2)`` beyond. Keras's and PyTorch's loss
    of this name is 1 / K times this.

    Parameters
    ----------
    delta : float
        Difference at which one becomes the other, more than 0. `NetworkRegressor` scales targets to a deviation of 1.

    Raises
    ------
    ValueError
        If `delta` is not positive and finite.

    Examples
    --------
    >>> loss = Huber(delta=1.0)
    >>> targets = loss.targets([3.0, 0.5], n_outputs=1, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.array([[0.0], [0.0]]), targets, np.array([1.0, 1.0]))
    >>> value, gradient.tolist()
    (2.625, [[-1.0], [-0.5]])
    """

    output_activation = RegressionLoss.output_activation  # a class says this itself: see `Loss.output_activation`
    delta: float = 1.0

    def __post_init__(self) -> None:
        check_number("Huber", "delta", self.delta, low=math.ulp(0.0), expected="a positive finite number")

    def _of_differences(self, differences: Array) -> tuple[Array, Array]:
        """Return Huber's loss of each difference, and the difference cut to `delta`."""
        delta, size = float(self.delta), np.abs(differences)
        losses = np.where(size <= delta, np.square(differences) / 2.0, delta * (size - delta / 2.0))
        return losses, np.clip(differences, -delta, delta)
