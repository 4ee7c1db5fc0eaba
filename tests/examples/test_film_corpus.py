"""The films as a corpus, on a repository of made-up films that the test commits itself."""

import csv
import hashlib
import subprocess
from collections import Counter
from pathlib import Path

import build_features
import fetch_corpus
import numpy as np
import pytest
import soundfile

from filmscore import checkout, corpus
from filmscore.composers import composer_groups
from filmscore.features import load_features
from nnlite.model_selection import folds_by_group

SR = 22050
URL = "https://example.org/scores"
FILMS = {"Alpha": "Drama;History", "Beta, a Film": "Horror", "Gamma": "Sci-Fi;Thriller;Mystery"}
HEADER = ("path", "sha256", "soundtrack_id", "cue", "excerpt", "song", "title", "artist")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write_csv(path: Path, *rows: tuple) -> None:
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def write_manifest(folder: Path, commit: str, digests: dict[str, str]) -> None:
    sources = ("source", "tier", "version", "megabytes", "url", "alternatives")
    write_csv(folder / "sources.csv", sources, ("scores", "small", commit, 1, URL, ""))
    write_csv(
        folder / "soundtracks.csv", ("soundtrack_id", "genres", "year"), *((f, g, 2020) for f, g in FILMS.items())
    )
    rows = []
    for path, digest in digests.items():
        film = next(film for film in FILMS if path.startswith(f"audio/{film}"))
        rows.append((f"scores/{path}", digest, film, f"{film}: Theme", path[-5], "0", "Theme", f"{film[0]} Composer;X"))
    write_csv(folder / "tracks.csv", HEADER, *rows)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository of two excerpts of a cue of each film, and the manifest that lists them."""
    repository = tmp_path / "checkout"
    (repository / "audio").mkdir(parents=True)
    digests = {}
    rng = np.random.default_rng(0)
    for film in FILMS:
        for excerpt in (1, 2):
            path = repository / "audio" / f"{film} Größe {excerpt}.wav"
            soundfile.write(path, 0.1 * rng.standard_normal(15 * SR).clip(-3, 3), SR)
            digests[f"audio/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Scores")
    write_manifest(tmp_path / "manifest", git(repository, "rev-parse", "HEAD"), digests)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fetch(folder: str = "checkout") -> int:
    return fetch_corpus.main(["--films", folder, "--manifest", "manifest"])


def build(*more: str) -> int:
    options = ["--films", "--manifest", "manifest", "--out", "features", "--processes", "1", "--hop-frames", "20"]
    return build_features.main(["films", *options, *more])


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def same_files(place: Path) -> bool:
    copies = sorted((place / "films" / "scores" / "audio").iterdir())
    originals = sorted((place / "checkout" / "audio").iterdir())
    return [path.read_bytes() for path in copies] == [path.read_bytes() for path in originals]


def test_fetch_and_build(place, capsys):
    assert fetch() == 0 and same_files(place)
    assert "6 of 6 recordings" in capsys.readouterr().out
    assert fetch() == 0 and "(0 new, 6 were there)" in capsys.readouterr().out
    assert build() == 0
    features = load_features("features")
    # An excerpt of 15 s has 162 frames: windows of 100 begin at 0, 20, 40 and 60.
    assert len(features.tiles) == 6 * 4
    np.testing.assert_allclose(features.start_s[:4], np.arange(4) * 20 * 2048 / SR, atol=1e-3)
    assert features.groups("cue").tolist() == [0] * 8 + [1] * 8 + [2] * 8 == features.groups("game").tolist()
    assert [track.game for track in features.tracks[::2]] == list(FILMS)
    assert [track.tags for track in features.tracks[::2]] == [("Drama",), (), ("Sci-Fi", "Thriller")]
    assert {(track.song, track.title) for track in features.tracks} == {("0", "Theme")}
    assert features.tracks[0].piece == "Alpha: Theme" and features.tracks[0].artist == "A Composer;X"


def test_no_overlap_unless_asked_for(place):
    assert fetch() == 0 and build("--hop-frames", "100") == 0
    assert len(load_features("features").tiles) == 6


def test_fetch_from_a_bare_git_directory(place):
    git(place, "clone", "-q", "--bare", "checkout", "bare")
    assert fetch("bare") == 0 and same_files(place)


def test_fetch_takes_the_commit_and_not_the_work_tree(place):
    good = {path.name: path.read_bytes() for path in (place / "checkout" / "audio").iterdir()}
    for path in (place / "checkout" / "audio").iterdir():
        path.write_bytes(b"changed")
    git(place / "checkout", "commit", "-q", "-a", "-m", "Change")
    assert fetch() == 0
    assert {path.name: path.read_bytes() for path in (place / "films" / "scores" / "audio").iterdir()} == good


def test_fetch_without_the_checkout_says_how_to_bring_it(place, capsys):
    assert fetch("nowhere") == 1
    out = capsys.readouterr().out
    assert f"no checkout at nowhere. Bring it: git clone {URL} 'nowhere'" in out and "6 could not be had" in out


def test_a_folder_that_is_no_checkout(place, capsys):
    (place / "checkout" / "inside").mkdir()  # the repository around it is another one
    assert fetch("checkout/inside") == 1
    out = capsys.readouterr().out
    assert f"checkout/inside: expected a checkout of {URL}. Bring it: git clone" in out


def test_a_checkout_without_the_commit(place, capsys):
    commit = "0123456789" * 4
    change(place / "manifest" / "sources.csv", git(place / "checkout", "rev-parse", "HEAD"), commit)
    assert fetch() == 1
    out = capsys.readouterr().out
    assert f"checkout: the checkout lacks commit {commit}. Bring it: git -C 'checkout' fetch {URL} {commit}" in out


def test_a_checkout_without_the_files(place, capsys):
    tracks = place / "manifest" / "tracks.csv"
    change(tracks, "audio/Alpha Größe 1", "audio/Alpha other 1")
    digest = git(place / "checkout", "rev-parse", "HEAD:audio/Gamma Größe 2.wav")
    (place / "checkout" / ".git" / "objects" / digest[:2] / digest[2:]).unlink()  # as a snapshot without large files
    assert fetch() == 1
    out = capsys.readouterr().out
    for name in ("Alpha other 1.wav", "Gamma Größe 2.wav"):
        assert f"scores/audio/{name}: not in the checkout checkout at commit" in out
    assert "4 of 6 recordings" in out and "2 could not be had" in out


def test_another_file_of_the_same_name(place, capsys):
    tracks = place / "manifest" / "tracks.csv"
    good = hashlib.sha256((place / "checkout" / "audio" / "Alpha Größe 1.wav").read_bytes()).hexdigest()
    change(tracks, good, "0" * 64)
    assert fetch() == 1
    out = capsys.readouterr().out
    assert f"Alpha Größe 1.wav: another file of this name: expected SHA-256 {'0' * 64}, got {good}" in out
    assert not (place / "films" / "scores" / "audio" / "Alpha Größe 1.wav").exists() and "5 of 6" in out


def test_no_git(place, monkeypatch, capsys):
    monkeypatch.setattr(checkout.shutil, "which", lambda name: None)
    assert fetch() == 1
    assert "git is not on this system. Install it" in capsys.readouterr().out


def test_git_is_kept_to_the_folder(place, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(place / "elsewhere"))
    assert fetch() == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Drama;History", "Drama;Histori", r"soundtracks\.csv: Alpha: expected tags of Action, .*, got Histori"),
        ("Drama;History", "", r"soundtracks\.csv: Alpha: genres: expected at least one genre, got none"),
        ("Gamma", "Alpha", r"soundtracks\.csv: expected each soundtrack once, got 'Alpha' again"),
    ],
)
def test_unknown_genres(place, old, new, message):
    change(place / "manifest" / "soundtracks.csv", old, new)
    with pytest.raises(SystemExit, match=message):
        fetch()
    with pytest.raises(corpus.ManifestError, match=message):
        corpus.read_tracks(place / "manifest")


def test_a_recording_that_is_listed_twice(place):
    change(place / "manifest" / "tracks.csv", "Größe 2", "Größe 1")
    with pytest.raises(SystemExit, match=r"expected each path once, got .* again"):
        fetch()


def test_a_version_that_is_no_commit(place):
    change(place / "manifest" / "sources.csv", git(place / "checkout", "rev-parse", "HEAD"), "main")
    with pytest.raises(SystemExit, match="scores: version: expected the 40 digits of a commit, got 'main'"):
        fetch()


def test_a_cue_shorter_than_a_window(place, capsys):
    assert fetch() == 0
    soundfile.write(place / "films" / "scores" / "audio" / "Alpha Größe 1.wav", np.full(9 * SR, 0.1), SR)
    assert build() == 1
    assert "Alpha Größe 1.wav: 9.00 s long, shorter than a window of 9.29 s" in capsys.readouterr().out
    assert len(load_features("features").tiles) == 5 * 4


def test_a_film_in_two_folds(place):
    assert fetch() == 0 and build() == 0
    features = load_features("features")
    films = [features.tracks[k].game for k in features.track_of_tile]
    assert folds_by_group(features.groups("game"), films) == {"Alpha": 0, "Beta, a Film": 1, "Gamma": 2}
    with pytest.raises(ValueError, match="expected every group in one fold, got 'Alpha' in folds 0 and 1"):
        folds_by_group(features.track_of_tile % 2, films)


def test_films_come_from_one_checkout(place, capsys):
    with pytest.raises(SystemExit):
        fetch_corpus.main(["--films", "checkout", "--tier", "full"])
    assert "--films: all films come from one checkout" in capsys.readouterr().err


def test_composer_groups():
    def track(film: str, artist: str) -> corpus.Track:
        return corpus.Track(f"{film}{artist}", (), film, film, (), artist=artist)

    tracks = [track("D", "x; y"), track("B", "z"), track("B", "y"), track("A", "z"), track("C", ""), track("E", "")]
    assert composer_groups(tracks) == {"A": "A", "B": "A", "C": "C", "D": "A", "E": "E"}
    assert composer_groups(tracks[::-1]) == composer_groups(tracks)


def test_the_shipped_films():
    tracks = corpus.read_tracks(corpus.FILMS)
    assert len(tracks) == 400 and len({track.game for track in tracks}) == 102
    assert Counter(Counter(track.piece for track in tracks).values()) == {2: 200}
    shares = Counter(tag for film in {(track.game, track.tags) for track in tracks} for tag in film[1])
    assert shares["Drama"] == 76 and (shares["Thriller"], shares["Sci-Fi"], shares["Fantasy"], shares["Musical"]) == (
        9,
        9,
        7,
        2,
    )
    assert {track.game for track in tracks if not track.tags} == {"Samsara", "Island of the Hungry Ghosts"}
    groups = composer_groups(tracks)
    assert groups["Dune"] == groups["Interstellar"] and len(set(groups.values())) == 76
