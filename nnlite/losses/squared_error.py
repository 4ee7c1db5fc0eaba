"""Squared error, for numbers and for the Brier score of classes."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlite.labels import check_matrix, check_range, checked_numbers
from nnlite.losses.base import Array, Loss, Targets, as_column, check_batch, weighted
from nnlite.losses.logits import check_logits

if TYPE_CHECKING:
    from nnlite.layers.base import Layer

__all__ = ["SquaredError"]


@dataclass(frozen=True)
class SquaredError(Loss):
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
        values = as_column(checked_numbers("SquaredError", y), n_outputs)
        check_matrix("SquaredError", values, n_outputs, "targets")
        check_range("SquaredError", values, -math.inf, math.inf, "finite numbers")
        return values.astype(dtype, copy=False)

    def check_targets(self, who: str, targets: NDArray, n_outputs: int) -> None:
        """Raise ValueError unless `targets` are finite numbers; see `Loss.check_targets`."""
        check_matrix(who, targets, n_outputs, "targets", "targets")
        if targets.dtype.kind not in "biuf":
            raise ValueError(f"{who}: targets: expected numbers, got dtype {targets.dtype}.")
        if not np.isfinite(targets).all():
            check_range(who, targets, -math.inf, math.inf, "finite numbers", "targets")

    def value_and_gradient(self, logits: Array, targets: Targets, weights: Array) -> tuple[float, Array]:
        """Loss of a batch and its gradient; see `Loss.value_and_gradient`."""
        check_batch("SquaredError", logits, targets, weights, np.shape(logits))
        with np.errstate(all="ignore"):
            gradient = logits.astype(np.float64) - targets
            return weighted(np.square(gradient).sum(axis=1) / 2.0, gradient, weights, logits.dtype)

    def predict(self, logits: Array) -> Array:
        """Return the outputs as they are (no copy)."""
        check_logits("SquaredError", logits)
        return logits

    def class_targets(self, labels: NDArray, n_classes: int, who: str | None = None) -> NDArray:
        """Return 1 for the classes that a sample has and 0 for the others, shape (n_samples, n_classes)."""
        return np.eye(n_classes, dtype=np.float32)[labels] if labels.ndim == 1 else labels
