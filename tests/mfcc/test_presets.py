"""Presets against the tools that they reproduce."""

import dataclasses
import functools
import os
import struct
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, HTK, KALDI, LIBROSA, MFCC, PRESETS, PYTHON_SPEECH_FEATURES, TORCHAUDIO, deltas


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


def test_names():
    for name, recipe in PRESETS.items():
        assert getattr(mfcc, name) is recipe and getattr(mfcc.presets, name) is recipe
        assert recipe.top_db is None  # a frame does not depend on its clip
    assert list(PRESETS) == sorted(PRESETS)


# --- HTK --------------------------------------------------------------------------------------------------------------

# Recorded outputs of HTK 3.4 lie beside the project, or where this variable says.
HTK_DATA = Path(os.environ.get("MFCC_HTK_DATA", Path(__file__).resolve().parents[3] / "shared" / "htk"))


def htk_file(name):
    """An HTK parameter file as (features, frames)."""
    content = (HTK_DATA / name).read_bytes()
    n_frames, _, size, _ = struct.unpack(">iihh", content[:12])
    return np.frombuffer(content[12:], ">f4").reshape(n_frames, size // 4).T


def htk_samples(dtype):
    if not (HTK_DATA / "test.wav").exists():
        pytest.skip(f"no recorded outputs of HTK in {HTK_DATA} (set MFCC_HTK_DATA to their folder)")
    samples, sr = soundfile.read(HTK_DATA / "test.wav", dtype="int16")
    assert sr == HTK.sr
    return samples if dtype == "int16" else samples.astype(dtype) / 32768


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_htk_filter_bank(dtype):
    np.testing.assert_allclose(HTK.log_mel(htk_samples(dtype)), htk_file("test.wav.fbank_htk.1"), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize(
    ("name", "knobs"),
    [("test.wav.fea_htk.1", {}), ("test.wav.fea_htk.2", {"c0": "drop", "energy": "raw", "energy_place": "append"})],
)
def test_htk_coefficients(dtype, name, knobs):
    c = dataclasses.replace(HTK, **knobs)(htk_samples(dtype))
    actual = np.concatenate([c, deltas(c), deltas(c, order=2)])
    np.testing.assert_allclose(actual, htk_file(name), rtol=0, atol=2e-4)


# --- Kaldi ------------------------------------------------------------------------------------------------------------

NOISE = np.round(3000 * np.random.default_rng(0).standard_normal(16000))
# Not too clean: in bands 80 dB below the loudest, single precision leaves 3 digits, here as in Kaldi.
SPEECH_LIKE = np.round(20000 * music(20_011, 16000) + 200 * np.random.default_rng(1).standard_normal(20_011)) + 100


@pytest.mark.parametrize("y", [NOISE, SPEECH_LIKE], ids=["noise", "chords"])
@pytest.mark.parametrize(
    ("options", "knobs"),
    [
        ({}, {}),
        ({"frame_opts.snip_edges": False}, {"center": "hop"}),
        ({"use_energy": False}, {"energy": None}),
        ({"raw_energy": False}, {"energy": "windowed"}),
        ({"energy_floor": 1e12}, {"energy_floor": 1e12}),
        (
            {"frame_opts.window_type": "hamming", "frame_opts.remove_dc_offset": False, "mel_opts.num_bins": 30},
            {"window": "hamming", "remove_mean": False, "n_mels": 30},
        ),
        (
            {"cepstral_lifter": 0, "mel_opts.high_freq": -400, "frame_opts.preemph_coeff": 0.5, "num_ceps": 20},
            {"lifter": 0, "fmax": 7600, "preemphasis": 0.5, "n_mfcc": 20},
        ),
        (
            {"frame_opts.frame_length_ms": 32, "frame_opts.frame_shift_ms": 8, "frame_opts.window_type": "blackman"},
            {"win_length": 512, "hop_length": 128, "window": "blackman"},
        ),
    ],
)
def test_kaldi(y, options, knobs):
    kaldi = pytest.importorskip("kaldi_native_fbank")
    settings = kaldi.MfccOptions()
    settings.frame_opts.dither = 0
    for name, value in options.items():
        *parents, last = name.split(".")
        setattr(functools.reduce(getattr, parents, settings), last, value)
    extractor = kaldi.OnlineMfcc(settings)
    extractor.accept_waveform(16000, y.tolist())
    extractor.input_finished()
    expected = np.array([extractor.get_frame(i) for i in range(extractor.num_frames_ready)]).T
    recipe = dataclasses.replace(KALDI, **knobs)
    # Kaldi computes with float32; the lifter multiplies its rounding by up to 12.
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=6e-4)
    np.testing.assert_allclose(recipe((y / 32768).astype(np.float32)), expected, rtol=0, atol=6e-4)
    assert np.array_equal(recipe(y.astype(np.int16)), recipe((y / 32768).astype(np.float32)))


# --- python_speech_features -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [300, 400, 16000, 16001, 16160])
@pytest.mark.parametrize(
    ("settings", "knobs"),
    [
        ({}, {}),
        ({"appendEnergy": False, "nfilt": 40, "numcep": 20}, {"energy": None, "n_mels": 40, "n_mfcc": 20}),
        ({"winfunc": np.hamming, "preemph": 0}, {"window": "hamming", "window_periodic": False, "preemphasis": 0}),
        ({"lowfreq": 100, "highfreq": 7000, "ceplifter": 0}, {"fmin": 100, "fmax": 7000, "lifter": 0}),
        ({"winlen": 0.032, "winstep": 0.016, "nfft": 1024}, {"n_fft": 1024, "win_length": 512, "hop_length": 256}),
    ],
)
def test_python_speech_features(n, settings, knobs):
    psf = pytest.importorskip("python_speech_features")
    y = np.concatenate([SPEECH_LIKE[: min(n, 9000)], np.zeros(max(0, n - 9000))]).astype(np.int16)
    expected = psf.mfcc(y, 16000, **settings).T
    recipe = dataclasses.replace(PYTHON_SPEECH_FEATURES, **knobs)
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=2e-3)


def test_python_speech_features_of_floats():
    psf = pytest.importorskip("python_speech_features")
    y = SPEECH_LIKE / 32768
    recipe = dataclasses.replace(PYTHON_SPEECH_FEATURES, full_scale=1)
    np.testing.assert_allclose(recipe(y), psf.mfcc(y, 16000).T, rtol=0, atol=1e-10)


# --- torchaudio -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("default", {"top_db": 80}),
        ("log_mels", {"log": "natural", "log_floor": 1e-6, "log_floor_mode": "add"}),
        (
            "slaney",
            {
                "n_fft": 512, "win_length": 400, "hop_length": 160, "window": "hamming", "spectrum_scale": "window",
                "n_mels": 40, "fmin": 60, "fmax": 7600, "mel_formula": "slaney", "filter_norm": "slaney",
                "n_mfcc": 20, "top_db": 80,
            },
        ),
        ("uncentred", {"n_mels": 23, "n_mfcc": 13, "hop_length": 160, "center": False, "top_db": 80}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_torchaudio(name, knobs):
    """Against what tests/data/record_torchaudio.py recorded: torch is too large for an extra of the tests."""
    with np.load(Path(__file__).resolve().parents[1] / "data" / "torchaudio.npz") as recorded:
        y, expected = recorded["samples"] / 32768, recorded[name]
    recipe = dataclasses.replace(TORCHAUDIO, **knobs)
    atol = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=atol)
    np.testing.assert_allclose(recipe(y.astype(np.float32)), expected, rtol=0, atol=atol)
