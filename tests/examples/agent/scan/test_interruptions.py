"""Scans by several workers, and scans that end early: by an interrupt, a lock, a dead worker, a full disk or a kill."""

import errno
import functools
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from filmscore.agent import analyse, lock
from filmscore.agent import scan as scanning
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.rows import RowFile
from filmscore.agent.scan import scan
from filmscore.agent.workers import workers
from tests.examples.agent.libraries import model_file, write_noise
from tests.examples.agent.scan.places import ALL, again, paths
from tests.faults.kill_scan import kill

EXAMPLES = Path(__file__).parents[4] / "examples"


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_scan_that_is_killed_loses_nothing():
    report = kill(kills=2, seed=0, processes=1, files=24)
    assert report.faults == [] and report.runs >= 1 and len(report.left) == 2
