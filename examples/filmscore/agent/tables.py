"""Tables and curves that fit the terminal, whatever is in a name."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence

import numpy as np

from mfcc.sound.errors import printable

BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-:=+*#"
"""Eight heights; the plain ones are for terminals whose encoding lacks the others."""
ELLIPSIS, PLAIN_ELLIPSIS = "…", "~"
LEAST = 12
"""Least columns of the wide column."""


def terminal_width() -> int:
    """Return the columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, wide: int, width: int | None = None) -> str:
    """Return the lines of a table; in a narrow terminal the column `wide` is cut at its front.

    Columns other than `wide` are to the right where all of their cells look like numbers.

    Examples
    --------
    >>> print(table(["", "track"], [["1", "albums/a/one.ogg"], ["12", "two.ogg"]], wide=1, width=16))
        track
     1  …s/a/one.ogg
    12  two.ogg
    """
    cells = [[printable(cell) for cell in row] for row in [header, *rows]]
    sizes = [max(columns_of(row[k]) for row in cells) for k in range(len(header))]
    room = (width or terminal_width()) - sum(sizes) + sizes[wide] - 2 * (len(header) - 1)
    sizes[wide] = min(sizes[wide], max(LEAST, room))
    right = [k != wide and all(_is_number(row[k]) for row in cells[1:]) for k in range(len(header))]
    lines = []
    for row in cells:
        parts = [_fit(cell, size, to_right) for cell, size, to_right in zip(row, sizes, right, strict=True)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def columns_of(text: str) -> int:
    """Return the columns that a text takes in a terminal: two for wide characters, none for combining ones."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def shorten(text: str, size: int) -> str:
    """Cut a text from its front to at most so many columns."""
    if columns_of(text) <= size:
        return text
    while text and columns_of(text) > size - 1:
        text = text[1:]
    return (ELLIPSIS if prints(ELLIPSIS) else PLAIN_ELLIPSIS) + text


def curve(values: np.ndarray, size: int) -> str:
    """Return values from 0 to 1 as a line of bars. More values than `size` are averaged in groups."""
    values = np.asarray(values, np.float64)
    if len(values) > size:
        values = np.array([part.mean() for part in np.array_split(values, size)])
    bars = BARS if prints(BARS) else PLAIN_BARS
    return "".join(bars[int(k)] for k in np.clip(np.floor(values * len(bars)), 0, len(bars) - 1))


def prints(text: str) -> bool:
    """Return whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def clock(seconds: float) -> str:
    """Return a time as m:ss, or h:mm:ss.

    Examples
    --------
    >>> clock(83.2), clock(3600)
    ('1:23', '1:00:00')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short_paths(paths: Sequence[str]) -> list[str]:
    """Return paths for people, without the folders that all of them share."""
    if len(paths) < 2:
        return [printable(os.path.join(*path.split(os.sep)[-2:]) if os.sep in path else path) for path in paths]
    try:
        common = os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # Windows: on several drives
        common = ""
    return [printable(os.path.relpath(path, common) if common else path) for path in paths]


def let_print() -> None:
    """Replace characters that the terminal's encoding lacks, where printing would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _fit(text: str, size: int, to_right: bool) -> str:
    text = shorten(text, size)
    space = " " * (size - columns_of(text))
    return space + text if to_right else text + space


def _is_number(text: str) -> bool:
    return bool(text) and not text.strip("0123456789.:#%+- ")
