"""A folder of audio to tiles and back: small recordings that the test makes, broken ones among them."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import build_features
import numpy as np
import pytest
import soundfile

import mfcc
from filmscore.corpus import GENRES, ManifestError, Track, read_tags
from filmscore.features import FeaturesError, extract, load_features
from filmscore.recording import Settings

SR = 22050
TILE = 100 * 2048  # samples of a window


def noise(seconds: float, level: float = 0.1, seed: int = 0, channels: int = 1) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal((round(seconds * SR), channels)).clip(-3, 3)


def write_tags(path: Path, rows: dict[str, str], header: str = "path,tags") -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows.items()])
    return path


@pytest.fixture
def music(tmp_path) -> Path:
    """Make two good recordings of 2 and 3 windows in two folders, and their tags."""
    folder = tmp_path / "music"
    for name, seconds, seed in (("a/one.wav", 19, 1), ("b/two.flac", 28, 2)):
        (folder / name).parent.mkdir(parents=True)
        soundfile.write(folder / name, noise(seconds, seed=seed), SR)
    write_tags(tmp_path / "tags.csv", {"a/one.wav": "Drama", "b/two.flac": "Action; Sci-Fi"})
    return folder


def build(music: Path, *more: str, out: str = "out") -> int:
    place = music.parent
    tags, target = str(place / "tags.csv"), str(place / out)
    return build_features.main([str(music), "--tags", tags, "--out", target, "--processes", "1", *more])


def expected_tiles(path: Path, gain: float) -> np.ndarray:
    y, _ = mfcc.load(path, SR)
    coefficients = mfcc.FILMSCORE(y * np.float32(gain))
    return np.stack([coefficients[:, i : i + 100, None] for i in range(0, coefficients.shape[1] - 99, 100)])


def test_build_and_load(music, capsys):
    assert build(music) == 0
    features = load_features(music.parent / "out")
    assert isinstance(features.tiles, np.memmap) and features.tiles.shape == (5, 40, 100, 1)
    assert features.track_of_tile.tolist() == [0, 0, 1, 1, 1]
    assert [(t.id, t.soundtrack, t.game, t.tags) for t in features.tracks] == [
        ("a/one.wav", "a", "a", ("Drama",)),
        ("b/two.flac", "b", "b", ("Action", "Sci-Fi")),
    ]
    assert features.class_names == GENRES and features.recipe == mfcc.FILMSCORE
    assert features.tags.sum() == 3 and features.labels.shape == (5, 10) and features.labels[:2, 4].all()
    np.testing.assert_allclose(features.start_s, np.array([0, 1, 0, 1, 2]) * TILE / SR, atol=1e-3)
    np.testing.assert_allclose(features.level_dbfs, -20, atol=0.3)
    y, _ = mfcc.load(music / "a/one.wav", SR)
    gain = 0.1 / np.sqrt(np.mean(np.square(y, dtype=float)))
    np.testing.assert_allclose(features.tiles[:2], expected_tiles(music / "a/one.wav", gain), atol=2e-3)
    out = capsys.readouterr().out
    assert "5 tiles of 2 tracks" in out and "Sci-Fi" in out


@pytest.mark.parametrize(
    ("by", "expected"), [("window", [0, 1, 2, 3, 4]), ("track", [0, 0, 1, 1, 1]), ("game", [0, 0, 0, 0, 0])]
)
def test_groups(music, by, expected):
    with open(music.parent / "tags.csv", "w") as file:
        file.write("path,tags,soundtrack,game\na/one.wav,Drama,x,film\nb/two.flac,Crime,y,film\n")
    assert build(music) == 0
    features = load_features(music.parent / "out")
    assert features.groups(by).tolist() == expected
    assert features.groups("soundtrack").tolist() == [0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="expected window, track, cue, soundtrack or game, got 'film'"):
        features.groups("film")


def test_broken_files_are_reported_and_the_rest_is_done(music, capsys):
    soundfile.write(music / "short.wav", noise(3), SR)
    soundfile.write(music / "silent.wav", noise(20, 1e-5), SR)
    soundfile.write(music / "nan.wav", np.full(20 * SR, np.nan, np.float32), SR, subtype="FLOAT")
    (music / "empty.ogg").write_bytes(b"")
    (music / "text.mp3").write_text("no music\n" * 1000)
    (music / "cut.wav").write_bytes((music / "a/one.wav").read_bytes()[:100_000])
    bad = ["short.wav", "silent.wav", "nan.wav", "empty.ogg", "text.mp3", "cut.wav", "missing.wav"]
    write_tags(music.parent / "tags.csv", dict.fromkeys([*bad, "a/one.wav"], "Drama"))
    assert build(music) == 1
    features, out = load_features(music.parent / "out"), capsys.readouterr().out
    assert [track.id for track in features.tracks] == ["a/one.wav"] and len(features.tiles) == 2
    errors = {error["track"]: error["error"] for error in features.description["errors"]}
    assert sorted(errors) == sorted(bad)
    for name, error in errors.items():
        assert str(music / name) in error and error in out
    for name, words in {
        "short.wav": "3.00 s long, shorter than a window of 9.29 s",
        "silent.wav": "silent: nothing above -60 dBFS",
        "nan.wav": "expected finite samples",
        "empty.ogg": "is empty",
        "text.mp3": "is not audio",
        "cut.wav": "truncated",
        "missing.wav": "no such file",
    }.items():
        assert words in errors[name]
    assert not [path for path in (music.parent / "out").rglob("*") if path.name.startswith(".") or "tmp" in path.name]


def test_nothing_at_all_to_build(music):
    write_tags(music.parent / "tags.csv", {"missing.wav": "Drama"})
    with pytest.raises(SystemExit, match=r"no track gave a tile; the first error: .*missing\.wav: no such file"):
        build(music)


def test_a_second_run_does_only_what_changed(music):
    assert build(music) == 0
    parts = {path: path.stat().st_mtime_ns for path in (music.parent / "out" / "parts").iterdir()}
    soundfile.write(music / "b/two.flac", noise(40, seed=3), SR)
    assert build(music) == 0
    again = {path: path.stat().st_mtime_ns for path in (music.parent / "out" / "parts").iterdir()}
    assert len(again) == 2 and sum(again[path] == time for path, time in parts.items()) == 1
    assert load_features(music.parent / "out").track_of_tile.tolist() == [0, 0, 1, 1, 1, 1]
    assert build(music, "--loudness", "none") == 0
    assert not set(again.values()) & {path.stat().st_mtime_ns for path in parts}


def test_a_damaged_part_is_made_again(music):
    assert build(music) == 0
    before = np.array(load_features(music.parent / "out").tiles)
    part = next((music.parent / "out" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:1000])
    assert build(music) == 0
    assert np.array_equal(before, load_features(music.parent / "out").tiles)


def test_processes_give_the_same_as_one(music):
    assert build(music) == 0 and build(music, "--processes", "2", out="two") == 0
    one, two = (load_features(music.parent / name) for name in ("out", "two"))
    assert np.array_equal(one.tiles, two.tiles) and one.tracks == two.tracks


def test_silent_windows_are_left_out(music):
    y = noise(37.5)[: 4 * TILE]
    y[TILE : 3 * TILE] = 0
    soundfile.write(music / "gap.wav", y, SR)
    write_tags(music.parent / "tags.csv", {"gap.wav": "Drama"})
    assert build(music) == 0
    features = load_features(music.parent / "out")
    np.testing.assert_allclose(features.start_s, [0, 3 * TILE / SR], atol=1e-3)
    assert build(music, "--silence", "-200") == 0  # digital silence is below any level
    assert len(load_features(music.parent / "out").tiles) == 2


def test_loudness_does_not_matter_unless_asked_for(music):
    y = noise(10)
    for name, gain in (("soft.wav", 0.02), ("loud.wav", 2.0)):
        soundfile.write(music / name, y * gain, SR, subtype="FLOAT")
    write_tags(music.parent / "tags.csv", {"soft.wav": "Drama", "loud.wav": "Drama"})
    assert build(music) == 0
    features = load_features(music.parent / "out")
    np.testing.assert_allclose(features.tiles[0], features.tiles[1], atol=2e-3)
    np.testing.assert_allclose(np.diff(features.level_dbfs), 40, atol=0.1)


def test_channels_and_rates(music):
    t = np.arange(48000 * 12) / 48000
    tone = 0.2 * np.sin(2 * np.pi * 440 * t)
    soundfile.write(music / "eight.wav", np.stack([tone * (i + 1) / 4.5 for i in range(8)], 1), 48000)
    soundfile.write(music / "low.wav", tone[::6], 8000)
    write_tags(music.parent / "tags.csv", {"eight.wav": "Drama", "low.wav": "Drama"})
    assert build(music) == 0
    features = load_features(music.parent / "out")
    assert len(features.tiles) == 2
    np.testing.assert_allclose(features.level_dbfs, 20 * np.log10(0.2 / np.sqrt(2)), atol=0.1)


def test_16_bits(music):
    assert build(music) == 0 and build(music, "--dtype", "int16", out="coded") == 0
    plain, coded = (load_features(music.parent / name).tiles for name in ("out", "coded"))
    step = np.ptp(np.asarray(plain), axis=(0, 2, 3)) / 65534
    assert np.all(np.abs(np.asarray(coded) - plain).max(axis=(0, 2, 3)) <= 0.51 * step + 1e-6)
    assert (music.parent / "coded/tiles.npy").stat().st_size < 0.51 * (music.parent / "out/tiles.npy").stat().st_size


def test_options_reach_the_recipe(music):
    assert build(music, "--fmax", "9500", "--hop-frames", "50", "--classes", "Drama,Action,Sci-Fi") == 0
    features = load_features(music.parent / "out")
    assert features.recipe == dataclasses.replace(mfcc.FILMSCORE, fmax=9500)
    assert features.class_names == ("Drama", "Action", "Sci-Fi")
    np.testing.assert_allclose(np.diff(features.start_s[:3]), TILE / SR / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "recipe", "shape"),
    [
        (["--set", "output=log_mel", "--set", "n_mels=64"], {"output": "log_mel", "n_mels": 64}, (5, 64, 100, 1)),
        (
            ["--set=output=log_mel", "--set=n_mels=128", "--set=n_fft=1024", "--frames=200", "--dtype=int16"],
            {"output": "log_mel", "n_mels": 128, "n_fft": 1024},
            (5, 128, 200, 1),
        ),
        (["--set", "output=log_spectrum", "--hop-frames", "50"], {"output": "log_spectrum"}, (8, 1025, 100, 1)),
        (["--set", "output=spectrum", "--fmax", "9500"], {"output": "spectrum", "fmax": 9500}, (5, 1025, 100, 1)),
    ],
)
def test_bands_and_spectra_in_place_of_coefficients(music, options, recipe, shape):
    assert build(music, *options) == 0
    features = load_features(music.parent / "out")
    assert features.recipe == mfcc.FILMSCORE.replace(**recipe) and features.tiles.shape == shape
    y, _ = mfcc.load(music / "a/one.wav", SR)
    gain = 0.1 / np.sqrt(np.mean(np.square(y, dtype=float)))
    expected = features.recipe(y * np.float32(gain))[:, : shape[2]]
    wrong = np.abs(features.tiles[0][:, :, 0] - expected)
    # Not exact, because the loudness is that of active blocks; and 16-bit codes round.
    assert np.percentile(wrong, 99) < (1e-2 if recipe["output"] != "spectrum" else 1e-3 * expected.max())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "n_mel=64"], "--set: expected KNOB=VALUE with a KNOB out of sr, "),
        (["--set", "fmax=12000"], "MFCC: fmax: expected at most sr / 2 = 11025 Hz, got 12000"),
        (["--frames", "0"], "--frames, --hop-frames and --processes: expected at least 1"),
    ],
)
def test_wrong_options(music, capsys, options, message):
    with pytest.raises(SystemExit, match="2"):
        build(music, *options)
    assert message in capsys.readouterr().err


def test_stems_and_use_s_of_a_track_are_obeyed(tmp_path):
    y, settings = noise(40), Settings(mfcc.FILMSCORE)
    part = noise(40, seed=5)
    for name, stem in (("whole", y), ("left", y - part), ("right", part[: 30 * SR])):
        soundfile.write(tmp_path / f"{name}.wav", stem, SR, subtype="FLOAT")
    tiles = []
    for files in (("whole.wav",), ("left.wav", "right.wav")):
        track = Track("x", files, "s", "g", ("Drama",), use_s=28.5)
        result = extract.extract(extract.TrackJob(track, tmp_path, tmp_path / "p.npz", settings))
        assert (result.error, result.n_tiles, result.seconds) == ("", 3, 28.5)
        tiles.append(extract.read_part(tmp_path / "p.npz").values)
    np.testing.assert_allclose(tiles[0], tiles[1], atol=1e-2)


def test_tag_tables(tmp_path):
    path = write_tags(tmp_path / "tags.csv", {"a.wav": "Western"})
    with pytest.raises(ManifestError, match=r"tags\.csv: a\.wav: expected tags of Action, .*, got Western"):
        read_tags(path)
    assert read_tags(path, ("Western",))[0].tags == ("Western",)
    path.write_text("path,tags\na.wav,Drama\na.wav,Crime\n")
    with pytest.raises(ManifestError, match=r"expected each path once, got 'a\.wav' again"):
        read_tags(path)


def test_the_corpus_without_its_audio(tmp_path):
    with pytest.raises(SystemExit, match="no track of the corpus is in"):
        build_features.main([str(tmp_path), "--out", str(tmp_path / "out")])


def spoil_json(out: Path) -> None:
    (out / "features.json").write_text("{")


def spoil_version(out: Path) -> None:
    description = json.loads((out / "features.json").read_text())
    (out / "features.json").write_text(json.dumps(description | {"version": 99}))


def spoil_index(out: Path) -> None:
    text = (out / "index.csv").read_text()
    (out / "index.csv").write_text(text[: text.rindex("b/two")])


def spoil_track(out: Path) -> None:
    text = (out / "index.csv").read_text()
    (out / "index.csv").write_text(text.replace("b/two.flac", "other.flac"))


def spoil_tiles(out: Path) -> None:
    (out / "tiles.npy").write_bytes((out / "tiles.npy").read_bytes()[:5000])


def spoil_pickle(out: Path) -> None:
    np.save(out / "tiles.npy", np.array([{}], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_json, r"features\.json: expected JSON"),
        (spoil_version, r"features\.json: expected filmscore\.features of version 1"),
        (spoil_index, r"expected tiles of shape \(4, 40, n_frames, 1\)"),
        (spoil_track, r"index\.csv: track 'other\.flac' is not in tracks\.csv"),
        (spoil_tiles, "broken tiles"),
        (spoil_pickle, "broken tiles"),
        (lambda out: os.remove(out / "tiles.npy"), "found none"),
        (lambda out: os.remove(out / "features.json"), r"found no features\.json"),
    ],
)
def test_loading_a_damaged_folder(music, spoil, message):
    assert build(music) == 0
    spoil(music.parent / "out")
    with pytest.raises(FeaturesError, match=message):
        load_features(music.parent / "out")
