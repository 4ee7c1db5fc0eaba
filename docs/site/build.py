"""Build the site: python docs/site/build.py FOLDER. It needs `pip install 'nnlite[docs]'`, and no network.

A temporary folder becomes the source of Sphinx: the pages of this folder, the guides in docs/, texts of the checkout
(results, changes, ...), the reference (`reference.py`), and the scripts of examples/gallery, which run here. A warning
ends the build. So does a link that leads nowhere, or a page that would ask another machine for anything (`links.py`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import links
import reference

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TEXTS = {
    "RESULTS.md": "study.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "benchmarks/README.md": "benchmarks/README.md",
    "examples/models/filmscore.md": "examples/models/filmscore.md",
    "examples/filmscore/corpus/README.md": "examples/filmscore/corpus/README.md",
}
"""Texts of the checkout that are pages of the site, and where they go."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
BLOCK = re.compile(r"<!-- (speed): made by .*?-->\n(.*?)<!-- speed: end -->", re.S)


def prepare(source: Path) -> None:
    """Write the source of the site."""
    shutil.copytree(
        HERE, source, ignore=shutil.ignore_patterns("*.pyc", "__pycache__", "build.py", "links.py", "reference.py")
    )
    shutil.copytree(ROOT / "docs", source / "guides", ignore=shutil.ignore_patterns("site", "__pycache__"))
    for name, page in TEXTS.items():
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / page)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (speed,) = (match[2] for match in BLOCK.finditer(readme))
    fast = source / "fast.md"
    fast.write_text(fast.read_text(encoding="utf-8").replace("<!-- the README's table -->", speed), encoding="utf-8")
    reference.write(source / "reference")
    guides = source / "guides.md"
    named = guides.read_text(encoding="utf-8")
    others = [
        f"guides/{path.stem}" for path in sorted((source / "guides").glob("*.md")) if f"/{path.stem}\n" not in named
    ]
    guides.write_text(named.replace("guides/*", "\n".join(others)), encoding="utf-8")
    pages = {page: name for name, page in TEXTS.items()}
    for path in source.rglob("*.md"):
        page = path.relative_to(source).as_posix()
        origin = pages.get(page) or (page.replace("guides/", "docs/", 1) if page.startswith("guides/") else None)
        if origin is not None:
            text = path.read_text(encoding="utf-8")
            path.write_text(LINK.sub(lambda match, a=origin, b=page: moved(match, a, b), text), encoding="utf-8")


def moved(match: re.Match, origin: str, page: str) -> str:
    """Return a link of a text of the checkout as it must read on its page; what is no page becomes plain text."""
    picture, text, target, anchor = match.groups()
    meant = os.path.normpath(os.path.join(os.path.dirname(origin), target)).replace(os.sep, "/")
    if not (ROOT / meant).exists():
        sys.exit(f"{origin}: a link to {target}, which is not there")
    inside = TEXTS.get(meant) or (meant.replace("docs/", "guides/", 1) if meant.startswith("docs/") else None)
    if inside is None:
        return text
    there = os.path.relpath(inside, os.path.dirname(page) or ".").replace(os.sep, "/")
    return f"{picture}[{text}]({there}{anchor or ''})"


def main(out: Path) -> int:
    begin = time.monotonic()
    if out.exists() and any(out.iterdir()):
        if not (out / ".buildinfo").is_file():
            sys.exit(f"{out}: expected a new folder, an empty one or an earlier site, found something else")
        shutil.rmtree(out)
    sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "source")
        prepare(source)
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", f"{temporary}/doctrees"]
        environment = {**os.environ, "NNLITE_CHECKOUT": str(ROOT), "LC_ALL": "C.UTF-8"}
        done = subprocess.run([*command, source, out], env=environment)
    if done.returncode:
        return done.returncode
    pages, n_links = links.check(out)
    print(f"{out / 'index.html'}: {pages} pages, {n_links:,} links, in {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
