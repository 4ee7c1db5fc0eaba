"""Windows against scipy.signal and, where it has none, their formulas."""

import numpy as np
import pytest
import scipy.signal

from mfcc.windows import WINDOWS, get_window

SCIPY_NAMES = {"rectangular": "boxcar"}


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", sorted(set(WINDOWS) - {"sine", "povey"}))
def test_against_scipy(name, periodic):
    for length in (1, 2, 3, 4, 17, 400, 512):
        expected = scipy.signal.get_window(SCIPY_NAMES.get(name, name), length, fftbins=periodic)
        np.testing.assert_allclose(get_window(name, length, periodic=periodic), expected, rtol=0, atol=1e-14)


def test_the_windows_of_kaldi():
    n = np.arange(25)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / 24)
    np.testing.assert_allclose(get_window("povey", 25, periodic=False), hann**0.85, atol=1e-15)
    np.testing.assert_allclose(get_window("sine", 25, periodic=False), np.sin(np.pi * n / 24), atol=1e-15)


@pytest.mark.parametrize("name", WINDOWS)
def test_periodic_is_symmetric_without_its_end(name):
    np.testing.assert_allclose(get_window(name, 16), get_window(name, 17, periodic=False)[:-1], atol=1e-14)
    symmetric = get_window(name, 16, periodic=False)
    np.testing.assert_allclose(symmetric, symmetric[::-1], atol=1e-14)
    assert np.all(np.isfinite(symmetric))


def test_dtype():
    assert get_window("hann", 8, dtype=np.float32).dtype == np.float32
    assert get_window("hann", 8).dtype == np.float64


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"get_window: name: expected one of 'rectangular', 'hann', .*, got 'hanning'"):
        get_window("hanning", 8)
    with pytest.raises(ValueError, match="get_window: length: expected an integer of at least 1, got 0"):
        get_window("hann", 0)
    with pytest.raises(TypeError, match=r"get_window: length: expected an integer, got 8.5"):
        get_window("hann", 8.5)
    with pytest.raises(TypeError, match="get_window: periodic: expected True or False, got 1"):
        get_window("hann", 8, periodic=1)
