"""Descriptors against librosa's, in both precisions, on music, noise, silence and clicks, and with other frames."""

import functools

import librosa
import numpy as np
import pytest
import soundfile

import mfcc
from tests.mfcc.signals import music

SR = 22050
RECORDING = "examples/data/return_to_home.ogg"


def clicks(n, every):
    y = np.zeros(n, np.float32)
    for first in range(0, n, every):
        y[first : first + 20] = 1
    return y


@functools.cache
def signal(name):
    rng = np.random.default_rng(0)
    n = 2 * SR + 77
    return {
        "music": lambda: music(n, SR),
        "recording": lambda: soundfile.read(RECORDING, frames=2 * 44100, dtype="float32")[0].reshape(-1, 2)[:, 0],
        "noise": lambda: rng.standard_normal(n).astype(np.float32) * np.float32(0.1),
        "half silence": lambda: np.concatenate([music(n // 2, SR), np.zeros(n - n // 2, np.float32)]),
        "silence": lambda: np.zeros(n, np.float32),
        "clicks": lambda: clicks(n, 9000),
        "short": lambda: music(300, SR),
    }[name]()


SIGNALS = ("music", "recording", "noise", "half silence", "silence", "clicks", "short")
FRAMES = [(22050.0, 2048, 512), (16000.0, 1024, 160), (44100.0, 3000, 1000)]

# Our function of samples and spectrogram, and librosa's.
PAIRS = {
    "chroma": (
        lambda y, x: mfcc.chroma(x, tuning=0.13),
        lambda y, a, fb: librosa.feature.chroma_stft(y=y, tuning=0.13, **a),
    ),
    "spectral_centroid": (
        lambda y, x: mfcc.spectral_centroid(x)[None],
        lambda y, a, fb: librosa.feature.spectral_centroid(y=y, **a),
    ),
    "spectral_bandwidth": (
        lambda y, x: mfcc.spectral_bandwidth(x)[None],
        lambda y, a, fb: librosa.feature.spectral_bandwidth(y=y, **a),
    ),
    "spectral_flatness": (
        lambda y, x: mfcc.spectral_flatness(x)[None],
        lambda y, a, fb: librosa.feature.spectral_flatness(y=y, **fb),
    ),
    "spectral_contrast": (
        lambda y, x: mfcc.spectral_contrast(x, n_bands=5),
        lambda y, a, fb: librosa.feature.spectral_contrast(y=y, n_bands=5, **a),
    ),
    "spectral_contrast of quantile 0.3": (
        lambda y, x: mfcc.spectral_contrast(x, n_bands=3, fmin=150, quantile=0.3),
        lambda y, a, fb: librosa.feature.spectral_contrast(y=y, n_bands=3, fmin=150, quantile=0.3, **a),
    ),
    "onset_strength": (
        lambda y, x: mfcc.onset_strength(x),
        lambda y, a, fb: librosa.onset.onset_strength(y=y, **a),
    ),
    "rms": (
        lambda y, x: mfcc.rms(y, frame_length=x.n_fft, hop_length=x.hop_length)[None],
        lambda y, a, fb: librosa.feature.rms(
            y=y, frame_length=fb["n_fft"], hop_length=fb["hop_length"], dtype=np.float64
        ),
    ),
    "zero_crossing_rate": (
        lambda y, x: mfcc.zero_crossing_rate(y, frame_length=x.n_fft, hop_length=x.hop_length)[None],
        lambda y, a, fb: librosa.feature.zero_crossing_rate(
            y=y, frame_length=fb["n_fft"], hop_length=fb["hop_length"]
        ),
    ),
}  # fmt: skip


def both(name, y, sr, n_fft, hop_length):
    ours, theirs = PAIRS[name]
    frames = {"n_fft": n_fft, "hop_length": hop_length}
    spectrogram = mfcc.spectrogram(y, sr, **frames)
    return ours(y, spectrogram), theirs(y, {"sr": sr, **frames}, frames)


@pytest.mark.filterwarnings("ignore:Empty filters detected")
@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("frames", FRAMES, ids=str)
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("descriptor", PAIRS)
def test_in_double_precision(descriptor, name, frames):
    actual, expected = both(descriptor, signal(name).astype(np.float64), *frames)
    # the filters of librosa are rounded to single precision
    rtol = 1e-6 if descriptor in ("chroma", "onset_strength") else 1e-9
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(1e-3, np.abs(expected).max()))


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("descriptor", PAIRS)
def test_in_single_precision(descriptor, name):
    y = signal(name)
    actual, expected = both(descriptor, y, *FRAMES[0])
    assert actual.dtype == (np.float64 if descriptor == "zero_crossing_rate" else np.float32)
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-4 * max(1e-3, np.abs(expected).max()))


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("frames", FRAMES, ids=str)
@pytest.mark.parametrize("name", [name for name in SIGNALS if name != "silence"])
def test_rolloff(name, frames):
    sr, n_fft, hop_length = frames
    y = signal(name).astype(np.float64)
    arguments = {"sr": sr, "n_fft": n_fft, "hop_length": hop_length}
    for share in (0.85, 0.1):
        expected = librosa.feature.spectral_rolloff(y=y, roll_percent=share, **arguments)[0]
        spectrogram = mfcc.spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length)
        actual = mfcc.spectral_rolloff(spectrogram, roll_percent=share)
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large", "ignore:Trying to estimate tuning")
@pytest.mark.parametrize("name", SIGNALS)
def test_tuning(name):
    for cents in (0, 20, -37):
        y = signal(name).astype(np.float64)
        y = librosa.resample(y, orig_sr=SR, target_sr=SR * 2 ** (-cents / 1200)) if cents else y
        power = np.abs(librosa.stft(y)) ** 2
        expected = librosa.estimate_tuning(S=power, sr=SR)
        spectrogram = mfcc.spectrogram(y, SR)
        assert mfcc.estimate_tuning(spectrogram) == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(mfcc.chroma(spectrogram), librosa.feature.chroma_stft(y=y, sr=SR), atol=1e-6)


@pytest.mark.parametrize("name", ["music", "recording", "half silence", "clicks", "noise"])
@pytest.mark.parametrize("frames", FRAMES, ids=str)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_tempo(name, frames):
    sr, n_fft, hop_length = frames
    y = signal(name).astype(np.float64)
    strength = librosa.onset.onset_strength(y=y, sr=sr, n_fft=n_fft, hop_length=hop_length)
    for start in (120, 60):
        expected = librosa.feature.tempo(onset_envelope=strength, sr=sr, hop_length=hop_length, start_bpm=start)
        actual = mfcc.tempo(mfcc.spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length), start_bpm=start)
        assert actual == pytest.approx(float(expected[0]), rel=1e-12)


def test_magnitudes():
    y = signal("music").astype(np.float64)
    spectrogram = mfcc.spectrogram(y, SR, n_fft=1000, hop_length=300)
    expected = np.abs(librosa.stft(y, n_fft=1000, hop_length=300))
    np.testing.assert_allclose(spectrogram.magnitudes, expected, atol=1e-10)
    np.testing.assert_allclose(spectrogram.frequencies, librosa.fft_frequencies(sr=SR, n_fft=1000))
    np.testing.assert_allclose(
        spectrogram.times, librosa.frames_to_time(range(expected.shape[1]), sr=SR, hop_length=300)
    )
