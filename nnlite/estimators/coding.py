"""The coding of targets: what stands between a user's `y` and the columns of a network's output."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from nnlite.layers.base import Layer
from nnlite.losses import Loss
from nnlite.network.sequential import Sequential


class Coding:
    """Base of codings: of labels (`LabelCoding`) and of numbers (`ValueCoding`).

    Attributes
    ----------
    n_outputs : int
        Columns of the network's output.
    score_name : str
        Column of the history that a log shows beside the loss.
    """

    WORD: ClassVar[str]
    """Name of what a column stands for, in messages; `WORDS` of several."""

    WORDS: ClassVar[str]

    @property
    def n_outputs(self) -> int:
        """Columns of the network's output."""
        raise NotImplementedError

    @property
    def score_name(self) -> str:
        """Column of the history that a log shows beside the loss."""
        raise NotImplementedError

    def encode(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return targets in the form that a `Labelled` has. Raise ValueError if they are none; `who` begins errors."""
        raise NotImplementedError

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        """Return encoded targets in the form that `decode` returns."""
        raise NotImplementedError

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return what `predict` says for outputs in units of the targets, see `in_units`."""
        raise NotImplementedError

    def watched(self, outputs: np.ndarray) -> np.ndarray:
        """Return what a user's `monitor` is given of outputs in units of the targets."""
        return outputs

    def given(self, who: str, y: Any, n_samples: int) -> np.ndarray:
        """Return what a user passed to `score` in the form that `decode` returns, or raise ValueError."""
        raise NotImplementedError

    def kinds(self, encoded: np.ndarray) -> list[np.ndarray]:
        """Return the rows of each kind of sample of which training keeps one when samples are held out."""
        raise NotImplementedError

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs of a network in the units of the targets."""
        return outputs

    def targets(self, who: str, loss: Loss, encoded: np.ndarray) -> np.ndarray:
        """Return encoded targets in the form that the loss takes."""
        raise NotImplementedError

    def scaled(self, encoded: np.ndarray, weights: np.ndarray) -> Self:
        """Return the same coding with figures taken from the targets that are trained on, if it has some."""
        return self

    def value_and_gradient(self, loss: Loss, logits: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the value of an output by which its gradient is explained, and its gradient with respect to logits."""
        raise NotImplementedError

    def default_loss(self, network: Sequential) -> Loss:
        """Return the loss of an estimator that was given none."""
        raise NotImplementedError

    def last_layers(self) -> Sequence[Layer]:
        """Return the layers behind the last Dense layer of an estimator that was given no network."""
        return ()

    def check(self, who: str, network: Sequential, loss: Loss) -> None:
        """Raise ValueError if network or loss are of another kind."""

    def score_names(self, monitor: Any) -> list[str]:
        """Return the columns of scores that the history has."""
        return [self.score_name]

    def scores(self, encoded: np.ndarray, outputs: np.ndarray, weights: np.ndarray, monitor: Any) -> dict[str, float]:
        """Return the scores of outputs in units of the targets, by the names of `score_names`."""
        raise NotImplementedError

    def fingerprint(self) -> dict[str, Any]:
        """Return what a checkpoint is compared by."""
        raise NotImplementedError
