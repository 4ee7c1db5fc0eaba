"""A process that is watched: what it writes, runs, unpickles and takes."""

import os
import resource
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.remove": 1,
    "os.rename": 2,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
}
CHANGES |= {"os.chmod": 1, "os.utime": 1, "shutil.rmtree": 1}
"""Audit events that change names, with the number of their arguments that are paths."""
RUNS = {
    "exec",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
}
RUNS |= {"socket.__new__", "ctypes.dlopen", "code.__new__"}


INSTALLED = (sys.prefix, sys.base_prefix)


class Watch:
    """See, through the interpreter's audit events, what a block of statements does.

    An audit hook can't be taken away again: a process has one watch, and is used for nothing else.

    Parameters
    ----------
    folders : sequence of Path
        Where may be written.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._inside = tuple(map(os.path.realpath, folders))
        self._seen: list[str] | None = None
        self._may_run: frozenset[str] = frozenset()
        sys.addaudithook(self._hook)
        sys.unraisablehook = lambda event: self._note(f"unraisable {type(event.exc_value).__name__}: {event.exc_value}")

    @contextmanager
    def block(self, may_run: Sequence[str] = (), may_warn: tuple[type[Warning], ...] = ()) -> Iterator[list[str]]:
        """What is seen in the block.

        Parameters
        ----------
        may_run : sequence of str
            Events that are in order here.
        may_warn : tuple of type
            Warnings that are.
        """
        seen: list[str] = []
        before = memory()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            self._seen, self._may_run = seen, frozenset(may_run)
            try:
                yield seen
            finally:
                self._seen = None
        seen += [f"{w.category.__name__}: {w.message}" for w in warned if not issubclass(w.category, may_warn)]
        if (grown := memory() - before) > MAY_GROW:
            seen.append(f"took {grown >> 20} MB")

    def _note(self, what: str) -> None:
        if self._seen is not None:
            self._seen.append(what)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self._seen is None:
            return
        if event == "exec" and getattr(args[0], "co_filename", "").startswith(INSTALLED):
            return  # a module that is imported late
        if event in RUNS and event not in self._may_run:
            self._note(f"{event} {str(args)[:200]}")
        elif event == "open" and args[2] & WRITES and args[0] is not None and not isinstance(args[0], int):
            self._check(event, args[0])
        elif event in CHANGES:
            for path in args[: CHANGES[event]]:
                self._check(event, path)

    def _check(self, event: str, path: Any) -> None:
        if isinstance(path, int) or path == os.devnull:
            return
        path = os.path.abspath(os.fsdecode(path))
        if path not in self._inside and not path.startswith(tuple(f"{folder}{os.sep}" for folder in self._inside)):
            self._note(f"{event} outside: {path!r}")


MAY_GROW = 64 * 2**20
"""Bytes by which reading a file of some kilobytes may raise the most memory that the process ever had."""


def memory() -> int:
    """The most memory that the process ever had [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def limit(more: int) -> None:
    """Let the process take `more` bytes of addresses than it has, and write no file larger than them."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))
    resource.setrlimit(resource.RLIMIT_FSIZE, (more, more))
