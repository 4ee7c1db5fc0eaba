"""Between a user's numbers and the columns of a network's output."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from nnlite import metrics
from nnlite.estimators.coding import Coding
from nnlite.estimators.inputs import check_targets_given
from nnlite.layers.activations import Sigmoid, Softmax
from nnlite.losses import Loss, SquaredError
from nnlite.network.sequential import Sequential


@dataclass(frozen=True, eq=False)
class ValueCoding(Coding):
    """Numbers to be predicted, with the scaling between their units and those of the network.

    Attributes
    ----------
    columns : int
        Numbers of a sample.
    single : bool
        Whether `y` had one axis: predictions then have one too.
    standardize : bool
        Whether `scaled` takes figures.
    mean, deviation : ndarray (columns,)
        float64; a target of the network is (y - mean) / deviation.
    """

    WORD: ClassVar[str] = "number"
    WORDS: ClassVar[str] = "numbers"
    columns: int
    single: bool
    standardize: bool
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(cls, who: str, y: Any, n_samples: int, standardize: bool) -> "ValueCoding":
        """Return the coding of targets, which takes no figures of them yet.

        Parameters
        ----------
        who : str
            The public function that was called: errors begin with it.
        y : array_like (n_samples,) or (n_samples, n_outputs)
        n_samples : int
        standardize : bool
        """
        y = as_values(who, y, n_samples)
        columns = 1 if y.ndim == 1 else y.shape[1]
        return cls(columns, y.ndim == 1, standardize, np.zeros(columns), np.ones(columns))

    @property
    def n_outputs(self) -> int:
        """Numbers of a sample."""
        return self.columns

    @property
    def score_name(self) -> str:
        """Column of the history that a log shows beside the loss."""
        return "val_r2"

    def encode(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return targets in float64 and their own units, shape (n_samples, columns)."""
        y = as_values(who, y, n_samples)
        if y.ndim == 1:
            y = y[:, None]
        if y.shape[1] != self.columns:
            expected = "" if self.columns > 1 else f" or ({n_samples},)"
            raise ValueError(f"{who}: y: expected shape ({n_samples}, {self.columns}){expected}, got {y.shape}.")
        return y

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        """Return encoded targets in the form that `decode` returns."""
        return encoded[:, 0] if self.single else encoded

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return what `predict` says: numbers with as many axes as `y` had."""
        return outputs[:, 0] if self.single else outputs

    def watched(self, outputs: np.ndarray) -> np.ndarray:
        """Return what a user's `monitor` is given: predicted numbers."""
        return self.decode(outputs)

    def given(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return what a user passed to `score` in the form that `decode` returns; see `as_values`."""
        y = as_values(who, y, n_samples)
        if self.single and y.ndim == 2 and y.shape[1] == 1:
            return y[:, 0]
        return y[:, None] if not self.single and self.columns == 1 and y.ndim == 1 else y

    def kinds(self, encoded: np.ndarray) -> list[np.ndarray]:
        """Return all rows: there are no kinds of samples."""
        return [np.arange(len(encoded))]

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs of a network in the units of the targets, in float64."""
        return outputs.astype(np.float64) * self.deviation + self.mean

    def targets(self, who: str, loss: Loss, encoded: np.ndarray) -> np.ndarray:
        """Return targets in the units of the network. Raise ValueError if float32 can't hold them."""
        with np.errstate(all="ignore"):
            scaled = (encoded - self.mean) / self.deviation
            narrow = scaled.astype(np.float32)
        if not np.isfinite(narrow).all():
            raise ValueError(f"{who}: y: expected numbers that float32 can hold, got {np.abs(encoded).max():g}.")
        return scaled

    def scaled(self, encoded: np.ndarray, weights: np.ndarray) -> Self:
        """Return the same coding with weighted mean and deviation of some targets; 1 for a deviation of 0."""
        if not self.standardize:
            return self
        shares = (weights / weights.sum())[:, None]
        with np.errstate(all="ignore"):
            mean = (shares * encoded).sum(axis=0)
            deviation = np.sqrt((shares * np.square(encoded - mean)).sum(axis=0))
        constant = ~(deviation > 1e-9 * np.abs(mean)) | ~np.isfinite(deviation)
        return replace(self, mean=mean, deviation=np.where(constant, 1.0, deviation))

    def value_and_gradient(self, loss: Loss, logits: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an output in the units of its targets, and its gradient with respect to the logits."""
        gradient = np.zeros_like(logits)
        gradient[:, k] = self.deviation[k]
        return self.in_units(logits)[:, k], gradient

    def default_loss(self, network: Sequential) -> Loss:
        """Return the loss of a regressor that was given none."""
        return SquaredError()

    def check(self, who: str, network: Sequential, loss: Loss) -> None:
        """Raise ValueError if network or loss are those of a classifier."""
        if loss.output_activation is not None:
            raise ValueError(f"{who}: loss: expected one of numbers, such as SquaredError() or Huber(), got {loss!r}.")
        if self.standardize and network.layers and isinstance(network.layers[-1], (Sigmoid, Softmax)):
            raise ValueError(
                f"{who}: network: expected no final {type(network.layers[-1]).__name__} for targets that are "
                "standardized: they lie beyond 0 and 1. Leave the layer out, or set standardize_targets=False."
            )

    def scores(self, encoded: np.ndarray, outputs: np.ndarray, weights: np.ndarray, monitor: Any) -> dict[str, float]:
        """Return the coefficient of determination; NaN for fewer than two samples."""
        if len(encoded) < 2:
            return {"val_r2": float("nan")}
        return {"val_r2": metrics.r2(encoded, outputs, sample_weight=weights)}

    def fingerprint(self) -> dict[str, Any]:
        """Return what a checkpoint is compared by; the figures follow from settings and targets."""
        return {"targets": self.columns, "standardize_targets": self.standardize}


def as_values(who: str, y: Any, n_samples: int) -> np.ndarray:
    """Return numbers as a float64 array of one or two axes with a row for each sample.

    Parameters
    ----------
    who : str
    y : array_like
    n_samples : int

    Raises
    ------
    ValueError, TypeError
        If there are none, their number doesn't fit, they are sparse, or not finite.
    """
    check_targets_given(who, y)
    try:
        y = np.asarray(y)
        if y.dtype == object:
            y = y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{who}: y: expected numbers, got rows of different lengths or other objects.") from None
    if y.ndim not in (1, 2) or len(y) != n_samples or not y.size:
        raise ValueError(
            f"{who}: y: expected shape ({n_samples},) or ({n_samples}, n_outputs), a row for each sample of X, got "
            f"{y.shape}."
        )
    if y.dtype.kind == "c":
        raise ValueError(f"{who}: y: Complex data not supported: expected real numbers, got dtype {y.dtype}.")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"{who}: y: expected numbers, got dtype {y.dtype}.")
    y = y.astype(np.float64)
    if not np.isfinite(y).all():
        raise ValueError(f"{who}: y: expected finite numbers, got NaN or infinity.")
    return y
