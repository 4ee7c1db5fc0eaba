"""The command that does all the damage puts its report on the page; what is reported here is made up."""

from unittest import mock

import pytest

from tests.faults import fuzz_files, kill_scan, kills, run, storms

PAGE = "before\n<!-- kills -->\n<!-- end of kills -->\nbetween\n<!-- files -->\nold\n<!-- end of files -->\nafter\n"


@pytest.fixture
def damage(monkeypatch):
    """What the parts are called by, each with the signature that it has; the kills of fits differ."""
    done = kills.Report(kills=3, left=[0, 2, 4], runs=1, differences=["run 1, after 3 kills: params/0"])
    scans = kill_scan.Report(left=[0, 7], runs=1)
    read = fuzz_files.Report(cpu_seconds=30.0)
    read.add("journal", True, None)
    read.add("recipe", False, {"case": 5, "kind": "recipe", "what": "KeyError", "where": "mfcc/x.py:1"})
    for module, name, found in ((kills, "kill", done), (kill_scan, "kill", scans), (fuzz_files, "fuzz", read)):
        monkeypatch.setattr(module, name, mock.create_autospec(getattr(module, name), return_value=found))
    said = [("Crowds.", "the same bits", True)]
    monkeypatch.setattr(storms, "results", mock.create_autospec(storms.results, return_value=said))


def test_the_report_goes_between_the_marks(damage, tmp_path, monkeypatch, capsys):
    page = tmp_path / "faults.md"
    page.write_text(PAGE)
    monkeypatch.setattr("sys.argv", ["run.py", "--only", "kills", "files", "--jobs", "2", "--report", str(page)])
    assert run.main() == 1  # there are differences, and findings
    assert "params/0" in capsys.readouterr().err
    text = page.read_text()
    assert "| kills | of these before anything was written |" in text
    assert "into a library | 2 | 1 | 1 | 0 |" in text and "every other epoch | 3 | 1 | 1 | 1 |" in text
    assert "| all | 4 | 2 | 2 |" in text and "1 minutes of CPU time (seed 1), 1 findings" in text and "old" not in text
    assert "- case 5, recipe: KeyError (mfcc/x.py:1)" in text
    assert text.startswith("before\n") and "\nbetween\n" in text and text.endswith("\nafter\n")
    asked = [call.args for call in fuzz_files.fuzz.call_args_list]
    seconds = 60 * run.MINUTES["files"][0] / 2
    assert sorted(asked) == [(seconds, 1, 0, 2**40), (seconds, 1, 2**40, 2**41)]


def test_a_page_without_marks_is_left_alone(damage, tmp_path, monkeypatch):
    page = tmp_path / "faults.md"
    page.write_text(PAGE)
    monkeypatch.setattr("sys.argv", ["run.py", "--only", "storms", "--report", str(page)])
    with pytest.raises(SystemExit, match="expected the marks <!-- storms -->"):
        run.main()
    assert page.read_text() == PAGE
