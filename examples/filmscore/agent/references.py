"""From what a user types to a recording: a file, a track's number, or words of its name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from filmscore.agent.library import Library, Track
from filmscore.agent.schema import LibraryError
from filmscore.agent.words import folded
from filmscore.files import sha256
from mfcc.sound.errors import printable

SHOWN = 10
"""Most tracks listed when a text fits several."""


def resolve(library: Library, text: str) -> Track:
    """Return the track for a path, for "#12", for the name of a file or a title, or for words of these.

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
    found = _closest(library, text)
    if len(found) == 1:
        return found[0]
    if not found:
        message = f"{printable(text)!r}: no track of the library has these words in title, artist, album or file name."
        raise LibraryError(message)
    head = f"{printable(text)!r} fits {len(found)} tracks; give more of it, or a number such as '#12':"
    lines = [f"  #{track.id}  {printable(track.path)}" for track in found[:SHOWN]]
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    raise LibraryError("\n".join([head, *lines, *more]))


def _closest(library: Library, text: str) -> list[Track]:
    """Return the tracks that a text names: as their file's name, else as name or title, else by words of them."""
    folders, name = os.path.split(folded(text))
    if not name.strip():
        return []
    end = os.sep + os.path.normpath(os.path.join(folders, name))
    found = library.tracks(text=name, missing=True)
    if folders:
        found = [track for track in found if folded(printable(track.path)).endswith(end)]

    def is_file(track: Track) -> bool:
        return name in library.texts[track.id].split("\n")[3:]

    def is_called(track: Track) -> bool:
        title, _, _, *files = library.texts[track.id].split("\n")
        return name in (title, *(os.path.splitext(file)[0] for file in files))

    for fits in (is_file, is_called, lambda track: True):
        chosen = [track for track in found if fits(track)]
        present = [track for track in chosen if not track.missing]
        if chosen:
            return present or chosen
    return []


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
