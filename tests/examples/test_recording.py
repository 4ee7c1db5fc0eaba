"""From a file or samples to tiles: loudness, silence, stems, memory, and the reasons of refusal."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

import mfcc
from filmscore import recording
from filmscore.recording import Settings, active_level_dbfs, cut_recording, read_recording

DATA = Path(__file__).parents[2] / "examples" / "data"
SR = 22050
SETTINGS = Settings(mfcc.FILMSCORE)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * SR)).clip(-3, 3)).astype(np.float32)


def write(path: Path, y: np.ndarray) -> Path:
    soundfile.write(path, y, SR, subtype="FLOAT")
    return path


@pytest.mark.parametrize("name", ["return_to_home.ogg", "Illurock.opus"])
@pytest.mark.parametrize("loudness_dbfs", [-20.0, None])
def test_tiles_of_a_file_and_of_its_samples_are_those_of_the_recipe(name, loudness_dbfs):
    settings = Settings(mfcc.FILMSCORE, loudness_dbfs=loudness_dbfs)
    of_file = read_recording(DATA / name, settings)
    y, _ = mfcc.load(DATA / name, SR)
    of_samples = cut_recording(y, settings)
    gain = 1.0 if loudness_dbfs is None else 10 ** ((loudness_dbfs - active_level_dbfs(y, -60)) / 20)
    expected = mfcc.tiles(y * np.float32(gain), mfcc.FILMSCORE)
    for actual in (of_file, of_samples):
        np.testing.assert_array_equal(actual.tiles.values, of_file.tiles.values)
        np.testing.assert_allclose(actual.tiles.values, expected.values, atol=2e-2)
        np.testing.assert_array_equal(actual.tiles.start_s, expected.start_s)
        np.testing.assert_allclose(actual.tiles.level_dbfs, mfcc.tiles(y, mfcc.FILMSCORE).level_dbfs)
        assert actual.tiles.recipe == mfcc.FILMSCORE
        assert actual.duration_s == len(y) / SR and actual.n_silent == 0


def test_silent_windows_have_no_tile():
    y = noise(40)
    y[10 * SR : 30 * SR] = 0
    recording = cut_recording(y, SETTINGS)
    assert (len(recording.tiles), recording.n_silent, recording.duration_s) == (3, 1, 40.0)
    assert not recording.tiles.silent.any()


def test_stems_are_added_and_only_so_many_seconds_are_read(tmp_path):
    y, part = noise(40), noise(40, seed=5)
    whole = read_recording(write(tmp_path / "whole.wav", y), SETTINGS, duration_s=28.5)
    left, right = write(tmp_path / "left.wav", y - part), write(tmp_path / "right.wav", part[: 30 * SR])
    both = read_recording(left, SETTINGS, stems=[right], duration_s=28.5)
    assert whole.duration_s == both.duration_s == 28.5
    np.testing.assert_allclose(whole.tiles.values, both.tiles.values, atol=1e-2)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(20 * SR, np.float32), "silent: nothing above -60 dBFS"),
        (np.zeros(100, np.float32), "silent: nothing above -60 dBFS"),
        (noise(9.28), "9.28 s long, shorter than a window of 9.29 s"),
        (np.concatenate([noise(0.1, 0.004), np.zeros(20 * SR)]), "silent: no window of 9.29 s above -60 dBFS"),
    ],
)
def test_the_reason_is_the_same_for_files_and_samples(tmp_path, samples, reason):
    path = write(tmp_path / "x.wav", samples)
    with pytest.raises(mfcc.AudioError) as of_file:
        read_recording(path, SETTINGS)
    with pytest.raises(mfcc.AudioError) as of_samples:
        cut_recording(samples, SETTINGS)
    assert of_file.value.reason == of_samples.value.reason == reason
    assert str(of_file.value) == f"{path}: {reason}" and str(of_samples.value) == f"samples: {reason}"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.full(20 * SR, np.nan, np.float32), "expected finite samples, got NaN or infinity"),
        (np.zeros((2, 20 * SR), np.float32), r"expected floats of shape \(n_samples,\), got float32 of shape \(2, "),
        (np.zeros(20 * SR, np.int16), "got int16"),
    ],
)
def test_wrong_samples_are_refused(samples, message):
    with pytest.raises(ValueError, match=message) as caught:
        cut_recording(samples, SETTINGS)
    assert not isinstance(caught.value, mfcc.AudioError)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    minutes = 6
    with soundfile.SoundFile(tmp_path / "long.flac", "w", SR, 1) as file:
        for k in range(minutes):
            file.write(noise(60, seed=k))
    read_recording(DATA / "return_to_home.ogg", SETTINGS)  # load what is loaded only once
    tracemalloc.start()
    try:
        recording = read_recording(tmp_path / "long.flac", SETTINGS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    samples = minutes * 60 * SR * 4
    assert len(recording.tiles) == 38 and peak < samples / 4


def test_decoded_samples_go_to_the_folder_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    path = write(tmp_path / "x.wav", noise(10))
    assert len(read_recording(path, SETTINGS, scratch=tmp_path).tiles) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["x.wav"]
    with pytest.raises(OSError, match="nowhere"):
        read_recording(path, SETTINGS)


def flac_of_silence(path: Path, hours: float) -> Path:
    """Write noise and hours of silence, which take next to nothing as FLAC."""
    with soundfile.SoundFile(path, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        file.write(noise(5)[: 8000 * 10])
        for _ in range(round(hours * 60)):
            file.write(np.zeros(60 * 8000, np.int16))
    return path


def test_a_recording_that_turns_out_to_be_too_long_is_refused_while_it_is_decoded(tmp_path, monkeypatch):
    path = flac_of_silence(tmp_path / "bomb.flac", 2)
    assert path.stat().st_size < 7205 * SR * 4 / 1000
    written, plain = [], recording._stored

    def counted(samples, file, folder):
        return plain((written.append(len(y)) or y for y in samples), file, folder)

    monkeypatch.setattr(recording, "_stored", counted)
    with pytest.raises(mfcc.AudioError, match=r"bomb\.flac: longer than 0.5 hours; --max-length takes more"):
        read_recording(path, SETTINGS, longest_s=1800)
    assert sum(written) <= 1800 * SR
    assert read_recording(path, SETTINGS, longest_s=3 * 3600).duration_s == pytest.approx(7205, abs=20)


def test_room_is_left_on_the_disk_of_the_temporary_folder(tmp_path, monkeypatch):
    path = write(tmp_path / "x.wav", noise(10))
    monkeypatch.setattr(recording, "SPARE", 1 << 62)
    with pytest.raises(OSError, match="no room for decoded samples") as caught:
        read_recording(path, SETTINGS, scratch=tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_active_level():
    y = noise(5)
    level = 10 * np.log10(np.mean(y.astype(float) ** 2))
    assert active_level_dbfs(y, -60) == pytest.approx(level, abs=1e-6)
    quiet = np.concatenate([np.zeros(2048 * 700, np.float32), y[: 2048 * 40]])
    assert active_level_dbfs(quiet, -60) == pytest.approx(level, abs=0.1)
    assert active_level_dbfs(quiet[:2048], -60) == -np.inf
