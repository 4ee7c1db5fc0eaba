"""Phases that fit: how near the spectrum comes, against librosa, over recipes of every kind."""

import dataclasses

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import MFCC, griffin_lim
from tests.mfcc.recipes import recipes

SMALL = MFCC(sr=8000, n_fft=256, hop_length=64, n_mels=20, n_mfcc=20)


def music(sr=8000, seconds=0.6):
    """Three decaying notes and a little noise."""
    rng = np.random.default_rng(3)
    t = np.arange(round(sr * seconds)) / sr
    notes = [
        np.sin(2 * np.pi * f * t) * np.exp(-6 * ((t - at) % seconds)) for f, at in ((440, 0), (660, 0.2), (1500, 0.4))
    ]
    return 0.2 * sum(notes) + 1e-3 * rng.standard_normal(len(t))


def misfit(y, spectrum, recipe):
    """Spectral convergence: the distance of the magnitudes over their norm."""
    target, found = (s if recipe.power == 1 else np.sqrt(s) for s in (spectrum, recipe.power_spectrogram(y)))
    return np.linalg.norm(found - target) / np.linalg.norm(target)


def test_every_step_without_momentum_comes_nearer():
    spectrum = SMALL.power_spectrogram(music())
    misfits = []
    for n_iter in (0, 1, 2, 4, 8, 16, 32):
        y = griffin_lim(spectrum, SMALL, n_iter=n_iter, momentum=0, rng=np.random.default_rng(0))
        misfits.append(misfit(y, spectrum, SMALL))
    assert (np.diff(misfits) < 0).all() and misfits[-1] < 0.3 * misfits[0]


def test_momentum_comes_nearer_still():
    spectrum = SMALL.power_spectrogram(music())
    slow, fast, long = (
        misfit(griffin_lim(spectrum, SMALL, rng=np.random.default_rng(0), **options), spectrum, SMALL)
        for options in ({"momentum": 0.0}, {}, {"n_iter": 200})
    )
    assert long < fast < slow


@pytest.mark.filterwarnings("ignore:.*keyword argument 'random_state' has been:FutureWarning")  # `rng` from 1.0 on
def test_as_near_as_librosa():
    librosa = pytest.importorskip("librosa")
    recipe = dataclasses.replace(SMALL, center=True, zero_padding="around", power=1)
    y = music()
    spectrum = recipe.power_spectrogram(y)
    np.testing.assert_allclose(spectrum, np.abs(librosa.stft(y, n_fft=256, hop_length=64)), atol=1e-9)
    theirs = librosa.griffinlim(spectrum, n_iter=100, hop_length=64, n_fft=256, random_state=0)
    ours = griffin_lim(spectrum, recipe, n_iter=100, rng=np.random.default_rng(0))
    assert len(ours) == len(theirs)
    assert misfit(ours, spectrum, recipe) < 1.25 * misfit(theirs, spectrum, recipe)


@pytest.mark.parametrize(
    "knobs",
    [
        {"power": 1},
        {"full_scale": 32768.0, "spectrum_scale": "window"},
        {"spectrum_scale": "length", "window": "hamming", "window_periodic": False},
        {"preemphasis": 0.97},
        {"preemphasis": 0.97, "preemphasis_scope": "signal"},
        {"win_length": 200, "hop_length": 80, "center": "hop", "pad_mode": "symmetric"},
        {"win_length": 200, "hop_length": 50, "center": True, "zero_padding": "around", "pad_mode": "reflect"},
        {"n_fft": 225, "win_length": 225, "hop_length": 45},
    ],
)
def test_scales_windows_and_frames_are_undone(knobs):
    recipe = dataclasses.replace(SMALL, **knobs)
    y = music()
    spectrum = recipe.power_spectrogram(y)
    back = griffin_lim(spectrum, recipe, n_iter=60, rng=np.random.default_rng(0))
    assert abs(len(back) - len(y)) < recipe.frame_length
    assert misfit(back, spectrum, recipe) < 0.2
    assert abs(np.sum(back**2) / np.sum(y[: len(back)] ** 2) - 1) < 0.1


@pytest.mark.parametrize("hop", [1, 2, 3])
def test_frames_without_overlap(hop):
    """Check the recipe's default: a note that lasts comes back at its pitch and loudness."""
    recipe = dataclasses.replace(SMALL, hop_length=256 * hop)
    y = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(256 * hop * 20) / 8000)
    back = griffin_lim(recipe.power_spectrogram(y), recipe, rng=np.random.default_rng(0))
    assert len(back) == len(y) - 256 * (hop - 1)
    f, power = scipy.signal.welch(back, 8000, nperseg=512)
    assert abs(f[power.argmax()] - 1000) <= 8000 / 512
    assert abs(np.std(back) / np.std(y) - 1) < 0.1


def test_a_hop_of_ones_own():
    spectrum = SMALL.power_spectrogram(music())
    fine = griffin_lim(spectrum, SMALL, hop_length=32, rng=np.random.default_rng(0))
    assert len(fine) == len(griffin_lim(spectrum, SMALL, n_iter=0, rng=np.random.default_rng(0)))
    assert misfit(fine, spectrum, SMALL) < 0.2


def test_float32_and_a_seed():
    spectrum = SMALL.power_spectrogram(music().astype(np.float32))
    kept = spectrum.copy()
    first, again, other = (griffin_lim(spectrum, SMALL, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(spectrum, kept)


def test_silence():
    assert not griffin_lim(np.zeros((129, 5)), SMALL, rng=np.random.default_rng(0)).any()


@given(recipes(), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_any_recipe(recipe, n_frames):
    spectrum = np.random.default_rng(0).random((recipe.n_fft // 2 + 1, n_frames)) * recipe.full_scale**2
    rng = np.random.default_rng(0)
    try:
        y = griffin_lim(spectrum, recipe, n_iter=2, rng=rng)
    except ValueError as error:
        assert "window that lets something through" in str(error)
        return
    assert y.ndim == 1 and len(y) and np.isfinite(y).all()
    assert recipe.n_frames(len(y)) in (0, n_frames - 1, n_frames, n_frames + 1)


def test_what_is_refused():
    rng = np.random.default_rng(0)
    spectrum = np.ones((129, 7))
    for wrong, message in (
        (spectrum.T, r"expected shape \(n_fft // 2 \+ 1 = 129, n_frames\).*got shape \(7, 129\).* transpose it"),
        (spectrum[:-1], r"got shape \(128, 7\)"),
        (spectrum[:, :0], "at least one frame"),
        (-spectrum, "expected at least 0, got -1. Decibels are no power"),
        (spectrum * np.nan, "expected finite numbers, got 903 of 903"),
    ):
        with pytest.raises(ValueError, match=f"griffin_lim: spectrum: .*{message}"):
            griffin_lim(wrong, SMALL, rng=rng)
    for options, message in (
        ({"n_iter": -1}, "n_iter: expected an integer of at least 0, got -1"),
        ({"momentum": 1.5}, "momentum: expected a finite number of at least 0 and at most 1, got 1.5"),
        ({"hop_length": 257}, "hop_length: expected at most win_length = 256, got 257"),
    ):
        with pytest.raises(ValueError, match=f"griffin_lim: {message}"):
            griffin_lim(spectrum, SMALL, rng=rng, **options)
    with pytest.raises(TypeError, match=r"griffin_lim: rng: expected a numpy\.random.Generator, got int"):
        griffin_lim(spectrum, SMALL, rng=0)
    with pytest.raises(TypeError, match="griffin_lim: spectrum: expected real numbers, got an array of complex128"):
        griffin_lim(spectrum * 1j, SMALL, rng=rng)
