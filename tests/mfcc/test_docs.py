"""The pages about features: their code runs, their table is that of the presets, their pictures are there."""

import dataclasses
import doctest
import re
from pathlib import Path

import pytest

from mfcc import PRESETS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / "features.md", DOCS / "tools.md"]
LARGEST = 60_000  # bytes of a picture


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_the_pages_runs(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=flags, encoding="utf-8")
    assert tried > 5 and failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).is_file(), target


def knob_table():
    """Return a row for each knob in which presets differ, in bold where it is not the default."""
    names = list(PRESETS)
    lines = [f"| knob | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for knob, usual in dataclasses.asdict(PRESETS["FILMSCORE"]).items():
        values = [getattr(PRESETS[name], knob) for name in names]
        if any(value != usual for value in values):
            cells = (shown(value) if value == usual else f"**{shown(value)}**" for value in values)
            lines.append(f"| `{knob}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(value):
    """Return a value as in the table."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def test_the_table_is_that_of_the_presets():
    page = PAGES[1].read_text(encoding="utf-8")
    found = re.search(r"<!-- knobs: made .*?-->\n(.*?)\n?<!-- knobs: end -->", page, re.DOTALL)
    assert found is not None and found[1] == knob_table(), f"docs/tools.md should have:\n\n{knob_table()}"


@pytest.mark.slow
def test_pictures_are_small_and_those_of_the_script(tmp_path, capsys):
    pytest.importorskip("matplotlib", exc_type=ImportError)
    import mfcc_pictures

    assert mfcc_pictures.main(["--out", str(tmp_path)]) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    kept = {path.name: path.stat().st_size for path in (DOCS / "features").iterdir()}
    assert drawn == set(kept) == set(re.findall(r"\(features/(.*?)\)", PAGES[0].read_text(encoding="utf-8")))
    assert max(kept.values()) < LARGEST
    said = re.findall(r"\d\.\d\d", capsys.readouterr().out)
    assert len(said) == 3 and all(number in PAGES[0].read_text(encoding="utf-8") for number in said)


def test_the_measured_agreement(capsys):
    import mfcc_agreement

    assert mfcc_agreement.main([]) == 0
    told = PAGES[1].read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert any("librosa" in row[0] for row in rows)
    for tool, _, largest, wide, narrow in rows:
        assert max(float(wide), float(narrow)) < 5e-6 * max(100, float(largest)), tool
        assert any(line.startswith(f"| {tool.split()[0]}") for line in told)
