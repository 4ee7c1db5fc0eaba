"""From what a user types to a recording: a file, a track's number, or a part of its name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from filmscore.agent.library import Library, Track
from filmscore.agent.schema import LibraryError
from filmscore.files import sha256
from mfcc.sound.errors import printable

SHOWN = 10
"""Most tracks listed when a text fits several."""


def resolve(library: Library, text: str) -> Track:
    """Return the track for a path, for "#12", or for a part of path, title, artist or album.

    Raises
    ------
    LibraryError
        When none is meant, or several are.
    """
    number = in_library(library, text)
    if number is not None:
        return library.track(number)
    if os.path.isfile(text):
        raise LibraryError(f"{printable(text)}: not in the library {library.folder}. Scan its folder first.")
    found = library.tracks(text=text, missing=True) if text.strip() else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise LibraryError(f"{printable(text)!r}: no track of the library has this in path, title, artist or album.")
    head = f"{printable(text)!r} is a part of {len(found)} tracks; give more of it, or #NUMBER:"
    lines = [f"  #{track.id}  {printable(track.path)}" for track in found[:SHOWN]]
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    raise LibraryError("\n".join([head, *lines, *more]))


def in_library(library: Library, text: str) -> int | None:
    """Return the number of the track for a path or "#12"; a moved file is known by its content."""
    if re.fullmatch(r"#\d{1,18}", text):
        return library.track(int(text[1:])).id
    number = library.with_path(os.path.abspath(text))
    if number is None and os.path.isfile(text):
        try:
            number = library.with_hash(bytes.fromhex(sha256(Path(text))))
        except OSError as error:
            raise LibraryError(f"{printable(text)}: can't be read: {error.strerror}.") from error
    return number if number is not None and number <= library.n_tracks else None


def seconds(text: str) -> float:
    """Return a time such as 1:30, 0:01:30 or 90 in seconds; raises ValueError.

    Examples
    --------
    >>> seconds("1:30"), seconds("0:01:30.5"), seconds("90")
    (90.0, 90.5, 90.0)
    """
    match = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"expected a time such as 1:30 or 90, got {text!r}")
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + rest
