"""What all tests stand on."""

import signal

import pytest

collect_ignore_glob = ["data/*.py"]  # scripts that made recordings; they need what they recorded


@pytest.fixture(autouse=True)
def interrupts_work():
    """Ctrl-C raises, also where the tests run in the background of a shell that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
