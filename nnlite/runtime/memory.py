"""Memory for kernels: aligned to cache lines, and used again.

The system hands out large memory page by page, zeroed, at the first touch of each, and takes it back when it is freed.
Training asks for the same megabytes in every shard: a fifth of its time on two threads went into pages. So large blocks
are kept when the last array that uses them is gone.
"""

import ctypes
import math
import os
import threading
from typing import Any

import numpy as np

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""

_SMALL = 256 * 1024
"""Bytes from which on a block is kept: below, the allocator of C keeps them itself, and faster."""

_addressof: Any = ctypes.addressof
_first_byte: Any = ctypes.c_char.from_buffer


class _Blocks:
    """A store of blocks of memory that nobody uses, by their size."""

    most = 32 * 1024 * 1024 * (os.cpu_count() or 1)
    """Bytes that are kept at most."""

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
            if self.bytes + block.size <= self.most:
                self.bytes += block.size
                self.free.setdefault(block.size, []).append(block)


_blocks = _Blocks()
if hasattr(os, "register_at_fork"):  # the lock may be held by a thread that the child does not have
    os.register_at_fork(after_in_child=lambda: _blocks.__init__())  # type: ignore[misc]


class _Lease:
    """A lease of a block: arrays on the block hold it, and with the last of them it ends."""

    def __init__(self, block: np.ndarray, start: int, size: int) -> None:
        self.block = block
        address = _address(block) + start
        self.__array_interface__ = {"version": 3, "data": (address, False), "shape": (size,), "typestr": "|u1"}

    def __del__(self) -> None:
        if _blocks is not None:  # it is None at exit, when the module has been emptied
            _blocks.give_back(self.block)


def aligned_empty(shape: int | tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Return an uninitialised C-contiguous array that begins on a cache line.

    A vector that straddles two cache lines costs two accesses: the backward kernels lose a factor of two to four on
    NumPy's 16 bytes.
    """
    dtype = np.dtype(dtype)
    size = (math.prod(shape) if isinstance(shape, tuple) else int(shape)) * dtype.itemsize
    if size < _SMALL:
        memory = np.empty(size + ALIGNMENT, np.uint8)
        return np.ndarray(shape, dtype, memory, -_address(memory) % ALIGNMENT)
    # Eighths of a power of two: with few sizes a block that was given back often fits again.
    step = 1 << ((size - 1).bit_length() - 4)
    block = _blocks.take(-(-size // step) * step + ALIGNMENT)
    return np.ndarray(shape, dtype, np.asarray(_Lease(block, -_address(block) % ALIGNMENT, size)))


def aligned_zeros(shape: int | tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Return an array like that of :func:`aligned_empty`, filled with zeros."""
    array = aligned_empty(shape, dtype)
    array.fill(0)
    return array


def _address(block: np.ndarray) -> int:
    """Return the address of the first byte; NumPy's own attributes take several microseconds."""
    return _addressof(_first_byte(block))
