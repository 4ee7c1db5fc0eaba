"""Presets against the tools that they reproduce."""

import dataclasses

import librosa
import numpy as np
import pytest

from mfcc import FILMSCORE, LIBROSA, MFCC, PRESETS


def music(n, sr, seed=0):
    """Chords with attack and decay over faint noise: loud and quiet bands, as recordings have them."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / sr
    y = 1e-4 * rng.standard_normal(n)
    for start in np.arange(0, n / sr, 0.4):
        envelope = np.where(t >= start, np.exp(-4 * (t - start)), 0)
        for f in 110 * 2 ** (rng.integers(0, 48, 4) / 12):
            y += 0.1 * envelope * np.sin(2 * np.pi * f * t)
    return (y / np.abs(y).max()).astype(np.float32)


@pytest.mark.parametrize("n", [2048, 22050 * 3, 22050 * 3 + 300])
def test_librosa(n):
    y = music(n, 22050)
    expected = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=22050), top_db=None)
    np.testing.assert_allclose(LIBROSA.log_mel(y), expected, atol=1e-4 * np.abs(expected).max())
    expected = librosa.feature.mfcc(S=expected, n_mfcc=20)
    np.testing.assert_allclose(LIBROSA(y), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_librosa_with_its_limit():
    y = music(40_000, 22050)
    y[20_000:] = 0
    expected = librosa.feature.mfcc(y=y, sr=22050)
    actual = dataclasses.replace(LIBROSA, top_db=80)(y)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert np.abs(LIBROSA(y) - expected).max() > 1


@pytest.mark.parametrize("dct_type", [2, 3])
def test_librosa_with_other_settings(dct_type):
    y = music(30_000, 16000)
    settings = {"sr": 16000, "n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 40, "fmin": 64, "fmax": 7800}
    recipe = MFCC(
        **settings, n_mfcc=24, center=True, pad_mode="reflect", zero_padding="around", window="hamming", log="decibel",
        lifter=22, lifter_start=1, c0="first", dct_type=dct_type,
    )  # fmt: skip
    mel = librosa.feature.melspectrogram(y=y, **settings, htk=True, norm=None, window="hamming", pad_mode="reflect")
    db = librosa.power_to_db(mel, top_db=None)
    expected = librosa.feature.mfcc(S=db, n_mfcc=24, lifter=22, dct_type=dct_type)
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_filmscore_against_librosa():
    y = music(22050 * 4, 22050)
    mel = librosa.feature.melspectrogram(y=y, sr=22050, hop_length=2048, n_mels=41, center=False, htk=True, norm=None)
    log_mel = np.log(np.maximum(mel, 1e-10))
    expected = librosa.feature.mfcc(S=log_mel, n_mfcc=41)[1:]
    np.testing.assert_allclose(FILMSCORE(y), expected, rtol=0, atol=1e-4)


def test_table():
    assert PRESETS["FILMSCORE"] is FILMSCORE and PRESETS["LIBROSA"] is LIBROSA
