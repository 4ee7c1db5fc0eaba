"""A selection of samples that stays where the samples are until it is read."""

from typing import Any

import numpy as np


class Rows:
    """Some rows of an array, possibly memory-mapped or coded, as an array that reads them when it is indexed.

    Parameters
    ----------
    x : array_like (n_samples, ...)
        Anything with a shape that can be indexed with an array of integers.
    rows : ndarray of int
        Which samples, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> some = Rows(np.arange(10) * 10, np.array([7, 2, 5]))
    >>> some.shape, some[1:]
    ((3,), array([20, 50]))
    """

    def __init__(self, x: Any, rows: np.ndarray) -> None:
        self._x = x
        self._rows = np.asarray(rows)
        self.shape = (len(self._rows), *x.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        return self._x[self._rows[index]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[:], dtype)
