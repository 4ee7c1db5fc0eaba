"""LIBROSA and FILMSCORE against librosa."""

import dataclasses
import warnings

import librosa
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mfcc import FILMSCORE, LIBROSA, LIBROSA_UNLIMITED, deltas
from tests.mfcc.recordings import RECORDINGS, whole
from tests.mfcc.signals import music


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("name", RECORDINGS)
def test_the_default_on_whole_recordings(name, quiet):
    y = whole(name, 22050, quiet=quiet)
    expected = librosa.feature.mfcc(y=y, sr=22050)
    np.testing.assert_allclose(LIBROSA(y), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert np.abs(LIBROSA_UNLIMITED(y) - expected).max() > 1  # the recording has what the limit raises
    y = y.astype(np.float64)
    expected = librosa.feature.mfcc(y=y, sr=22050)
    np.testing.assert_allclose(LIBROSA(y), expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("n", [2048, 22050 * 3, 22050 * 3 + 300])
def test_without_the_limit(n):
    y = music(n, 22050)
    expected = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=22050), top_db=None)
    np.testing.assert_allclose(LIBROSA_UNLIMITED.log_mel(y), expected, atol=1e-4 * np.abs(expected).max())
    expected = librosa.feature.mfcc(S=expected, n_mfcc=20)
    np.testing.assert_allclose(LIBROSA_UNLIMITED(y), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("n_fft", [551, 1102, 441, 1103])  # 25 ms at 22,050 and 44,100 Hz, 20 ms, and a prime
@pytest.mark.parametrize("dtype, atol", [(np.float32, 2e-5), (np.float64, 1e-7)])
def test_windows_of_any_length(n_fft, dtype, atol):
    y = music(22050 * 3, 22050).astype(dtype)
    expected = librosa.feature.mfcc(y=y, sr=22050, n_fft=n_fft, hop_length=220, n_mels=40)
    recipe = LIBROSA.replace(n_fft=n_fft, win_length=n_fft, hop_length=220, n_mels=40)
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=atol * np.abs(expected).max())


def test_the_published_recipe():
    y = music(22050 * 4, 22050)
    mel = librosa.feature.melspectrogram(y=y, sr=22050, hop_length=2048, n_mels=41, center=False, htk=True, norm=None)
    log_mel = np.log(np.maximum(mel, 1e-10))
    expected = librosa.feature.mfcc(S=log_mel, n_mfcc=41)[1:]
    np.testing.assert_allclose(FILMSCORE(y), expected, rtol=0, atol=1e-4)


@st.composite
def spectrograms(draw):
    """Draw librosa's arguments up to the mel spectrogram, and our knobs."""
    sr = draw(st.sampled_from([8000, 16000, 22050]))
    n_fft = draw(st.sampled_from([400, 405, 512, 551, 625, 1024]))
    win_length = draw(st.sampled_from([n_fft, n_fft - 1, n_fft // 2]))
    n_mels = draw(st.integers(4, 40))
    fmin, fmax = draw(st.sampled_from([0.0, 64.0, 300.0])), draw(st.sampled_from([sr / 2, 3700.0]))
    common = {"sr": sr, "n_fft": n_fft, "win_length": win_length, "n_mels": n_mels, "fmin": fmin, "fmax": fmax}
    common["hop_length"] = draw(st.sampled_from([100, 256, n_fft]))
    common["center"] = draw(st.booleans())
    common["pad_mode"] = draw(st.sampled_from(["constant", "reflect", "edge", "symmetric"]))
    common["window"] = draw(
        st.sampled_from(["hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "bartlett"])
    )
    htk, mel_norm = draw(st.booleans()), draw(st.sampled_from(["slaney", None]))
    arguments = common | {"htk": htk, "norm": mel_norm}
    knobs = common | {"mel_formula": "htk" if htk else "slaney", "filter_norm": mel_norm}
    return arguments, knobs


def replaced(knobs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mel filters are empty")
        return dataclasses.replace(LIBROSA, **knobs)


def mirrored_wrongly(n, *, n_fft, hop_length, center, pad_mode, **_):
    """Return whether librosa 0.11 mirrors the end of n samples from too short a piece, unlike NumPy."""
    first = ((n - n_fft // 2) // hop_length + 1) * hop_length - n_fft // 2
    return center and pad_mode in ("reflect", "symmetric") and n - first <= n_fft // 2


@given(spectrograms(), st.sampled_from([1, 2]), st.integers(1024, 8000), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_arguments_of_the_mel_spectrogram(setting, power, n, seed):
    arguments, knobs = setting
    assume(not mirrored_wrongly(n, **arguments))
    y = music(n, arguments["sr"], seed).astype(np.float64)
    expected = librosa.feature.melspectrogram(y=y, power=power, dtype=np.float64, **arguments)
    actual = replaced(knobs | {"power": power, "output": "mel", "n_mfcc": 1})(y)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10 * expected.max())


@given(spectrograms(), st.data(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_arguments_of_mfcc(setting, data, seed):
    arguments, knobs = setting
    y = music(6000, arguments["sr"], seed).astype(np.float64)
    n_mfcc = data.draw(st.integers(1, arguments["n_mels"]))
    dct_type, norm = data.draw(st.sampled_from([1, 2, 3])), data.draw(st.sampled_from(["ortho", None]))
    lifter = data.draw(st.sampled_from([0, 22, 15.5]))
    arguments["mel_norm"] = arguments.pop("norm")
    expected = librosa.feature.mfcc(y=y, n_mfcc=n_mfcc, dct_type=dct_type, norm=norm, lifter=lifter, **arguments)
    knobs |= {"n_mfcc": n_mfcc, "dct_type": dct_type, "dct_norm": norm, "lifter": lifter, "lifter_start": 1}
    actual = replaced(knobs)(y)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6 * max(1, np.abs(expected).max()))


def test_deltas_of_order_one():
    c = np.random.default_rng(0).standard_normal((13, 40))
    expected = librosa.feature.delta(c, width=5, mode="nearest")
    np.testing.assert_allclose(deltas(c), expected, atol=1e-12)
