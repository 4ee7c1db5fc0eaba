"""Features of a signal in blocks are those of the whole signal, for any recipe and any cut."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfcc import FILMSCORE, MFCC, PRESETS, streaming
from mfcc.sound.blocks import recut
from mfcc.streaming import stream_features
from tests.mfcc.recipes import recipes

RECIPE = MFCC(sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=20, n_mfcc=13)
OUTPUTS = ("mfcc", "log_mel", "mel", "log_spectrum", "spectrum")


def joined(blocks):
    return np.concatenate(list(blocks), axis=1)


def noise(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipe=recipes(OUTPUTS), data=st.data())
def test_any_recipe_and_any_cut(recipe, data):
    choose = data.draw
    shortest = recipe.shortest_signal
    n = choose(st.integers(shortest, shortest + 40 * recipe.hop_length))
    y = noise(n, seed=n).astype(choose(st.sampled_from([np.float32, np.float64])))
    cuts = sorted(choose(st.lists(st.integers(0, n), max_size=6)))
    expected = recipe(y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "_FRAMES", choose(st.sampled_from([1, 3, 16, 512])))
        actual = joined(recipe.stream(np.split(y, cuts)))
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_every_preset(name, output):
    recipe = PRESETS[name].replace(output=output)
    y = noise(100_000)
    expected = recipe(y)
    for length in (999, 30_000):
        np.testing.assert_array_equal(joined(recipe.stream(np.split(y, range(length, len(y), length)))), expected)


def test_several_outputs_at_once():
    y = noise(9000)
    parts = list(stream_features(RECIPE, [y[:5000], y[5000:]], ("mfcc", "log_mel", "spectrum")))
    for part, expected in zip(
        map(joined, zip(*parts, strict=True)), (RECIPE(y), RECIPE.log_mel(y), RECIPE.power_spectrogram(y)), strict=True
    ):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_limit_below_the_loudest_value_of_the_whole_signal(output):
    recipe = RECIPE.replace(log="decibel", top_db=20.0, output=output)
    y = np.linspace(0, 1, 9000, dtype=np.float32) * noise(9000)
    np.testing.assert_array_equal(joined(recipe.stream(np.split(y, 9))), recipe(y))


def test_integers_are_scaled():
    recipe = RECIPE.replace(integer_full_scale=32768.0)
    y = (32767 * noise(9000)).astype(np.int16)
    np.testing.assert_array_equal(joined(recipe.stream(np.split(y, 7 * [1000]))), recipe(y))


def test_features_come_before_the_signal_has_ended():
    def endless():
        while True:
            yield noise(22050)

    stream = FILMSCORE.stream(endless())
    assert next(stream).shape == (40, 128) and next(stream).shape == (40, 128)


def test_what_is_refused():
    def refused(blocks, error, match, recipe=RECIPE):
        with pytest.raises(error, match="^MFCC.stream: " + match):
            list(recipe.stream(blocks))

    refused([], ValueError, r"blocks: expected at least 400 samples \(0.025 s at 16000 Hz\) for one frame, got 0")
    refused([noise(200), noise(199)], ValueError, "blocks: expected at least 400 samples .* got 399")
    refused([noise(200)], ValueError, "blocks: expected at least 400", RECIPE.replace(log="decibel", top_db=10.0))
    refused([noise(400), np.zeros(9)], TypeError, "blocks: .* float32 up to sample 400 and float64 from there on")
    refused([noise(400), np.array([1, np.nan], "f4")], ValueError, r"y: expected finite .* \(the first at index 401\)")
    refused([noise(400).reshape(2, 200)], ValueError, "y: expected mono samples")
    refused([np.zeros(400, np.int16)], TypeError, "y: expected floating-point samples")
    assert joined(RECIPE.stream([noise(400), [], noise(400)])).shape == (12, 3)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_recut(lengths, length):
    blocks = np.split(np.arange(sum(lengths)), np.cumsum(lengths)[:-1]) if lengths else []
    cut = list(recut(blocks, length))
    assert [len(block) for block in cut[:-1]] == [length] * (len(cut) - 1)
    assert all(0 < len(block) <= length for block in cut)
    assert [int(i) for block in cut for i in block] == list(range(sum(lengths)))
