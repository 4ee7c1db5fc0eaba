"""Errors about files that their reader can't take."""

import contextlib
import reprlib
from collections.abc import Iterator
from typing import Any


class FileFormatError(ValueError):
    """An error about a file that is damaged, of another kind or made to do harm.

    It says which file, where, what was expected and what came.
    """


class FileVersionError(FileFormatError):
    """An error about a file that is whole, but was written by a later version of the library."""


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60
        self.maxlevel = 2


_short = _Short()


def shown(value: Any) -> str:
    """Return the `repr` of something out of a file, cut to a length that fits a message.

    >>> shown("x" * 1000)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    return _short.repr(value)


def brief(error: Exception) -> str:
    """Return the message of an error that some check raised about something out of a file."""
    message = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
    return message if len(message) <= 500 else f"{message[:500]}..."


@contextlib.contextmanager
def reading(path: Any) -> Iterator[None]:
    """Name the file in errors about its content.

    The content of a file may be wrong in ways that nobody thought of. Inside this context all of them become a
    `FileFormatError`, so that a reader may index, convert and construct without checking each step.
    """
    try:
        yield
    except FileFormatError as error:
        raise type(error)(f"{path}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: {brief(error)}") from error
