"""A library on the disk: what is stored comes back, and what is damaged, foreign or full is refused with the reason."""

import errno
import os
import sqlite3

import numpy as np
import pytest
import scipy.stats

from filmscore.agent import rows, schema
from filmscore.agent.basis import SCALE, Basis, to_bytes, unit
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.writing import Writer, create
from tests.examples.agent.libraries import (
    add_tracks,
    empty_library,
    made_up_analysis,
    made_up_library,
    model_file,
)
from tests.examples.made_up import NAMES


def test_what_is_stored_comes_back(tmp_path):
    analyses = made_up_library(tmp_path / "library")
    with Library.open(tmp_path / "library") as library:
        assert (library.n_tracks, library.class_names, library.width) == (30, NAMES, 24)
        assert library.window_s == pytest.approx(9.288, abs=1e-3)
        for track in library.tracks():
            each, windows = analyses[track.path], library.windows(track)
            np.testing.assert_array_equal(windows.values, each.values)
            np.testing.assert_array_equal(windows.start_s, each.start_s)
            np.testing.assert_allclose(windows.directions / SCALE, unit(each.projected), atol=0.5 / SCALE)
            np.testing.assert_allclose(library.track_values[track.id - 1], each.values.mean(axis=0), rtol=1e-6)
            mean = each.projected.mean(axis=0)
            expected = mean / np.linalg.norm(mean)
            np.testing.assert_allclose(library.track_directions[track.id - 1], expected, atol=1e-6)
            assert (track.n_windows, track.duration_s) == (len(each.values), each.duration_s)


def test_a_track_is_stored_once_whatever_its_names(tmp_path):
    empty_library(tmp_path / "library")
    rng = np.random.default_rng(0)
    analysis = made_up_analysis(rng)
    with Writer(tmp_path / "library") as writer:
        from filmscore.agent.analyse import ScannedFile

        new = writer.store([ScannedFile(path, hash=b"a" * 32, analysis=analysis) for path in ("/a/1", "/b/1")])
        assert new == [True, False]
        assert writer.store([ScannedFile("/c/1", hash=b"a" * 32, analysis=analysis)]) == [False]
    with Library.open(tmp_path / "library") as library:
        assert (library.n_tracks, library.n_windows) == (1, 6)
        assert library.paths(1) == ["/a/1", "/b/1", "/c/1"] and library.track(1).path == "/a/1"


def test_ranks_are_those_of_scipy(tmp_path):
    made_up_library(tmp_path / "library")
    with Library.open(tmp_path / "library") as library:
        values = np.random.default_rng(1).random((5, 3, 4))
        values[0, 0] = library.track_values[7]
        expected = np.array(
            [
                [
                    [
                        scipy.stats.percentileofscore(library.track_values[:, k], v, "mean") / 100
                        for k, v in enumerate(row)
                    ]
                    for row in block
                ]
                for block in values.astype(np.float32)
            ]
        )
        np.testing.assert_allclose(library.ranks(values.astype(np.float32)), expected)
        np.testing.assert_allclose(library.ranks(values[..., [2, 0]].astype(np.float32), [2, 0]), expected[..., [2, 0]])


def test_tracks_are_chosen_by_folder_duration_and_words(tmp_path):
    empty_library(tmp_path / "library")
    rng = np.random.default_rng(0)
    names = ["/m/a/x.ogg", "/m/ab/x.ogg", "/m/a/100%_sure.ogg", "/m/a/deep/y.ogg"]
    add_tracks(tmp_path / "library", {name: made_up_analysis(rng, 3 + i, album="Ä") for i, name in enumerate(names)})
    with Library.open(tmp_path / "library") as library:

        def found(**options):
            return [track.path for track in library.tracks(**options)]

        assert found() == sorted(names)
        assert found(folder="/m/a") == ["/m/a/100%_sure.ogg", "/m/a/deep/y.ogg", "/m/a/x.ogg"]
        assert found(folder="/m/a/") == found(folder="/m/a") and found(folder="/") == found()
        assert found(min_duration_s=5 * 9.2) == ["/m/a/100%_sure.ogg", "/m/a/deep/y.ogg"]
        assert found(text="0%_S") == ["/m/a/100%_sure.ogg"] and found(text="%") == found(text="_sure")
        assert len(found(text="ä")) == 4 and len(found(text="deep")) == 0  # the name of a folder
        assert library.ids(folder="/m/a").tolist() == [1, 3, 4]
        assert [track.id for track in library.tracks_of([4, 99, 1])] == [4, 1]
        with pytest.raises(LibraryError, match="no track 5; there are 4"):
            library.track(5)


def test_names_of_any_bytes_are_kept(tmp_path):
    empty_library(tmp_path / "library")
    names = [os.fsdecode(b"/m/caf\xe9.ogg"), "/m/new\nline.ogg", "/m/日本.ogg", "/m/\x1b[31m.ogg"]
    rng = np.random.default_rng(0)
    add_tracks(tmp_path / "library", {name: made_up_analysis(rng) for name in names})
    with Library.open(tmp_path / "library") as library:
        assert {track.path for track in library.tracks()} == set(names)
        assert library.track(1).name == "caf\\xe9.ogg" and library.track(4).name == "\\x1b[31m.ogg"
        assert library.with_path(names[0]) == 1
        assert [track.id for track in library.tracks(text="日本")] == [3]


def test_rows_that_no_commit_counts_are_overwritten(tmp_path):
    folder = tmp_path / "library"
    made_up_library(folder, n_tracks=3)
    for path in [*folder.glob("*.f32"), *folder.glob("*.i8")]:
        with open(path, "ab") as file:
            file.write(b"\xff" * 1001)  # left by a killed process
    rng = np.random.default_rng(5)
    new = made_up_analysis(rng)
    add_tracks(folder, {"/music/new.ogg": new})
    with Library.open(folder) as library:
        np.testing.assert_array_equal(library.windows(library.track(4)).values, new.values)
        assert np.isfinite(library.window_values).all()


def test_a_reader_keeps_what_it_opened(tmp_path):
    folder = tmp_path / "library"
    made_up_library(folder, n_tracks=3)
    with Library.open(folder) as library:
        add_tracks(folder, {"/music/new.ogg": made_up_analysis(np.random.default_rng(5))})
        assert len(library.tracks()) == 3 == len(library.ids())
        with pytest.raises(LibraryError, match="no track 4"):
            library.track(4)


@pytest.mark.parametrize("place", ["array", "commit"])
def test_a_full_disk_leaves_the_library_whole(tmp_path, monkeypatch, place):
    folder = tmp_path / "library"
    made_up_library(folder, n_tracks=3)
    analysis = made_up_analysis(np.random.default_rng(5))
    with monkeypatch.context() as patch:
        if place == "array":

            def full(*_):
                raise OSError(errno.ENOSPC, "No space left on device")

            patch.setattr(rows.os, "fsync", full)
            message = "No space left on device. What was stored before is whole. Make room"
        else:
            plain = schema.connect

            def small(*args, **kwargs):
                connection = plain(*args, **kwargs)
                connection.execute("PRAGMA max_page_count = 1")
                return connection

            patch.setattr("filmscore.agent.writing.connect", small)
            analysis = made_up_analysis(np.random.default_rng(5), album="x" * 20_000)
            message = "database or disk is full. What was stored before is whole. Make room"
        with pytest.raises(LibraryError, match=message):
            add_tracks(folder, {"/music/new.ogg": analysis})
    with Library.open(folder) as library:
        assert library.n_tracks == 3 and library.with_path("/music/new.ogg") is None
    add_tracks(folder, {"/music/new.ogg": analysis})
    with Library.open(folder) as library:
        np.testing.assert_array_equal(library.windows(library.track(4)).values, analysis.values)


def damaged(folder, what):
    connection = sqlite3.connect(folder / "library.sqlite")
    with connection:
        if what == "newer":
            connection.execute("PRAGMA user_version = 3")
        elif what == "other":
            connection.execute("PRAGMA application_id = 7")
        elif what == "classes":
            connection.execute("UPDATE about SET value = 'no JSON' WHERE key = 'class_names'")
        elif what == "about":
            connection.execute("DELETE FROM about WHERE key = 'id'")
    connection.close()
    if what == "garbage":
        (folder / "library.sqlite").write_bytes(b"no library" * 1000)
    elif what == "cut":
        path = folder / "window_directions.i8"
        path.write_bytes(path.read_bytes()[:-1])
    elif what == "foreign":
        (folder / "track_values.f32").write_bytes(b"filmscore rows 1 other\n".ljust(4096))
    elif what == "gone":
        (folder / "window_values.f32").unlink()
    elif what == "none":
        (folder / "library.sqlite").unlink()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("newer", "expected a library of version 1 to 2, got version 3. Use the program that made it"),
        ("other", "expected a library of recordings, got another kind of SQLite file"),
        ("classes", "damaged"),
        ("about", "damaged: KeyError"),
        ("garbage", "file is not a database"),
        ("cut", "window_directions.i8: expected [0-9]+ bytes for [0-9]+ rows, got [0-9]+: it is damaged"),
        ("foreign", "track_values.f32: expected rows of the library beside it"),
        ("gone", "window_values.f32: No such file"),
        ("none", "no library there. Make one: filmscore scan"),
    ],
)
def test_what_is_no_library_is_refused(tmp_path, what, message):
    made_up_library(tmp_path / "library", n_tracks=3)
    damaged(tmp_path / "library", what)
    with pytest.raises(LibraryError, match=message):
        Library.open(tmp_path / "library")


def test_a_library_is_not_made_among_other_things(tmp_path):
    (tmp_path / "song.ogg").write_text("mine")
    with pytest.raises(LibraryError, match=r"expected a library, or a new or empty folder, found 'song\.ogg' in it"):
        create(tmp_path, model_file())
    assert [path.name for path in tmp_path.iterdir()] == ["song.ogg"]


def test_making_a_library_goes_on_after_a_kill(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"half")
    (tmp_path / "library.sqlite.new").write_bytes(b"half")
    (tmp_path / "track_values.f32").write_bytes(b"half")
    create(tmp_path, model_file())
    with Library.open(tmp_path) as library:
        assert library.n_tracks == 0 and library.ranks(np.zeros(4)).tolist() == [0.5] * 4


def test_a_basis_keeps_directions():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 40))
    embeddings[:, 3] = 5.0
    basis = Basis.fit(embeddings, 8)
    z = np.delete(embeddings, 3, axis=1)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    expected = (z @ z.T) / np.outer(*2 * [np.linalg.norm(z, axis=1)])
    directions = unit(basis.project(embeddings))  # rank 6 fits into 8 axes: nothing is lost
    np.testing.assert_allclose(directions @ directions.T, expected, atol=1e-4)
    rounded = to_bytes(directions).astype(float) / SCALE
    assert np.abs(rounded @ rounded.T - expected).max() < 0.02
    assert (unit(np.zeros((1, 3))) == 0).all()


def test_a_damaged_basis_is_refused(tmp_path):
    (tmp_path / "basis.npz").write_bytes(b"no zip")
    with pytest.raises(LibraryError, match=r"basis\.npz: damaged"):
        Basis.load(tmp_path / "basis.npz")
