"""Fourier transforms against the sum itself, scipy, and what holds for every transform."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import fft
from tests.mfcc import naive

GOOD = [n for n in range(1, 401) if fft.is_good_length(n)]
LONG = [512, 625, 729, 1000, 1024, 1080, 2000, 2048, 2187, 3125, 4096, 4800, 8192, 16384]
# Error of a transform relative to its root mean square; a few units in the last place of each type.
TOLERANCE = {"float32": 1e-6, "float64": 4e-15}

dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
OTHER = [n for n in range(1, 401) if not fft.is_good_length(n)]
OTHER_LONG = [551, 1102, 1103, 2206, 4999, 8194, 10007]
lengths = st.sampled_from(GOOD + LONG[:4] + OTHER + OTHER_LONG[:3])
rows = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def real(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def both(shape, dtype, seed=0):
    return real(shape, dtype, seed) + 1j * real(shape, dtype, seed + 1)


def close(actual, expected, dtype):
    assert actual.shape == expected.shape
    scale = np.sqrt(np.mean(np.abs(expected) ** 2)) if expected.size else 1
    np.testing.assert_allclose(actual, expected, rtol=0, atol=4 * TOLERANCE[dtype] * scale)


@dtypes
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 25, 27, 30, 48, 64, 81, 120, 128, 250, 256])
def test_the_definition(n, dtype):
    x, z = real((5, n), dtype), both((5, n), dtype)
    close(fft.fft(z), naive.dft(z.astype(complex)), dtype)
    close(fft.fft(x), naive.dft(x.astype(float)), dtype)
    close(fft.rfft(x), naive.dft(x.astype(float))[:, : n // 2 + 1], dtype)
    close(fft.ifft(z), naive.dft(z.astype(complex).conj()).conj() / n, dtype)


@dtypes
@pytest.mark.parametrize("count", [1, 3, 20])
def test_every_good_length_against_scipy(dtype, count):
    for n in GOOD + LONG:
        x, z = real((count, n), dtype), both((count, n), dtype)
        close(fft.fft(z), scipy.fft.fft(z.astype(complex)), dtype)
        close(fft.ifft(z), scipy.fft.ifft(z.astype(complex)), dtype)
        close(fft.rfft(x), scipy.fft.rfft(x.astype(float)), dtype)
        half = fft.rfft(x)
        close(fft.irfft(half, n), x, dtype)


@dtypes
@pytest.mark.parametrize("count", [1, 5, 20])
def test_every_other_length_against_scipy(dtype, count):
    for n in OTHER[:: 2 if count == 5 else 9] + OTHER_LONG:
        x, z = real((count, n), dtype), both((count, n), dtype)
        close(fft.fft(z), scipy.fft.fft(z.astype(complex)), dtype)
        close(fft.ifft(z), scipy.fft.ifft(z.astype(complex)), dtype)
        close(fft.rfft(x), scipy.fft.rfft(x.astype(float)), dtype)
        close(fft.irfft(fft.rfft(x), n), x, dtype)


@dtypes
@pytest.mark.parametrize("shape", [(1, 8192), (2, 9000), (1, 1 << 17), (1, 100_003), (2, 16_382), (1, 3**9)])
def test_a_few_long_ones(shape, dtype):
    x, z = real(shape, dtype), both(shape, dtype)
    close(fft.rfft(x), scipy.fft.rfft(x.astype(float)), dtype)
    close(fft.fft(z), scipy.fft.fft(z.astype(complex)), dtype)
    close(fft.ifft(z), scipy.fft.ifft(z.astype(complex)), dtype)
    close(fft.irfft(fft.rfft(x), shape[1]), x, dtype)


@dtypes
def test_the_error_is_a_few_units_in_the_last_place(dtype):
    for n in (64, 1024, 1080, 8192, 16384, 551, 1102, 8191):
        z = both((16, n), dtype)
        expected = scipy.fft.fft(z.astype(np.clongdouble))
        error = np.sqrt(np.mean(np.abs(fft.fft(z) - expected) ** 2) / np.mean(np.abs(expected) ** 2))
        assert error < TOLERANCE[dtype] / (3 if fft.is_good_length(n) else 1.5)


@given(lengths, rows, seeds, st.sampled_from(["float32", "float64"]))
@settings(max_examples=60, deadline=None)
def test_what_holds_for_every_transform(n, count, seed, dtype):
    a, b = both((count, n), dtype, seed), both((count, n), dtype, seed + 2)
    A, B = fft.fft(a), fft.fft(b)
    close(fft.fft(a + 2 * b), A + 2 * B, dtype)  # linear
    np.testing.assert_allclose(  # Parseval
        np.sum(np.abs(A) ** 2), n * np.sum(np.abs(a.astype(complex)) ** 2), rtol=20 * TOLERANCE[dtype]
    )
    shift = seed % n
    turn = np.exp(-2j * np.pi / n * (shift * np.arange(n) % n))
    close(fft.fft(np.roll(a, shift, axis=1)), A * turn.astype(A.dtype), dtype)
    close(fft.ifft(A), a, dtype)
    x = np.ascontiguousarray(a.real)
    X = fft.rfft(x)
    close(fft.fft(x)[:, : n // 2 + 1], X, dtype)
    close(fft.irfft(X, n), x, dtype)


@given(lengths, st.integers(2, 70), seeds)
@settings(max_examples=30, deadline=None)
def test_a_transform_does_not_depend_on_its_neighbours(n, count, seed):
    if n >= 4096:
        return  # a few long ones are computed in another way than many
    x = real((count, n), "float32", seed)
    whole = fft.rfft(x)
    for i in (0, count // 2, count - 1):
        assert np.array_equal(fft.rfft(x[i : i + 1])[0], whole[i])


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
@pytest.mark.parametrize("n", [None, 6, 20])
def test_axis_and_length(axis, n):
    z, x = both((8, 9, 10), "float64"), real((8, 9, 10), "float64")
    close(fft.fft(z, n, axis), scipy.fft.fft(z, n, axis), "float64")
    close(fft.ifft(z, n, axis), scipy.fft.ifft(z, n, axis), "float64")
    close(fft.rfft(x, n, axis), scipy.fft.rfft(x, n, axis), "float64")
    if n is not None or axis in (1, -2):
        close(fft.irfft(z, n, axis), scipy.fft.irfft(z, n, axis), "float64")


def test_views_and_other_types():
    x = real((6, 64), "float64")
    close(fft.fft(x[::2, ::-2]), scipy.fft.fft(x[::2, ::-2]), "float64")
    close(fft.rfft(x.astype(">f4")), scipy.fft.rfft(x.astype("f4")), "float32")
    assert fft.rfft(np.arange(8, dtype=np.int16)).dtype == np.complex128
    assert fft.fft(real(8, "float32")).dtype == np.complex64 and fft.irfft(both(5, "float32")).dtype == np.float32
    read_only = real((20, 32), "float32")
    read_only.flags.writeable = False
    close(fft.rfft(read_only), scipy.fft.rfft(read_only), "float32")
    assert fft.rfft(np.zeros((0, 16))).shape == (0, 9) and fft.fft(np.zeros((0, 2048))).shape == (0, 2048)
    assert fft.rfft(np.zeros((0, 4096))).shape == (0, 2049)


@dtypes
@pytest.mark.parametrize("n", [6, 15, 64, 2048])
@pytest.mark.parametrize("count", [3, 50])
def test_threads_and_memory_of_the_caller_change_no_bit(n, count, dtype):
    x = real((2, count, n), dtype)
    expected = fft.rfft(x, threads=1)
    for threads in (1, 2, 5):
        out = np.full_like(expected, np.nan)
        assert fft.rfft(x, out=out, threads=threads) is out
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_results_that_go_past_the_caches(shift, monkeypatch):
    x = real((40, 256), "float32")
    expected = fft.rfft(x)
    monkeypatch.setattr(fft, "_PAST_CACHES", 0)
    memory = np.full(expected.size + 3, np.nan, expected.dtype)
    out = memory[shift : shift + expected.size].reshape(expected.shape)
    assert np.array_equal(fft.rfft(x, out=out), expected)
    assert np.isnan(memory).sum() == 3


@pytest.mark.parametrize(
    ("out", "got"),
    [
        (np.empty((4, 9), np.complex128), r"shape \(4, 9\) of complex128"),
        (np.empty((4, 8), np.complex64), r"shape \(4, 8\) of complex64"),
        (np.empty((4, 18), np.complex64)[:, ::2], r"shape \(4, 9\) of complex64"),
        ([], "list"),
    ],
)
def test_memory_that_does_not_fit(out, got):
    with pytest.raises(ValueError, match=rf"rfft: out: expected a C-contiguous array of shape \(4, 9\) .* got {got}"):
        fft.rfft(np.zeros((4, 16), np.float32), out=out)
    with pytest.raises(ValueError, match="rfft: out: expected a transform along the last axis with it, got axis 0"):
        fft.rfft(np.zeros((16, 4), np.float32), axis=0, out=out)


def test_the_argument_stays_as_it_was():
    z, spectrum = both((3, 15), "float64"), both((3, 8), "float64")
    copies = z.copy(), spectrum.copy()
    fft.fft(z), fft.ifft(z), fft.irfft(spectrum, 15), fft.irfft(spectrum, 12), fft.rfft(z.real)
    assert np.array_equal(z, copies[0]) and np.array_equal(spectrum, copies[1])


def test_next_good_length():
    assert [fft.next_good_length(n) for n in (1, 7, 11, 13, 17, 97, 2049)] == [1, 8, 12, 15, 18, 100, 2160]
    assert all(fft.next_good_length(n) == scipy.fft.next_fast_len(n, real=True) for n in range(1, 3000))


@pytest.mark.parametrize("function", [fft.fft, fft.ifft, fft.rfft])
def test_what_is_refused(function):
    with pytest.raises(ValueError, match=r"n: expected an integer of at least 1, got 0"):
        function(np.zeros(8), 0)
    with pytest.raises(TypeError, match=r"n: expected an integer, got 2.5"):
        function(np.zeros(8), 2.5)
    with pytest.raises(ValueError, match="got a scalar"):
        function(1.0)
    with pytest.raises(TypeError, match="expected numbers of single or double precision, got an array of <U1"):
        function(np.array(["a"]))


def test_what_else_is_refused():
    with pytest.raises(TypeError, match=r"expected real numbers, got complex ones. Use fft"):
        fft.rfft(np.zeros(8, complex))
    with pytest.raises(ValueError, match="irfft: x: expected at least 2 frequencies, got 1"):
        fft.irfft(np.zeros(1))
    with pytest.raises(ValueError, match="irfft: n: expected an integer of at least 1, got 0"):
        fft.irfft(np.zeros(8), 0)
