"""`python -m mfcc` on standard input and output, its progress, and interruptions."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE
from mfcc.command.program import main
from mfcc.command.progress import Progress
from tests.mfcc.sound_files import noise


def run_with(arguments, content=b""):
    """Return the exit status, standard output, and standard error without the lines about compilation."""
    command = [sys.executable, "-m", "mfcc", *map(str, arguments)]
    run = subprocess.run(command, input=content, capture_output=True, timeout=200)
    return run.returncode, run.stdout, [line for line in run.stderr.splitlines() if b"compiling" not in line]


def test_standard_input_and_output(music, tmp_path):
    content = (music / "album" / "disc 2" / "drei & vier.ogg").read_bytes()
    y, _ = mfcc.load(music / "album" / "disc 2" / "drei & vier.ogg")
    status, out, errors = run_with(["-", "--out", "-"], content)
    assert status == 0 and errors == []
    with np.load(io.BytesIO(out)) as file:
        np.testing.assert_array_equal(file["values"], FILMSCORE(y))
    for _ in range(2):  # a second time is not known to be the same
        status, out, _ = run_with(["-", "--out", tmp_path / "out", "--format", "npy"], content)
        assert status == 0 and out.startswith(b"1 done (2.0 s of audio")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "stdin.npy"), FILMSCORE(y))
    status, out, errors = run_with([music / "one.wav", "--out", "-", "--format", "csv"])
    assert status == 0 and out.startswith(b"time_s,c1,c2") and out.count(b"\n") == 33 and errors == []


def test_standard_input_that_is_broken(music):
    content = (music / "album" / "two.flac").read_bytes()
    half = content[: len(content) // 2]
    status, out, errors = run_with(["-", "--out", "-"], half)
    assert status == 1 and out == b"" and errors[0].startswith(b"failed: standard input: damaged or truncated")
    status, out, errors = run_with(["-", "--out", "-", "--format", "npy", "--keep-truncated"], half)
    assert status == 0 and errors[0].startswith(b"incomplete: standard input: damaged or truncated")
    kept, (y, _) = np.load(io.BytesIO(out)), mfcc.load(music / "album" / "two.flac")
    np.testing.assert_array_equal(kept, FILMSCORE(y)[:, : kept.shape[1]])
    assert run_with(["-", "--out", "-"]) == (1, b"", [b"failed: standard input: is empty (0 bytes)."])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_standard_output_that_is_full(music):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "mfcc", str(music / "one.wav"), "--out", "-"]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=200, text=True)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert f"failed: {music / 'one.wav'}: standard output: No space left on device." in run.stderr


@pytest.mark.parametrize("options", [["--out", "-"], ["--resynth", "-"], ["--describe"]])
def test_standard_output_that_nobody_reads_any_more(music, options):
    """As before `| head -c 0`: no fault, and nothing to be said about."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mfcc", str(music / "one.wav"), *options]
    run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=200, text=True)
    os.close(writer)
    assert run.returncode == 0
    assert [line for line in run.stderr.splitlines() if "compiling" not in line] == []


def test_a_terminal_gets_no_binary_data(music, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for arguments in (["--out", "-"], ["--resynth", "-"]):
        with pytest.raises(SystemExit, match="2"):
            main([str(music / "one.wav"), *arguments])
        assert "-: expected a file or a pipe behind standard output, got a terminal" in capsys.readouterr().err


class Stream:
    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress_in_a_log_file_is_lines():
    stream = Stream(terminal=False)
    with Progress(3, stream, every_s=0.0) as progress:
        progress.step(0)
        progress.say("failed: b")
        progress.step(1)
        progress.step(1)
    assert stream.text == "1 of 3 files, 0 failed\nfailed: b\n2 of 3 files, 1 failed\n"


def test_progress_on_a_terminal_is_a_bar():
    stream = Stream(terminal=True)
    with Progress(2, stream) as progress:
        progress.step(0)
        progress.say("failed: b")
        progress.step(1)
    assert "\r" in stream.text and "failed: b\n" in stream.text and "2/2" in stream.text


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_an_interrupted_run_keeps_what_is_done_and_goes_on(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(12):
        soundfile.write(folder / f"{i:02}.wav", noise(20, i, 96000), 96000)
    command = [sys.executable, "-m", "mfcc", folder, "--out", out, "--jobs", "1"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(120, run.kill)
    watchdog.start()
    while run.poll() is None and not list(out.glob("*.npz")):
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate()
    watchdog.cancel()
    n_done = len(list(out.glob("*.npz")))
    if run.returncode == 0:
        pytest.skip("it was faster than the signal")
    assert run.returncode == 130 and "interrupted: " in errors and 0 < n_done < 12
    assert not list(out.glob("*.tmp"))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(list(out.glob("*.npz"))) == 12 and " up to date, 0 failed" in again.stdout
