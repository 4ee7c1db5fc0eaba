"""Processes that are killed, interrupted and given damaged files: they end with the bits of one left in peace.

A few kills of each program; `python tests/faults/run.py --full` makes 190.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.killed_programs import PROGRAMS, ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals"),
    pytest.mark.timeout(1200),
]
PROGRAM = Path(__file__).with_name("kills.py")


@pytest.mark.parametrize(("name", "kills"), [("fit", 6), ("search", 3), ("script", 2)])
def test_killed(name, kills):
    command = [sys.executable, PROGRAM, "--program", name, "--kills", str(kills), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: {kills} kills" in done.stdout and "0 differences" in done.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    PROGRAMS["script"].prepare(folder)
    return folder


def start(data, folder, *more):
    """The script of the film-score network, started."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg"}
    command = [*PROGRAMS["script"].command(data, folder, 2), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def run(data, folder, *more):
    with start(data, folder, *more) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def test_the_script_is_interrupted_and_goes_on(data, tmp_path):
    folder, peaceful = tmp_path / "run", tmp_path / "peaceful"
    assert run(data, peaceful)[0] == 0
    expected = PROGRAMS["script"].end(peaceful)

    with start(data, folder) as process:  # Ctrl-C: the best so far is judged and kept, and the state too
        assert any(line.lstrip().startswith("2/8") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert "interrupted: going on with the best parameters so far" in err and "ended by interrupt" in out
    assert (folder / "out" / "model.npz").exists()
    checkpoint = folder / "out" / "checkpoint.npz"
    before = checkpoint.read_bytes()

    status, out, err = run(data, folder, "--batch-size", "24")  # another command does not go on with it
    assert status == 2 and "another batch_size (16 there, 24 here)" in err and str(checkpoint) in err
    assert checkpoint.read_bytes() == before

    checkpoint.write_bytes(before[:-1])  # damage costs an epoch
    status, out, err = run(data, folder)
    assert status == 0 and "DamagedCheckpointWarning" in err and "going on after epoch" in err
    assert PROGRAMS["script"].end(folder) == expected
    assert not checkpoint.exists()
