"""Tiles: what is in them, when they begin, how loud they are; the same from a file as from its samples."""

import dataclasses

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, LIBROSA, LIBROSA_UNLIMITED, MFCC

SR = 22050
TILE = 100 * 2048


def noise(n, amplitude=0.1, seed=0):
    return (amplitude * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(4 * TILE + 5000), SR, subtype="FLOAT")
    return path


def test_the_published_tiles(recording):
    y, _ = mfcc.load(recording)
    actual = mfcc.tiles(recording)
    assert actual.values.shape == (4, 40, 100, 1) and actual.values.dtype == np.float32
    assert actual.values.flags.c_contiguous
    expected = FILMSCORE(y)[:, :400].reshape(40, 4, 100).transpose(1, 0, 2)[..., np.newaxis]
    np.testing.assert_array_equal(actual.values, expected)
    np.testing.assert_allclose(actual.start_s, np.arange(4) * TILE / SR)
    assert actual.duration_s == pytest.approx(9.288, abs=1e-3)
    assert actual.recipe == FILMSCORE and not actual.silent.any()
    squares = y[: 4 * TILE].reshape(4, TILE).astype(np.float64) ** 2
    np.testing.assert_allclose(actual.level_dbfs, 10 * np.log10(squares.mean(axis=1)), rtol=1e-12)


RECIPES = {
    "published": FILMSCORE,
    "mel bands": FILMSCORE.replace(output="log_mel", n_mels=64),
    "spectra": FILMSCORE.replace(output="log_spectrum"),
    "overlapping": dataclasses.replace(FILMSCORE, hop_length=512),
    "centred": LIBROSA_UNLIMITED,
    "of another rate": MFCC(sr=16000, n_fft=512, win_length=400, hop_length=160, preemphasis=0.97, partial="pad"),
    "of the whole clip": LIBROSA,
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("n_frames, hop_frames", [(100, None), (50, 20), (10, 37)])
def test_a_file_gives_what_its_samples_give(recording, recipe, n_frames, hop_frames):
    y, _ = mfcc.load(recording, recipe.sr)
    actual = mfcc.tiles(recording, recipe, n_frames=n_frames, hop_frames=hop_frames)
    same = mfcc.tiles(y, recipe, n_frames=n_frames, hop_frames=hop_frames)
    for name in ("values", "start_s", "level_dbfs", "silent"):
        np.testing.assert_array_equal(getattr(actual, name), getattr(same, name))
    features, hop = recipe(y), hop_frames or n_frames
    starts = range(0, features.shape[1] - n_frames + 1, hop)
    assert len(actual) == len(starts) and actual.values.shape[1:] == (recipe.n_features, n_frames, 1)
    expected = np.stack([features[:, i : i + n_frames] for i in starts])
    np.testing.assert_array_equal(actual.values[..., 0], expected)
    np.testing.assert_allclose(actual.start_s, np.array(starts) * recipe.hop_length / recipe.sr)
    for i, level in zip(starts, actual.level_dbfs, strict=True):
        part = y[i * recipe.hop_length : (i + n_frames) * recipe.hop_length].astype(np.float64)
        assert level == pytest.approx(10 * np.log10((part**2).mean()), rel=1e-9)


def test_silence():
    y = np.concatenate([noise(TILE), noise(TILE, 1e-4), np.zeros(TILE, np.float32), noise(TILE, 2e-3)])
    actual = mfcc.tiles(y)
    np.testing.assert_allclose(actual.level_dbfs, [-20, -80, -np.inf, -54], atol=0.1)
    assert actual.silent.tolist() == [False, True, True, False]
    assert mfcc.tiles(y, silence_dbfs=-50).silent.tolist() == [False, True, True, True]
    assert np.isfinite(actual.values).all()


def test_a_sine_of_full_scale_has_minus_three_decibels():
    y = np.sin(2 * np.pi * 100 * np.arange(TILE) / 2048).astype(np.float32)
    assert mfcc.tiles(y).level_dbfs[0] == pytest.approx(-3.01, abs=0.01)


def test_a_centred_frame_behind_the_last_sample():
    actual = mfcc.tiles(noise(5 * 512), LIBROSA, n_frames=1)
    assert len(actual) == 6 and np.isfinite(actual.level_dbfs).all()


def test_excerpts(recording):
    y, _ = mfcc.load(recording)
    offset, duration = 9.5, 20.0
    actual = mfcc.tiles(recording, offset=offset, duration=duration)
    first = round(offset * SR)
    expected = mfcc.tiles(y[first : first + round(duration * SR)])
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_allclose(actual.start_s, offset + expected.start_s)
    of_samples = mfcc.tiles(y, offset=offset, duration=duration)
    np.testing.assert_array_equal(actual, of_samples)
    np.testing.assert_array_equal(actual.start_s, of_samples.start_s)


def test_tiles_are_an_array_and_a_selection(recording):
    actual = mfcc.tiles(recording)
    assert np.asarray(actual) is actual.values and len(actual) == 4
    assert np.asarray(actual, np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.concatenate([actual, actual])[4:], actual.values)
    for selection in (slice(1, 3), np.array([False, True, True, False]), [1, 2]):
        part = actual[selection]
        assert len(part) == 2 and part.recipe is actual.recipe
        np.testing.assert_array_equal(part.values, actual.values[1:3])
        np.testing.assert_array_equal(part.start_s, actual.start_s[1:3])
    with pytest.raises(TypeError, match=r"Tiles: selection: expected a slice.* got 2. The features .* in values\[i\]"):
        actual[2]
    with pytest.raises(dataclasses.FrozenInstanceError):
        actual.values = None


def test_too_short(recording, tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(TILE - 1), SR)
    with pytest.raises(mfcc.AudioError, match=r"short.wav: is too short: 9.29 s, a tile of 100 frames takes 9.29 s"):
        mfcc.tiles(tmp_path / "short.wav")
    assert mfcc.tiles(tmp_path / "short.wav", n_frames=99).values.shape == (1, 40, 99, 1)
    for y in (tmp_path / "short.wav", noise(TILE - 1), noise(100), np.zeros(0, np.float32)):
        empty = mfcc.tiles(y, on_short="empty")
        assert empty.values.shape == (0, 40, 100, 1) and len(empty) == len(empty.start_s) == len(empty.level_dbfs) == 0
        assert empty.silent.dtype == bool
    for n in (0, 100, TILE - 1):
        with pytest.raises(
            ValueError, match=r"^tiles: source: expected more samples, got .* s, a tile of 100 frames takes 9.29 s"
        ):
            mfcc.tiles(noise(n))


def test_truncated(recording):
    recording.write_bytes(recording.read_bytes()[: 4 * 3 * TILE])
    with pytest.raises(mfcc.AudioError, match="truncated"):
        mfcc.tiles(recording)
    with pytest.warns(mfcc.AudioWarning, match="truncated"):
        assert len(mfcc.tiles(recording, on_truncated="keep")) == 2


def test_integers_need_a_scale():
    integers = (noise(TILE) * 32768).astype(np.int16)
    recipe = dataclasses.replace(FILMSCORE, integer_full_scale=32768)
    np.testing.assert_array_equal(mfcc.tiles(integers, recipe), mfcc.tiles((integers / 32768).astype(np.float32)))
    with pytest.raises(TypeError, match=r"^tiles: y: expected floating-point samples"):
        mfcc.tiles(integers)


@pytest.mark.parametrize(
    "source, options, error, match",
    [
        (noise(TILE).reshape(2, -1), {}, ValueError, "y: expected mono samples"),
        (np.full(TILE, np.nan, np.float32), {}, ValueError, "y: expected finite samples"),
        (noise(TILE), {"recipe": "HTK"}, TypeError, "recipe: expected an MFCC, got str"),
        (noise(TILE), {"n_frames": 0}, ValueError, "n_frames: expected an integer of at least 1"),
        (noise(TILE), {"hop_frames": 0}, ValueError, "hop_frames: expected an integer of at least 1"),
        (noise(TILE), {"silence_dbfs": np.nan}, ValueError, "silence_dbfs: expected a finite number"),
        (noise(TILE), {"offset": -1}, ValueError, "offset: expected a finite number of at least 0"),
        (noise(TILE), {"on_short": "pad"}, ValueError, "on_short: expected one of 'raise', 'empty'"),
        (noise(TILE), {"on_truncated": "pad"}, ValueError, "on_truncated: expected one of 'raise', 'keep'"),
    ],
)
def test_arguments_out_of_range(source, options, error, match):
    with pytest.raises(error, match=f"^tiles: {match}"):
        mfcc.tiles(source, **options)
