"""Features of recordings in blocks: those of their samples, bit for bit, in memory that does not grow."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, KALDI, LIBROSA, LIBROSA_UNLIMITED, MFCC
from mfcc.recordings import whole_features

SR = 22050


def noise(n, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.stack([noise(30 * 48000), noise(30 * 48000, 1)], axis=1), 48000)
    return path


RECIPES = {
    "published": FILMSCORE,
    "centred": LIBROSA_UNLIMITED,
    "of the whole clip": LIBROSA.replace(top_db=20.0),
    "mel bands": FILMSCORE.replace(output="log_mel", n_mels=64, hop_length=512),
    "a limited spectrum": FILMSCORE.replace(output="log_spectrum", log="decibel", top_db=10.0),
    "of another rate": MFCC(sr=16000, n_fft=512, win_length=400, hop_length=160, preemphasis=0.97, partial="pad"),
    "along the signal": FILMSCORE.replace(preemphasis=0.97, preemphasis_scope="signal"),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("excerpt", [{}, {"offset": 3.3, "duration": 7.7}])
def test_a_file_gives_what_its_samples_give(recording, recipe, excerpt):
    y, _ = mfcc.load(recording, recipe.sr, **excerpt)
    expected = recipe(y)
    for source, options in ((recording, excerpt), (y, {})):
        blocks = list(mfcc.stream(source, recipe, **options))
        assert all(block.shape[1] <= 512 for block in blocks)
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), expected)
        whole, seconds = whole_features("test", source, recipe, **options)
        np.testing.assert_array_equal(whole, expected)
        assert seconds == len(y) / recipe.sr
    np.testing.assert_array_equal(
        np.concatenate(list(recipe.stream(mfcc.blocks(recording, recipe.sr, **excerpt))), 1), expected
    )


@pytest.mark.parametrize(
    "recipe", [FILMSCORE, KALDI, LIBROSA, KALDI.replace(sr=8000)], ids=["published", "speech", "librosa", "telephone"]
)
def test_one_call_brings_a_file_to_the_rate_of_the_recipe(recording, recipe):
    y, _ = mfcc.load(recording, recipe.sr, offset=1.0, duration=5.0)
    actual = mfcc.features(recording, recipe, offset=1.0, duration=5.0)
    np.testing.assert_array_equal(actual, recipe(y, sr=recipe.sr))
    np.testing.assert_array_equal(mfcc.features(y, recipe), actual)
    assert actual.flags.c_contiguous


def test_what_is_too_short(tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(2047), SR)
    for recipe in (FILMSCORE, FILMSCORE.replace(log="decibel", top_db=80)):
        with pytest.raises(mfcc.AudioError, match=r"short.wav: is too short: 0.093 s, a frame takes 0.093 s\.$"):
            list(mfcc.stream(tmp_path / "short.wav", recipe))
        with pytest.raises(
            ValueError, match=r"^stream: source: expected more samples, got 0.045 s, a frame takes 0.093"
        ):
            list(mfcc.stream(noise(1000), recipe))


def test_a_truncated_file(recording):
    data = recording.read_bytes()
    recording.write_bytes(data[: len(data) // 2])
    with pytest.raises(mfcc.AudioError, match="truncated"):
        list(mfcc.stream(recording))
    with pytest.warns(mfcc.AudioWarning, match="truncated"):
        blocks = list(mfcc.stream(recording, on_truncated="keep"))
    assert sum(block.shape[1] for block in blocks) == pytest.approx(15 * FILMSCORE.frame_rate, abs=4)


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"recipe": "HTK"}, TypeError, "recipe: expected an MFCC, got str"),
        ({"offset": -1.0}, ValueError, "offset: expected a finite number of at least 0"),
        ({"duration": 0}, ValueError, "duration: expected a finite number above 0"),
        ({"on_truncated": "skip"}, ValueError, "on_truncated: expected one of 'raise', 'keep'"),
    ],
)
def test_arguments_out_of_range(options, error, match):
    with pytest.raises(error, match=f"^stream: {match}"):  # at once, without a look at the file
        mfcc.stream("unseen.wav", **options)
    with pytest.raises(error, match=f"^features: {match}"):
        mfcc.features("unseen.wav", **options)


_PEAK = """
import resource, sys
import mfcc

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

recipe = mfcc.MFCC.from_dict({recipe})
first = next(mfcc.stream(sys.argv[1], recipe, duration=60.0))  # libraries and kernels are loaded
before = peak()
n = sum(block.shape[1] for block in mfcc.stream(sys.argv[1], recipe))
streamed = peak() - before
tiles = mfcc.tiles(sys.argv[1], recipe)
print(n, streamed, peak() - before - tiles.values.nbytes / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the peak of resident memory")
@pytest.mark.parametrize("name", ["published", "a limited spectrum"])
def test_memory_does_not_grow_with_the_length(tmp_path, name):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 1) as sound:
        for _ in range(60):  # ten minutes: 53 MB as float32 at 22,050 Hz, 26 MB as spectra
            sound.write(noise(80_000))
    script = _PEAK.format(recipe=RECIPES[name].to_dict())
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    n, streamed, beside_tiles = map(float, run.stdout.split())
    assert n == RECIPES[name].n_frames(600 * SR)
    assert streamed < 8 and beside_tiles < 16, run.stdout
