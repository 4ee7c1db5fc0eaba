"""The page: HTML that needs no file but the sounds beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from filmscore.files import replace_file

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d3dae1; } h3 { margin-bottom: .3rem; }
img { max-width: 100%; } audio { width: 24rem; max-width: 100%; } p.small, table { color: #52606d; font-size: .9rem; }
td, th { padding: .1rem .9rem .1rem 0; text-align: left; } td.number { text-align: right; }
figure { margin: .6rem 0; display: inline-block; } figcaption { font-size: .9rem; color: #52606d; }
"""


class Page:
    """A page that grows from top to bottom; `write` puts it into a folder.

    Attributes
    ----------
    folder : Path
        Folder of the page and its sounds.
    pictures : dict
        Name -> PNG, of the pictures in it.
    """

    def __init__(self, folder: Path, title: str) -> None:
        self.folder, self.title = folder, title
        self.pictures: dict[str, bytes] = {}
        self._parts = [f"<h1>{html.escape(title)}</h1>"]

    def heading(self, text: str, level: int = 2) -> None:
        self._parts.append(f"<h{level}>{html.escape(text)}</h{level}>")

    def text(self, text: str, small: bool = False) -> None:
        self._parts.append(f"<p{' class=small' if small else ''}>{html.escape(text)}</p>")

    def picture(self, name: str, png: bytes, says: str) -> None:
        """Add a picture to the page itself; `says` describes it for readers who can't see it."""
        self.pictures[name] = png
        code = base64.b64encode(png).decode()
        self._parts.append(f'<p><img alt="{html.escape(says)}" src="data:image/png;base64,{code}"></p>')

    def sound(self, path: Path, says: str) -> None:
        """Add a player for a file in the page's folder."""
        place = html.escape(path.relative_to(self.folder).as_posix())
        self._parts.append(
            f'<figure><figcaption>{html.escape(says)}</figcaption><audio controls preload="none" src="{place}"></audio>'
            "</figure>"
        )

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        self._parts.append(f"<table><tr>{cells}</tr>{body}</table>")

    def write(self) -> Path:
        """Write index.html, and return its path."""
        path = self.folder / "index.html"
        with replace_file(path) as file:
            file.write(
                "<!doctype html><html lang=en><meta charset=utf-8>"
                '<meta name=viewport content="width=device-width, initial-scale=1">'
                f"<title>{html.escape(self.title)}</title><style>{STYLE}</style><body>\n".encode()
            )
            file.write("\n".join(self._parts).encode())
            file.write(b"\n</body></html>\n")
        return path
