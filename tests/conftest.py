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
SLOW = {
    "benchmarks", "faults", "page", "test_own_models.py", "test_streams.py", "test_cluster.py",
    "test_fuzz_audio.py", "test_other_processors.py", "test_torch_twin.py", "test_training_scripts.py",
}  # fmt: skip
"""Names of folders and files of slow tests: they start browsers, clusters or many processes, compile kernels for other
processors, or train for long. ``-m "not slow"`` does not even import them. Single tests have the mark themselves."""


def pytest_ignore_collect(collection_path, config):
    if config.option.markexpr == "not slow" and is_slow(collection_path):
        return True


def pytest_collection_modifyitems(items):
    missing = SLOW - {path.name for path in TESTS.rglob("*")}
    assert not missing, f"tests/conftest.py: SLOW: expected names of what there is, got {missing}"
    for item in items:
        if is_slow(item.path):
            item.add_marker("slow")


def is_slow(path):
    return path.is_relative_to(TESTS) and not SLOW.isdisjoint(path.relative_to(TESTS).parts)


@pytest.fixture(autouse=True)
def interrupts_work():
    """Ctrl-C raises, also where the tests run in the background of a shell that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
