"""Features of a signal in blocks are those of the whole signal, for any recipe and any cut."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import MFCC, streaming
from mfcc.streaming import recut, stream_features

RECIPE = MFCC(sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=20, n_mfcc=13)


def joined(recipe, blocks, stages=("mfcc",)):
    return [np.concatenate(parts, axis=1) for parts in zip(*stream_features(recipe, blocks, stages), strict=True)]


@pytest.fixture(params=[3, 16, 512])
def frames_at_a_time(request, monkeypatch):
    monkeypatch.setattr(streaming, "_FRAMES", request.param)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_recipe_and_any_cut(data):
    choose = data.draw
    recipe = dataclasses.replace(
        RECIPE,
        hop_length=choose(st.sampled_from([64, 160, 400, 512, 700])),
        center=choose(st.sampled_from([False, True, "hop"])),
        pad_mode=choose(st.sampled_from(["constant", "reflect", "symmetric", "edge"])),
        partial=choose(st.sampled_from(["drop", "pad"])),
        zero_padding=choose(st.sampled_from(["after", "around"])),
        preemphasis=choose(st.sampled_from([0.0, 0.97])),
        preemphasis_scope=choose(st.sampled_from(["frame", "signal"])),
        full_scale=choose(st.sampled_from([1.0, 32768.0])),
        remove_mean=choose(st.booleans()),
        energy=choose(st.sampled_from([None, "raw"])),
        energy_place="append",
    )
    n = choose(st.integers(1, 15_000))
    y = np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)
    cuts = sorted(choose(st.lists(st.integers(0, n), max_size=6)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "_FRAMES", choose(st.sampled_from([3, 16, 512])))
        actual = joined(recipe, np.split(y, cuts))
        again = joined(recipe, [y])
    if recipe.n_frames(n) == 0:
        assert actual == again == []
        return
    np.testing.assert_array_equal(actual, again)
    np.testing.assert_array_equal(actual[0], recipe(y))


@pytest.mark.parametrize("center", [False, True])
def test_every_stage(frames_at_a_time, center):
    recipe = dataclasses.replace(RECIPE, center=center)
    y = np.random.default_rng(0).uniform(-1, 1, 9000).astype(np.float32)
    mfcc, log_mel, mel, power = joined(recipe, [y[:5000], y[5000:]], ["mfcc", "log_mel", "mel", "power"])
    np.testing.assert_array_equal(mfcc, recipe(y))
    np.testing.assert_array_equal(log_mel, recipe.log_mel(y))
    np.testing.assert_array_equal(mel, recipe.mel_spectrogram(y))
    np.testing.assert_array_equal(power, recipe.power_spectrogram(y))


def test_a_limit_below_the_loudest_value_of_the_whole_signal():
    recipe = dataclasses.replace(RECIPE, log="decibel", top_db=20.0)
    y = np.linspace(0, 1, 9000, dtype=np.float32) * np.random.default_rng(0).uniform(-1, 1, 9000).astype(np.float32)
    np.testing.assert_array_equal(joined(recipe, np.split(y, 9))[0], recipe(y))
    assert joined(recipe, [y[:100]]) == []


def test_float64_stays():
    y = np.random.default_rng(0).uniform(-1, 1, 9000)
    assert joined(RECIPE, [y])[0].dtype == np.float64


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_recut(lengths, length):
    blocks = np.split(np.arange(sum(lengths)), np.cumsum(lengths)[:-1]) if lengths else []
    cut = list(recut(blocks, length))
    assert [len(block) for block in cut[:-1]] == [length] * (len(cut) - 1)
    assert all(0 < len(block) <= length for block in cut)
    assert [int(i) for block in cut for i in block] == list(range(sum(lengths)))
