"""KALDI against kaldi-native-fbank, Kaldi's own code as a package."""

import dataclasses
import functools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import KALDI, deltas
from tests.mfcc.signals import noise, noisy_music

kaldi = pytest.importorskip("kaldi_native_fbank", reason="no kaldi-native-fbank here: pip install kaldi-native-fbank")

NOISE = noise(16000)
MUSIC = noisy_music(20_011, 16000)


def run(options, extractor, values, y):
    """Return features of samples of 16-bit scale, shape (features, frames)."""
    options.frame_opts.dither = 0
    for name, value in values.items():
        *parents, last = name.split(".")
        setattr(functools.reduce(getattr, parents, options), last, value)
    online = extractor(options)
    online.accept_waveform(options.frame_opts.samp_freq, y.tolist())
    online.input_finished()
    return np.array([online.get_frame(i) for i in range(online.num_frames_ready)]).T


def mfcc_of_kaldi(values, y):
    return run(kaldi.MfccOptions(), kaldi.OnlineMfcc, values, y)


def bands_of_kaldi(values, y):
    return run(kaldi.FbankOptions(), kaldi.OnlineFbank, values, y)


@pytest.mark.parametrize("y", [NOISE, MUSIC], ids=["noise", "chords"])
@pytest.mark.parametrize(
    ("options", "knobs"),
    [
        ({}, {}),
        ({"frame_opts.snip_edges": False}, {"center": "hop"}),
        ({"use_energy": False}, {"energy": None}),
        ({"raw_energy": False}, {"energy": "windowed"}),
        ({"energy_floor": 1e12}, {"energy_floor": 1e12}),
        ({"htk_compat": True}, {"c0": "last"}),
        ({"mel_opts.high_freq": -400}, {"fmax": 7600}),
    ],
)
def test_coefficients(y, options, knobs):
    expected = mfcc_of_kaldi(options, y)
    recipe = dataclasses.replace(KALDI, **knobs)
    # Kaldi computes with float32; the lifter multiplies its rounding by up to 12.
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0, atol=6e-4)
    np.testing.assert_allclose(recipe((y / 32768).astype(np.float32)), expected, rtol=0, atol=6e-4)
    assert np.array_equal(recipe(y.astype(np.int16)), recipe((y / 32768).astype(np.float32)))


WINDOWS = {name: name for name in ("povey", "hamming", "blackman", "rectangular")} | {"hanning": "hann"}


@st.composite
def frames_and_bands(draw):
    """Draw Kaldi's options, and our knobs, that cepstra and filter banks have in common."""
    sr = draw(st.sampled_from([8000, 11025, 16000, 22050]))
    length_ms, shift_ms = draw(st.sampled_from([25, 20, 32, 12.5])), draw(st.sampled_from([10, 8, 12.5, 25]))
    win_length, hop_length = int(sr * length_ms / 1000), int(sr * shift_ms / 1000)
    window = draw(st.sampled_from(sorted(WINDOWS)))
    low, high = draw(st.sampled_from([0, 20, 100, 400])), draw(st.sampled_from([0, -400, 3400]))
    n_mels = draw(st.integers(10, 30))
    snip, dc = draw(st.booleans()), draw(st.booleans())
    a = draw(st.sampled_from([0.0, 0.5, 0.97, 1.0]))
    options = {
        "frame_opts.samp_freq": sr, "frame_opts.frame_length_ms": length_ms, "frame_opts.frame_shift_ms": shift_ms,
        "frame_opts.window_type": window, "frame_opts.snip_edges": snip, "frame_opts.remove_dc_offset": dc,
        "frame_opts.preemph_coeff": a, "mel_opts.num_bins": n_mels, "mel_opts.low_freq": low,
        "mel_opts.high_freq": high,
    }  # fmt: skip
    knobs = {
        "sr": sr, "win_length": win_length, "hop_length": hop_length, "n_fft": 1 << (win_length - 1).bit_length(),
        "window": WINDOWS[window], "center": False if snip else "hop", "remove_mean": dc, "preemphasis": a,
        "n_mels": n_mels, "fmin": low, "fmax": high if high > 0 else sr / 2 + high,
    }  # fmt: skip
    return options, knobs


@st.composite
def cepstra(draw):
    options, knobs = draw(frames_and_bands())
    num_ceps = draw(st.integers(2, min(20, knobs["n_mels"])))
    lifter = draw(st.sampled_from([0, 22, 12.5]))
    energy = draw(st.sampled_from([None, "raw", "windowed"]))
    floor = draw(st.sampled_from([0.0, 1e9]))
    htk = draw(st.booleans())
    options |= {
        "num_ceps": num_ceps, "cepstral_lifter": lifter, "use_energy": energy is not None,
        "raw_energy": energy == "raw", "energy_floor": floor, "htk_compat": htk,
    }  # fmt: skip
    knobs |= {
        "n_mfcc": num_ceps, "lifter": lifter, "energy": energy, "energy_floor": max(floor, KALDI.energy_floor),
        "c0": "last" if htk else "first", "dct_norm": "htk" if htk and energy is None else "ortho",
    }  # fmt: skip
    return options, knobs


def replaced(knobs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mel filters are empty")
        return dataclasses.replace(KALDI, **knobs)


@given(cepstra(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_options_of_cepstra(setting, seed):
    options, knobs = setting
    y = noise(6000, seed)
    expected = mfcc_of_kaldi(options, y)
    actual = replaced(knobs)(y / 32768)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-3)


@given(frames_and_bands(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_options_of_filter_banks(setting, power, log, seed):
    options, knobs = setting
    y = noise(6000, seed)
    expected = bands_of_kaldi(options | {"use_power": power, "use_log_fbank": log}, y)
    recipe = replaced(knobs | {"power": 2 if power else 1, "output": "log_mel" if log else "mel"})
    np.testing.assert_allclose(recipe(y / 32768), expected, rtol=0 if log else 1e-4, atol=1e-4 if log else 1e-3)


def test_energy_of_silence():
    y = np.concatenate([np.zeros(4000), NOISE[:4000]])
    np.testing.assert_allclose(KALDI(y / 32768), mfcc_of_kaldi({}, y), rtol=0, atol=6e-4)


def test_deltas_but_for_the_ends():
    """Kaldi repeats the features at the ends, not the deltas that accelerations are of."""
    if not hasattr(kaldi, "compute_deltas"):
        pytest.skip("needs kaldi-native-fbank 1.23")
    c = np.random.default_rng(0).standard_normal((13, 40)).astype(np.float32)
    theirs = kaldi.compute_deltas(kaldi.DeltaOptions(), np.ascontiguousarray(c.T)).T
    ours = np.concatenate([c, deltas(c), deltas(c, order=2)])
    np.testing.assert_allclose(theirs[:26], ours[:26], atol=1e-6)
    np.testing.assert_allclose(theirs[26:, 2:-2], ours[26:, 2:-2], atol=1e-6)
    assert np.abs(theirs[26:] - ours[26:]).max() > 0.01


@pytest.mark.parametrize("sr", [8000, 11025, 22050, 44100, 48000])
def test_the_default_at_other_rates(sr):
    y = noise(sr, seed=sr)
    expected = mfcc_of_kaldi({"frame_opts.samp_freq": float(sr)}, y)
    np.testing.assert_allclose(KALDI.replace(sr=sr)(y / 32768), expected, rtol=0, atol=1e-3)
