"""TENSORFLOW against the definitions of tf.signal, in float64: TensorFlow itself is not installed in the tests."""

import dataclasses

import numpy as np
import pytest
import scipy.fft
import scipy.signal

from mfcc import TENSORFLOW
from tests.mfcc.recordings import RECORDINGS, whole
from tests.mfcc.signals import music, noisy_music


def linear_to_mel_weight_matrix(n_mels, n_bins, sr, low_hz, high_hz):
    """Return (n_bins, n_mels) triangles, linear in mel, of height 1; the bin at 0 Hz has no weight."""

    def mel(hertz):
        return 1127 * np.log(1 + hertz / 700)

    edges = np.linspace(mel(low_hz), mel(high_hz), n_mels + 2)
    weights = np.zeros((n_bins, n_mels))
    for k in range(1, n_bins):
        x = mel(k * sr / 2 / (n_bins - 1))
        for i in range(n_mels):
            left, centre, right = edges[i : i + 3]
            weights[k, i] = max(0, min((x - left) / (centre - left), (right - x) / (right - centre)))
    return weights


def mfccs(y, length, step, fft_length, n_mels, low_hz, high_hz, sr, n_mfcc):
    """Return what the example of mfccs_from_log_mel_spectrograms computes, shape (n_mfcc, frames)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(y, np.float64), length)[::step]
    magnitude = np.abs(scipy.fft.rfft(frames * scipy.signal.get_window("hann", length), fft_length))
    mels = magnitude @ linear_to_mel_weight_matrix(n_mels, fft_length // 2 + 1, sr, low_hz, high_hz)
    coefficients = scipy.fft.dct(np.log(mels + 1e-6), type=2) / np.sqrt(2 * n_mels)  # 2 sum cos by 1 / sqrt(2 N)
    return coefficients[:, :n_mfcc].T


@pytest.mark.parametrize(
    ("knobs", "arguments"),
    [
        ({}, (1024, 256, 1024, 80, 80.0, 7600.0, 16000, 13)),
        ({"n_mfcc": 80}, (1024, 256, 1024, 80, 80.0, 7600.0, 16000, 80)),
        (
            {"win_length": 400, "hop_length": 160, "n_fft": 512, "n_mels": 40, "fmin": 0, "fmax": 8000},
            (400, 160, 512, 40, 0.0, 8000.0, 16000, 13),
        ),
        (
            {"sr": 8000, "n_fft": 256, "win_length": 256, "hop_length": 128, "n_mels": 20, "fmin": 125, "fmax": 3800},
            (256, 128, 256, 20, 125.0, 3800.0, 8000, 13),
        ),
    ],
)
@pytest.mark.parametrize(("make", "dtype"), [(noisy_music, "float32"), (music, "float64")])
def test_the_definition(knobs, arguments, make, dtype):
    """In 32 bits with a little noise: bands far below the loudest keep fewer digits there."""
    recipe = dataclasses.replace(TENSORFLOW, **knobs)
    y = make(24000, recipe.sr)
    y = (y / np.abs(y).max()).astype(dtype)
    expected = mfccs(y, *arguments)
    actual = recipe(y)
    assert actual.dtype == dtype and actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)  # the angles of "htk" are rounded to 32 bits


def test_silence():
    expected = mfccs(np.zeros(2048), 1024, 256, 1024, 80, 80.0, 7600.0, 16000, 13)
    assert expected[0, 0] < -100
    np.testing.assert_allclose(TENSORFLOW(np.zeros(2048)), expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("name", RECORDINGS[:1])
def test_a_whole_recording(name):
    y = whole(name, 16000).astype(np.float64)
    expected = mfccs(y, 1024, 256, 1024, 80, 80.0, 7600.0, 16000, 13)
    np.testing.assert_allclose(TENSORFLOW(y), expected, rtol=0, atol=2e-5)
