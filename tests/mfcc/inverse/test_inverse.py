"""From coefficients back: each step undone, against scipy's least squares and librosa, and by ear's measures."""

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import FILMSCORE, LIBROSA, MFCC, PRESETS, resynthesize, to_log_mel, to_mel, to_spectrum
from mfcc.inverse import lost
from mfcc.inverse.least_squares import nonnegative_least_squares
from tests.mfcc.recipes import recipes

SMALL = MFCC(sr=8000, n_fft=256, hop_length=64, n_mels=20, n_mfcc=20, c0="first")


def noise(n=3000, seed=0):
    """Return noise that grows louder."""
    return 0.2 * np.random.default_rng(seed).standard_normal(n) * np.linspace(0.1, 1, n)


# --- Coefficients to the log-mel spectrum -----------------------------------------------------------------------------


@pytest.mark.parametrize("dct_type", [2, 3])
@pytest.mark.parametrize("dct_norm", ["ortho", "htk", None])
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_all_coefficients_the_log_mel_spectrum_is_exact(dct_type, dct_norm, place, dtype):
    recipe = dataclasses.replace(
        SMALL, dct_type=dct_type, dct_norm=dct_norm, c0=place, lifter=22, energy="raw", energy_place="append"
    )
    y = noise().astype(dtype)
    coefficients = recipe(y)
    kept = coefficients.copy()
    back = to_log_mel(coefficients, recipe)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, recipe.log_mel(y), atol=1e-5 if dtype == "float32" else 1e-10)
    np.testing.assert_array_equal(coefficients, kept)


def test_a_dropped_c0_can_be_given():
    y = noise()
    whole, dropped = (
        dataclasses.replace(SMALL, lifter=22, lifter_start=1),
        dataclasses.replace(SMALL, c0="drop", lifter=22, lifter_start=1),
    )
    given_back = to_log_mel(dropped(y), dropped, c0=whole(y)[0])
    np.testing.assert_allclose(given_back, whole.log_mel(y), atol=1e-10)
    constant = to_log_mel(dropped(y), dropped, c0=-3.0)
    np.testing.assert_allclose(whole_row(constant), -3.0 / (1 + 11 * np.sin(np.pi / 22)), atol=1e-10)


def whole_row(log_mel):
    """Return C0 before the lifter."""
    return log_mel.sum(axis=0) / np.sqrt(len(log_mel))


def test_fewer_cosines_smooth_the_log_mel_spectrum():
    y = noise()
    recipe = dataclasses.replace(SMALL, n_mfcc=8)
    back = to_log_mel(recipe(y), recipe)
    expected = np.linalg.lstsq(np.cos(np.pi / 40 * np.outer(2 * np.arange(20) + 1, np.arange(8))), recipe.log_mel(y))[0]
    np.testing.assert_allclose(
        back, np.cos(np.pi / 40 * np.outer(2 * np.arange(20) + 1, np.arange(8))) @ expected, atol=1e-10
    )


@pytest.mark.parametrize("energy", ["raw", "windowed", "spectrum"])
@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"power": 1, "log": "decibel"},
        {"filter_norm": "slaney", "spectrum_scale": "window"},
        {"spectrum_scale": "length", "full_scale": 32768.0, "energy_place": "append", "c0": "drop"},
        {"dct_type": 3, "c0": "last"},
        {"preemphasis": 0.97},
    ],
)
def test_the_energy_stands_in_for_c0(energy, knobs):
    """White noise: 1.3 dB from the true loudness, and 1.5 dB from frame to frame."""
    recipe = dataclasses.replace(SMALL, energy=energy, **knobs)
    y = noise()
    natural = 1 if recipe.log == "natural" else np.log(10) * recipe.power / 20
    wrong = natural * (to_log_mel(recipe(y), recipe) - recipe.log_mel(y)).mean(axis=0) * 2 / recipe.power
    assert abs(wrong.mean()) < 0.3 and wrong.std() < 0.35


def test_without_c0_and_energy_the_level_is_a_usual_one():
    recipe = dataclasses.replace(SMALL, c0="drop")
    for gain in (1e-3, 1.0):
        y = resynthesize(recipe(gain * noise()), recipe, np.random.default_rng(0))
        assert 0.07 < np.std(y) < 0.14


# --- Log-mel, mel, spectrum -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", ["natural", "decibel"])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("mode", ["clip", "zeros", "add"])
def test_the_logarithm_is_undone(log, power, mode):
    recipe = dataclasses.replace(SMALL, log=log, power=power, log_floor_mode=mode, log_floor=1e-3)
    y = noise()
    mel = recipe.mel_spectrogram(y)
    expected = np.maximum(mel, 1e-3) if mode == "clip" else mel
    np.testing.assert_allclose(to_mel(recipe.log_mel(y), recipe), expected, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 8), st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_least_squares_are_those_of_scipy(rows, columns, seed):
    rng = np.random.default_rng(seed)
    weights = rng.random((rows, columns)) * (rng.random((rows, columns)) < 0.6)
    target = rng.standard_normal((rows, 5)) + 0.5  # what no spectrum fits exactly too
    x = nonnegative_least_squares(weights, target, 1000)
    assert (x >= 0).all()
    for column, b in zip(x.T, target.T, strict=True):
        _, expected = scipy.optimize.nnls(weights, b)
        assert np.linalg.norm(weights @ column - b) <= expected + 1e-3


@pytest.mark.parametrize("recipe", [FILMSCORE, LIBROSA, dataclasses.replace(FILMSCORE, power=1)])
def test_the_spectrum_gives_the_mel_spectrum(recipe):
    recipe = dataclasses.replace(
        recipe, sr=8000, n_fft=512, win_length=512, hop_length=512, n_mels=30, n_mfcc=20, fmax=4e3
    )
    mel = recipe.mel_spectrogram(noise() * np.logspace(-3, 0, 3000))
    kept = mel.copy()
    spectrum = to_spectrum(mel, recipe)
    assert (spectrum >= 0).all()
    np.testing.assert_array_equal(mel, kept)
    weights = bank(recipe)
    np.testing.assert_allclose(weights @ spectrum, mel, rtol=1e-3)
    errors = [np.linalg.norm(weights @ to_spectrum(mel, recipe, n_iter=n) - mel) for n in (0, 5, 50)]
    assert errors[2] < errors[1] < errors[0]


def bank(recipe):
    """Each filter's weights, by what it makes of one bin."""
    from mfcc import mel_filterbank

    return mel_filterbank(
        recipe.sr, recipe.n_fft, recipe.n_mels, formula=recipe.mel_formula, norm=recipe.filter_norm, dtype=float
    )


def test_as_near_as_librosa():
    librosa = pytest.importorskip("librosa")
    recipe = dataclasses.replace(
        LIBROSA, sr=8000, n_fft=512, win_length=512, hop_length=128, n_mels=40, n_mfcc=20, fmax=4e3
    )
    coefficients = recipe(noise())
    mel = to_mel(to_log_mel(coefficients, recipe), recipe)
    np.testing.assert_allclose(mel, librosa.feature.inverse.mfcc_to_mel(coefficients, n_mels=40, ref=1.0), rtol=1e-6)
    theirs = librosa.feature.inverse.mel_to_stft(mel, sr=8000, n_fft=512) ** 2
    misfits = [np.linalg.norm(bank(recipe) @ s - mel) for s in (to_spectrum(mel, recipe), theirs)]
    assert misfits[0] <= misfits[1] + 1e-6 * np.linalg.norm(mel)


# --- All the way ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [300.0, 1000.0, 2500.0])
@pytest.mark.parametrize("recipe", [SMALL, dataclasses.replace(SMALL, hop_length=256, c0="drop")])
def test_the_band_of_a_sine_survives(f, recipe):
    y = 0.3 * np.sin(2 * np.pi * f * np.arange(8000) / 8000)
    back = resynthesize(recipe(y), recipe, np.random.default_rng(0))
    frequencies, power = scipy.signal.welch(back, 8000, nperseg=512)
    width = 60 + 0.15 * f  # of a mel band there
    assert abs(frequencies[power.argmax()] - f) < width
    assert power[np.abs(frequencies - f) < 2 * width].sum() > 0.8 * power.sum()


def test_loudness_survives():
    y = noise(16000)
    back = resynthesize(SMALL(y), SMALL, np.random.default_rng(0))
    for part in np.array_split(np.arange(len(back)), 8):
        assert abs(np.log10(np.std(back[part]) / np.std(y[part]))) < 0.1


def smoothed(recipe, y):
    """Return the log-mel spectrum of y as far as a recipe's coefficients keep it, in natural logarithms."""
    log_mel = to_log_mel(recipe(y), recipe) if recipe.output == "mfcc" else recipe.log_mel(y)
    return log_mel / (1 if recipe.log == "natural" else 10 / np.log(10))


@pytest.mark.parametrize(
    ("name", "output"),
    [(name, "mfcc") for name in PRESETS]
    + [("LIBROSA", output) for output in ("log_mel", "mel", "log_spectrum", "spectrum")],
)
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_every_preset(name, output):
    recipe = PRESETS[name].replace(output=output)
    rng = np.random.default_rng(0)
    n = round(0.7 * recipe.sr)
    y = 0.1 * scipy.signal.lfilter([1], [1, -0.9], rng.standard_normal(n)) * (1 + np.sin(np.arange(n) / recipe.sr * 6))
    features = recipe(y)
    kept = features.copy()
    back = resynthesize(features, recipe, np.random.default_rng(0), n_iter=12)
    np.testing.assert_array_equal(features, kept)
    expected, actual = smoothed(recipe, y), smoothed(recipe, back)
    expected, actual = (x[:, : min(expected.shape[1], actual.shape[1])] for x in (expected, actual))
    inner = slice(2, expected.shape[1] - 2)
    wrong = (actual - expected)[recipe.filter_bank.any(axis=1), inner]
    if "loudness" in lost(recipe):
        wrong -= wrong.mean(axis=0)
    assert np.abs(wrong.mean()) < 0.4 and np.median(np.abs(wrong)) < 0.7, (wrong.mean(), np.median(np.abs(wrong)))


@given(recipes(("mfcc", "log_mel", "mel", "log_spectrum", "spectrum")))
@settings(max_examples=30, deadline=None)
def test_any_recipe(recipe):
    y = 0.1 * np.random.default_rng(0).standard_normal(2000)
    if not np.any(recipe.power_spectrogram(y)):  # a window of zeros
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = resynthesize(recipe(y), recipe, np.random.default_rng(0), n_iter=2)
    assert back.ndim == 1 and np.isfinite(back).all()


def test_what_is_refused():
    c = np.zeros((20, 7))
    for wrong, message in (
        (c[:-1], r"expected shape \(n_coefficients = 20, n_frames\) .*got shape \(19, 7\)"),
        (c.T, "transpose it"),
        (c + np.inf, "expected finite numbers, got 140 of 140"),
    ):
        with pytest.raises(ValueError, match=f"to_log_mel: coefficients: .*{message}"):
            to_log_mel(wrong, SMALL)
    with pytest.raises(ValueError, match=r"to_log_mel: c0: expected None for a recipe with c0='first', got 1\.0"):
        to_log_mel(c, SMALL, c0=1.0)
    dropped = dataclasses.replace(SMALL, c0="drop")
    for c0 in (np.zeros(6), np.nan):
        with pytest.raises(ValueError, match="to_log_mel: c0: expected a finite number, or one for each of 7 frames"):
            to_log_mel(c[1:], dropped, c0=c0)
    with pytest.raises(ValueError, match=r"to_mel: log_mel: expected logarithms of at most 350, got 1000\."):
        to_mel(c + 1000, SMALL)
    with pytest.raises(ValueError, match=r"to_spectrum: mel: expected at least 0, got -1\. Is it a logarithm"):
        to_spectrum(c - 1, SMALL)
    with pytest.raises(ValueError, match="to_spectrum: n_iter: expected an integer of at least 0, got -1"):
        to_spectrum(c, SMALL, n_iter=-1)
    bands = SMALL.replace(output="log_mel")
    with pytest.raises(ValueError, match=r"resynthesize: c0: expected None for a recipe with output='log_mel', got 1"):
        resynthesize(c, bands, np.random.default_rng(0), c0=1.0)
    with pytest.raises(ValueError, match=r"resynthesize: features: expected shape \(n_features = 129, n_frames\)"):
        resynthesize(c, SMALL.replace(output="spectrum"), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"resynthesize: features: expected logarithms of at most 350, got 1000\."):
        resynthesize(np.full((129, 3), 1e3), SMALL.replace(output="log_spectrum"), np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"resynthesize: rng: expected a numpy\.random\.Generator, got int"):
        resynthesize(c, SMALL, 0)
