"""Scanning: only what is new or changed is read, nothing is dropped, and files of any kind do no harm."""

import errno
import functools
import os
import pydoc
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from filmscore.agent import analyse, lock
from filmscore.agent import scan as scanning
from filmscore.agent.basis import unit
from filmscore.agent.formats import UNREADABLE
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.rows import RowFile
from filmscore.agent.scan import scan
from filmscore.agent.workers import workers
from filmscore.tagging import Tagger
from nnlite import FileFormatError
from tests.examples.agent_library import empty_library, model_file, single_model_file, write_noise
from tests.faults.kill_scan import kill

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Make music of two albums, and its library."""
    folder = tmp_path_factory.mktemp("scanned")
    for k in range(4):
        write_noise(folder / "music" / f"album {k % 2}" / f"{k}.flac", k)
    scan(folder / "library", [str(folder / "music")], model=model_file())
    return folder


@pytest.fixture
def place(scanned, tmp_path):
    """Make a copy of the music that a test may change, and its library."""
    shutil.copytree(scanned / "music", tmp_path / "music")
    empty_library(tmp_path / "library")
    again(tmp_path)
    return tmp_path


def again(place, **options):
    return scan(place / "library", [str(place / "music")], **options)


def paths(place, **options):
    with Library.open(place / "library") as library:
        return {os.path.relpath(track.path, place / "music") for track in library.tracks(**options)}


ALL = {"album 0/0.flac", "album 0/2.flac", "album 1/1.flac", "album 1/3.flac"}


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
        (music / f"a b{ending}").write_bytes(b"\0\0\0 ftypM4A \0\0\0\0" + bytes(1000))
    (music / "cover.jpg").write_bytes(bytes(1000))
    report = again(place)
    assert report.others == 1 and report.unchanged == 4
    assert {os.path.splitext(path)[1] for path, _ in report.problems} == set(endings)
    problems = {os.path.splitext(path)[1]: problem for path, problem in report.problems}
    assert problems[".m4a"] == (
        "is AAC or ALAC in MP4 by its name, which is not read here. Convert it: ffmpeg -i 'a b.m4a' -vn 'a b.flac'"
    )
    assert problems[".xm"].endswith("Convert it: openmpt123 --render 'a b.xm'")
    assert {".mp4", ".mka", ".webm", ".wv", ".tta", ".ac3", ".ape", ".dsf", ".mod"} <= set(problems)
    report = again(place)
    assert (report.standing, report.others) == (len(endings), 1)


def test_the_command_of_the_remedy_works(place):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    music = place / "music"
    source = music / "album 0" / "0.flac"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c:a", "aac", music / "it's a $(cue).m4a"], check=True)
    ((_, problem),) = again(place).problems
    command = problem.partition("Convert it: ")[2]
    subprocess.run(["sh", "-c", command.replace("ffmpeg", "ffmpeg -v error")], cwd=music, check=True)
    assert again(place).new == 1


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


@pytest.mark.slow
def test_processes_find_the_same(place, tmp_path):
    (place / "music" / "text.wav").write_text("text")
    again(place)
    report = scan(tmp_path / "other", [str(place / "music")], model=model_file(), workers=workers("processes", 2))
    assert (report.new, len(report.problems)) == (4, 1)
    with Library.open(place / "library") as one, Library.open(tmp_path / "other") as two:
        for track in one.tracks():
            there = two.track(two.with_path(track.path))
            np.testing.assert_array_equal(one.windows(track).values, two.windows(there).values)
            np.testing.assert_array_equal(one.windows(track).directions, two.windows(there).directions)


def die(job):
    if "deadly" in job.path:
        os._exit(1)
    return analyse.analyse(job)


def test_a_file_that_kills_its_worker_is_a_problem_of_its_own(place, monkeypatch):
    write_noise(place / "music" / "deadly.flac", 40)
    write_noise(place / "music" / "fine.flac", 41)
    monkeypatch.setattr(scanning, "analyse", die)
    report = again(place, workers=functools.partial(ProcessPoolExecutor, 1))
    assert report.new == 1
    assert [os.path.basename(path) for path, _ in report.problems] == ["deadly.flac"]
    assert report.problems[0][1].startswith("its worker did not come back")


class NoProgram(ThreadPoolExecutor):
    def submit(self, *_):
        raise ModuleNotFoundError("No module named 'filmscore'")


def test_workers_that_lack_the_program_end_the_scan(place):
    write_noise(place / "music" / "new.flac", 42)
    with NoProgram(1) as executor, pytest.raises(RuntimeError, match=r"a worker could not load .*No module named"):
        again(place, workers=executor)
    with ThreadPoolExecutor(1) as executor:
        assert again(place, workers=executor).new == 1


def test_processes_that_never_begin_end_the_scan(place):
    write_noise(place / "music" / "new.flac", 43)
    with pytest.raises(RuntimeError, match=r"before they have begun .* What was stored is whole.* smaller --processes"):
        again(place, workers=functools.partial(ProcessPoolExecutor, 1, initializer=os._exit, initargs=(1,)))
    assert paths(place) == ALL


def test_an_interrupt_keeps_what_was_done(place, monkeypatch):
    for k in range(50, 53):
        write_noise(place / "music" / f"{k}.flac", k)
    plain = scanning.analyse

    def until_the_last(job):
        if "52" in job.path:
            raise KeyboardInterrupt
        return plain(job)

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "analyse", until_the_last)
        with pytest.raises(KeyboardInterrupt):
            again(place)
    assert again(place).new == 1
    with Library.open(place / "library") as library:
        assert library.n_tracks == 7


def test_the_second_of_two_scans_waits_or_is_refused(place):
    said, done = [], threading.Event()
    with lock.locked(place / "library", said.append):
        with pytest.raises(LibraryError, match=rf"another scan is at work \(process {os.getpid()}\). Try again"):
            again(place, wait=False)
        second = threading.Thread(target=lambda: (again(place, say=said.append), done.set()))
        second.start()
        while not said:
            assert second.is_alive()
        assert "another scan is at work" in said[0] and said[0].endswith("waiting for it to end")
        assert not done.wait(0.2)
    second.join()
    assert done.is_set()


def test_a_lock_ends_with_its_process(place):
    program = (
        "import os, sys; from pathlib import Path; from filmscore.agent import lock\n"
        "with lock.locked(Path(sys.argv[1]), print): os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)])}
    command = [sys.executable, "-c", program, str(place / "library")]
    assert subprocess.run(command, env=environment, check=False).returncode == 9
    assert again(place, wait=False).unchanged == 4


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


def test_a_recording_that_the_temporary_folder_cannot_hold_is_noted(place):
    """The limit of the size of a file stands for a full disk: 20 s take 1.8 MB when decoded, 60 s take 5.3 MB."""
    write_noise(place / "music" / "0 long.flac", 64, seconds=60)
    write_noise(place / "music" / "1 short.flac", 65)
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20)); import filmscore_agent\n"
        "sys.exit(filmscore_agent.main(sys.argv[1:]))"
    )
    arguments = ["scan", place / "music", "--library", place / "library", "--processes", "1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)])}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert "6 files: 1 new, 4 as before, 1 can't be used" in done.stdout
    assert "0 long.flac: " in done.stdout and "can't store decoded samples: File too large" in done.stdout
    report = again(place)
    assert (report.new, report.mended, report.unchanged) == (1, 1, 5)


def test_a_full_disk_of_the_library_ends_the_scan_and_keeps_what_was_stored(place, monkeypatch):
    for k in range(70, 73):
        write_noise(place / "music" / f"{k}.flac", k)
    monkeypatch.setattr(scanning, "BATCH", 1)
    plain = RowFile.write

    def full(self, first, rows):
        if self.path.name == "window_directions.i8" and first > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(self, first, rows)

    with monkeypatch.context() as patch:
        patch.setattr(RowFile, "write", full)
        with pytest.raises(LibraryError, match=r"No space left on device\. What was stored before is whole"):
            again(place)
    with Library.open(place / "library") as library:
        assert library.n_tracks == 6
    assert again(place).new == 1


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_scan_that_is_killed_loses_nothing():
    report = kill(kills=2, seed=0, processes=1, files=24)
    assert report.faults == [] and report.runs >= 1 and len(report.left) == 2
