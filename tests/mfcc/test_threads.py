"""Pieces over threads: each once, errors come out."""

import threading

import pytest

from mfcc.threads import for_each, thread_count


@pytest.mark.parametrize("n_threads", [1, 2, 5, 50])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_each_piece_is_done_once(count, n_threads):
    done, names = [], set()

    def work(piece):
        done.append(piece)
        names.add(threading.current_thread().name)

    for_each(work, range(count), n_threads)
    assert sorted(done) == list(range(count))
    assert len(names) <= max(1, min(n_threads, count))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("broken", [0, 7])
def test_an_error_comes_out(broken, n_threads):
    def work(piece):
        if piece == broken:
            raise ArithmeticError(f"piece {piece}")

    with pytest.raises(ArithmeticError, match=f"piece {broken}"):
        for_each(work, range(8), n_threads)


def test_two_pieces_run_at_a_time():
    meeting = threading.Barrier(2, timeout=30)
    for_each(lambda _: meeting.wait() and None, range(2), 2)


def test_short_signals_have_one_thread():
    assert thread_count(None, 1000) == 1 and thread_count(3, 1000) == 3
