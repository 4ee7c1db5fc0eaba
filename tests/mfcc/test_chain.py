"""The compiled chain against its naive twin, over recipes and signals of every kind."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mfcc import FILMSCORE, LIBROSA, LIBROSA_UNLIMITED, MFCC, chain
from mfcc.windows import get_window
from tests.mfcc import naive
from tests.mfcc.recipes import recipes

STAGES = ("spectrum", "mel", "log_mel", "mfcc")


def compare(recipe, y, stage, atol):
    window = get_window(recipe.window, recipe.win_length, periodic=recipe.window_periodic)
    expected = naive.features(recipe, y, window, stage)
    actual = chain.run(recipe, stage, y)
    assert actual.dtype == y.dtype and actual.flags.c_contiguous and actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol * max(1, np.abs(expected).max()))


def rounds_to_zero(recipe, y):
    """Return whether a band is zero but for rounding in a frame that is not, as all above 0 Hz are in a constant."""
    window = get_window(recipe.window, recipe.win_length, periodic=recipe.window_periodic)
    spectrum = naive.features(recipe, y, window, "spectrum")
    as_it_is = dataclasses.replace(recipe, remove_mean=False, preemphasis=0.0)
    levels = naive.features(as_it_is, y, window, "spectrum").max(axis=0)
    bank = recipe.filter_bank[recipe.filter_bank.any(axis=1)]
    bands = bank @ spectrum / bank.sum(axis=1, keepdims=True)
    return bool(np.any((bands < 1e-6**recipe.power * levels.max()) & (levels > 0)))


@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
@given(recipes(), st.integers(1, 300), st.sampled_from(STAGES), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_against_the_twin(recipe, n, stage, seed):
    if recipe.n_frames(n) == 0:
        n = recipe.shortest_signal
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n) + 0.1
    if recipe.log_floor_mode == "zeros" or recipe.spectrum_scale == "window":
        y *= 0.5
    if stage in ("log_mel", "mfcc"):
        assume(not rounds_to_zero(recipe, y))
    compare(recipe, y, stage, 1e-9)


@given(recipes(), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_the_logarithm_of_the_spectrum(recipe, seed):
    y = np.random.default_rng(seed).standard_normal(1000)
    expected = naive.logarithm(recipe, recipe.power_spectrogram(y))
    np.testing.assert_allclose(recipe.log_spectrogram(y), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "recipe",
    [FILMSCORE, LIBROSA_UNLIMITED, dataclasses.replace(LIBROSA, top_db=5)],
    ids=["filmscore", "librosa", "top_db"],
)
@pytest.mark.parametrize(("dtype", "atol"), [("float32", 3e-6), ("float64", 1e-13)])
def test_recipes_of_full_size(recipe, stage, dtype, atol):
    n = (17 * recipe.hop_length) + 2048 + 77  # a vector of frames, and one more
    y = 0.1 * np.random.default_rng(0).standard_normal(n) * np.linspace(0.01, 1, n)
    compare(recipe, y.astype(dtype), stage, atol)


def test_zeros_alone_are_replaced():
    recipe = MFCC(n_fft=64, n_mels=4, n_mfcc=4, log_floor=1.0, log_floor_mode="zeros")
    actual = recipe.log_mel(np.concatenate([np.zeros(64), 1e-6 * np.ones(64)]))
    assert np.all(actual[:, 0] == 0) and np.all(actual[:, 1] < -10)


def test_the_logarithm_over_its_range():
    """Take the logarithm of a mel band of one bin, of cosines from subnormal to large."""
    for dtype, exponents, rtol in ((np.float32, (-21, 18), 3e-7), (np.float64, (-160, 150), 1e-15)):
        recipe = MFCC(
            n_fft=4, n_mels=1, n_mfcc=1, c0="first", log_floor=float(np.finfo(dtype).tiny), window="rectangular"
        )
        amplitudes = 10.0 ** np.arange(*exponents)
        y = np.outer(amplitudes, [1, 0, -1, 0]).ravel().astype(dtype)
        mel = recipe.mel_spectrogram(y).astype(np.float64)[0]
        np.testing.assert_allclose(recipe.log_mel(y)[0], np.log(np.maximum(mel, np.finfo(dtype).tiny)), rtol=rtol)


def test_a_long_hop_and_a_long_window():
    y = np.random.default_rng(0).standard_normal(50_000)
    compare(MFCC(n_fft=100, hop_length=3000, n_mels=5, n_mfcc=5), y, "mfcc", 1e-11)
    recipe = MFCC(n_fft=16384, hop_length=8192, n_mels=41)
    expected = (
        np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(y, 16384)[::8192] * get_window("hann", 16384))) ** 2
    )
    np.testing.assert_allclose(recipe.power_spectrogram(y), expected.T, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(
    "avx2" not in (Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""), reason="no AVX2 here"
)
def test_narrower_vectors(tmp_path):
    """On another CPU vectors and so groups of frames have other lengths; the results differ by rounding only."""
    y = (0.1 * np.random.default_rng(0).standard_normal(30_000)).astype(np.float32)
    recipe = MFCC(n_fft=480, hop_length=160, n_mels=20, n_mfcc=13, energy="raw", energy_place="append", center=True)
    np.save(tmp_path / "y.npy", y)
    code = (
        "import sys, json, numpy as np, mfcc\n"
        "y = np.load(sys.argv[1])\n"
        "recipe = mfcc.MFCC.from_dict(json.loads(sys.argv[3]))\n"
        "np.savez(sys.argv[2], features=recipe(y), spectra=mfcc.fft.rfft(y[:30_000].reshape(25, 1200)))\n"
    )
    arguments = [str(tmp_path / "y.npy"), str(tmp_path / "out.npz"), json.dumps(recipe.to_dict())]
    environment = os.environ | {"NUMBA_CPU_NAME": "haswell"}
    subprocess.run([sys.executable, "-c", code, *arguments], env=environment, check=True, timeout=250)
    with np.load(tmp_path / "out.npz") as found:
        np.testing.assert_allclose(found["features"], recipe(y), atol=3e-5)
        np.testing.assert_allclose(found["spectra"], np.fft.rfft(y.reshape(25, 1200)), atol=1e-5)
