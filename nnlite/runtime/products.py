"""Products of large matrices, in blocks over threads."""

import itertools

import numpy as np

from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.threads import for_each

BLOCK = 2**23
"""Multiply-adds of a block, at least: a quarter of a millisecond, and its result stays in the second-level cache."""

MOST = 64
"""Blocks of a product."""

SMALL = 4096
"""Elements of a result for which the alignment of its memory matters less than the time that it takes to align it."""


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a (m, k) @ b (k, n), in new memory.

    A large product is cut along its longest side: so the blocks share the least input. The cuts
    depend on the shapes alone, and sums over parts of k are added in their order: the same bits at any number of
    threads.
    """
    (m, k), n = a.shape, b.shape[1]
    count = block_count(m, k, n)
    if count == 1:
        empty = np.empty if m * n <= SMALL else aligned_empty
        return np.matmul(a, b, out=empty((m, n), a.dtype))
    if (sums := sum_count(m, k, n)) > 1:
        parts = aligned_empty((sums, m, n), a.dtype)
        _run([(a[:, s], b[s], part) for s, part in zip(cuts(k, sums), parts, strict=True)])
        for part in parts[1:]:
            parts[0] += part
        return parts[0]
    out = aligned_empty((m, n), a.dtype)
    if m >= n:
        _run([(a[s], b, out[s]) for s in cuts(m, count)])
    else:
        _run([(a, b[:, s], out[:, s]) for s in cuts(n, count)])
    return out


def block_count(m: int, k: int, n: int) -> int:
    """Return the number of blocks of a product.

    >>> block_count(200, 200, 50), block_count(200, 4000, 200), block_count(1000, 4000, 200)
    (1, 16, 64)
    """
    return min(MOST, _power_of_two(m * k * n // BLOCK))


def sum_count(m: int, k: int, n: int) -> int:
    """Return the number of parts into which k is cut.

    They are so few that adding them up is little work next to making them.

    >>> sum_count(200, 4000, 200), sum_count(4000, 200, 200)
    (4, 1)
    """
    return max(1, min(block_count(m, k, n), _power_of_two(k // (4 * max(m, n)))))


def _power_of_two(number: int) -> int:
    """Return the largest power of two up to a number, as the cores of most machines are; 1 for 0."""
    return 1 << max(0, number.bit_length() - 1)


def cuts(size: int, count: int) -> list[slice]:
    """Return slices of nearly equal length."""
    edges = [size * j // count for j in range(count + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _run(products: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    for_each(lambda product: np.matmul(product[0], product[1], out=product[2]), products)
