"""Shards: the same bits at any number of threads, and BLAS held to one thread only while they run."""

import os
import threading

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

import nnlite as nn
from nnlite import parallel
from nnlite.parallel import loss_and_gradients, ordered_map, shards, single_threaded_blas


def small_network():
    return nn.Sequential(
        [
            nn.Conv2D(5, 3),
            nn.Tanh(),
            nn.MaxPool2D(2),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Dense(7),
            nn.Sigmoid(),
            nn.Dense(3),
        ],
        input_shape=(9, 8, 2),
    )


@given(st.integers(0, 5000), st.integers(1, 100))
def test_shards_cut_everything_once_into_nearly_equal_pieces(n_samples, size):
    pieces = shards(n_samples, size)
    assert [k for piece in pieces for k in range(piece.start, piece.stop)] == list(range(n_samples))
    lengths = [piece.stop - piece.start for piece in pieces]
    assert not lengths or (max(lengths) <= size and max(lengths) - min(lengths) <= 1 and min(lengths) > 0)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_ordered_map_keeps_order_and_passes_errors_on(n_threads):
    assert list(ordered_map(lambda k: k * k, range(50), n_threads)) == [k * k for k in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda k: 1 // (k - 7), range(50), n_threads))


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


def test_gradients_have_the_same_bits_at_any_number_of_threads():
    net, rng = small_network(), np.random.default_rng(0)
    params = net.init(rng)
    x = rng.standard_normal((150, 9, 8, 2)).astype(np.float32)
    y = rng.integers(0, 3, 150)
    weights = np.full(150, 1 / 150)
    loss = nn.SoftmaxCrossEntropy()
    runs = [loss_and_gradients(net, params, x, y, weights, loss, seed=(3, 1), n_threads=n) for n in (1, 2, 4)]
    for value, grads in runs[1:]:
        assert value == runs[0][0]
        assert all(np.array_equal(grads[name], runs[0][1][name]) for name in params)


def test_gradients_of_shards_add_up_to_those_of_the_whole_batch():
    net = nn.Sequential([nn.Dense(6), nn.Tanh(), nn.Dense(3)], input_shape=(5,))
    rng = np.random.default_rng(0)
    params = net.init(rng, np.float64)
    x, y = rng.standard_normal((100, 5)), rng.integers(0, 3, 100)
    weights = rng.random(100)
    loss = nn.SoftmaxCrossEntropy()
    value, grads = loss_and_gradients(net, params, x, y, weights, loss)
    logits, cache = net.forward(params, x, rng)
    expected_value, gradient = loss.value_and_gradient(logits, y, weights)
    _, expected = net.backward(params, cache, gradient)
    assert value == pytest.approx(expected_value, rel=1e-12)
    for name in params:
        np.testing.assert_allclose(grads[name], expected[name], rtol=1e-10, atol=1e-12)


def test_predict_reads_any_number_of_samples_and_equals_apply():
    net, rng = small_network(), np.random.default_rng(0)
    params = net.init(rng)
    x = rng.standard_normal((77, 9, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(nn.predict(net, params, x), net.apply(params, x), rtol=1e-5, atol=1e-6)
    assert nn.predict(net, params, x[:0]).shape == (0, 3)
    assert np.array_equal(nn.predict(net, params, x, n_threads=1), nn.predict(net, params, x, n_threads=3))


def blas_threads():
    """Threads of the BLAS that NumPy uses: libraries that others load later are not ours."""
    with single_threaded_blas():
        ours = {library.filepath for library in parallel._blas}
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
    with pytest.raises(ValueError, match="threads: expected a positive integer, got 0"):
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
