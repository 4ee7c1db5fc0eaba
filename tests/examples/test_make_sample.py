"""The sample: a balanced choice from a made-up feature folder, and the sample that ships."""

import csv
import dataclasses
from pathlib import Path

import make_sample
import numpy as np
import pytest

import mfcc
from filmscore.corpus import GENRES, Track
from filmscore.features import load_features
from filmscore.features.folder import write_tables
from filmscore.features.selection import balanced_tracks, spread_windows

DATA = Path(__file__).parents[2] / "examples" / "data"


def make_tracks(*soundtracks: tuple[str, str, int, tuple[str, ...]]) -> list[Track]:
    return [
        Track(f"{name}/{i}.ogg", (), name, game, tags, None, "Expat", f"Piece {i}", "An artist", "A holder")
        for name, game, count, tags in soundtracks
        for i in range(count)
    ]


TRACKS = make_tracks(
    ("big", "war", 30, ("Action", "Sci-Fi")),
    ("big-2", "war", 10, ("Action", "Sci-Fi")),
    ("space", "space", 8, ("Action", "Sci-Fi")),
    ("tale", "tale", 5, ("Drama", "Fantasy")),
    ("rare", "rare", 2, ("Crime", "Fantasy")),
)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Make features of 55 tracks with 10 tiles each."""
    out, rng = tmp_path / "features", np.random.default_rng(0)
    scale = np.linspace(1, 20, 40)[:, None, None]
    rows = [(track, 9.288 * i, -20.0) for track in TRACKS for i in range(10)]
    out.mkdir()
    np.save(out / "tiles.npy", (rng.normal(size=(len(rows), 40, 100, 1)) * scale).astype(np.float32))
    about = {"class_names": GENRES, "recipe": mfcc.FILMSCORE.to_dict(), "coding": None, "versions": {}, "options": {}}
    write_tables(out, TRACKS, rows, about)
    return out


def test_choice_is_balanced():
    chosen = balanced_tracks(TRACKS, 20, 8, np.random.default_rng(0))
    games = {game: sum(track.game == game for track in chosen) for game in ("war", "space", "tale", "rare")}
    assert games["rare"] == 2 and games["tale"] == 5  # all tracks of the rare classes
    assert abs(games["war"] - games["space"]) <= 1  # the others are even, whatever they have
    assert [TRACKS.index(track) for track in chosen] == sorted(TRACKS.index(track) for track in chosen)
    soundtracks = [sum(track.soundtrack == name for track in chosen) for name in ("big", "big-2")]
    assert abs(soundtracks[0] - soundtracks[1]) <= 1


def test_choice_ends_with_the_tracks_and_at_the_limit_of_a_game():
    assert len(balanced_tracks(TRACKS, 1000, 1000, np.random.default_rng(0))) == len(TRACKS)
    chosen = balanced_tracks(TRACKS, 1000, 4, np.random.default_rng(0))
    assert len(chosen) == 4 + 4 + 4 + 2


def test_windows_are_spread_over_the_track(folder):
    features = load_features(folder)
    rows = spread_windows(features, features.tracks[:2], 5)
    assert rows.tolist() == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]
    assert spread_windows(features, features.tracks[:1], 99).tolist() == list(range(10))


def test_sample_is_a_feature_folder(folder, tmp_path, capsys):
    options = ["--tracks", "12", "--windows", "4", "--exclude", "space"]
    assert make_sample.main([str(folder), "--out", str(tmp_path / "sample"), *options]) == 0
    assert "48 tiles of 12 tracks of 3 games" in capsys.readouterr().out
    features, sample = load_features(folder), load_features(tmp_path / "sample")
    assert sample.tiles.shape == (48, 40, 100, 1) and sample.tiles.dtype == np.float32
    assert sample.recipe == mfcc.FILMSCORE and sample.class_names == GENRES
    assert not any(track.soundtrack == "space" for track in sample.tracks)
    assert {track.copyright for track in sample.tracks} == {"A holder"}
    number = {track.id: i for i, track in enumerate(features.tracks)}
    step = np.array(sample.description["coding"]["scale"])[:, None, None]
    for i in range(0, 48, 7):
        track = sample.tracks[sample.track_of_tile[i]]
        own = (features.track_of_tile == number[track.id]) & np.isclose(features.start_s, sample.start_s[i], atol=0.01)
        assert np.all(np.abs(sample.tiles[i] - features.tiles[np.flatnonzero(own)[0]]) <= 0.501 * step)


def test_games_of_short_tracks_give_what_they_have(folder):
    features = load_features(folder)
    some = features.track_of_tile < 40  # the game "war"
    short = dataclasses.replace(features, track_of_tile=np.where(some, features.track_of_tile, 40))
    chosen = make_sample.long_enough(short, 11, 10)
    assert {track.game for track in chosen} == {"war", "space"} and len(chosen) == 41
    assert make_sample.long_enough(short, 10, 5)[-1] is features.tracks[40]
    assert [track.game for track in make_sample.long_enough(short, 100, 10)][-1] == "space"
    assert {track.game for track in make_sample.long_enough(short, 100, 50)} == {"space"}


def test_a_folder_without_long_tracks(folder, tmp_path):
    with pytest.raises(SystemExit, match=r"no track in .* has 11 windows"):
        make_sample.main([str(folder), "--out", str(tmp_path / "sample"), "--windows", "11", "--least", "11"])
    with pytest.raises(SystemExit, match=r"expected a folder of features, found no features\.json"):
        make_sample.main([str(tmp_path), "--out", str(tmp_path / "sample")])


@pytest.fixture(scope="module")
def shipped():
    return load_features(DATA / "sample")


def test_the_shipped_sample_is_small_and_sound(shipped):
    assert sum(path.stat().st_size for path in (DATA / "sample").iterdir()) <= 11e6
    assert shipped.class_names == GENRES and shipped.recipe == mfcc.FILMSCORE
    assert np.isfinite(shipped.tiles).all() and shipped.tiles.shape[1:] == (40, 100, 1)
    assert shipped.tags.any(axis=0).all() and shipped.tags.any(axis=1).all()
    counts = np.bincount(shipped.track_of_tile)
    assert counts.min() >= 5 and np.mean(counts == 8) > 0.9
    rows = set(zip(shipped.track_of_tile.tolist(), shipped.start_s.tolist(), strict=True))
    assert len(rows) == len(shipped.tiles)


def test_the_shipped_sample_does_not_hold_what_is_never_heard(shipped):
    assert not {track.soundtrack for track in shipped.tracks} & set(make_sample.NEVER_HEARD)
    for name in ("return_to_home.ogg", "Illurock.opus"):
        tiles = mfcc.tiles(DATA / name)
        assert len(tiles) >= 2 and not tiles.silent.any()


def test_every_shipped_track_names_its_holders_and_licence():
    with open(DATA / "sample" / "tracks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100 and all(row["licence"] and row["copyright"] for row in rows)


def test_the_shipped_sample_can_be_split_by_game(shipped):
    games = np.array([track.game for track in shipped.tracks])
    assert len(set(games)) >= 30
    for name, column in zip(shipped.class_names, shipped.tags.T, strict=True):
        if name not in ("Crime", "Musical", "Romance", "Thriller"):
            assert len(set(games[column])) >= 4, name
