"""The agent as its users call it: tables that fit, JSON for programs, playlists that play, and errors that help."""

import csv
import dataclasses
import doctest
import importlib
import io
import json
import os
import pkgutil
import re
import shutil
import sqlite3
import sys
import urllib.parse

import filmscore_agent
import numpy as np
import pytest
import soundfile

import filmscore.agent
from filmscore.agent import analyse, commands, export, tables
from filmscore.agent.commands import progress
from filmscore.agent.library import Library
from filmscore.agent.references import seconds
from filmscore.agent.scan import SHIPPED
from filmscore.tagging import Tagger
from mfcc.sound.errors import printable
from tests.examples.agent_library import add_tracks, empty_library, made_up_analysis, model_file, write_noise
from tests.examples.made_up import NAMES

HOSTILE = [
    os.fsdecode(b"/music/one/caf\xe9.ogg"),
    "/music/one/new\nline.ogg",
    "/music/two/\x1b[31mred\x1b[0m.ogg",
    "/music/two/ends with a space.ogg ",
    '/music/two/<script>alert("1")</script>, & 100 %.ogg',
    "/music/three/日本の音楽.ogg",
    "/music/three/" + "long " * 40 + ".ogg",
]


def test_every_module_of_the_folder_is_a_command():
    found = {module.name for module in pkgutil.iter_modules(commands.__path__)} - {"common", "progress"}
    assert found == set(commands.COMMANDS)
    for command in commands.COMMANDS.values():
        assert command.HELP and command.__doc__ and callable(command.add_arguments) and callable(command.run)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Make a library of odd names."""
    folder = tmp_path_factory.mktemp("hostile") / "library"
    rng = np.random.default_rng(0)
    empty_library(folder)
    add_tracks(folder, {name: made_up_analysis(rng, album="=1+1" if k == 0 else "") for k, name in enumerate(HOSTILE)})
    return folder


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Make a folder of music, and its library."""
    folder = tmp_path_factory.mktemp("music")
    for k in range(5):
        write_noise(folder / "music" / f"album {k % 2}" / f"{k}.flac", k)
    assert (
        run("scan", folder / "music", "--library", folder / "library", "--model", model_file(), "--processes", 1) == 0
    )
    return folder


def run(*arguments):
    return filmscore_agent.main([str(argument) for argument in arguments])


def as_json(capsys, *arguments):
    capsys.readouterr()
    run(*arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_scan_says_what_it_did(music, capsys):
    assert run("scan", music / "music", "--library", music / "library", "--processes", 1) == 0
    assert capsys.readouterr().out == "5 files: 5 as before\n"
    report = as_json(capsys, "scan", music / "music", "--library", music / "library", "--processes", 1)
    assert report["unchanged"] == 5 and report["problems"] == []


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("arguments", [("find", "--want", "action"), ("similar", "#1"), ("explain", "#1")])
def test_tables_fit_the_terminal_and_hold_no_control_characters(hostile, capsys, monkeypatch, columns, arguments):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(*arguments, "--library", hostile) == 0
    lines = capsys.readouterr().out.split("\n")
    assert all(line.isprintable() for line in lines)
    table = lines if arguments[0] != "explain" else [line for line in lines if "▁" in line or "█" in line]
    if columns > 40:  # the other columns are wider than that
        assert table and all(tables.columns_of(line) <= columns for line in table)


def test_find_as_json_is_exact(hostile, capsys):
    records = as_json(capsys, "find", "--want", "action, comedy:-0.5", "--library", hostile)
    paths = {os.fsdecode(urllib.parse.unquote_to_bytes(record["uri"].removeprefix("file://"))) for record in records}
    assert paths == set(HOSTILE)
    assert set(records[0]["ranks"]) == set(records[0]["values"]) == set(NAMES)
    assert [record["score"] for record in records] == sorted((r["score"] for r in records), reverse=True)
    assert all(record["path"].isprintable() and record["labels"] is None for record in records)


def test_a_playlist_has_a_line_for_each_track(hostile, tmp_path, capsys):
    path = tmp_path / "list.m3u8"
    assert run("export", path, "--library", hostile) == 0
    lines = path.read_bytes().decode("utf-8").split("\n")
    assert lines[0] == "#EXTM3U" and lines[-1] == "" and len(lines) == 2 + 2 * len(HOSTILE)
    assert all(re.fullmatch(r"#EXTINF:59,.+", line) and line.isprintable() for line in lines[1:-1:2])
    played = [
        os.fsdecode(urllib.parse.unquote_to_bytes(line.removeprefix("file://"))) if line[0] != "/" else line
        for line in lines[2:-1:2]
    ]
    assert sorted(played) == sorted(HOSTILE)
    assert "/music/three/日本の音楽.ogg" in lines  # unchanged where that is possible


def test_a_table_is_read_by_csv_and_holds_no_formula(hostile, tmp_path):
    path = tmp_path / "list.csv"
    assert run("export", path, "--library", hostile, "--want", "action", "--limit", 3) == 0
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and re.fullmatch(r"\d+:\d\d-\d+:\d\d", rows[0]["best at"])
    run("export", path, "--library", hostile)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["album"] for row in rows if row["album"]] == ["'=1+1"]
    assert all(not value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert 0 <= float(rows[0]["Action (rank)"]) <= 1 and float(rows[0]["Drama (value)"]) > 0


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "a;=1+1", "a; =1", 'a;"=1', "a\t@b", "a\n-b", "＝1", "one|=1"]
)
def test_no_text_becomes_a_formula_in_any_spreadsheet(text):
    """Neither a cell nor a heading, also where cells end at semicolons, tabs or lines."""
    header, row = csv.reader(io.StringIO(export.table([{text: "x", "path": text}])))
    for cell in (header[0], row[1]):
        for part in re.split(r"[;\t\r\n|]", cell):
            assert not part.strip(' "').startswith(tuple("=+-@＝＋－＠")), cell
        assert cell.replace("'", "") == printable(text)


NASTY = "one\n#EXTINF:1,two\r\x1b]0;title\x07 \u202eevil\u2028end\x9b31m"


def test_a_forged_library_puts_no_control_character_anywhere(tmp_path, capsys):
    """Its titles, problems and labels are cleaned when they are read, once for all commands."""
    rng = np.random.default_rng(0)
    empty_library(tmp_path / "library")
    add_tracks(tmp_path / "library", {f"/music/{k}.ogg": made_up_analysis(rng) for k in range(3)})
    connection = sqlite3.connect(tmp_path / "library" / "library.sqlite")
    with connection:
        connection.execute("UPDATE track SET title = ?, artist = ?, album = ?", (NASTY,) * 3)
        connection.execute("UPDATE file SET problem = ? WHERE track = 3", (NASTY,))
        connection.executemany("INSERT INTO label VALUES (?, ?, '', 0)", [(k, json.dumps([NASTY])) for k in (1, 2)])
        connection.execute("UPDATE about SET value = ? WHERE key = 'model_name'", (NASTY,))
    connection.close()
    calls = [
        ("find", "--want", "action"), ("similar", "#1"), ("explain", "#1"), ("explain", "one"), ("problems",),
        ("find", "--want", "action", "--json"), ("surprise",), ("export", tmp_path / "a.m3u8"),
        ("export", tmp_path / "a.csv"), ("export", tmp_path / "a.json"), ("report", tmp_path / "a.html"),
        ("scan", tmp_path, "--model", model_file(1)),
    ]  # fmt: skip
    for call in calls:
        run(*call, "--library", tmp_path / "library")
        said = capsys.readouterr()
        assert all(line.isprintable() for line in (said.out + said.err).split("\n")), call
    assert (tmp_path / "a.m3u8").read_text().count("\n") == 5
    for name in ("a.m3u8", "a.csv", "a.json"):
        assert all(line.isprintable() for line in (tmp_path / name).read_text().split("\n"))


def test_errors_of_the_command_line_hold_no_control_characters(capsys, tmp_path):
    assert run("find", "--want", "action", "--library", "/none\x1b[31m") == 2
    assert run("scan", "/none\x1b[31m", "--library", tmp_path / "library") == 2
    assert run("tag", "a.wav", "--model", "/none\x1b[31m") == 2
    assert run("tag", "/none\x1b[31m", "--model", model_file()) == 1
    assert all(line.isprintable() for line in capsys.readouterr().err.split("\n"))


def test_legible_characters_stay(tmp_path, capsys, monkeypatch):
    """Spaces of other widths and joiners belong to names; tags are read, and shown, with them."""
    name = "日本　の音楽\u202f11 می‌خواهم 👩‍🚀"
    path = tmp_path / "music" / f"{name}.flac"
    write_noise(path, 0)
    y = soundfile.read(path)[0]
    with soundfile.SoundFile(path, "w", 22050, 1, format="FLAC") as file:
        file.title, file.artist = name, "one\ntwo\x1b[31m\u202e"
        file.write(y)
    assert analyse.words_of(str(path)) == {"title": name, "artist": "one two [31m", "album": ""}
    empty_library(tmp_path / "library")
    run("scan", tmp_path / "music", "--library", tmp_path / "library", "--processes", 1)
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "300")
    run("find", "--want", "action", "--library", tmp_path / "library")
    assert f"/{name}.flac" in capsys.readouterr().out
    (record,) = as_json(capsys, "find", "--want", "action", "--library", tmp_path / "library")
    assert record["path"] == str(path) and record["title"] == name
    run("export", tmp_path / "a.m3u8", "--library", tmp_path / "library")
    assert (tmp_path / "a.m3u8").read_text() == f"#EXTM3U\n#EXTINF:20,one two [31m - {name}\n{path}\n"


def test_a_list_in_json(hostile, tmp_path):
    run("find", "--want", "action", "--library", hostile, "--export", tmp_path / "list.json", "--limit", 2)
    records = json.loads((tmp_path / "list.json").read_text())
    assert len(records) == 2 and records[0]["start_s"] < records[0]["end_s"]


def test_explain_as_json(hostile, capsys):
    record = as_json(capsys, "explain", "#3", "--library", hostile)
    assert record["uri"].endswith("/two/%1B%5B31mred%1B%5B0m.ogg") and len(record["start_s"]) == 6
    assert {genre["name"] for genre in record["genres"]} == set(NAMES)
    assert all(len(genre["curve"]) == 6 and genre["stretches"] for genre in record["genres"])


def test_explain_says_which_bands_speak_for_a_genre(music, capsys):
    """The model of this library uses all frequencies, so hiding a range changes its values."""
    record = as_json(capsys, "explain", "#1", "--bands", "--library", music / "library")
    falls = {genre["name"]: genre["bands"] for genre in record["genres"]}
    assert set(falls) == set(NAMES) and all(len(of_genre) == 5 for of_genre in falls.values())
    assert any(abs(fall) > 0.001 for of_genre in falls.values() for fall in of_genre.values())
    assert run("explain", "#1", "--bands", "--library", music / "library") == 0
    assert "bands for (+) and against it (-)" in capsys.readouterr().out


def test_bands_of_a_recording_that_is_gone(hostile, capsys):
    assert run("explain", "#3", "--bands", "--library", hostile) == 2
    assert "not there any more, and bands are heard in the sound alone" in capsys.readouterr().err


def test_tracks_are_meant_by_path_number_or_part_of_a_name(hostile, capsys):
    assert as_json(capsys, "explain", "日本", "--library", hostile)["track"] == 6
    assert as_json(capsys, "explain", HOSTILE[2], "--library", hostile)["track"] == 3
    assert run("explain", "OGG", "--library", hostile) == 2
    message = capsys.readouterr().err
    assert "'OGG' fits 7 tracks; give more of it, or a number such as '#12'" in message
    assert "#2  /music/one/new\\nline.ogg" in message
    assert run("explain", "nothing", "--library", hostile) == 2
    assert "'nothing': no track of the library has these words in title" in capsys.readouterr().err
    assert run("explain", "#8", "--library", hostile) == 2 and "no track 8; there are 7" in capsys.readouterr().err


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Make a library of names that people look for in many ways."""
    folder = tmp_path_factory.mktemp("named") / "library"
    rng = np.random.default_rng(0)
    empty_library(folder)
    names = [
        "forest.ogg",
        "deep forest.ogg",
        "forest.ogg.flac",
        "Straße.ogg",
        "u\u0308ber.ogg",
        "Éclair.ogg",
        "ＡＢＣ.ogg",
    ]
    tracks = {f"/music/one/{name}": made_up_analysis(rng) for name in names}
    tracks["/music/two/forest.ogg"] = made_up_analysis(rng)
    words = {"title": "Ὀδυσσεύς am Strand", "artist": "Björk", "album": "Größe"}
    tracks["/music/forest/12.ogg"] = dataclasses.replace(made_up_analysis(rng), **words)
    add_tracks(folder, tracks)
    return folder


SOUGHT = {
    "über": {"u\u0308ber.ogg"}, "U\u0308BER": {"u\u0308ber.ogg"}, "uber": {"u\u0308ber.ogg"}, "STRASSE": {"Straße.ogg"},
    "straße": {"Straße.ogg"}, "eclair": {"Éclair.ogg"}, "abc": {"ＡＢＣ.ogg"}, "ΟΔΥΣΣΕΥΣ": {"12.ogg"},
    "strand bjork": {"12.ogg"}, "grosse Björk am": {"12.ogg"}, "ogg forest deep": {"deep forest.ogg"}, "music": set(),
    "one": set(), "%": set(), "_": set(), "  ": None,
}  # fmt: skip
"""Words that are looked for, to the names of the files that have them; None for all."""


@pytest.mark.parametrize("text", SOUGHT)
def test_words_are_found_in_any_case_order_and_writing(named, text):
    with Library.open(named) as library:
        every = {os.path.basename(track.path) for track in library.tracks()}
        expected = every if SOUGHT[text] is None else SOUGHT[text]
        assert {os.path.basename(track.path) for track in library.tracks(text=text)} == expected
        found = library.tracks_of(library.ids(text=text))
        assert {os.path.basename(track.path) for track in found} == expected


def test_a_name_means_that_file_though_others_have_it_too(named, capsys):
    def means(text):
        capsys.readouterr()
        return as_json(capsys, "explain", text, "--library", named)["path"]

    assert means("deep forest") == "/music/one/deep forest.ogg"
    assert means("one/forest.ogg") == "/music/one/forest.ogg" and means("two/FOREST.ogg") == "/music/two/forest.ogg"
    assert means("forest.ogg.flac") == "/music/one/forest.ogg.flac"
    assert means("ὀδυσσεύς am strand") == means("bjork") == "/music/forest/12.ogg"
    assert run("explain", "forest.ogg", "--library", named) == 2
    assert "'forest.ogg' fits 2 tracks" in capsys.readouterr().err


def test_a_file_that_was_moved_since_the_scan_is_known(music, tmp_path, capsys):
    shutil.copy(music / "music" / "album 0" / "2.flac", tmp_path / "elsewhere.flac")
    record = as_json(capsys, "explain", tmp_path / "elsewhere.flac", "--library", music / "library")
    assert record["path"].endswith("album 0/2.flac")


def test_similar_to_a_file_that_is_not_in_the_library(music, tmp_path, capsys):
    path = tmp_path / "new.wav"
    write_noise(path, 2, format="WAV")  # another file of the same noise
    for part in ((), ("--from", "0:00", "--to", "0:09")):
        records = as_json(capsys, "similar", path, "--library", music / "library", *part)
        assert records[0]["path"].endswith("2.flac") and records[0]["score"] > 0.98
    assert run("explain", path, "--library", music / "library") == 2
    assert "new.wav: not in the library" in capsys.readouterr().err
    (tmp_path / "text.wav").write_text("text")
    assert run("similar", tmp_path / "text.wav", "--library", music / "library") == 2
    assert "text.wav: is not audio" in capsys.readouterr().err


def test_tag_needs_no_library(music, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("text")
    arguments = ("tag", music / "music" / "album 0" / "0.flac", tmp_path / "text.wav", tmp_path / "none.ogg")
    assert run(*arguments, "--library", tmp_path / "none", "--model", model_file()) == 1
    said = capsys.readouterr()
    assert "0.flac" in said.out and "what the model says" in said.out
    assert "text.wav: is not audio" in said.err and "none.ogg: can't be opened" in said.err
    (record,) = as_json(capsys, *arguments[:2], "--library", music / "library")
    with Library.open(music / "library") as library:
        means = library.track_values[library.with_path(str(arguments[1])) - 1]
        np.testing.assert_allclose(list(record["values"].values()), means, atol=1e-5)
    assert set(record["ranks"]) == set(NAMES)
    assert len(as_json(capsys, "tag", music / "music", "--model", model_file())) == 5


def test_a_folder_with_a_picture_is_tagged_without_an_error(music, tmp_path, capsys):
    shutil.copytree(music / "music" / "album 0", tmp_path / "music")
    (tmp_path / "music" / "cover.jpg").write_bytes(bytes(1000))
    arguments = ("tag", tmp_path / "music", "--model", model_file(), "--library", tmp_path / "none")
    assert run(*arguments) == 0 and capsys.readouterr().err == ""
    (tmp_path / "music" / "song.m4a").write_bytes(bytes(1000))
    assert run(*arguments) == 1 and "song.m4a" in capsys.readouterr().err
    assert run("tag", tmp_path / "music" / "cover.jpg", *arguments[2:]) == 1


def test_what_is_refused_leaves_nothing_behind(tmp_path, capsys):
    write_noise(tmp_path / "music" / "a.flac", 0)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("text")
    (tmp_path / "no model").write_text("text")
    before = sorted(tmp_path.rglob("*"))
    for library, model in (("papers", model_file()), ("new", tmp_path / "no model"), ("new", tmp_path / "none")):
        assert run("scan", tmp_path / "music", "--library", tmp_path / library, "--model", model) == 2
        assert sorted(tmp_path.rglob("*")) == before, capsys.readouterr().err


def test_the_library_is_found_from_any_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    write_noise(tmp_path / "music" / "a.flac", 0)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("scan", "music", "--model", model_file(), "--processes", 1) == 0
    assert (tmp_path / "data" / "filmscore-library" / "library.sqlite").is_file()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("find", "--want", "action") == 0 and "a.flac" in capsys.readouterr().out
    empty_library(tmp_path / "elsewhere" / "filmscore-library")  # one of the working folder comes first, as before
    assert run("find", "--want", "action") == 1


def test_progress_is_said_without_a_terminal(music, tmp_path, capsys):
    empty_library(tmp_path / "library")
    assert run("scan", music / "music", "--library", tmp_path / "library", "--processes", 1) == 0
    lines = capsys.readouterr().err.split("\n")
    assert lines[0] == f"looking through {music / 'music'}" and lines[1] == "0 of 5 files"
    assert lines[-2:] == ["5 of 5 files", ""]
    assert run("report", tmp_path / "a.html", "--library", tmp_path / "library") == 0
    assert capsys.readouterr().err == "0 of 5 tracks\n5 of 5 tracks\n"


def test_the_time_left_follows_from_the_work_that_is_done(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    shown = progress.Progress("files")
    for at_s, done, work_done in ((0, 0, 0), (20, 9, 10), (25, 9, 20), (40, 10, 100)):
        now[0] = 100.0 + at_s
        shown.show(done, 10, work_done, 100)
    assert capsys.readouterr().err == "0 of 10 files\n9 of 10 files, about 3:00 left\n10 of 10 files\n"


def test_help_names_the_genres_and_the_formats(capsys):
    assert commands.common.GENRES == ", ".join(name.lower() for name in Tagger.load(SHIPPED).class_names)
    for command, words in (("find", commands.common.GENRES), ("scan", "Ogg Vorbis, Opus, MP3")):
        with pytest.raises(SystemExit):
            run(command, "--help")
        assert words in " ".join(capsys.readouterr().out.split())


def test_problems_are_listed(music, tmp_path, capsys):
    shutil.copytree(music / "music", tmp_path / "music")
    (tmp_path / "music" / "te\nxt.wav").write_text("text")
    empty_library(tmp_path / "library")
    assert run("scan", tmp_path / "music", "--library", tmp_path / "library", "--processes", 1) == 0
    assert "te\\nxt.wav: is not audio" in capsys.readouterr().out
    assert run("problems", "--library", tmp_path / "library") == 0
    assert capsys.readouterr().out.endswith("1 files can't be used\n")
    (problem,) = as_json(capsys, "problems", "--library", tmp_path / "library")
    assert problem["uri"].endswith("te%0Axt.wav")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("find", "--want", "thriler", "--library", "LIBRARY"), "'thriler' is no genre of this library"),
        (
            ("find", "--want", "action", "--library", "/none"),
            "/none: no library there. Make one: filmscore_agent.py scan",
        ),
        (("scan", "/none", "--library", "LIBRARY"), "/none: expected a folder of recordings, found none"),
        (("scan", "/", "--library", "LIBRARY", "--processes", "0"), "--processes: expected 1 or more, got 0"),
        (("scan", "/", "--library", "LIBRARY", "--executor", "moon"), "--executor: expected processes, threads or the"),
        (("scan", "/etc", "--library", "/proc/none"), "/proc/none: can't be made"),
        (("surprise", "--library", "LIBRARY"), "expected labels of two tracks or more, got 0"),
        (("train", "--from-library", "LIBRARY"), "expected 20 labelled tracks of 4 albums or more, got 0 of 0"),
        (("correct", "#1", "--library", "LIBRARY"), "expected --tags GENRES, or --forget"),
        (("correct", "#1", "--tags", "jazz", "--library", "LIBRARY"), "--tags: 'jazz' is no genre of this library"),
        (("export", "/none/x.csv", "--library", "LIBRARY"), "No such file or directory"),
    ],
)
def test_errors_say_what_to_do(hostile, capsys, arguments, message):
    assert run(*(str(hostile) if word == "LIBRARY" else word for word in arguments)) == 2
    said = capsys.readouterr().err
    assert said.startswith("filmscore_agent: ") and message in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("find",),
        ("find", "--want", "action", "--limit", "0"),
        ("find", "--want", "action", "--min-duration", "soon"),
        ("export", "list.pls"),
        ("find", "--want", "action", "--export", "x.txt"),
        (),
    ],
)
def test_arguments_that_are_none(capsys, arguments):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "1:2:3:4", "-5", "1:", "1e3", "１"])
def test_times_that_are_none(text):
    with pytest.raises(ValueError, match="expected a time such as 1:30 or 90"):
        seconds(text)


def test_wide_and_combining_characters_are_counted():
    assert tables.columns_of("日本") == 4 and tables.columns_of("e\u0301") == 1
    assert tables.shorten("日本の音楽", 5) == "…音楽" and tables.shorten("abc", 3) == "abc"
    assert tables.curve(np.array([0, 0.5, 1.0]), 8) == "▁▅█" and tables.curve(np.arange(100) / 100, 8) == "▁▂▃▄▅▆▇█"


def test_an_export_is_whole_or_not_there(hostile, tmp_path, monkeypatch):
    path = tmp_path / "list.m3u8"
    path.write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nnlite.serialization.atomic.os.fsync", full)
    assert run("export", path, "--library", hostile) == 2
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_an_interrupt_is_no_traceback(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(filmscore_agent.COMMANDS["find"], "run", interrupted)
    assert run("find", "--want", "action") == 130 and "the same command goes on" in capsys.readouterr().err


def test_a_reader_that_has_enough_ends_the_program_quietly(hostile):
    import subprocess

    call = [sys.executable, filmscore_agent.__file__, "find", "--want", "action", "--library", str(hostile), "--json"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


def test_the_docstrings_examples_run():
    for module in pkgutil.walk_packages(filmscore.agent.__path__, "filmscore.agent."):
        assert doctest.testmod(importlib.import_module(module.name)).failed == 0, module.name
    assert export.FORMATS == (".m3u8", ".csv", ".json")
