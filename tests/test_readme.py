"""The README's examples run as they stand, and its commands are commands."""

import re
import shlex
from pathlib import Path

import filmscore_agent
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.M | re.S)
AGENT = re.findall(r"^    \.venv/bin/filmscore (.*)$", README, flags=re.M)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with the examples in it, where files may be written."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split()[1] for block in BLOCKS])
def test_examples(block, checkout, capsys):
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out.strip().splitlines()
    if "load_digits" in block:
        assert float(printed[-1]) > 0.9 and (checkout / "digits.npz").stat().st_size > 1000
    else:
        assert "log" in "\n".join(printed)


def test_agent(checkout, capsys):
    assert [command.split()[0] for command in AGENT] == ["scan", "find", "similar", "serve"]
    for command in AGENT[:3]:
        assert filmscore_agent.main(shlex.split(command, comments=True)) == 0, command
    assert "Illurock" in capsys.readouterr().out
