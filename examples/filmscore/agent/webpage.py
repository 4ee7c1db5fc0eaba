"""The page that shows a library. `report` writes it to a file, `serve` sends it to browsers."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from filmscore.agent.explain import explain
from filmscore.agent.library import Library, Track
from filmscore.agent.search import Match, best_stretch
from mfcc.sound.errors import printable

SOURCE = Path(__file__).parent / "page"
SCRIPTS = ("library.js", "rows.js", "page.js")
CARRIED = 128
"""This is added to the percent of windows in which a genre is strongest."""
SHOWN = 4
"""Most folders that are shown of a path."""


def page(about: dict[str, Any], sources: str) -> str:
    """Return the page as one text of HTML that loads no other file but sound.

    Parameters
    ----------
    about : dict
        JSON types, see `about_library`; with `tracks` if all of them are in the page.
    sources : str
        Sources of sound and answers, as directives of a Content-Security-Policy. The page may run its own script and
        style, and load nothing else.
    """
    style, script = _style(), _script()
    parts = {
        "policy": html.escape(policy(sources)),
        "title": html.escape(about["title"]),
        "style": style,
        "library": _in_script(about),
        "script": script,
    }
    before, *rest = (SOURCE / "page.html").read_text(encoding="utf-8").split("{{")
    for piece in rest:  # one pass over the source, so that inserted text is not searched for markers
        name, _, after = piece.partition("}}")
        before += parts[name] + after
    return before


def policy(sources: str) -> str:
    """Return the Content-Security-Policy of the page: its own script and style run, `sources` may be asked, no more."""
    own = f"script-src '{_digest(_script())}'; style-src '{_digest(_style())}'; img-src data:"
    return f"default-src 'none'; {own}; {sources}; base-uri 'none'; form-action 'none'"


def about_library(library: Library, words: str) -> dict[str, Any]:
    """Return what the page must know about a library; `words` stand below its heading."""
    name = printable(library.folder.absolute().name)
    return {
        "title": f"{name}: music by film genre",
        "words": words,
        "genres": list(library.class_names),
        "window_s": round(library.window_s, 4),
    }


def row(library: Library, found: Match | Track, uri: str, labels: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    """Return a track for the page, as JSON types.

    `curves` has a byte for each genre and window, genre by genre, in base64: how many percent of the library's tracks
    have less, and `CARRIED` more in the stretches that `explain` names. `path` is for people, `uri` is exact.
    """
    track = found.track if isinstance(found, Match) else found
    start_s = library.windows(track).start_s
    genres = {genre.name: genre for genre in explain(library, track)}
    ordered = [genres[name] for name in library.class_names]
    curves = np.stack([genre.curve for genre in ordered])
    codes = np.rint(100 * curves).astype(np.uint8)
    for codes_of_genre, genre in zip(codes, ordered, strict=True):
        for stretch in genre.stretches:
            codes_of_genre[(start_s >= stretch.start_s) & (start_s < stretch.end_s)] += CARRIED
    ranks = np.array([genre.rank for genre in ordered])
    part = (found.start_s, found.end_s) if isinstance(found, Match) else best_stretch(library, track, ranks @ curves)
    return {
        "id": track.id,
        "name": printable(track.title or os.path.splitext(track.name)[0]),
        "words": printable(" · ".join(filter(None, (track.artist, track.album)))) or _folder(library, track.path),
        "path": printable(track.path),
        "uri": uri,
        "duration_s": round(track.duration_s, 2),
        "starts_s": [round(float(each), 2) for each in start_s],
        "curves": base64.b64encode(codes.tobytes()).decode("ascii"),
        "ranks": [round(float(rank), 6) for rank in ranks],
        "labels": list(labels[track.id]) if track.id in labels else None,
        "score": round(found.score, 4) if isinstance(found, Match) else None,
        "start_s": round(part[0], 2),
        "end_s": round(part[1], 2),
    }


def _folder(library: Library, path: str) -> str:
    """Return the folder of a file for people: from the scanned folder on, without the middle of a long path."""
    parent = os.path.dirname(path)
    tops = [top for top in library.folders() if os.path.join(parent, "").startswith(os.path.join(top, ""))]
    parts = (
        os.path.relpath(parent, os.path.dirname(max(tops, key=len))).split(os.sep)
        if tops
        else parent.split(os.sep)[-2:]
    )
    if len(parts) > SHOWN:
        parts = [*parts[: SHOWN - 2], "…", parts[-1]]
    return printable("/".join(parts))


def _style() -> str:
    return (SOURCE / "page.css").read_text(encoding="utf-8")


def _script() -> str:
    return '"use strict";\n' + "".join((SOURCE / name).read_text(encoding="utf-8") for name in SCRIPTS)


def _in_script(data: Any) -> str:
    """Return data as JSON that no browser takes for markup: ASCII alone, and no <, > or &."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
