"""The shortlist: kept in the library, also in one that an earlier version made; every way out of it."""

import csv
import json
import sqlite3

import filmscore_agent
import pytest

from filmscore.agent import schema, shortlist
from filmscore.agent.library import Library
from filmscore.agent.schema import LibraryError
from tests.examples.agent.libraries import made_up_library


@pytest.fixture
def library(tmp_path):
    made_up_library(tmp_path / "library", n_tracks=8)
    return tmp_path / "library"


def as_version_1(folder):
    """Make a library what version 1 of the program would have left."""
    connection = sqlite3.connect(folder / schema.FILE)
    with connection:
        connection.execute("DROP TABLE shortlist")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


def entries(folder):
    with Library.open(folder) as library:
        return [(entry.track, entry.note) for entry in shortlist.read(library)]


def version(folder):
    connection = sqlite3.connect(folder / schema.FILE)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def test_tracks_are_starred_moved_noted_and_removed(library):
    shortlist.star(library, [3, 1, 5])
    shortlist.star(library, [1, 7])  # the first is there already
    assert entries(library) == [(3, ""), (1, ""), (5, ""), (7, "")]
    shortlist.star(library, [7], place=1)
    shortlist.star(library, [3], place=99)
    shortlist.star(library, [1], note="for the chase\n\x1b[31m")
    assert entries(library) == [(7, ""), (1, "for the chase  [31m"), (5, ""), (3, "")]
    shortlist.unstar(library, [1, 2])
    assert entries(library) == [(7, ""), (5, ""), (3, "")]
    shortlist.unstar(library, None)
    assert entries(library) == []


def test_a_wrong_change_is_refused_and_changes_nothing(library):
    shortlist.star(library, [3])
    for change, message in (
        (lambda: shortlist.star(library, [4, 99]), "no track 99"),
        (lambda: shortlist.star(library, [4, 99], note="x", place=1), "no track 99"),
        (lambda: shortlist.star(library, [4], note="x" * 501), "500 characters at most, got 501"),
    ):
        with pytest.raises(LibraryError, match=message):
            change()
        assert entries(library) == [(3, "")]


def test_a_library_of_version_1_is_read_as_it_is_and_gets_the_table_when_it_is_written_to(library):
    with Library.open(library) as opened:
        before = [(track.id, track.path) for track in opened.tracks()]
    as_version_1(library)
    content = (library / schema.FILE).read_bytes()
    for shared in (False, True):
        with Library.open(library, shared=shared) as opened:
            assert shortlist.read(opened) == [] and [(t.id, t.path) for t in opened.tracks()] == before
    assert (library / schema.FILE).read_bytes() == content
    shortlist.star(library, [2])
    assert version(library) == schema.VERSION and entries(library) == [(2, "")]
    with Library.open(library, shared=True) as opened:
        assert [(track.id, track.path) for track in opened.tracks()] == before


def test_a_migration_that_fails_leaves_version_1(library, monkeypatch):
    as_version_1(library)
    monkeypatch.setattr(schema, "SINCE_2", f"{schema.SINCE_2}; CREATE TABLE about (no TEXT)")
    with pytest.raises(LibraryError, match="already exists"):
        shortlist.star(library, [2])
    monkeypatch.undo()
    assert version(library) == 1 and entries(library) == []


def test_a_reader_of_version_1_sees_what_another_program_starred(library):
    as_version_1(library)
    with Library.open(library) as reader:
        assert shortlist.read(reader) == []
        shortlist.star(library, [2])
        assert [entry.track for entry in shortlist.read(reader)] == [2]


@pytest.mark.parametrize("row", ["1, 1, x'00', 0", "0, 1, '', 0", "1, -1, '', 0", "1, 9223372036854775807, '', 0"])
def test_a_forged_shortlist_is_refused(library, row):
    connection = sqlite3.connect(library / schema.FILE)
    with connection:
        connection.execute(f"INSERT INTO shortlist VALUES ({row})")
    connection.close()
    with pytest.raises(LibraryError, match="damaged"):
        Library.open(library)


def test_the_command_shows_and_exports_the_list(library, tmp_path, capsys):
    def call(*words):
        status = filmscore_agent.main(["shortlist", *words, "--library", str(library)])
        return status, capsys.readouterr()

    assert "is empty" in call()[1].out
    assert call("#3", "track 01")[0] == 0
    assert call("#3", "--note", '=HYPERLINK("x")')[0] == 0
    assert call("track 05", "--place", "1")[0] == 0
    said = call("--json")[1]
    shown = json.loads(said.out)
    with Library.open(library) as opened:
        names = {track.id: track.name for track in opened.tracks()}
    assert [names[record["track"]] for record in shown] == ["track 05.ogg", "track 02.ogg", "track 01.ogg"]
    assert [record["place"] for record in shown] == [1, 2, 3] and shown[1]["note"].startswith("=HYPER")
    for ending in (".csv", ".txt", ".m3u8", ".json"):
        assert call("--export", str(tmp_path / f"list{ending}"))[0] == 0
    with open(tmp_path / "list.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["place"] for row in rows] == ["1", "2", "3"] and rows[1]["note"].startswith("'=HYPER")
    assert (tmp_path / "list.txt").read_text().splitlines()[0].startswith("1. ")
    assert "/music/album 5/track 05.ogg" in (tmp_path / "list.m3u8").read_text().splitlines()
    (tmp_path / "deep").mkdir()
    assert call("--export", str(tmp_path / "deep" / "list.m3u8"), "--relative")[0] == 0
    line = (tmp_path / "deep" / "list.m3u8").read_text().splitlines()[2]
    assert line.startswith("../") and (tmp_path / "deep" / line).resolve().as_posix() == "/music/album 5/track 05.ogg"
    status, said = call("--note", "x")
    assert status == 2 and "for one TRACK" in said.err
    status, said = call("--remove")
    assert status == 2 and "--clear removes all" in said.err
    assert call("--clear")[0] == 0 and entries(library) == []


def test_the_longest_length_is_a_filter(library, capsys):
    with Library.open(library) as opened:
        lengths = sorted(track.duration_s for track in opened.tracks())
        short = opened.tracks(max_duration_s=lengths[3])
        assert 0 < len(short) < 8 and max(track.duration_s for track in short) == lengths[3]
    longest = f"{lengths[3] + 0.001:.3f}"
    arguments = ["find", "--want", "drama", "--max-duration", longest, "--json", "--library", str(library)]
    assert filmscore_agent.main(arguments) == 0
    assert {record["track"] for record in json.loads(capsys.readouterr().out)} == {track.id for track in short}


def test_a_track_whose_file_is_gone_is_said_and_left_out_of_playlists(library, tmp_path, capsys):
    shortlist.star(library, [1, 2, 3])
    connection = sqlite3.connect(library / schema.FILE)
    with connection:
        connection.execute("DELETE FROM file WHERE track = 2")  # another content is there now
        connection.execute("UPDATE file SET missing = 1 WHERE track = 3")
    connection.close()
    for ending in (".m3u8", ".txt"):
        export = ["--export", str(tmp_path / f"list{ending}")]
        assert filmscore_agent.main(["shortlist", *export, "--library", str(library)]) == 0
        said = capsys.readouterr()
    assert "#2 (gone)" in said.out and "track 03.ogg (gone)" in said.out.replace("track 02.ogg", "track 03.ogg")
    lines = (tmp_path / "list.m3u8").read_text().splitlines()
    assert len(lines) == 3 and all(lines)
    assert "#2 (gone)" in (tmp_path / "list.txt").read_text()


def test_relative_names_are_for_a_playlist(library, tmp_path, capsys):
    for more in ([], ["--export", str(tmp_path / "a.csv")]):
        assert filmscore_agent.main(["shortlist", "--relative", *more, "--library", str(library)]) == 2
        assert "--relative is for --export FILE.m3u8" in capsys.readouterr().err
