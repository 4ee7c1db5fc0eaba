"""Rules for all presets. Each is held against its tool in test_against_*.py, HTK in test_hcopy.py too."""

import dataclasses
import json

import numpy as np
import pytest

import mfcc
from mfcc import HTK, MFCC, PRESETS, deltas
from tests.mfcc.htk import recordings


def test_names():
    for name, recipe in PRESETS.items():
        assert getattr(mfcc, name) is recipe and getattr(mfcc.presets, name) is recipe
    assert list(PRESETS) == sorted(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")  # of torchaudio, which warns of them too
def test_there_and_back(name):
    assert MFCC.from_dict(json.loads(json.dumps(PRESETS[name].to_dict()))) == PRESETS[name]


def test_those_whose_frames_depend_on_their_clip_say_so_and_have_a_variant_without():
    for name, recipe in PRESETS.items():
        assert (recipe.top_db is not None) == (name in ("LIBROSA", "TORCHAUDIO"))
        assert ("- 80 dB, by which a frame depends on its clip" in recipe.describe()) == (recipe.top_db is not None)
    for name in ("LIBROSA", "TORCHAUDIO"):
        assert PRESETS[f"{name}_UNLIMITED"].difference(PRESETS[name]) == ("top_db",)


@pytest.mark.parametrize("name", [name for name, recipe in PRESETS.items() if recipe.top_db is None])
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_a_frame_does_not_depend_on_its_clip(name):
    recipe = PRESETS[name]
    y = (0.1 * np.random.default_rng(0).standard_normal(20 * recipe.hop_length + recipe.n_fft)).astype(np.float32)
    shorter = y[10 * recipe.hop_length :]
    if recipe.preemphasis_scope == "signal":  # but for its first sample
        shorter = np.concatenate([[0], shorter[1:]])
    skip = -(-recipe.n_fft // recipe.hop_length) if recipe.center else 1
    actual, expected = recipe(shorter)[:, skip:], recipe(y)[:, 10 + skip :]
    np.testing.assert_allclose(actual, expected, atol=2e-4)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize(
    ("name", "knobs"), [("test.wav.fea_htk.1", {}), ("test.wav.fea_htk.2", {"c0": "drop", "energy": "raw"})]
)
def test_htk_and_deltas_against_recorded_outputs(dtype, name, knobs):
    c = dataclasses.replace(HTK, **knobs)(recordings.samples(dtype))
    actual = np.concatenate([c, deltas(c), deltas(c, order=2)])
    np.testing.assert_allclose(actual, recordings.features(name), rtol=0, atol=2e-4)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_htk_filter_bank_against_recorded_outputs(dtype):
    expected = recordings.features("test.wav.fbank_htk.1")
    np.testing.assert_allclose(HTK.log_mel(recordings.samples(dtype)), expected, rtol=0, atol=1e-4)
