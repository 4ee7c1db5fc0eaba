"""The mel scale and its filters against loops and against librosa."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import MFCC
from mfcc.mel import hz_to_mel, mel_filterbank, mel_to_hz
from tests.mfcc import naive

frequencies = st.lists(st.floats(0, 1e5), min_size=1, max_size=20)
formulas = pytest.mark.parametrize("formula", ["htk", "slaney"])


@formulas
def test_scale_against_librosa(formula):
    f = np.concatenate([np.linspace(0, 2000, 101), np.geomspace(2000, 1e5, 50)])
    expected = librosa.hz_to_mel(f, htk=formula == "htk")
    # librosa rounds the factor of HTK's scale: 2595 / ln 10 = 1126.994
    np.testing.assert_allclose(hz_to_mel(f, formula=formula), expected, rtol=1e-5 if formula == "htk" else 1e-13)


@formulas
@given(f=frequencies)
def test_there_and_back(formula, f):
    mels = hz_to_mel(f, formula=formula)
    np.testing.assert_allclose(mels, [naive.hz_to_mel(x, formula) for x in f], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(mel_to_hz(mels, formula=formula), f, rtol=1e-12, atol=1e-9)
    order = np.argsort(f)
    assert np.all(np.diff(mels[order]) >= 0)


@given(
    st.sampled_from([8000, 11025.5, 22050, 48000]),
    st.sampled_from([2, 9, 120, 512]),
    st.integers(1, 40),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda pair: abs(pair[0] - pair[1]) > 1e-3),
    st.sampled_from(["htk", "slaney"]),
    st.sampled_from(["hz", "mel", "bins"]),
    st.sampled_from([None, "slaney"]),
    st.booleans(),
    st.sampled_from([1.0, 0.85, 1.2]),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_filters_against_loops(sr, n_fft, n_mels, band, formula, shape, norm, skip, warp):
    fmin, fmax = (x * sr / 2 for x in sorted(band))
    knees = (fmin + 0.2 * (fmax - fmin), fmin + 0.5 * (fmax - fmin))
    knees = (None, None) if warp == 1 or fmin > 0.3 * fmax else knees
    warp = 1.0 if knees[0] is None else warp
    expected = naive.mel_filterbank(sr, n_fft, n_mels, fmin, fmax, formula, shape, norm, skip, warp, *knees)
    actual = mel_filterbank(
        sr, n_fft, n_mels, fmin=fmin, fmax=fmax, formula=formula, shape=shape, norm=norm, skip_edge_bins=skip,
        warp=warp, warp_low=knees[0], warp_high=knees[1], dtype=float,
    )  # fmt: skip
    np.testing.assert_allclose(actual, expected, atol=1e-9)


@formulas
@pytest.mark.parametrize("norm", [None, "slaney"])
@pytest.mark.parametrize(
    ("sr", "n_fft", "n_mels", "fmin", "fmax"), [(22050, 2048, 128, 0, None), (16000, 512, 26, 80, 7600)]
)
def test_filters_against_librosa(formula, norm, sr, n_fft, n_mels, fmin, fmax):
    expected = librosa.filters.mel(
        sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=formula == "htk", norm=norm, dtype=np.float64
    )
    actual = mel_filterbank(sr, n_fft, n_mels, fmin=fmin, fmax=fmax, formula=formula, norm=norm, dtype=np.float64)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_triangles_add_up_to_one_between_the_outer_centres():
    weights = mel_filterbank(16000, 1024, 20, dtype=np.float64)
    total = weights.sum(axis=0)
    centres = np.flatnonzero(weights.argmax(axis=0)[1:])
    assert np.allclose(total[30 : centres[-1] - 80], 1) and np.all(total <= 1 + 1e-12)


def test_the_callers_copy_is_his_own():
    first = mel_filterbank(16000, 512, 20, dtype=np.float64)
    first[:] = 7
    assert mel_filterbank(16000, 512, 20, dtype=np.float64).max() <= 1
    assert mel_filterbank(16000, 512, 20).dtype == np.float32


def test_empty_filters_are_counted():
    empty = int(np.sum(~naive.mel_filterbank(16000, 512, 200, 0, 8000).any(axis=1)))
    assert empty > 5
    message = (
        rf"mel_filterbank: {empty} of 200 mel filters are empty \(the first at 9 Hz\): no bin of the FFT, 31.2 Hz apart"
    )
    with pytest.warns(UserWarning, match=message + ".*Lower n_mels, or raise n_fft or fmin"):
        mel_filterbank(16000, 512, 200)


def test_what_is_refused():
    with pytest.raises(ValueError) as error:
        mel_filterbank(22050, 2048, 40, fmax=16000)
    assert str(error.value) == (
        "mel_filterbank: fmax: expected at most sr / 2 = 11025 Hz, got 16000. Lower fmax or raise sr."
    )
    with pytest.raises(ValueError, match="fmin: expected less than fmax = 500 Hz, got 500"):
        mel_filterbank(22050, 2048, 40, fmin=500, fmax=500)
    with pytest.raises(ValueError, match="fmin: expected a finite number of at least 0, got -1"):
        mel_filterbank(22050, 2048, 40, fmin=-1)
    with pytest.raises(ValueError, match=r"sr: expected a finite number of at least 1e-06 and at most [^ ]*, got nan"):
        mel_filterbank(np.nan, 2048, 40)
    with pytest.raises(ValueError, match="norm: expected one of None, 'slaney', got 1"):
        mel_filterbank(22050, 2048, 40, norm=1)
    with pytest.raises(ValueError, match="n_mels: expected an integer of at least 1, got 0"):
        mel_filterbank(22050, 2048, 0)
    with pytest.raises(ValueError, match="hz_to_mel: f: expected frequencies of at least 0 Hz, got -5"):
        hz_to_mel([1, -5])
    with pytest.raises(ValueError, match="mel_to_hz: formula: expected one of 'htk', 'slaney', got 'mel'"):
        mel_to_hz(1, formula="mel")


def test_warps_that_are_refused():
    for knees in ((None, 3000), (100, None)):
        with pytest.raises(ValueError, match=r"warp_(low|high): expected a frequency in Hz with warp=1.1, got None"):
            mel_filterbank(16000, 512, 20, warp=1.1, warp_low=knees[0], warp_high=knees[1])
    for warp, low, high in ((0.9, 100, 7900), (1.1, 3000, 100), (1.1, 100, 9000), (5, 100, 6000)):
        with pytest.raises(ValueError, match=r"warp_low, warp_high: expected two frequencies between fmin and fmax"):
            mel_filterbank(16000, 512, 20, warp=warp, warp_low=low, warp_high=high)
    with pytest.raises(
        ValueError, match=r"warp: expected a finite number above 0, got 0. Usual is 0.8 to 1.2; 1 is off"
    ):
        mel_filterbank(16000, 512, 20, warp=0)


@pytest.mark.parametrize("shape", ["hz", "mel", "bins"])
@pytest.mark.parametrize("fmin, fmax", [(0, 0.03), (11000, 11000.03)])
def test_an_upper_edge_that_is_hardly_above_the_lower_warns_of_empty_filters_alone(shape, fmin, fmax):
    with pytest.warns(UserWarning, match="mel filters are empty") as caught:
        recipe = MFCC(fmin=fmin, fmax=fmax, filter_shape=shape, filter_norm="slaney", n_mels=4096)
    assert len(caught) == 1 and np.isfinite(recipe.filter_bank).all()
