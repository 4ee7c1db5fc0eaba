"""Each scenario of `storms.py` at its small size; where the machine does not permit one, the test says why."""

import sys

import pytest

from tests.faults import storms

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="forks, mounts and fills disks by POSIX means"),
    pytest.mark.timeout(1200),
]


@pytest.mark.parametrize("name", storms.SCENARIOS)
def test_works_or_fails_with_the_stated_error(name):
    try:
        assert storms.SCENARIOS[name](False)
    except storms.NotPermitted as error:
        pytest.skip(f"this machine does not permit {error}")
