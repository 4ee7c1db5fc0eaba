"""The site: its guides and tutorial run, its reference has every public name, and its checks can fail."""

import ast
import doctest
import importlib
import os
import re
from pathlib import Path

import pytest

import mfcc
import nnlite as nn

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "docs" / "site"
DIGITS = os.environ.get("NNLITE_SPOKEN_DIGITS", "")
"""The folder of the Free Spoken Digit Dataset, where it is."""


@pytest.fixture
def module(monkeypatch):
    """Return a function that imports a module of the site's builder."""
    monkeypatch.syspath_prepend(str(SITE))
    return importlib.import_module


@pytest.mark.parametrize("name", ["networks.md", "streaming.md"])
def test_guides_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs" / name), module_relative=False, encoding="utf-8")
    assert tried > 2 and failed == 0


def test_the_landing_page_shows_the_readme_s_network():
    readme, page = ((path.read_text("utf-8")) for path in (ROOT / "README.md", SITE / "index.md"))
    layers = re.search(r"\[nn\.Conv2D.*\]", page)[0]
    assert layers in readme and re.search(r"# 0\.\d+ or so", page)[0] in readme


@pytest.mark.skipif(not DIGITS, reason="NNLITE_SPOKEN_DIGITS names no folder of spoken digits")
def test_the_tutorial_runs_as_it_stands(tmp_path, monkeypatch):
    (tmp_path / "free-spoken-digit-dataset").symlink_to(DIGITS)
    monkeypatch.chdir(tmp_path)
    told = {}
    for block in re.findall(r"^```python\n(.*?)^```$", (SITE / "tutorial.md").read_text("utf-8"), flags=re.M | re.S):
        exec(compile(block, "tutorial.md", "exec"), told)
    assert told["known_voices"] > 0.93
    assert 0.4 < sum(told["new_voices"].values()) / len(told["new_voices"]) < told["known_voices"] - 0.1


def test_the_tutorial_is_python():
    blocks = re.findall(r"^```python\n(.*?)^```$", (SITE / "tutorial.md").read_text("utf-8"), flags=re.M | re.S)
    assert len(blocks) >= 8
    for block in blocks:
        ast.parse(block)


def test_the_reference_has_every_public_name_and_command(module, tmp_path):
    module("reference").write(tmp_path / "reference")
    for package in (nn, mfcc):
        page = (tmp_path / "reference" / f"{package.__name__}.rst").read_text("utf-8")
        for name in dir(package):
            if not name.startswith("_") and not isinstance(getattr(package, name), type(os)):
                assert re.search(rf"^   {package.__name__}\.(\w+\.)*{name}$", page, flags=re.M), name
    page = (tmp_path / "reference" / "commands.rst").read_text("utf-8")
    assert "--print-completion" in page and "filmscore similar\n" in page and str(Path.home()) not in page


def test_links_of_the_checkout_become_links_of_the_site(module):
    build = module("build")

    def moved(text, origin, page):
        return build.LINK.sub(lambda match: build.moved(match, origin, page), text)

    assert moved("[a](docs/agent.md#x)", "RESULTS.md", "study.md") == "[a](guides/agent.md#x)"
    assert moved("[a](../RESULTS.md)", "docs/agent.md", "guides/agent.md") == "[a](../study.md)"
    assert moved("![a](docs/study/models.png)", "RESULTS.md", "study.md") == "![a](guides/study/models.png)"
    assert moved("[a](LICENSE), [b](https://x.org)", "RESULTS.md", "study.md") == "a, [b](https://x.org)"
    with pytest.raises(SystemExit, match=r"RESULTS.md: a link to none.md"):
        moved("[a](none.md)", "RESULTS.md", "study.md")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<a href="none.html">', "no file: none.html"),
        ('<a href="#none">', "no such place: #none"),
        ('<a href="other.html#none">', "no such place: other.html#none"),
        ('<script src="https://cdn.example.org/x.js"></script>', "fetches https://cdn.example.org/x.js"),
        ('<a href="https:/">', "no address"),
    ],
)
def test_wrong_links_are_found(module, tmp_path, body, message):
    (tmp_path / "other.html").write_text('<p id="here">')
    (tmp_path / "index.html").write_text(f'<a href="other.html#here">good</a> <a href="https://x.org/a">too</a>{body}')
    with pytest.raises(SystemExit, match=re.escape(message)):
        module("links").check(tmp_path)


def test_scripts_of_the_gallery_have_a_title_and_a_picture():
    scripts = sorted((ROOT / "examples" / "gallery").glob("*.py"))
    assert len(scripts) >= 12
    for path in scripts:
        text = path.read_text("utf-8")
        title, line = ast.get_docstring(ast.parse(text)).split("\n")[:2]
        assert len(title) == len(line) and set(line) == {"="} and "plt.show()" in text, path.name
