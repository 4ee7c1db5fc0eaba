"""Check a built site: links lead somewhere, and nothing is asked of another machine."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

RESOURCES = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("link", "href")}
"""Tags that a browser fetches by itself."""


class Page(HTMLParser):
    """The anchors of a page and its links, each with its tag.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, str, str]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            if name in ("href", "src") and value:
                self.links.append((tag, name, value))


def check(site: Path) -> tuple[int, int]:
    """Return the numbers of pages and links; end the program with a list of what is wrong."""
    theme = site / "_static"
    pages = {path: Page(path) for path in sorted(site.rglob("*.html")) if theme not in path.parents}
    wrong, n_links = [], 0
    for path, page in pages.items():
        for tag, name, value in page.links:
            n_links += 1
            place, parts = path.relative_to(site), urlsplit(value)
            if parts.scheme in ("mailto", "data"):
                continue
            if parts.scheme or parts.netloc:
                if (tag, name) in RESOURCES:
                    wrong.append(f"{place}: fetches {value} from another machine")
                elif parts.scheme not in ("http", "https") or "." not in parts.netloc:
                    wrong.append(f"{place}: no address: {value}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                wrong.append(f"{place}: no file: {value}")
            elif place.parts[0] == "_modules":  # viewcode guesses the place; the page is right
                continue
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                wrong.append(f"{place}: no such place: {value}")
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "url(http" in text or "@import url(//" in text or 'url("http' in text:
            wrong.append(f"{path.relative_to(site)}: fetches from another machine")
    if wrong:
        sys.exit("\n".join(sorted(set(wrong))))
    return len(pages), n_links
