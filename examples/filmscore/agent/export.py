"""Lists of tracks as files: playlists (M3U8), tables (CSV) and data (JSON). Names may hold any bytes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filmscore.agent.library import Library, Track
from filmscore.agent.search import Match
from filmscore.agent.tables import clock
from mfcc.sound.errors import printable
from nnlite.serialization import atomic_write

_FORMULA = re.compile(r"(^|[;|])(?=[\s\"']*[=+\-@＝＋－＠])")
"""Where a formula may begin: at the start of a cell, and behind what some spreadsheets take for the end of one."""
FORMATS = (".m3u8", ".csv", ".json")


def as_record(
    library: Library, found: Match | Track, labels: dict[int, tuple[str, ...]] | None = None
) -> dict[str, Any]:
    """Return a track, or a match, as JSON types.

    `path` is for people: what is no text in it is escaped. `uri` is exact.
    """
    track = found.track if isinstance(found, Match) else found
    record: dict[str, Any] = {"track": track.id, "path": printable(track.path), "uri": file_uri(track.path)}
    record |= {name: getattr(track, name) for name in ("title", "artist", "album")}
    record |= {"duration_s": round(track.duration_s, 3), "missing": track.missing}
    if isinstance(found, Match):
        record |= {"score": round(found.score, 4), "start_s": round(found.start_s, 3), "end_s": round(found.end_s, 3)}
    means = library.track_values[track.id - 1]
    ranks = library.ranks(means)
    record["ranks"] = {name: round(float(rank), 4) for name, rank in zip(library.class_names, ranks, strict=True)}
    record["values"] = {name: round(float(value), 6) for name, value in zip(library.class_names, means, strict=True)}
    if labels is not None:
        record["labels"] = list(labels.get(track.id, ())) if track.id in labels else None
    return record


def write(path: Path, library: Library, found: Sequence[Match | Track]) -> None:
    """Write a list in the format that the file's name ends with, whole or not at all.

    Raises
    ------
    ValueError
        For another ending.
    OSError
        When the file can't be written.
    """
    form = check_format(path)
    if form == ".m3u8":
        text = playlist(found)
    else:
        labels = library.labels()
        records = [as_record(library, each, labels) for each in found]
        text = as_text(records, form)
    with atomic_write(path) as file:
        file.write(text.encode())


def as_text(records: Sequence[dict[str, Any]], form: str) -> str:
    """Return records in a format, ".json" or ".csv"."""
    return json.dumps(records, indent=1) + "\n" if form == ".json" else table(records)


def check_format(path: Path) -> str:
    """Return the ending of a name if it is a known format."""
    form = path.suffix.lower()
    if form not in FORMATS:
        raise ValueError(f"{path}: expected a name that ends with {', '.join(FORMATS)}, got {form!r}")
    return form


def playlist(found: Sequence[Match | Track], folder: str | None = None) -> str:
    """Return an extended M3U in UTF-8, which nearly all players read.

    A path stands as it is if a line can hold it; otherwise as a file:// address, in which anything can be written.

    Parameters
    ----------
    found : sequence of Match or Track
    folder : str, optional
        Folder of the playlist: paths are relative to it. By default they are absolute.
    """
    lines = ["#EXTM3U"]
    for each in found:
        track = each.track if isinstance(each, Match) else each
        shown = " - ".join(filter(None, (track.artist, track.title))) or os.path.splitext(track.name)[0]
        lines.append(f"#EXTINF:{round(track.duration_s)},{shown}")
        path = track.path if folder is None else _relative(track.path, folder)
        plain = printable(path) == path.strip() == path and not path.startswith("#")
        lines.append(path if plain else file_uri(track.path))
    return "\n".join(lines) + "\n"


def _relative(path: str, folder: str) -> str:
    """Return a path as seen from a folder; on Windows a path of another drive stays as it is."""
    try:
        path = os.path.relpath(path, folder)
    except ValueError:
        return path
    # A player would take a line like "#1.ogg" for a comment.
    return path if path.startswith(os.pardir) else os.path.join(os.curdir, path)


def table(records: Sequence[dict[str, Any]]) -> str:
    """Return records as CSV: a column for each rank and value; tags joined by semicolons."""
    rows = []
    for record in records:
        row: dict[str, Any] = {}
        for name, value in record.items():
            if isinstance(value, dict):
                row |= {f"{key} ({name[:-1]})": item for key, item in value.items()}
            elif name == "end_s":
                row |= {name: value, "best at": f"{clock(record['start_s'])}-{clock(value)}"}
            elif name == "labels":
                row["tags"] = ";".join(value or ())
            else:
                row[name] = value
        rows.append(row)
    text = io.StringIO(newline="")
    names = list(rows[0]) if rows else ["track", "path"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return text.getvalue()


def file_uri(path: str) -> str:
    """Return the address of a file, with every byte of its name."""
    return "file://" + urllib.parse.quote(os.fsencode(path) if os.sep == "/" else Path(path).as_uri()[len("file://") :])


def _cell(value: Any) -> Any:
    """Return a value in one line, with an apostrophe wherever a spreadsheet would begin a formula.

    Examples
    --------
    >>> _cell("=1+1"), _cell("one; =1+1"), _cell("a-b"), _cell(-1)
    ("'=1+1", "one;' =1+1", 'a-b', -1)
    """
    return _FORMULA.sub(r"\1'", printable(value)) if isinstance(value, str) else value
