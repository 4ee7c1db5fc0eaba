"""The output of the commands: tables that fit, JSON, playlists that play, no control characters and no formulas."""

import csv
import io
import json
import ntpath
import os
import re
import sqlite3
import types
import urllib.parse

import numpy as np
import pytest
import soundfile

from filmscore.agent import analyse, export, tables
from mfcc.sound.errors import printable
from tests.examples.agent.commands.calls import as_json, run
from tests.examples.agent.commands.hostile_names import HOSTILE
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis, model_file, write_noise
from tests.examples.made_up import NAMES


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


def test_names_on_several_drives_of_windows_are_shown_whole(monkeypatch):
    monkeypatch.setattr(tables, "os", types.SimpleNamespace(path=ntpath, sep="\\"))
    assert tables.short_paths(["C:\\music\\a.ogg", "D:\\b.ogg"]) == ["C:\\music\\a.ogg", "D:\\b.ogg"]
    assert tables.short_paths(["C:\\music\\x\\a.ogg", "C:\\music\\b.ogg"]) == ["x\\a.ogg", "b.ogg"]
