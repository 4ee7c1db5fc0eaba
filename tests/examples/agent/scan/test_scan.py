"""Scanning: only what is new or changed is read, and nothing that is moved, deleted or away for a while is lost."""

import os
import shutil

import numpy as np
import pytest

from filmscore.agent import analyse
from filmscore.agent import scan as scanning
from filmscore.agent.basis import unit
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.scan import scan
from filmscore.tagging import Tagger
from nnlite import FileFormatError
from tests.examples.agent.libraries import model_file, single_model_file, write_noise
from tests.examples.agent.scan.places import ALL, again, paths


def test_values_are_those_of_the_model(scanned):
    tagger = Tagger.load(model_file())
    with Library.open(scanned / "library") as library:
        assert {track.name for track in library.tracks()} == {"0.flac", "1.flac", "2.flac", "3.flac"}
        for track in library.tracks():
            tiles = tagger.tiles(track.path)
            windows = library.windows(track)
            np.testing.assert_allclose(windows.values, tagger.values(tiles.values), rtol=1e-5)
            np.testing.assert_allclose(windows.start_s, tiles.start_s, rtol=1e-6)
            assert track.duration_s == pytest.approx(20.0) and track.n_windows == 2
            # In the library's few axes (the model has 24 units) nothing of the embedding is lost.
            _, basis = analyse.model_of(str(library.folder), library.about["id"])
            assert basis.width == 24
            expected = unit(basis.project(tagger.embedding(tiles.values)))
            np.testing.assert_allclose(windows.directions / 127, expected, atol=0.5 / 127 + 1e-6)


def test_a_single_network_works_as_well(tmp_path):
    write_noise(tmp_path / "music" / "a.flac", 0)
    again(tmp_path, model=single_model_file())
    with Library.open(tmp_path / "library") as library:
        windows = library.windows(library.track(1))
        np.testing.assert_allclose(windows.values.sum(axis=1), 1, atol=1e-5)
        assert library.width == 6


def test_the_second_scan_reads_nothing(place, monkeypatch):
    monkeypatch.setattr(scanning, "analyse", None)  # calling it would be an error
    report = again(place)
    assert (report.files, report.unchanged, report.new, report.problems) == (4, 4, 0, [])


def test_new_changed_moved_and_copied_files(place):
    music = place / "music"
    write_noise(music / "new.flac", 10)
    write_noise(music / "album 0" / "0.flac", 11)
    (music / "album 1").rename(music / "album renamed")
    shutil.copy(music / "album 0" / "2.flac", music / "copy.flac")
    os.utime(music / "album 0" / "2.flac", (1, 1))
    report = again(place)
    assert (report.new, report.changed, report.moved, report.copies, report.unchanged) == (1, 1, 2, 1, 1)
    assert report.missing == 2
    with Library.open(place / "library") as library:
        assert library.n_tracks == 6  # the earlier content of 0.flac is not dropped
        copies = library.with_path(str(music / "copy.flac"))
        assert library.paths(copies) == [str(music / "album 0" / "2.flac"), str(music / "copy.flac")]
        moved = library.with_path(str(music / "album renamed" / "1.flac"))
        assert moved <= 4 and library.with_path(str(music / "album 1" / "1.flac")) is None
    report = again(place)
    assert (report.unchanged, report.new, report.moved, report.missing) == (6, 0, 0, 0)


def test_a_file_that_is_deleted_is_known_when_it_comes_back(place, monkeypatch):
    music = place / "music"
    (music / "album 0" / "0.flac").rename(place / "away.flac")
    assert again(place).missing == 1
    assert paths(place) == ALL - {"album 0/0.flac"} and paths(place, missing=True) == ALL
    monkeypatch.setattr(analyse, "analysis_of", None)
    (place / "away.flac").rename(music / "back.flac")
    report = again(place)
    assert (report.moved, report.problems) == (1, []) and paths(place) == ALL - {"album 0/0.flac"} | {"back.flac"}


def test_music_that_was_moved_to_another_folder_is_found_there(place):
    """Only the new folder is scanned; the old one is gone, and may be scanned as well."""
    (place / "music").rename(place / "new")
    report = scan(place / "library", [str(place / "new")])
    assert (report.moved, report.copies, report.new) == (4, 0, 0)
    expected = {str(place / "new" / name) for name in ALL}
    with Library.open(place / "library") as library:
        assert {track.path for track in library.tracks(missing=True)} == expected
        assert {track.path for track in library.tracks_of([1, 2, 3, 4])} == expected
        assert [library.paths(number) for number in (1, 2, 3, 4)] == [[t.path] for t in library.tracks_of([1, 2, 3, 4])]
        assert not any(track.missing for track in library.tracks())
        assert {os.path.dirname(os.path.relpath(path, place)) for path in library.albums.values()} == {"new"}
        assert library.with_path(str(place / "music" / "album 0" / "0.flac")) is not None  # as tables still call it
    report = again(place)
    assert (report.files, report.missing, report.problems, report.unread) == (0, 4, [], {})
    assert again(place).missing == 0
    with Library.open(place / "library") as library:
        assert {track.path for track in library.tracks()} == expected


def test_of_several_files_one_that_is_there_is_named(place):
    """A copy on a drive that is not there at the moment, and was not looked for since."""
    shutil.copytree(place / "music", place / "drive")
    scan(place / "library", [str(place / "drive")])
    with Library.open(place / "library") as library:
        for gone, there in (("drive", "music"), ("music", "drive")):
            (place / gone).rename(place / "away")
            assert {track.path for track in library.tracks()} == {str(place / there / name) for name in ALL}
            assert all(os.path.exists(track.path) for track in library.tracks_of([1, 2, 3, 4]))
            (place / "away").rename(place / gone)


def test_a_folder_that_is_empty_for_a_while_loses_nothing(place, monkeypatch):
    (place / "music").rename(place / "drive")
    with pytest.raises(LibraryError, match=r"expected a folder of recordings, found none\. What is in the"):
        scan(place / "library", [str(place / "musik")])
    assert again(place).missing == 4 and paths(place) == set()
    (place / "music").mkdir()
    assert again(place).missing == 4 and paths(place) == set()
    (place / "music").rmdir()
    (place / "drive").rename(place / "music")
    monkeypatch.setattr(scanning, "analyse", None)
    assert again(place).unchanged == 4 and paths(place) == ALL


def test_a_folder_that_cannot_be_listed_keeps_what_is_known(place, monkeypatch):
    plain = os.scandir

    def scandir(path="."):
        if os.fspath(path).endswith("album 1"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = again(place)
    assert report.unread == {str(place / "music" / "album 1"): "Permission denied"}
    assert report.missing == 0 and paths(place) == ALL


def test_another_model_is_refused(place):
    with pytest.raises(
        LibraryError, match=r"made with another model \(model0.npz\): .* has other weights.*--library OTHER"
    ):
        again(place, model=model_file(1))
    with pytest.raises(LibraryError, match=r"recordings become other tiles \(loudness_dbfs\)"):
        again(place, model=single_model_file())
    with pytest.raises(LibraryError, match=r"has other genres \(Action, Adventure, .*, Thriller\)"):
        again(place, model=scanning.SHIPPED)
    with pytest.raises(FileFormatError, match="expected a file that nnlite wrote"):
        again(place, model=place / "music" / "album 0" / "0.flac")
    again(place, model=model_file(0))
    (place / "library" / "model.npz").write_bytes(model_file(1).read_bytes())
    with pytest.raises(LibraryError, match=r"expected the model that the library was made with \(model0.npz\)"):
        again(place)


def test_a_library_inside_the_music_is_not_scanned(tmp_path):
    write_noise(tmp_path / "music" / "a.flac", 0)
    for _ in range(2):
        report = scan(tmp_path / "music" / "library", [str(tmp_path / "music")], model=model_file())
        assert report.files == 1


def test_silence_has_no_windows(tmp_path):
    import soundfile

    rng = np.random.default_rng(0)
    y = 0.1 * rng.standard_normal(22050 * 40)
    y[22050 * 9 : 22050 * 27] = 0
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music" / "gap.flac", y, 22050)
    soundfile.write(tmp_path / "music" / "silent.flac", 0 * y, 22050)
    report = again(tmp_path, model=model_file())
    assert [problem for _, problem in report.problems] == ["silent: nothing above -60 dBFS"]
    with Library.open(tmp_path / "library") as library:
        track = library.track(1)
        assert (track.n_windows, track.n_silent) == (3, 1)
        np.testing.assert_allclose(library.windows(track).start_s, [0, 18.58, 27.86], atol=0.01)
