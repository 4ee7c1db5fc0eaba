"""What a kind of file is to the fuzzer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A kind of file, or of a folder of files that belong together.

    Attributes
    ----------
    write : function
        Makes good ones in an empty folder.
    read : function
        Reads them there. It may return a function that uses what was read: that may run code (kernels are loaded),
        while reading may not.
    errors : tuple of type
        What the reader's documentation says that it raises.
    warnings : tuple of type
        What it says that it warns with.
    may_run : tuple of str
        Audit events that are in order while it is read.
    """

    write: Callable[[Path], None]
    read: Callable[[Path], Any]
    errors: tuple[type[BaseException], ...]
    warnings: tuple[type[Warning], ...] = ()
    may_run: tuple[str, ...] = ()
