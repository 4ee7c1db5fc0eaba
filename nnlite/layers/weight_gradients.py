"""Gradients of large weights, which are not computed before an optimizer uses them.

Such a gradient takes megabytes, and a step of an optimizer does little work for each number: writing it to memory and
reading it again would take time too. So a layer gives its two factors, and block after block is computed and used.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.runtime.products import block_count, cuts, matmul, sum_count
from nnlite.runtime.threads import for_each

__all__ = ["WeightGradient", "is_deferred", "is_finite", "weight_gradient"]


class WeightGradient:
    """The product x.T @ dz of inputs x (samples, m) and gradients dz (samples, n) at the sums of a dense layer.

    ``np.asarray`` computes it: an array of shape (m, n).

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, x: np.ndarray, dz: np.ndarray, x_is_finite: bool) -> None:
        from nnlite.runtime.jit import kernel_input  # numba

        self._x, self._dz, self._x_is_finite = kernel_input(x), kernel_input(dz), x_is_finite
        self.shape, self.dtype = (x.shape[1], dz.shape[1]), x.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        whole = np.empty(self.shape, self.dtype)
        self.for_each_block(lambda block, rows: np.copyto(rows, block), whole)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def for_each_block(self, function: Callable[..., object], *arrays: np.ndarray) -> None:
        """Call ``function(some rows of the gradient, *the same rows of the arrays)`` for all rows, in threads."""
        from nnlite.kernels import weight_gradients

        x, dz = self._x, self._dz
        (samples, m), n = x.shape, dz.shape[1]
        compiled = weight_gradients.pays(samples, n)

        def run(rows: slice) -> None:
            mine = tuple(array[rows] for array in arrays)
            block = np.empty((rows.stop - rows.start, n), self.dtype)
            if compiled:
                weight_gradients.multiply(x, dz, rows, mine, block)
            else:
                with np.errstate(all="ignore"):  # what overflows, or was not finite, shows in the result
                    np.matmul(x[:, rows].T, dz, out=block)
            function(block, *mine)

        for_each(run, cuts(m, block_count(m, samples, n)))

    def is_finite(self) -> bool:
        """Return whether all numbers are finite. They need not be computed for it if their factors are not extreme."""
        most, dz = float(np.finfo(self.dtype).max), math.sqrt(_sum_of_squares(self._dz))
        return (
            (self._x_is_finite and math.sqrt(len(self._dz)) * dz < 0.5)
            or math.sqrt(_sum_of_squares(self._x)) * dz < most / 2
            or is_finite(np.asarray(self))
        )


def weight_gradient(x: np.ndarray, dz: np.ndarray, x_is_finite: bool = False) -> np.ndarray | WeightGradient:
    """Return x.T @ dz for x (samples, m) and dz (samples, n), computed now or later.

    `x_is_finite` says that x is known to be finite.
    """
    return WeightGradient(x, dz, x_is_finite) if is_deferred(x.shape[1], *dz.shape) else matmul(x.T, dz)


def is_deferred(m: int, samples: int, n: int) -> bool:
    """Return whether `weight_gradient` computes nothing yet.

    It doesn't where `matmul` would cut it into blocks of rows.

    >>> is_deferred(4000, 200, 200), is_deferred(200, 200, 50)
    (True, False)
    """
    return m >= n and block_count(m, samples, n) > 1 and sum_count(m, samples, n) == 1


def is_finite(array: np.ndarray | WeightGradient) -> bool:
    """Return whether all numbers of an array are finite."""
    if isinstance(array, WeightGradient):
        return array.is_finite()
    return math.isfinite(_sum_of_squares(array)) or bool(np.isfinite(array).all())


def _sum_of_squares(array: np.ndarray) -> float:
    """Return the sum of squares, or infinity if it overflows. It takes one pass; most of NumPy's ways take two."""
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        return float(np.dot(flat, flat))
