"""Computations that need the whole batch, of which each thread has a shard.

Training cuts a batch into shards (:mod:`nnlite.network.shards`). Most layers don't notice: what they do with a sample
depends on that sample alone. One that takes means over the batch, as `BatchNorm` does, needs numbers from all shards.
It writes `forward_shard` and `backward_shard` as generators::

    every_shard = yield mine  # a list of what all shards gave here, in the order of the shards

The shards run up to the `yield`, each in its thread; when all are there, each gets the whole list and goes on. Every
shard computes the same from the list, in the same order, so results have the same bits at any number of threads. No
thread waits for another one: between two exchanges a shard is an object in memory.
"""

from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar

__all__ = ["WholeBatch", "alone"]

_Result = TypeVar("_Result")

WholeBatch: TypeAlias = Generator[Any, Sequence[Any], _Result]
"""A computation on a shard: it yields what it gives to the others, is sent what all gave, and returns its result."""


def alone(computation: WholeBatch[_Result]) -> _Result:
    """Return the result of a computation whose shard is the whole batch.

    >>> def mean(values):
    ...     every_shard = yield sum(values), len(values)
    ...     totals, counts = zip(*every_shard)
    ...     return sum(totals) / sum(counts)
    >>> alone(mean([1.0, 2.0, 6.0]))
    3.0
    """
    message: Any = None
    while True:
        try:
            mine = computation.send(message)
        except StopIteration as end:
            return end.value
        message = [mine]
