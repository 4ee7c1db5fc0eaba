"""Nothing but the script that fetches music uses the network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "examples" / "data" / "return_to_home.ogg"


def without_network() -> list[str]:
    """What to put in front of a command so that it has no network at all, where the system lets anyone do that."""
    command = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return command


@pytest.mark.slow
@pytest.mark.parametrize("connect", [False, True])
def test_nothing_speaks_to_anyone(tmp_path, connect):
    program = [sys.executable, "-P", "-W", "error", ROOT / "tests" / "offline_program.py", RECORDING, tmp_path]
    command = [*without_network(), *program, *(["--connect"] if connect else [])]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    if connect:  # so that the test can fail
        assert done.returncode and "socket.__new__" in done.stderr and "must not speak to anyone" in done.stderr
    else:
        assert not done.returncode and done.stdout.endswith("offline: done\n"), done.stderr
