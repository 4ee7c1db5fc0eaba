"""Pieces of one computation over threads: kernels release the interpreter lock, and no piece knows of the others."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")

# From about this many samples through the Fourier transform on, a further thread pays for its start.
_SAMPLES_PER_THREAD = 2**21


def thread_count(threads: int | None, n_samples: int) -> int:
    """Return `threads`, or how many a computation over n_samples samples is worth."""
    if threads is not None:
        return threads
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(n_cpus, n_samples // _SAMPLES_PER_THREAD))


def for_each(function: Callable[[Piece], None], pieces: Sequence[Piece], n_threads: int) -> None:
    """Call a function for each piece, at most n_threads at a time: in this thread, and in new ones beside it."""
    waiting = deque(pieces)

    def work() -> None:
        while waiting:
            try:
                piece = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            function(piece)

    helpers = min(n_threads, len(pieces)) - 1
    if helpers < 1:
        work()
        return
    with ThreadPoolExecutor(helpers) as pool:
        running = [pool.submit(work) for _ in range(helpers)]
        work()
        for helper in running:
            helper.result()
