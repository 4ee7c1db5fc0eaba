"""Text that comes from files: cleaned when it is read, so that it may go into any table, page, playlist or terminal."""

from __future__ import annotations

import functools
import sys
import unicodedata

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
    text = text[:LONGEST]
    if not text.isprintable():  # which most text is
        text = "".join(character if is_legible(character) else " " for character in text)
    return text.strip()


def folded(text: str) -> str:
    """Return text for comparison: without case, accents and other marks, and the same for each way to write a letter.

    `page/library.js` does the same to what is looked for.

    Examples
    --------
    >>> folded("Über"), folded("u\u0308ber"), folded("Straße"), folded("ＯΔΟΣ")
    ('uber', 'uber', 'strasse', 'oδοσ')
    """
    if not text.isascii():
        text = _without_marks(text)
    if text.isascii():
        return text.lower()
    return _without_marks(text.upper().lower().replace("ς", "σ"))


def _without_marks(text: str) -> str:
    return unicodedata.normalize("NFKD", text).translate(_marks())


@functools.cache
def _marks() -> dict[int, None]:
    """Return the code of each mark that belongs to the letter before it, for `str.translate`."""
    return {code: None for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Mn"}


def clean_lines(text: str) -> str:
    """Return a message of some lines with all but legible characters escaped."""
    return "\n".join(map(printable, text.split("\n")))
