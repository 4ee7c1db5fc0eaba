"""Some hundred damaged sound files and recipes; `fuzz_audio.py --minutes 30` reads a hundred thousand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzz_audio.py")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches a process in Linux's ways")


def fuzz(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)


def test_only_the_documented_errors_come():
    done = fuzz("--cases", "600", "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 findings" in done.stdout and "| all | 600 |" in done.stdout


def test_faults_are_found():
    done = fuzz("--cases", "7", "--planted", "--patience", "1")
    assert done.returncode == 1 and ", 6 findings" in done.stdout
    found = {finding["case"]: finding["what"] for finding in map(json.loads, done.stderr.splitlines())}
    expected = (
        "killed by SIGABRT",
        "KeyError: 'planted'",
        "RuntimeWarning: planted",
        "took ",
        "MemoryError",
        "killed by SIG",
    )
    assert [what for number, what in sorted(found.items()) if not what.startswith(expected[number])] == []
    assert len(found) == len(expected)
