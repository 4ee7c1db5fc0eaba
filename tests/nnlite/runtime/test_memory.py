"""Blocks of memory that are used again, and never by two."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from nnlite.runtime import memory
from nnlite.runtime.memory import ALIGNMENT, aligned_empty, aligned_zeros

LARGE = 1_000_000


def aligned_bytes(size):
    return aligned_empty(size, np.uint8)


@pytest.fixture(autouse=True)
def blocks(monkeypatch):
    fresh = memory._Blocks()
    monkeypatch.setattr(memory, "_blocks", fresh)
    return fresh


@pytest.mark.parametrize("size", [0, 1, 63, 262_143, 262_144, 262_145, LARGE])
def test_sizes_and_alignment(size):
    for _ in range(3):
        array = aligned_bytes(size)
        assert (array.size, array.dtype) == (size, np.uint8)
        assert array.flags.carray
        assert size == 0 or array.ctypes.data % ALIGNMENT == 0
        array[:] = 255


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), 0, 3, np.int64(5), (0, 4), (3, 5, 7)])
def test_aligned_arrays(shape, dtype):
    for array in (aligned_empty(shape, dtype), aligned_zeros(shape, dtype)):
        assert array.shape == np.empty(shape).shape
        assert array.dtype == dtype
        assert array.flags.carray
        assert array.size == 0 or array.ctypes.data % ALIGNMENT == 0
    assert not array.any()


def test_a_block_is_used_again_when_no_view_of_it_is_left(blocks):
    array = aligned_bytes(LARGE)
    address = array.ctypes.data
    part = array.view(np.float32)[10:].reshape(2, -1)[:, 1:].T
    del array
    assert aligned_bytes(LARGE).ctypes.data != address
    part[...] = 1
    assert (part == 1).all()
    kept = blocks.bytes
    del part
    assert blocks.bytes > kept
    addresses = [block.ctypes.data for block in (aligned_bytes(LARGE - 5), aligned_bytes(LARGE))]
    assert address in addresses


def test_no_more_is_kept_than_is_allowed(blocks, monkeypatch):
    monkeypatch.setattr(memory._Blocks, "most", 3 * LARGE)
    several = [aligned_bytes(LARGE) for _ in range(8)]
    del several
    assert 0 < blocks.bytes <= 3 * LARGE
    assert blocks.bytes == sum(block.size for group in blocks.free.values() for block in group)


def test_no_two_threads_have_the_same_block():
    wrong = []

    def work(number):
        for size in (LARGE, 70_000, LARGE, 300_000) * 100:
            one, other = aligned_bytes(size), aligned_bytes(size)
            one[:100], other[:100] = number, number + 100
            if (one[:100] != number).any() or (other[:100] != number + 100).any():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_array_that_outlives_the_module_goes_silently():
    code = """
        import json, sys
        from nnlite.runtime import memory
        last = memory.aligned_empty(10**6)
        def holder():
            return last
        json.holder = memory.holder = holder
        sys.main = sys.modules["__main__"]
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stderr == ""
