"""Samples that come in blocks, in blocks of another length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


def recut(blocks: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Yield the samples of blocks in arrays of `length` samples; the last one may be shorter, none is empty.

    What lies in one block is a view of it, everything else a new array.

    Examples
    --------
    >>> [block.tolist() for block in recut([np.array([1, 2, 3]), np.array([4]), np.array([5])], 2)]
    [[1, 2], [3, 4], [5]]
    """
    out, filled = np.empty(0), 0
    for block in blocks:
        while len(block):
            if filled == 0 and len(block) >= length:
                yield block[:length]
                block = block[length:]
                continue
            if filled == 0:
                out = np.empty(length, block.dtype)
            part = block[: length - filled]
            out[filled : filled + len(part)] = part
            filled, block = filled + len(part), block[len(part) :]
            if filled == length:
                yield out
                filled = 0
    if filled:
        yield out[:filled]
