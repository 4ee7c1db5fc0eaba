"""Some hundred damaged and forged files of every kind; `fuzz_files.py --minutes 60` reads half a million."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzz_files.py")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches a process in Linux's ways")
def test_only_the_documented_errors_come():
    command = [sys.executable, PROGRAM, "--cases", "400", "--seed", "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 findings" in done.stdout and "| all | 400 |" in done.stdout
