"""What all tests stand on."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("explore", settings.get_profile("default"))
settings.register_profile("same", derandomize=True)
settings.load_profile("same")  # whoever checks an installation gets one answer; see CONTRIBUTING.md for new draws

collect_ignore_glob = ["data/*.py"]  # scripts that made recordings; they need what they recorded

TESTS = Path(__file__).parent
SLOW = (
    "benchmarks", "examples", "faults", "mfcc/command", "mfcc/test_docs.py",
    "mfcc/test_fuzz_audio.py", "nnlite/estimators/test_cluster.py", "nnlite/estimators/test_ensemble.py",
    "nnlite/estimators/test_ensemble_members.py",
)  # fmt: skip
"""Folders and files whose tests start processes or train for long: ``-m "not slow"`` leaves them out."""


def pytest_collection_modifyitems(items):
    slow = [TESTS / name for name in SLOW]
    assert all(path.exists() for path in slow), f"tests/conftest.py: SLOW: expected what there is, got {SLOW}"
    for item in items:
        if any(item.path.is_relative_to(path) for path in slow):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def interrupts_work():
    """Ctrl-C raises, also where the tests run in the background of a shell that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
