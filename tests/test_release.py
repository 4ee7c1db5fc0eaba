"""The files of a release agree, and the script that prepares one looks at them."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.fixture
def release(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    return importlib.import_module("release")


def test_the_files_name_one_version(release):
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.agreed_version(CHANGELOG))


def test_versions_that_differ_end_the_release(release):
    with pytest.raises(SystemExit, match=r"versions differ: .* CHANGELOG.md 9\.9\.9"):
        release.agreed_version("# Changelog\n\n## 9.9.9 - today\n\n## 0.1.0\n")
    with pytest.raises(SystemExit, match="expected"):
        release.agreed_version("# Changelog\n")


def test_the_notes_are_the_section_of_the_version(release):
    notes = release.section(release.agreed_version(CHANGELOG))
    assert "filmscore" in notes and "\n## " not in f"\n{notes}" and notes.count("\n") > 10


def test_a_failing_step_ends_the_release_with_what_it_said(release):
    import sys

    with pytest.raises(SystemExit, match="no such thing"):
        release.run(sys.executable, "-c", "import sys; sys.exit('no such thing')")
