"""Files that can't be read do no harm to a scan: each is listed with its reason and tried again when it may work."""

import errno
import os
import pydoc
import shutil
import sqlite3
import subprocess

import pytest

from filmscore.agent import analyse
from filmscore.agent import scan as scanning
from filmscore.agent.formats import UNREADABLE
from filmscore.agent.library import Library
from tests.examples.agent.libraries import write_noise
from tests.examples.agent.scan.places import ALL, again, paths


def test_files_that_vanish_in_the_middle(place, monkeypatch):
    for k in range(20, 24):
        write_noise(place / "music" / "more" / f"{k}.flac", k)
    plain = scanning.analyse

    def and_remove(job):
        shutil.rmtree(place / "music" / "more", ignore_errors=True)
        return plain(job)

    monkeypatch.setattr(scanning, "analyse", and_remove)
    report = again(place)
    assert {problem for _, problem in report.problems} == {"can't be read: No such file or directory"}
    assert again(place).problems == [] and paths(place) == ALL
    with Library.open(place / "library") as library:
        assert library.problems() == []


def test_files_that_are_no_audio(place):
    music = place / "music"
    (music / "empty.mp3").touch()
    (music / "cover.jpg").write_bytes(b"\xff\xd8\xff" + bytes(1000))
    (music / "notes.txt").write_text("text")
    (music / "text.wav").write_text("text")
    (music / "no suffix").write_bytes((music / "album 0" / "0.flac").read_bytes())
    whole = (music / "album 0" / "2.flac").read_bytes()
    (music / "cut.flac").write_bytes(whole[: len(whole) // 2])
    write_noise(music / "short.flac", 5, seconds=4)
    (music / ".hidden.flac").write_bytes(whole)
    os.mkfifo(music / "pipe.flac")
    (music / "link.flac").symlink_to("nowhere")
    (music / "loop").symlink_to("..")
    report = again(place)
    assert (report.files, report.others, report.copies) == (11, 2, 1)
    problems = {os.path.basename(path): problem for path, problem in report.problems}
    assert set(problems) == {"empty.mp3", "text.wav", "cut.flac", "short.flac"}
    assert problems["empty.mp3"] == "is empty (0 bytes)." and "is not audio in a format" in problems["text.wav"]
    assert "can be read" in problems["cut.flac"] and problems["short.flac"].startswith("4.00 s long, shorter than")
    report = again(place)
    assert (report.others, report.standing, report.problems) == (2, 4, [])
    (music / "cut.flac").write_bytes(whole + b"")
    write_noise(music / "empty.mp3", 6)
    report = again(place)
    assert (report.mended, report.standing, report.new, report.copies) == (2, 2, 1, 1)
    with Library.open(place / "library") as library:
        assert [os.path.basename(path) for path, _ in library.problems()] == ["short.flac", "text.wav"]


def test_audio_that_cannot_be_read_is_listed_with_the_remedy(place):
    """Files of these names were taken for no audio, like pictures, and were in no list."""
    music = place / "music"
    endings = sorted({ending for all_ in UNREADABLE.values() for ending in all_.split()})
    for ending in endings:
        (music / f"a b{ending}").write_bytes(b"made up" * 1000)
    (music / "cover.jpg").write_bytes(bytes(1000))
    report = again(place)
    assert report.others == 1 and report.unchanged == 4
    assert {os.path.splitext(path)[1] for path, _ in report.problems} == set(endings)
    problems = {os.path.splitext(path)[1]: problem for path, problem in report.problems}
    assert problems[".m4a"] == (
        "is AAC or ALAC in MP4 by its name, and can't be read. Convert it: ffmpeg -i 'a b.m4a' -vn 'a b.flac'"
    )
    assert problems[".xm"].endswith("Convert it: openmpt123 --render 'a b.xm'")
    assert {".mp4", ".mka", ".webm", ".wv", ".tta", ".ac3", ".ape", ".dsf", ".mod"} <= set(problems)
    report = again(place)
    assert (report.standing, report.others) == (len(endings), 1)


def test_the_command_of_the_remedy_works_where_ffmpeg_is_not_found(place, monkeypatch):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    music = place / "music"
    source = music / "album 0" / "0.flac"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c:a", "aac", music / "it's a $(cue).m4a"], check=True)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(place / "nothing"))
        ((_, problem),) = again(place).problems
    assert problem.startswith("is MP4, which libsndfile does not read. Install ffmpeg")
    command = problem.partition("convert the file: ")[2]
    subprocess.run(["sh", "-c", command.replace("ffmpeg", "ffmpeg -v error")], cwd=music, check=True)
    monkeypatch.setattr(scanning, "READER", "the same with ffmpeg")
    report = again(place)
    assert (report.new, report.problems) == (2, [])  # what was converted, and what is read now


def test_a_library_of_an_earlier_version_lists_what_it_passed_over(place):
    (place / "music" / "a.m4a").write_bytes(b"\0\0\0 ftypM4A \0\0\0\0" + bytes(1000))
    again(place)
    connection = sqlite3.connect(place / "library" / "library.sqlite")
    with connection:
        connection.execute(
            "UPDATE file SET problem = NULL, reader = 'libsndfile 1.2.2, nnlite 0.1.0' WHERE track IS NULL"
        )
    connection.close()
    assert [os.path.basename(path) for path, _ in again(place).problems] == ["a.m4a"]


def test_many_files_of_which_a_third_is_no_audio(place, monkeypatch):
    """Large collections have copies, pictures, and files with the name of audio only. Nothing is analysed twice."""
    music, n = place / "music" / "more", 1500
    sources = [place / "music" / name for name in sorted(ALL)]
    (place / "text").write_text("text")
    for k in range(n):
        (music / f"{k // 100:02}").mkdir(parents=True, exist_ok=True)
        name = f"{k}.flac" if k % 3 < 2 else f"{k}.mp3" if k % 2 else f"{k}.jpg"
        os.link(place / "text" if k % 3 == 2 else sources[k % 4], music / f"{k // 100:02}" / name)
    commits, plain = [], scanning._commit
    monkeypatch.setattr(scanning, "_commit", lambda *arguments: (commits.append(1), plain(*arguments)))
    monkeypatch.setattr(analyse, "analysis_of", lambda *_: pytest.fail("this content is known"))
    report = again(place)
    assert (report.files, report.copies, report.others, len(report.problems)) == (n + 4, n * 2 // 3, n // 6, n // 6)
    assert report.new == 0 and len(commits) <= n / scanning.BATCH + 2 + report.seconds / scanning.BATCH_S
    monkeypatch.setattr(analyse, "_analyse", lambda job: pytest.fail("nothing has changed"))
    report = again(place)
    assert (report.unchanged, report.others, report.standing) == (n * 2 // 3 + 4, n // 6, n // 6)
    assert report.problems == [] and paths(place) == ALL


def test_a_file_that_cannot_be_read_is_tried_again(place, monkeypatch):
    path = place / "music" / "album 0" / "0.flac"
    os.utime(path, (5, 5))  # it must be read again
    plain = open

    def refused(file, *args, **kwargs):
        if os.fspath(file) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(file, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refused)
        assert again(place).problems == [(str(path), "can't be read: Permission denied")]
    assert paths(place) == ALL - {"album 0/0.flac"}
    report = again(place)
    assert (report.mended, report.unchanged) == (1, 4) and paths(place) == ALL


def test_another_reader_tries_what_one_could_not_read(place, monkeypatch):
    (place / "music" / "text.wav").write_text("text")
    again(place)
    looked = []
    plain = scanning.analyse
    monkeypatch.setattr(scanning, "analyse", lambda job: looked.append(job.path) or plain(job))
    again(place)
    assert looked == []
    again(place, retry=True)
    monkeypatch.setattr(scanning, "READER", "libsndfile 9")
    again(place)
    assert [os.path.basename(path) for path in looked] == ["text.wav"] * 2


def test_a_file_that_changes_while_it_is_read_is_read_again(place, monkeypatch):
    path = place / "music" / "growing.flac"
    write_noise(path, 30)
    plain = analyse.analysis_of

    def and_touch(*arguments):
        os.utime(path, (7, 7))
        return plain(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(analyse, "analysis_of", and_touch)
        assert "changed while it was read" in again(place).problems[0][1]
    report = again(place)
    assert (report.new, report.mended) == (1, 1)


@pytest.mark.parametrize(
    ("patched", "problem"),
    [
        ("filmscore.agent.analyse.hashlib.file_digest", "can't be read: Input/output error"),
        ("filmscore.agent.analyse.analysis_of", "/folder: Input/output error; the next scan tries again"),
    ],
)
def test_a_file_with_a_bad_sector_is_noted_and_the_scan_goes_on(place, monkeypatch, patched, problem):
    for k in range(60, 63):
        write_noise(place / "music" / f"{k}.flac", k)
    plain = pydoc.locate(patched)

    def broken(*arguments):
        if "61.flac" in str(getattr(arguments[0], "name", arguments[0])):
            raise OSError(errno.EIO, os.strerror(errno.EIO), "/folder")
        return plain(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(patched, broken)
        report = again(place)
    assert (report.new, report.unchanged) == (2, 4) and report.problems == [(str(place / "music/61.flac"), problem)]
    report = again(place)
    assert (report.new, report.mended, report.unchanged) == (1, 1, 6)
