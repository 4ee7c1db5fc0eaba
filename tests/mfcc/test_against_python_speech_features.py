"""PYTHON_SPEECH_FEATURES against python_speech_features."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import PYTHON_SPEECH_FEATURES, deltas
from tests.mfcc.signals import noisy_music

theirs = pytest.importorskip(
    "python_speech_features", reason="no python_speech_features here: pip install python_speech_features"
)

MUSIC = noisy_music(20_011, 16000)
WINDOWS = {"rectangular": np.ones, "hamming": np.hamming, "hann": np.hanning, "blackman": np.blackman}


def replaced(**knobs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mel filters are empty")
        return dataclasses.replace(PYTHON_SPEECH_FEATURES, **knobs)


@pytest.mark.parametrize("n", [300, 400, 16000, 16001, 16160])
@pytest.mark.parametrize(
    ("arguments", "knobs"),
    [
        ({}, {}),
        ({"appendEnergy": False, "nfilt": 40, "numcep": 20}, {"energy": None, "n_mels": 40, "n_mfcc": 20}),
        ({"winfunc": np.hamming, "preemph": 0}, {"window": "hamming", "window_periodic": False, "preemphasis": 0}),
        ({"lowfreq": 100, "highfreq": 7000, "ceplifter": 0}, {"fmin": 100, "fmax": 7000, "lifter": 0}),
        ({"winlen": 0.032, "winstep": 0.016, "nfft": 1024}, {"n_fft": 1024, "win_length": 512, "hop_length": 256}),
    ],
)
def test_integers_of_a_file(n, arguments, knobs):
    y = np.concatenate([MUSIC[: min(n, 9000)], np.zeros(max(0, n - 9000))]).astype(np.int16)
    expected = theirs.mfcc(y, 16000, **arguments).T
    recipe = replaced(**knobs)
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=2e-3)


@st.composite
def arguments_and_knobs(draw):
    sr = draw(st.sampled_from([8000, 11025, 16000, 22050]))
    winlen, winstep = draw(st.sampled_from([0.02, 0.025, 0.0101])), draw(st.sampled_from([0.01, 0.0125, 0.03]))
    win_length, hop_length = int(np.floor(sr * winlen + 0.5)), int(np.floor(sr * winstep + 0.5))
    n_fft = draw(st.sampled_from([n for n in (256, 400, 512, 625, 1024) if n >= win_length]))
    n_mels = draw(st.integers(2, 40))
    window, energy = draw(st.sampled_from(sorted(WINDOWS))), draw(st.booleans())
    arguments = {
        "samplerate": sr, "winlen": winlen, "winstep": winstep, "nfft": n_fft, "nfilt": n_mels,
        "numcep": draw(st.integers(1, n_mels)), "lowfreq": draw(st.sampled_from([0, 64, 300])),
        "highfreq": draw(st.sampled_from([None, 3000, 3999])), "preemph": draw(st.sampled_from([0, 0.95, 0.97, 1])),
        "ceplifter": draw(st.sampled_from([0, 22, 10])), "appendEnergy": energy, "winfunc": WINDOWS[window],
    }  # fmt: skip
    knobs = {
        "sr": sr, "win_length": win_length, "hop_length": hop_length, "n_fft": n_fft, "n_mels": n_mels,
        "n_mfcc": arguments["numcep"], "fmin": arguments["lowfreq"], "fmax": arguments["highfreq"],
        "preemphasis": arguments["preemph"], "lifter": arguments["ceplifter"],
        "energy": "spectrum" if energy else None, "window": window, "window_periodic": False,
    }  # fmt: skip
    return arguments, knobs


@given(arguments_and_knobs(), st.integers(50, 5000), st.booleans())
@settings(max_examples=80, deadline=None)
def test_arguments(setting, n, floats):
    arguments, knobs = setting
    y = MUSIC[:n] / 32768 if floats else MUSIC[:n]
    recipe = replaced(**knobs, full_scale=1 if floats else 32768)
    expected = theirs.mfcc(y, **arguments).T
    np.testing.assert_allclose(recipe(MUSIC[:n] / 32768), expected, rtol=0, atol=1e-8)
    del arguments["numcep"], arguments["ceplifter"], arguments["appendEnergy"]
    bands, energy = theirs.fbank(y, **arguments)
    np.testing.assert_allclose(recipe.log_mel(MUSIC[:n] / 32768), np.log(bands).T, rtol=0, atol=1e-8)
    if knobs["energy"]:
        np.testing.assert_allclose(recipe(MUSIC[:n] / 32768)[0], np.log(energy), rtol=0, atol=1e-8)


@pytest.mark.parametrize("energy", [True, False])
def test_only_zeros_are_replaced(energy):
    """Keep a value far below the floor: the last frame but one has one sample, times the window's end, -1.4e-17."""
    y = np.concatenate([MUSIC[:1441], np.zeros(719)])
    expected = theirs.mfcc(y, winlen=0.02, winstep=0.03, winfunc=np.blackman, preemph=0, appendEnergy=energy).T
    knobs = {"win_length": 320, "hop_length": 480, "window": "blackman", "window_periodic": False, "preemphasis": 0}
    recipe = replaced(**knobs, energy="spectrum" if energy else None)
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=1e-8)
    assert np.diff(expected[0, -2:]) > 20  # one sample, then nothing


@pytest.mark.parametrize("width", [1, 2, 5])
def test_deltas(width):
    c = np.random.default_rng(0).standard_normal((13, 40))
    once = theirs.delta(c.T, width)
    np.testing.assert_allclose(deltas(c, width), once.T, atol=1e-12)
    np.testing.assert_allclose(deltas(c, width, order=2), theirs.delta(once, width).T, atol=1e-12)


@pytest.mark.parametrize("sr", [8000, 11025, 20000, 22050, 44100, 48000])
def test_other_rates(sr):
    """Its transform has 512 samples at every rate, and cuts longer windows off; ours grows with the window."""
    y, recipe = MUSIC[:9000], PYTHON_SPEECH_FEATURES.replace(sr=sr)
    expected = theirs.mfcc(y, sr, nfft=recipe.n_fft).T
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=1e-8)
    if recipe.n_fft <= 512:
        actual = PYTHON_SPEECH_FEATURES.replace(sr=sr, n_fft=512)(y / 32768)
        np.testing.assert_allclose(actual, theirs.mfcc(y, sr).T, rtol=0, atol=1e-8)
