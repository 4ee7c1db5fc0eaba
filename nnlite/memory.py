"""Memory for kernels: aligned to cache lines, and used again.

The system hands out large memory page by page, zeroed, at the first touch of each, and takes it back when it is freed.
Training asks for the same megabytes in every shard: a fifth of its time on two threads went into pages. So large blocks
are kept when the last array that uses them is gone.
"""

import os
import threading

import numpy as np

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""

_SMALL = 256 * 1024
"""Bytes from which on a block is kept: below, the allocator of C keeps them itself, and faster."""

_KEPT = 32 * 1024 * 1024 * (os.cpu_count() or 1)
"""Bytes that are kept at most."""


class _Blocks:
    """Blocks of memory that nobody uses, by their size."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # an array may go while a thread is here
        self.free: dict[int, list[np.ndarray]] = {}
        self.bytes = 0

    def take(self, size: int) -> np.ndarray:
        with self.lock:
            if blocks := self.free.get(size):
                self.bytes -= size
                return blocks.pop()
        return np.empty(size, np.uint8)

    def give_back(self, block: np.ndarray) -> None:
        with self.lock:
            if self.bytes + block.size <= _KEPT:
                self.bytes += block.size
                self.free.setdefault(block.size, []).append(block)


_blocks = _Blocks()
if hasattr(os, "register_at_fork"):  # the lock may be held by a thread that the child does not have
    os.register_at_fork(after_in_child=lambda: _blocks.__init__())  # type: ignore[misc]


class _Lease:
    """What arrays on a block hold on to."""

    def __init__(self, block: np.ndarray, start: int, size: int) -> None:
        self.block = block
        address = block.__array_interface__["data"][0] + start
        self.__array_interface__ = {"version": 3, "data": (address, False), "shape": (size,), "typestr": "|u1"}

    def __del__(self) -> None:
        _blocks.give_back(self.block)


def aligned_bytes(size: int) -> np.ndarray:
    """Uninitialised bytes, of which the first lies on a cache line."""
    if size < _SMALL:
        raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -raw.__array_interface__["data"][0] % ALIGNMENT
        return raw[start : start + size]
    # Few sizes, of which one fits again: eighths of a power of two.
    step = 1 << ((size - 1).bit_length() - 4)
    block = _blocks.take(-(-size // step) * step + ALIGNMENT)
    start = -block.__array_interface__["data"][0] % ALIGNMENT
    return np.asarray(_Lease(block, start, size))
