"""A batch of a training: which samples, with which targets and weights, read shard by shard in the threads."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnlite.augmentation.mixing import mix, mixup_draws

__all__ = ["MIXUP", "TrainingBatch", "Transform", "mixed"]

Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]

MIXUP = 2**32 - 1
"""Last word of the seed of a step's mixup, in place of the number of a shard."""


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """Some samples of a training; calling it reads those of a slice.

    Attributes
    ----------
    x : array_like (n_samples, ...)
        All samples.
    rows : ndarray (n,) of int
        Those of the batch.
    targets : ndarray (n, ...)
    weights : ndarray (n,)
    transform : callable or None
    partners : ndarray (n,) of int or None
        Rows of samples that are mixed into those of the batch.
    shares : ndarray (n,) or None
        Share of a mixed sample that is its own.
    """

    x: Any
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    transform: Transform | None
    partners: np.ndarray | None = None
    shares: np.ndarray | None = None

    def __call__(self, part: slice, rng: np.random.Generator) -> np.ndarray:
        samples = self._read(self.rows[part], rng)
        if self.partners is None or self.shares is None:
            return samples
        return mix(samples, self._read(self.partners[part], rng), self.shares[part])

    def _read(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        samples = self.x[rows]
        return samples if self.transform is None else self.transform(samples, rng)


def mixed(
    batch: TrainingBatch, alpha: float, rng: np.random.Generator, loss: Any, n_outputs: int, dtype: Any
) -> TrainingBatch:
    """Return a batch in which each sample is mixed with another.

    With weights v and w of a sample and its partner, and the share s, the loss is to be
    ``s v loss(target) + (1 - s) w loss(partner's target)``. Where the loss is linear in its targets, as cross-entropy
    is, and where it is squared error, the mixture of both targets with the shares s v and (1 - s) w has the same
    gradient, with the sum of the two as weight.

    Parameters
    ----------
    batch : TrainingBatch
    alpha : float
        See :func:`nnlite.augmentation.mixup_draws`.
    rng : numpy.random.Generator
    loss : Loss
        Its method `mix` mixes the targets.
    n_outputs : int
    dtype : dtype
        dtype of the mixed targets.
    """
    partners, shares = mixup_draws(len(batch.rows), alpha, rng)
    own, others = shares * batch.weights, (1.0 - shares) * batch.weights[partners]
    weights = own + others
    of_targets = np.divide(own, weights, out=shares.copy(), where=weights > 0)
    targets = loss.mix(batch.targets, batch.targets[partners], of_targets, n_outputs, dtype)
    return replace(batch, targets=targets, weights=weights, partners=batch.rows[partners], shares=shares)
