"""TORCHAUDIO against what torchaudio made, and against torchaudio itself where it is (torch is large)."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import TORCHAUDIO, TORCHAUDIO_UNLIMITED
from tests.mfcc.recordings import RECORDINGS, whole
from tests.mfcc.signals import music

RECORDED = Path(__file__).resolve().parents[1] / "data" / "torchaudio.npz"


def replaced(knobs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mel filters are empty")
        return dataclasses.replace(TORCHAUDIO, **knobs)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("default", {}),
        ("log_mels", {"log": "natural", "log_floor": 1e-6, "log_floor_mode": "add", "top_db": None}),
        (
            "slaney",
            {
                "n_fft": 512, "win_length": 400, "hop_length": 160, "window": "hamming", "spectrum_scale": "window",
                "n_mels": 40, "fmin": 60, "fmax": 7600, "mel_formula": "slaney", "filter_norm": "slaney",
                "n_mfcc": 20,
            },
        ),
        ("uncentred", {"n_mels": 23, "n_mfcc": 13, "hop_length": 160, "center": False}),
        (
            "unscaled",
            {
                "pad_mode": "constant", "window": "blackman", "spectrum_scale": "length", "n_mels": 30, "n_mfcc": 30,
                "dct_norm": None,
            },
        ),
    ],
)  # fmt: skip
def test_recorded(name, knobs):
    """By tests/data/record_torchaudio.py."""
    with np.load(RECORDED) as recorded:
        y, expected = recorded["samples"] / 32768, recorded[name]
    recipe = replaced(knobs)
    atol = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(recipe(y), expected, rtol=0, atol=atol)
    np.testing.assert_allclose(recipe(y.astype(np.float32)), expected, rtol=0, atol=atol)


def as_documented(y):
    """Return what `torchaudio.transforms.MFCC()` is documented to compute, written out with NumPy and SciPy in float64.

    Spectrogram: a centred, mirrored transform of 400 samples every 200 under a periodic Hann window, its power.
    MelScale: 128 triangles of HTK's formula from 0 to 8,000 Hz. AmplitudeToDB: 10 log10 of at least 1e-10, at least
    80 below the largest value of the clip. Then the orthonormal cosine transform, of which 40 are kept.
    """
    padded = np.pad(y.astype(np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::200]
    power = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", 400))) ** 2
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130) / 2595) - 1)
    slopes, widths = corners[:, None] - np.linspace(0, 8000, 201), np.diff(corners)[:, None]
    filters = np.maximum(0, np.minimum(-slopes[:-2] / widths[:-1], slopes[2:] / widths[1:]))
    decibels = 10 * np.log10(np.maximum(power @ filters.T, 1e-10))
    limited = np.maximum(decibels, decibels.max() - 80)
    return scipy.fft.dct(limited, norm="ortho")[:, :40].T


def test_the_formula_is_that_of_the_recorded_default():
    with np.load(RECORDED) as recorded:
        actual, expected = as_documented(recorded["samples"] / 32768), recorded["default"]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("name", RECORDINGS)
def test_the_default_on_whole_recordings(name, quiet):
    y = whole(name, 16000, quiet=quiet)
    expected = as_documented(y)
    np.testing.assert_allclose(TORCHAUDIO(y), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(TORCHAUDIO(y.astype(np.float64)), expected, rtol=0, atol=1e-10 * np.abs(expected).max())
    assert np.abs(TORCHAUDIO_UNLIMITED(y) - expected).max() > 1  # the recording has what the limit raises


@st.composite
def arguments_and_knobs(draw):
    sr, n_fft = draw(st.sampled_from([8000, 11025, 16000])), draw(st.sampled_from([400, 405, 512]))
    win_length, hop_length = draw(st.sampled_from([n_fft, n_fft - 1, n_fft // 2])), draw(st.sampled_from([100, 256]))
    n_mels, center = draw(st.integers(4, 40)), draw(st.booleans())
    fmin, fmax = draw(st.sampled_from([0.0, 64.0])), draw(st.sampled_from([None, 3700.0]))
    pad_mode = draw(st.sampled_from(["reflect", "constant"]))
    scale, norm, slaney = (draw(st.sampled_from(values)) for values in SCALES)
    log_mels, window = draw(st.booleans()), draw(st.sampled_from(["hann", "hamming", "blackman"]))
    n_mfcc, dct_norm = draw(st.integers(1, n_mels)), draw(st.sampled_from(["ortho", None]))
    arguments = {
        "n_fft": n_fft, "win_length": win_length, "hop_length": hop_length, "f_min": fmin, "f_max": fmax,
        "n_mels": n_mels, "window_fn": window, "normalized": scale[0], "center": center, "pad_mode": pad_mode,
        "norm": norm, "mel_scale": slaney,
    }  # fmt: skip
    knobs = {
        "sr": sr, "n_fft": n_fft, "win_length": win_length, "hop_length": hop_length, "fmin": fmin,
        "fmax": sr // 2 if fmax is None else fmax, "n_mels": n_mels, "window": window, "spectrum_scale": scale[1],
        "center": center, "pad_mode": pad_mode,
        "filter_norm": norm, "mel_formula": slaney, "n_mfcc": n_mfcc, "dct_norm": dct_norm,
        # The bins are spread evenly from 0 to sr // 2, also where sr or n_fft is odd.
        "filter_sr": sr // 2 * n_fft / (n_fft // 2),
    }  # fmt: skip
    log = {"log": "natural", "log_floor": 1e-6, "log_floor_mode": "add", "top_db": None} if log_mels else {}
    whole = {"sample_rate": sr, "n_mfcc": n_mfcc, "norm": dct_norm, "log_mels": log_mels, "melkwargs": arguments}
    return whole, knobs | log


SCALES = (
    [(False, None), (True, "window"), ("window", "window"), ("frame_length", "length")],
    [None, "slaney"],
    ["htk", "slaney"],
)


@given(arguments_and_knobs(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore")  # torch's own
def test_arguments(setting, seed):
    torchaudio = pytest.importorskip("torchaudio", reason="no torchaudio here: pip install torchaudio")
    import torch

    arguments, knobs = setting
    windows = {name: getattr(torch, f"{name}_window") for name in ("hann", "hamming", "blackman")}
    arguments["melkwargs"]["window_fn"] = windows[knobs["window"]]
    y = music(4000, knobs["sr"], seed).astype(np.float64)
    # torch.set_default_dtype makes its windows and filters 64 bits wide too
    torch.set_default_dtype(torch.float64)
    try:
        expected = torchaudio.transforms.MFCC(**arguments)(torch.from_numpy(y)).numpy()
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(replaced(knobs)(y), expected, rtol=0, atol=1e-7 * max(1, np.abs(expected).max()))
