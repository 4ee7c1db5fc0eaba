"""Errors and warnings about sound files, and paths as they are printed in them."""

from __future__ import annotations

import os
import unicodedata

_JOINERS = "\u200c\u200d"  # without them words of Persian, and emoji of several parts, are others

_LONGEST = 4096  # bytes of a path
Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class AudioError(ValueError):
    """An error about an audio file that can't be used: which file, and what is wrong with it.

    Attributes
    ----------
    path : str, bytes or os.PathLike
        The file, as it was given.
    reason : str
        What is wrong.
    seconds_read, seconds_expected : float or None
        For a truncated file: how much of it can be decoded, and how much there should be, as far as that is known.
    advice : str
        What a caller in Python can do about it.
    """

    def __init__(
        self,
        path: Path,
        reason: str,
        seconds_read: float | None = None,
        seconds_expected: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(path, reason, seconds_read, seconds_expected, advice)
        self.path, self.reason, self.advice = path, reason, advice
        self.seconds_read, self.seconds_expected = seconds_read, seconds_expected

    def __str__(self) -> str:
        told = self.explained('on_truncated="keep"')
        return f"{printable(self.path)}: {told} {self.advice}".rstrip()

    def explained(self, option: str) -> str:
        """Return the reason and, for a truncated file, what to do: `option` takes what is there."""
        hint = f" Get a whole copy, or take what is there with {option}." if self.seconds_read is not None else ""
        return self.reason + hint


class AudioWarning(UserWarning):
    """A warning: a truncated file was read as far as it goes."""


def printable(path: Path) -> str:
    """Return a path as text that any terminal or log can take: bytes that are no text and control characters escaped.

    Spaces of any width, and the joiners of Persian and of emoji, stay. What turns the direction of text is escaped.

    Examples
    --------
    >>> printable(b"caf\\xe9.ogg")
    'caf\\\\xe9.ogg'
    """
    try:
        name = os.fsencode(path)
        text = name.decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair of surrogates, which no file system has in a name
        text = str(path)
        name = text.encode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = "".join(c if is_legible(c) else c.encode("unicode_escape").decode() for c in text)
    if b"\0" not in name and len(name) <= _LONGEST:
        return text
    return f"{text[:60]}... ({len(name)} bytes, which no path has: io.BytesIO(content) is for content)"


def is_legible(character: str) -> bool:
    """Return whether a character shows as it is, and does nothing to the text around it."""
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"
