"""Features of a signal in blocks are those of the whole signal, for any recipe and any cut."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfcc
from mfcc import FILMSCORE, MFCC, PRESETS, framing, streaming
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


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].top_db is None])
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_a_frame_comes_with_the_block_that_completes_it(name):
    recipe = PRESETS[name]
    y = noise(round(0.7 * recipe.sr))
    block, seen, got = round(recipe.sr / 100), 0, []
    first = framing.first_start(recipe.frame_length, recipe.hop_length, center=recipe.center)

    def blocks():
        nonlocal seen
        for begin in range(0, len(y), block):
            done = sum(part.shape[1] for part in got)
            complete = (seen - first - recipe.frame_length) // recipe.hop_length + 1
            assert done == max(0, complete)
            yield y[begin : begin + block]
            seen = min(len(y), begin + block)

    for part in recipe.stream(blocks()):
        got.append(part)
    assert len(got) > 3
    np.testing.assert_array_equal(joined(got), recipe(y))


def test_frames_further_apart_than_two_of_their_lengths():
    recipe = RECIPE.replace(win_length=400, hop_length=1500)
    y = noise(20_000)
    np.testing.assert_array_equal(joined(recipe.stream(np.split(y, range(90, len(y), 90)))), recipe(y))


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
    assert next(stream).shape == (40, 10) and next(stream).shape == (40, 11)


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


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<i2", ">i2"])
@pytest.mark.parametrize("recipe", [mfcc.FILMSCORE, mfcc.LIBROSA, mfcc.KALDI])
def test_the_type_of_the_blocks_is_that_of_a_call(dtype, recipe):
    y = (3000 * np.sin(0.1 * np.arange(60_000))).astype(dtype)
    if np.dtype(dtype).kind == "i":
        recipe = recipe.replace(integer_full_scale="type")
    whole = recipe(y)
    assert whole.dtype == (np.float64 if dtype[1:] == "f8" else np.float32) and whole.dtype.isnative
    for blocks in (recipe.stream([y[:777], y[777:30_000], y[30_000:]]), mfcc.stream(y, recipe)):
        streamed = np.concatenate(list(blocks), axis=1)
        assert streamed.dtype == whole.dtype
        np.testing.assert_array_equal(streamed, whole)
    np.testing.assert_array_equal(mfcc.features(y, recipe), whole)
    assert mfcc.features(y, recipe).dtype == whole.dtype


Y = np.sin(0.1 * np.arange(30_000, dtype=np.float32))


@pytest.mark.parametrize(
    "blocks, match",
    [
        (Y, r"an iterable of arrays, got one array of shape \(30000,\). Of all samples at once take recipe\(y\)"),
        ("x.wav", r"an iterable of arrays, got str. Of a recording take mfcc.stream\(path, recipe\)"),
        (b"x.wav", "got bytes. Of a recording take"),
        (Path("x.wav"), "got PosixPath|got WindowsPath"),
        pytest.param(io.BytesIO(), "got BytesIO. Of a recording take", id="BytesIO"),
        ((Y, 22050), r"got a pair of samples and a number. If it is what mfcc.load returns, take it apart"),
        (5, "an iterable of arrays, got 5"),
        (None, "an iterable of arrays, got None"),
    ],
    ids=repr,
)
def test_what_is_no_iterable_of_blocks(blocks, match):
    with pytest.raises(TypeError, match=f"^MFCC.stream: blocks: expected .*{match}"):
        mfcc.FILMSCORE.stream(blocks)  # at once


@pytest.mark.parametrize("y", ["x.wav", b"x.wav", Path("x.wav"), pytest.param(io.BytesIO(), id="BytesIO")], ids=repr)
def test_a_recording_in_place_of_samples(y):
    with pytest.raises(TypeError, match=r"^MFCC: y: expected samples, got .*Of a recording take mfcc.features\(path"):
        mfcc.FILMSCORE(y)


@pytest.mark.parametrize("pair", [(Y, 22050), [Y, 22050.0]], ids=["tuple", "list"])
def test_what_load_returns_in_place_of_samples(pair):
    with pytest.raises(TypeError, match=r"^MFCC: y: expected samples, got a pair .*take it apart: y, sr = mfcc.load"):
        mfcc.FILMSCORE(pair)
