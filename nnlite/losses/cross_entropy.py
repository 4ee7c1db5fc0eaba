"""Cross-entropy of classes that exclude each other, and of labels that are independent."""

import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlite.checks import as_array
from nnlite.labels import check_matrix, check_range, checked_indices, checked_numbers
from nnlite.losses.base import Array, Loss, Targets, as_column, check_batch, weighted
from nnlite.losses.logits import check_logits, exponentials, logistic, softmax_log_odds, softmax_log_odds_and_gradient

if TYPE_CHECKING:
    from nnlite.layers.base import Layer

__all__ = ["SigmoidCrossEntropy", "SoftmaxCrossEntropy"]


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of classes that exclude each other; absorbs a softmax.

    Parameters
    ----------
    label_smoothing : float
        Share s in [0, 1) of each target that is spread evenly over all K classes: ``t' = (1 - s) t + s / K`` (Szegedy
        et al. 2016). It keeps the logits of noisy labels from growing without end.

    Raises
    ------
    ValueError
        If the smoothing is outside [0, 1).

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> targets = loss.targets([2, 0], n_outputs=3, dtype=np.float64)
    >>> targets
    array([2, 0])
    >>> value, gradient = loss.value_and_gradient(np.zeros((2, 3)), targets, np.array([0.5, 0.5]))
    >>> round(value, 4)
    1.0986
    >>> gradient.round(4)
    array([[ 0.1667,  0.1667, -0.3333],
           [-0.3333,  0.1667,  0.1667]])
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _check_smoothing("SoftmaxCrossEntropy", self.label_smoothing)

    @property
    def output_activation(self) -> "type[Layer] | None":
        """`Softmax`."""
        from nnlite.layers.activations import Softmax  # loads numba

        return Softmax

    def targets(self, y: ArrayLike, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Check labels and convert them.

        Parameters
        ----------
        y : array_like of shape (N,) or (N, n_outputs)
            Class indices (integers from 0), or a distribution over the classes in each row; one-hot rows are one.
        n_outputs : int
            Number of classes, 2 or more.
        dtype : dtype
            dtype of a distribution's result.

        Returns
        -------
        ndarray
            Indices stay indices, as int64.

        Raises
        ------
        ValueError
            If a label is out of range, a row doesn't add up to 1 (to 1e-3), or shape and dtype don't fit.
        """
        who = "SoftmaxCrossEntropy"
        if n_outputs < 2:
            raise ValueError(
                f"{who}: n_outputs: expected 2 classes or more, got {n_outputs}: the softmax of one is always 1. "
                "Take SigmoidCrossEntropy for a yes-or-no output."
            )
        labels = checked_numbers(who, y)
        if labels.ndim == 1:
            return checked_indices(who, labels, n_outputs)
        _check_distributions(who, labels, n_outputs)
        return labels.astype(dtype, copy=False)

    def check_targets(self, who: str, targets: NDArray, n_outputs: int) -> None:
        """Raise ValueError unless `targets` are class indices or distributions; see `Loss.check_targets`."""
        if targets.ndim == 1:
            if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= n_outputs:
                checked_indices(who, targets, n_outputs, "targets")
        elif targets.dtype.kind != "f" or not _are_distributions(targets, n_outputs):
            _check_floats(who, targets)
            _check_distributions(who, targets, n_outputs, "targets")

    def mix(self, targets: Targets, others: Targets, shares: NDArray, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Return distributions over the classes, mixed of two targets; see `Loss.mix`."""
        if targets.ndim == 1:
            one_hot = np.eye(n_outputs)
            targets, others = one_hot[targets], one_hot[others]
        return super().mix(targets, others, shares, n_outputs, dtype)

    def value_and_gradient(self, logits: Array, targets: Targets, weights: Array) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient; see `Loss.value_and_gradient`."""
        indices = np.ndim(targets) == 1
        check_batch("SoftmaxCrossEntropy", logits, targets, weights, (len(logits),) if indices else np.shape(logits))
        n_outputs, keep = logits.shape[1], 1.0 - self.label_smoothing
        with np.errstate(all="ignore"):
            shifted, exps, sums = exponentials(logits)
            logarithms = np.log(sums)
            gradient = exps / sums
            if indices:
                rows = np.arange(len(targets))
                losses = -keep * (shifted[rows, targets] - logarithms[:, 0])
                if self.label_smoothing:
                    losses -= self.label_smoothing * (shifted - logarithms).mean(axis=1)
                    gradient -= self.label_smoothing / n_outputs
                gradient[rows, targets] -= keep
            else:
                smoothed = keep * targets.astype(np.float64) + self.label_smoothing / n_outputs
                losses = -(smoothed * (shifted - logarithms)).sum(axis=1)
                if not np.isfinite(losses).all():  # a class that has no part in the target adds 0
                    losses = -_products(smoothed, shifted - logarithms).sum(axis=1)
                gradient = gradient * smoothed.sum(axis=1, keepdims=True) - smoothed
            return weighted(losses, gradient, weights, logits.dtype)

    def predict(self, logits: Array) -> Array:
        """Return class probabilities, the softmax of each row, in the logits' dtype."""
        check_logits("SoftmaxCrossEntropy", logits)
        with np.errstate(all="ignore"):
            _, exps, sums = exponentials(logits)
            return (exps / sums).astype(logits.dtype)

    def class_targets(self, labels: NDArray, n_classes: int, who: str | None = None) -> NDArray:
        """Return labels as they are if each sample has one; several labels of a sample share its probability."""
        if labels.ndim == 1:
            return labels
        count = labels.sum(axis=1, keepdims=True)
        if not count.all():
            raise ValueError(
                f"{who or 'SoftmaxCrossEntropy'}: y: expected a label for each sample under a softmax, got none in row "
                f"{int(count.argmin())}. Leave such samples out, or use Sigmoid outputs."
            )
        return labels / count

    def log_odds(self, logits: Array) -> Array:
        """Return the log-odds of each class against all others; see `Loss.log_odds`."""
        return softmax_log_odds(logits)

    def log_odds_and_gradient(self, logits: Array, k: int) -> tuple[Array, Array]:
        """Return the log-odds of a class against all others and their gradient; see `Loss.log_odds_and_gradient`."""
        return softmax_log_odds_and_gradient(logits, k)


@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    """Cross-entropy of labels that are independent questions, summed over them; absorbs a logistic function.

    Parameters
    ----------
    label_smoothing : float
        Share s in [0, 1) of each target that is moved to the middle: ``t' = (1 - s) t + s / 2``.
    pos_weight : tuple of float, optional
        One factor per output on the loss of its positive targets. Negatives divided by positives balances a rare label.

    Raises
    ------
    ValueError
        If the smoothing is outside [0, 1), or a factor is not positive and finite.

    Examples
    --------
    >>> loss = SigmoidCrossEntropy()
    >>> targets = loss.targets([[1, 0], [1, 1]], n_outputs=2, dtype=np.float32)
    >>> value, gradient = loss.value_and_gradient(np.zeros((2, 2), np.float32), targets, np.array([0.5, 0.5]))
    >>> round(value, 4), gradient.tolist()
    (1.3863, [[-0.25, 0.25], [-0.25, -0.25]])
    """

    label_smoothing: float = 0.0
    pos_weight: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check_smoothing("SigmoidCrossEntropy", self.label_smoothing)
        if self.pos_weight is not None:
            factors = as_array("SigmoidCrossEntropy", "pos_weight", self.pos_weight)
            if factors.ndim != 1 or factors.dtype.kind not in "iuf" or not ((factors > 0) & np.isfinite(factors)).all():
                raise ValueError(
                    "SigmoidCrossEntropy: pos_weight: expected one positive finite factor per output, "
                    f"got {self.pos_weight!r}. A label without positives has none: leave it out or take 1."
                )
            object.__setattr__(self, "pos_weight", tuple(factors.astype(np.float64).tolist()))  # hashable, comparable

    @property
    def output_activation(self) -> "type[Layer] | None":
        """`Sigmoid`."""
        from nnlite.layers.activations import Sigmoid  # loads numba

        return Sigmoid

    def targets(self, y: ArrayLike, n_outputs: int, dtype: DTypeLike) -> Targets:
        """Check labels and convert them.

        Parameters
        ----------
        y : array_like of shape (N, n_outputs)
            Indicators: 1 where the label is given, 0 where not; values between are degrees. Shape (N,) for one output.
        n_outputs : int
            Number of labels.
        dtype : dtype
            dtype of the result.

        Returns
        -------
        ndarray of shape (N, n_outputs)

        Raises
        ------
        ValueError
            If a value is outside [0, 1] or NaN, or the shape doesn't fit.
        """
        who = "SigmoidCrossEntropy"
        self._check_pos_weight(n_outputs)
        labels = as_column(checked_numbers(who, y), n_outputs)
        check_matrix(who, labels, n_outputs, "indicators")
        check_range(who, labels, 0.0, 1.0, "indicators from 0 to 1")
        return labels.astype(dtype, copy=False)

    def check_targets(self, who: str, targets: NDArray, n_outputs: int) -> None:
        """Raise ValueError unless `targets` are indicators from 0 to 1; see `Loss.check_targets`."""
        check_matrix(who, targets, n_outputs, "indicators", "targets")
        if targets.dtype.kind not in "biuf" or not (targets.min() >= 0 and targets.max() <= 1):
            _check_floats(who, targets)
            check_range(who, targets, 0.0, 1.0, "indicators from 0 to 1", "targets")

    def value_and_gradient(self, logits: Array, targets: Targets, weights: Array) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient; see `Loss.value_and_gradient`."""
        check_batch("SigmoidCrossEntropy", logits, targets, weights, np.shape(logits))
        self._check_pos_weight(logits.shape[1])
        with np.errstate(all="ignore"):
            z = logits.astype(np.float64)
            positive = (1.0 - self.label_smoothing) * targets.astype(np.float64) + self.label_smoothing / 2.0
            negative = 1.0 - positive
            if self.pos_weight is not None:
                positive *= np.asarray(self.pos_weight)
            # -log(1 - logistic(z)) = softplus(z) = max(z, 0) + log(1 + exp(-|z|)), and -log(logistic(z)) = softplus(-z)
            rest = np.log1p(np.exp(-np.abs(z)))
            losses = (negative * (np.maximum(z, 0.0) + rest) + positive * (np.maximum(-z, 0.0) + rest)).sum(axis=1)
            if not np.isfinite(losses).all():  # a target that has no part in the loss of an infinite logit adds 0
                against, for_it = np.maximum(z, 0.0) + rest, np.maximum(-z, 0.0) + rest
                losses = (_products(negative, against) + _products(positive, for_it)).sum(axis=1)
            gradient = negative * logistic(z) - positive * logistic(-z)
            return weighted(losses, gradient, weights, logits.dtype)

    def predict(self, logits: Array) -> Array:
        """Return the probability of each label, the logistic function of each logit, in the logits' dtype."""
        check_logits("SigmoidCrossEntropy", logits)
        with np.errstate(all="ignore"):
            return logistic(logits.astype(np.float64)).astype(logits.dtype)

    def _check_pos_weight(self, n_outputs: int) -> None:
        if self.pos_weight is not None and len(self.pos_weight) != n_outputs:
            got = len(self.pos_weight)
            raise ValueError(f"SigmoidCrossEntropy: pos_weight: expected {n_outputs} factors (outputs), got {got}.")


def _products(shares: Array, losses: Array) -> Array:
    """Return shares times losses, 0 where a share is 0, however large the loss."""
    return np.multiply(shares, losses, out=np.zeros_like(losses), where=(shares != 0) | np.isnan(losses))


def _are_distributions(labels: NDArray, n_outputs: int) -> bool:
    """Return what `_check_distributions` demands, in less time."""
    if labels.ndim != 2 or labels.shape[1] != n_outputs:
        return False
    return bool(labels.min() >= 0 and np.abs(labels.sum(axis=1, dtype=np.float64) - 1.0).max() <= 1e-3)


def _check_distributions(who: str, labels: NDArray, n_outputs: int, name: str = "y") -> None:
    check_matrix(who, labels, n_outputs, "class indices of shape (samples,) or a distribution in each row", name)
    check_range(who, labels, 0.0, math.inf, "probabilities of 0 or more", name)
    sums = labels.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero(np.abs(sums - 1.0) > 1e-3)
    if wrong.size:
        raise ValueError(
            f"{who}: {name}: expected rows that add up to 1, got {sums[wrong[0]]:g} in row {wrong[0]} "
            f"({wrong.size} such rows). Divide each row by its sum, or take SigmoidCrossEntropy "
            "for several labels a sample."
        )


def _check_floats(who: str, targets: NDArray) -> None:
    if targets.dtype.kind not in "biuf":
        raise ValueError(f"{who}: targets: expected numbers, got dtype {targets.dtype}. Make them with loss.targets().")


def _check_smoothing(who: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{who}: label_smoothing: expected a share in [0, 1), got {value!r}.")
