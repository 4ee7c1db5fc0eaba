"""The commands as their users call them: what they do, how they say how far they are, and errors that help."""

import doctest
import importlib
import pkgutil
import shutil
import sys

import filmscore_agent
import numpy as np
import pytest

import filmscore.agent
from filmscore.agent import commands, export
from filmscore.agent.commands import progress
from filmscore.agent.library import Library
from filmscore.agent.references import seconds
from filmscore.agent.scan import SHIPPED
from filmscore.tagging import Tagger
from tests.examples.agent.commands.calls import as_json, run
from tests.examples.agent.libraries import empty_library, model_file, write_noise
from tests.examples.made_up import NAMES


def test_every_module_of_the_folder_is_a_command():
    found = {module.name for module in pkgutil.iter_modules(commands.__path__)} - {"common", "progress"}
    assert found == set(commands.COMMANDS)
    for command in commands.COMMANDS.values():
        assert command.HELP and command.__doc__ and callable(command.add_arguments) and callable(command.run)


def test_a_scan_says_what_it_did(music, capsys):
    assert run("scan", music / "music", "--library", music / "library", "--processes", 1) == 0
    assert capsys.readouterr().out == "5 files: 5 as before\n"
    report = as_json(capsys, "scan", music / "music", "--library", music / "library", "--processes", 1)
    assert report["unchanged"] == 5 and report["problems"] == []


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
            "/none: no library there. Make one: filmscore scan",
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
    assert said.startswith("filmscore: ") and message in said


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
