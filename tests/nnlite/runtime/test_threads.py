"""Threads: results in order, never more threads than asked for, and BLAS held to one only meanwhile."""

import os
import threading

import numpy as np
import pytest
import threadpoolctl

import nnlite as nn
from nnlite.runtime import threads
from nnlite.runtime.threads import at_most, for_each, ordered_map, single_threaded_blas, thread_count


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_ordered_map_keeps_order_and_passes_errors_on(n_threads):
    assert list(ordered_map(lambda k: k * k, range(50), n_threads)) == [k * k for k in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda k: 1 // (k - 7), range(50), n_threads))


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_for_each_calls_once_and_passes_errors_on_when_all_threads_are_done(n_threads):
    calls, running = [], []

    def call(k):
        running.append(k)
        calls.append((k, thread_count()))
        if k == 7:
            raise ZeroDivisionError
        running.remove(k)

    for_each(call, range(5), n_threads)
    assert sorted(calls) == [(k, 1) for k in range(5)]
    for _ in range(30):
        running.clear()
        with pytest.raises(ZeroDivisionError):
            for_each(call, range(50), n_threads)
        assert running == [7]
    for_each(call, [], n_threads)


@pytest.mark.parametrize("n_threads", [2, 5])
def test_for_each_ends_when_all_has_been_done(n_threads):
    """Also when some threads come so late that nothing is left for them."""
    a, b = np.ones((200, 300), np.float32), np.ones((300, 200), np.float32)
    for n_items in (2, 4, 7) * 100:
        done = []
        for_each(lambda k, done=done: done.append((a @ b)[0, 0] + k), range(n_items), n_threads)
        assert sorted(done) == [300 + k for k in range(n_items)]


def test_for_each_leaves_the_threads_to_a_single_item():
    counts = []
    for_each(lambda _: counts.append(thread_count()), [0], 3)
    assert counts == [3]


def test_ordered_map_computes_only_a_little_ahead():
    started = []
    results = ordered_map(lambda k: started.append(k) or k, range(1000), 2)
    assert next(results) == 0
    assert len(started) < 20
    results.close()


@pytest.mark.timeout(60)
def test_a_thread_that_asks_for_threads_works_alone():
    """As an augmentation that asks a network; with one pool for both they would wait for each other."""

    def outer(k):
        return sum(ordered_map(lambda j: threading.get_ident() + j, range(4), 2)) - 4 * threading.get_ident()

    assert list(ordered_map(outer, range(6), 2)) == [6] * 6


def test_a_single_item_leaves_the_threads_to_what_it_calls():
    def idents(n_threads):
        def outer(_):
            barrier = threading.Barrier(n_threads)  # passed by so many threads at once, or never
            return list(ordered_map(lambda _: (barrier.wait(10), threading.get_ident())[1], range(n_threads)))

        (inner,) = ordered_map(outer, [0], n_threads)
        return set(inner)

    assert len(idents(3)) == 3
    assert idents(1) == {threading.get_ident()}


def test_at_most():
    nn.set_threads(5)
    try:
        with at_most(3):
            assert thread_count() == 3 and thread_count(2) == 2 and thread_count(9) == 3
            with at_most(4):
                assert thread_count() == 3
            with at_most(1):
                assert thread_count() == 1
            assert thread_count() == 3
        with at_most(None):
            assert thread_count(9) == 5
        assert thread_count() == 5 and thread_count(9) == 9
    finally:
        nn.set_threads(None)


def blas_threads():
    """Return the threads of the BLAS that NumPy uses: libraries that others load later are not ours."""
    with single_threaded_blas():
        ours = {library.filepath for library in threads._blas}
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["filepath"] in ours]


def test_blas_has_one_thread_inside_and_its_own_outside_even_when_two_want_it():
    before = blas_threads()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with single_threaded_blas():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with single_threaded_blas():
        thread.start()
        entered.wait(10)
        assert set(blas_threads()) <= {1}
    assert set(blas_threads()) <= {1}
    leave.set()
    thread.join()
    assert blas_threads() == before


def test_thread_count_is_checked():
    with pytest.raises(ValueError, match="set_threads: n_threads: expected a positive integer or None, got 0"):
        nn.set_threads(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_after_a_run_has_threads_of_its_own():
    list(ordered_map(lambda k: k, range(4), 2))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if list(ordered_map(lambda k: k, range(4), 2)) == [0, 1, 2, 3] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("said", ["abc", "0", "-1", "1.5", "²"])
def test_a_number_of_threads_that_is_none_is_named_with_its_variable(said, monkeypatch):
    monkeypatch.setenv("NNLITE_NUM_THREADS", said)
    with pytest.raises(ValueError, match=rf"^NNLITE_NUM_THREADS: expected a positive integer, got '{said}'"):
        threads.thread_count()


@pytest.mark.parametrize(("said", "expected"), [("1", 1), ("3,1", 3), ("99", 8), ("", 8), ("0", 8), ("many", 8)])
def test_what_other_libraries_leave_is_not_exceeded(said, expected, monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: 8)
    monkeypatch.delenv("NNLITE_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads.thread_count() == expected
    monkeypatch.setenv("NNLITE_NUM_THREADS", "5")
    assert threads.thread_count() == 5 and threads.thread_count(7) == 7


def test_workers_of_loky_use_their_share():
    loky = pytest.importorskip("joblib.externals.loky")
    with loky.ProcessPoolExecutor(1, env={"OMP_NUM_THREADS": "1"}) as pool:
        assert pool.submit(threads.thread_count).result() == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 16),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        ({"cpu.max": "nonsense"}, 16),
        ({}, 16),
    ],
)
def test_a_container_has_its_share_of_time(files, expected, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(threads, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(16), raising=False)
    threads._share_of_time.cache_clear()
    try:
        assert threads.available_cores() == expected
    finally:
        threads._share_of_time.cache_clear()
