"""What is raised when a file is not what its reader takes."""

import contextlib
import reprlib
from collections.abc import Iterator
from typing import Any


class FileFormatError(ValueError):
    """A file is damaged, of another kind or made to do harm; says which, where, what was expected and what came."""


class FileVersionError(FileFormatError):
    """A file is whole, but was written by a later version of the library."""


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60
        self.maxlevel = 2


_short = _Short()


def shown(value: Any) -> str:
    """`repr` of something that a file says, cut to a length that fits a message.

    >>> shown("x" * 1000)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    return _short.repr(value)


def brief(error: Exception) -> str:
    """Message of an error that some check raised about something that a file says."""
    message = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
    return message if len(message) <= 500 else f"{message[:500]}..."


@contextlib.contextmanager
def reading(path: Any) -> Iterator[None]:
    """Name the file in errors about its content.

    What comes out of a file is wrong in ways that nobody thought of; inside this context all of them are a
    `FileFormatError`, so that a reader may index, convert and construct without checking each step.
    """
    try:
        yield
    except FileFormatError as error:
        raise type(error)(f"{path}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: {brief(error)}") from error
