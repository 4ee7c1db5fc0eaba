"""Sequences of different length in one array: their padding, and their packing without it.

A batch of sequences is an array (n_samples, steps, ...). Steps at the end of a sequence that are NaN throughout are
padding. NaN can't be taken for data: scaled, activated or dropped out it stays NaN, and a layer that doesn't know of
padding makes the loss NaN. From zeros it would silently learn.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlite.checks import as_float_dtype, as_numbers, check_integer, check_iterable
from nnlite.layers.base import Shape

__all__ = ["Packing", "pack_sequences", "pad_sequences", "step_counts"]


def pad_sequences(
    sequences: Sequence[ArrayLike], steps: int | None = None, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Return sequences of different length as one array, with NaN behind the end of each.

    Parameters
    ----------
    sequences : sequence of array_like (steps, *shape of a step)
    steps : int, optional
        Length of the result; that of the longest sequence by default.
    dtype : dtype

    Returns
    -------
    ndarray (n_sequences, steps, *shape of a step)

    Raises
    ------
    ValueError
        If a sequence has no step, is longer than `steps`, has other steps than the first, or ends in steps that are NaN
        throughout already.

    Examples
    --------
    >>> pad_sequences([[[1.0], [2.0]], [[3.0]]])[:, :, 0]
    array([[ 1.,  2.],
           [ 3., nan]], dtype=float32)
    """
    dtype = as_float_dtype("pad_sequences", dtype, half=True)
    check_iterable("pad_sequences", "sequences", sequences, "a list of sequences")
    arrays = [
        as_numbers("pad_sequences", f"sequences[{index}]", sequence).astype(dtype)
        for index, sequence in enumerate(sequences)
    ]
    if not arrays:
        raise ValueError("pad_sequences: sequences: expected one or more, got none.")
    longest = max((len(array) for array in arrays if array.ndim), default=0)
    if steps is not None:
        check_integer("pad_sequences", "steps", steps, expected="a positive integer or None")
    steps = longest if steps is None else int(steps)
    for index, array in enumerate(arrays):
        who = f"pad_sequences: sequences[{index}]"
        if array.ndim < 2 or array.size == 0:
            raise ValueError(f"{who}: expected shape (steps, features) with one step or more, got {array.shape}.")
        if array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"{who}: expected steps of shape {arrays[0].shape[1:]}, as in the first, got {array.shape[1:]}."
            )
        if len(array) > steps:
            raise ValueError(f"{who}: expected at most {steps} steps, got {len(array)}. Cut it, or allow for more.")
        if np.isnan(array[-1]).all():
            raise ValueError(f"{who}: expected numbers in the last step, got NaN throughout, which marks padding.")
    padded = np.full((len(arrays), steps, *arrays[0].shape[1:]), np.nan, dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def step_counts(x: np.ndarray) -> np.ndarray:
    """Return the number of steps of each sequence of `x` (N, steps, ...) that are not padding.

    >>> step_counts(np.array([[[1.0], [np.nan]], [[np.nan], [2.0]], [[np.nan], [np.nan]]]))
    array([1, 2, 0])
    """
    n, steps = x.shape[:2]
    rows = x.reshape(n, steps, math.prod(x.shape[2:]))
    counts = np.full(n, steps)
    for index in np.flatnonzero(np.isnan(rows[:, -1, 0])):  # no other sequence can end in padding
        there = np.flatnonzero(~np.isnan(rows[index]).all(axis=1))
        counts[index] = there[-1] + 1 if len(there) else 0
    return counts


class Packing(NamedTuple):
    """The places of the steps of sequences that are packed as :mod:`nnlite.kernels.recurrent` takes them.

    Attributes
    ----------
    shape : tuple of int
        (N, steps).
    order : ndarray (N,)
        Samples from the longest to the shortest, without those that have no step.
    starts : ndarray (steps + 1,)
        First packed row of each step.
    rows, reverse_rows : ndarray (packed rows,)
        Row of each packed step in the array (N * steps, ...), from front to back and from back to front.
    last : ndarray
        Packed row of the last step of each sample of `order`.
    """

    shape: Shape
    order: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    reverse_rows: np.ndarray
    last: np.ndarray

    @property
    def is_full(self) -> bool:
        """True if there is no padding."""
        return len(self.rows) == self.shape[0] * self.shape[1]

    def previous(self) -> np.ndarray:
        """Return the packed row of the step before, for each packed step but the first ones."""
        sizes = np.diff(self.starts)
        steps = np.repeat(np.arange(1, len(sizes)), sizes[1:])
        return np.arange(sizes[0], self.starts[-1]) - sizes[steps - 1]


def pack_sequences(x: np.ndarray) -> Packing:
    """Return the packing of the sequences of `x` (N, steps, ...)."""
    n, steps = x.shape[:2]
    counts = step_counts(x)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    lengths, time = counts[order], np.arange(steps)[:, np.newaxis]
    there = time < lengths
    starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    rows = (order * steps + time)[there]
    reverse_rows = (order * steps + lengths - 1 - time)[there]
    last = starts[lengths - 1] + np.arange(len(order))
    return Packing((n, steps), order, starts, rows, reverse_rows, last)
