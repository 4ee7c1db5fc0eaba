"""Cosine transforms against the sum itself and against scipy."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc.dct import dct, dct_matrix, idct
from tests.mfcc import naive

types = pytest.mark.parametrize("type", [1, 2, 3])
orthos = pytest.mark.parametrize("ortho", [False, True])


@types
@pytest.mark.parametrize("norm", ["ortho", "htk", None])
def test_the_definition(type, norm):
    for n in (1, 2, 3, 13, 41)[type == 1 :]:
        x = np.random.default_rng(n).standard_normal(n)
        np.testing.assert_allclose(dct_matrix(n, n, type=type, norm=norm) @ x, naive.dct(x, type, norm), atol=1e-12)
        if norm != "htk":
            np.testing.assert_allclose(dct(x, type, ortho=norm == "ortho"), naive.dct(x, type, norm), atol=1e-12)


@types
@orthos
@pytest.mark.parametrize("n", [2, 20, 41, 128, 257, 300, 1000, 1001, 1024, 2187])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_scipy(type, ortho, n, dtype):
    x = np.random.default_rng(n).standard_normal((3, n)).astype(dtype)
    norm = "ortho" if ortho else None
    for ours, theirs in ((dct, scipy.fft.dct), (idct, scipy.fft.idct)):
        actual, expected = ours(x, type, ortho=ortho), theirs(x.astype(float), type, norm=norm)
        assert actual.dtype == dtype
        scale = np.sqrt(np.mean(expected**2))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=scale * (2e-5 if dtype == "float32" else 1e-12))


def test_a_long_length_that_no_fft_takes():
    x = np.random.default_rng(0).standard_normal(4097)
    np.testing.assert_allclose(dct(x, 3, ortho=True), scipy.fft.dct(x, 3, norm="ortho"), atol=1e-10)
    np.testing.assert_allclose(idct(dct(x, 3, ortho=True), 3, ortho=True), x, atol=1e-10)
    np.testing.assert_allclose(dct(x[:4096], 1), scipy.fft.dct(x[:4096], 1), atol=1e-10)


@given(st.integers(2, 400), st.sampled_from([1, 2, 3]), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_there_and_back(n, type, ortho, seed):
    x = np.random.default_rng(seed).standard_normal((2, n))
    y = dct(x, type, ortho=ortho)
    np.testing.assert_allclose(idct(y, type, ortho=ortho), x, atol=1e-11)
    if ortho:
        np.testing.assert_allclose(np.sum(y**2), np.sum(x**2))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("n", [None, 4, 12])
def test_axis_and_length(axis, n):
    x = np.random.default_rng(0).standard_normal((6, 9))
    np.testing.assert_allclose(dct(x, 2, n, axis), scipy.fft.dct(x, 2, n, axis), atol=1e-12)
    np.testing.assert_allclose(idct(x, 3, n, axis, True), scipy.fft.idct(x, 3, n, axis, "ortho"), atol=1e-12)
    assert dct(x, axis=axis).flags.c_contiguous


def test_one_number():
    for type in (2, 3):
        np.testing.assert_allclose(dct([3.0], type), scipy.fft.dct([3.0], type))


def test_what_is_refused():
    with pytest.raises(ValueError, match="dct: type: expected one of 1, 2, 3, got 4"):
        dct(np.zeros(4), 4)
    with pytest.raises(ValueError, match="idct: n: expected an integer of at least 2, got 1"):
        idct(np.zeros(1), 1)
    with pytest.raises(ValueError, match="dct: x: expected real numbers, got an array of complex128"):
        dct(np.zeros(4, complex))
    with pytest.raises(ValueError, match="idct: x: expected an array of at least one axis, got a scalar"):
        idct(1.0)
    with pytest.raises(ValueError, match="idct: n: expected an integer of at least 1, got 0"):
        idct(np.zeros(4), n=0)
