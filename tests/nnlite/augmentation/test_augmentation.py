"""Augmentation against loops over single values, the distribution of its draws, and wrong input."""

import math
from functools import partial

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from nnlite.augmentation import gain, mix, mixup_draws, pitch_shift, spec_augment, time_shift

FUNCTIONS = {
    "spec_augment": partial(spec_augment, max_frames=3, max_bands=2),
    "time_shift": partial(time_shift, most=3),
    "gain": gain,
    "pitch_shift": partial(pitch_shift, time_axis=2),
}
EACH = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def samples(dtype=np.float32, shape=(5, 4, 40, 1)):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_new_array_of_the_same_kind_from_the_draws_of_the_generator(function, dtype):
    x = samples(dtype)
    x.flags.writeable = False
    first, again, other = (function(x, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == x.shape and first.dtype == dtype and not np.shares_memory(first, x)
    np.testing.assert_array_equal(first, again)
    assert (first != x).any() and (first != other).any()


@EACH
def test_no_samples_are_no_samples(function):
    assert function(samples()[:0], np.random.default_rng(0)).shape == (0, 4, 40, 1)


@given(
    st.integers(0, 10**6), st.integers(0, 7), st.integers(0, 5), st.integers(0, 3), st.integers(0, 3),
    st.sampled_from([None, 0.0, -3.0]), st.booleans(),
)  # fmt: skip
def test_masks_are_those_of_a_loop(seed, max_frames, max_bands, n_time, n_band, fill, sequences):
    x = samples(np.float64, (3, 7, 5) if sequences else (3, 5, 7, 2))
    axes = {"time_axis": 1, "band_axis": 2} if sequences else {}
    counts = {"n_time_masks": n_time, "n_band_masks": n_band}
    actual = spec_augment(
        x, np.random.default_rng(seed), max_frames=max_frames, max_bands=max_bands, **counts, **axes, fill=fill
    )
    rng, expected = np.random.default_rng(seed), x.copy()
    for axis, most, number in ((1 if sequences else 2, max_frames, n_time), (2 if sequences else 1, max_bands, n_band)):
        for _ in range(number):
            widths, places = rng.integers(0, most + 1, 3), rng.random(3)
            for i in range(3):
                start = math.floor(places[i] * (x.shape[axis] - widths[i] + 1))
                for place in range(start, start + widths[i]):
                    np.moveaxis(expected[i], axis - 1, 0)[place] = x[i].mean() if fill is None else fill
    np.testing.assert_allclose(actual, expected, rtol=1e-15)


def test_widths_and_places_of_masks_are_even():
    x = np.ones((60000, 1, 4, 1))
    masked = spec_augment(x, np.random.default_rng(0), max_frames=2, max_bands=0, fill=0.0)[:, 0, :, 0] == 0
    patterns, counts = np.unique(masked, axis=0, return_counts=True)
    expected = {(): 1 / 3, **{(k,): 1 / 12 for k in range(4)}, **{(k, k + 1): 1 / 9 for k in range(3)}}
    found = {tuple(np.flatnonzero(pattern)): count / len(x) for pattern, count in zip(patterns, counts, strict=True)}
    assert found.keys() == expected.keys()
    for pattern, share in expected.items():
        assert abs(found[pattern] - share) < 5 * math.sqrt(share / len(x)), pattern


@given(st.integers(0, 10**6), st.integers(0, 9), st.sampled_from([None, 7.0]), st.sampled_from([1, 2, -1]))
def test_shifts_are_those_of_a_loop(seed, most, fill, axis):
    x = samples(np.float64, (4, 9, 10))
    actual = time_shift(x, np.random.default_rng(seed), most=most, time_axis=axis, fill=fill)
    shifts = np.random.default_rng(seed).integers(-most, most + 1, 4)
    for i, shift in enumerate(shifts):
        expected = np.roll(x[i], shift, (axis % 3) - 1)
        if fill is not None:
            length = x.shape[axis]
            for place in range(length):
                if not 0 <= place - shift < length:
                    np.moveaxis(expected, (axis % 3) - 1, 0)[place] = fill
        np.testing.assert_array_equal(actual[i], expected)
    assert set(np.random.default_rng(0).integers(-most, most + 1, 999)) == set(range(-most, most + 1))


@pytest.mark.parametrize("unit", ["amplitude", "decibel", "log"])
def test_gains_say_the_same_in_each_unit(unit):
    power = np.random.default_rng(0).random((50, 6)) + 0.1
    given_values = {"amplitude": np.sqrt(power), "decibel": 10 * np.log10(power), "log": np.log(power)}[unit]
    actual = gain(given_values, np.random.default_rng(1), decibels=12, unit=unit)
    back = {"amplitude": np.square, "decibel": lambda v: 10 ** (v / 10), "log": np.exp}[unit](actual)
    levels = 10 * np.log10(back / power)
    drawn = 12 * (2 * np.random.default_rng(1).random(50) - 1)
    np.testing.assert_allclose(levels, np.tile(drawn[:, None], 6), atol=1e-9)
    assert drawn.min() < -8 and drawn.max() > 8


def test_a_pitch_is_moved_by_what_was_drawn():
    sr, n = 8000, 4096
    x = np.sin(2 * np.pi * 1000 * np.arange(n) / sr)[None].repeat(8, 0)
    rng = np.random.default_rng(3)
    moved = pitch_shift(x, np.random.default_rng(3), semitones=5)
    for sample, u in zip(moved, rng.random(8), strict=True):
        tones = 5 * (2 * u - 1)
        peak = np.abs(np.fft.rfft(sample * np.hanning(n))).argmax() * sr / n
        assert peak == pytest.approx(1000 * 2 ** (tones / 12), abs=1.5 * sr / n)


def test_a_pitch_is_soxr_cut_or_laid_into_silence():
    x = np.random.default_rng(0).standard_normal((6, 500, 2))
    rng = np.random.default_rng(4)
    speeds, places = 2 ** (7 * (2 * rng.random(6) - 1) / 12), rng.random(6)
    moved = pitch_shift(x, np.random.default_rng(4), semitones=7)
    for i in range(6):
        played = soxr.resample(x[i], float(speeds[i]), 1.0)
        start = int(places[i] * (abs(len(played) - 500) + 1))
        longer = len(played) >= 500
        padded = np.pad(played, ((start, max(500 - len(played) - start, 0)), (0, 0)))
        np.testing.assert_array_equal(moved[i], played[start : start + 500] if longer else padded)
    assert (speeds > 1).any() and (speeds < 1).any()


@given(st.integers(1, 9), st.sampled_from([0.1, 0.4, 1.0, 5.0]), st.integers(0, 10**6))
def test_partners_are_a_permutation_and_shares_are_mixed_one_by_one(n, alpha, seed):
    partners, shares = mixup_draws(n, alpha, np.random.default_rng(seed))
    assert sorted(partners) == list(range(n)) and (shares >= 0).all() and (shares <= 1).all()
    x = samples(np.float64, (n, 3, 2))
    for i, mixed in enumerate(mix(x, x[partners], shares)):
        np.testing.assert_allclose(mixed, shares[i] * x[i] + (1 - shares[i]) * x[partners[i]], rtol=1e-15)


def test_shares_follow_the_beta_distribution():
    shares = mixup_draws(40000, 0.3, np.random.default_rng(0))[1]
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.3 + 1)), abs=0.005)  # of the beta distribution (a, a)


def test_integers_are_mixed_in_float32():
    mixed = mix(np.array([[1, 2]]), np.array([[3, 4]]), np.array([0.5]))
    assert mixed.dtype == np.float32 and mixed.tolist() == [[2, 3]]


RNG = np.random.default_rng(0)
X = samples()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spec_augment(X.astype(int), RNG), "spec_augment: x: expected floats of shape .* dtype int64. Convert"),
        (lambda: gain(np.ones(3), RNG), r"gain: x: expected floats of shape \(n_samples, ...\), got shape \(3,\)"),
        (lambda: spec_augment(X, RNG, max_frames=41), "max_frames: expected an integer from 0 to the length 40 of"),
        (lambda: spec_augment(X, RNG, max_bands=-1, max_frames=4), "max_bands: expected an integer from 0 to the"),
        (lambda: spec_augment(X, RNG, max_bands=2, n_time_masks=0.5), "n_time_masks: expected an integer of at"),
        (lambda: spec_augment(X, RNG, band_axis=2), "band_axis: expected another axis than time_axis, got 2 for both"),
        (lambda: spec_augment(X, RNG, time_axis=4), "time_axis: expected an axis of x after that of the samples"),
        (lambda: spec_augment(X, RNG, max_bands=2, fill=math.nan), "fill: expected a finite number, got nan"),
        (lambda: time_shift(X, RNG, most=41), "time_shift: most: expected an integer from 0 to the length 40, got 41"),
        (lambda: time_shift(X, RNG, most=2, time_axis=0), "time_shift: time_axis: expected an axis of x after"),
        (lambda: gain(X, RNG, decibels=-1), "gain: decibels: expected a finite number of 0 or more, got -1"),
        (lambda: gain(X, RNG, unit="dB"), "gain: unit: expected one of .'amplitude', 'decibel', 'log'., got 'dB'"),
        (lambda: pitch_shift(X, RNG, semitones=25), "pitch_shift: semitones: expected a number from 0 to 24, got 25"),
        (lambda: mixup_draws(3, 0.0, RNG), "mixup_draws: alpha: expected a positive finite number, got 0.0"),
        (lambda: mixup_draws(0, 0.1, RNG), "mixup_draws: n_samples: expected a positive integer, got 0"),
        (lambda: mix(X, X[:2], np.ones(5)), "mix: expected samples and partners of one shape and a share for each"),
    ],
)  # fmt: skip
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@EACH
def test_a_generator_is_asked_for(function):
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random.Generator, got 0"):
        function(X, 0)


@pytest.mark.parametrize("fill", [None, 0.0])
def test_masks_leave_padding_as_it_is(fill):
    x = np.random.default_rng(0).standard_normal((4, 9, 3)).astype(np.float32)
    x[0, 5:], x[1] = np.nan, np.nan
    got = spec_augment(x, np.random.default_rng(1), max_frames=6, max_bands=2, time_axis=1, band_axis=2, fill=fill)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(x))
    changed = got[0, :5] != x[0, :5]
    assert changed.any() and (got != x)[2:].any()
    np.testing.assert_allclose(got[0, :5][changed], np.nanmean(x[0]) if fill is None else fill, rtol=1e-6)
