"""Text that comes from files: cleaned when it is read, so that it may go into any table, page, playlist or terminal."""

from __future__ import annotations

from mfcc.sound.errors import is_legible, printable

LONGEST = 500
"""Most characters that are kept of a title, an artist or an album."""


def clean(text: str) -> str:
    """Return a title, a name or a sentence in one line: a space for each character that is not legible.

    Examples
    --------
    >>> clean("one\\ntwo\\x1b[31m "), clean("日本　の音楽")
    ('one two [31m', '日本\u3000の音楽')
    """
    return "".join(character if is_legible(character) else " " for character in text[:LONGEST]).strip()


def clean_lines(text: str) -> str:
    """Return a message of some lines with all but legible characters escaped."""
    return "\n".join(map(printable, text.split("\n")))
