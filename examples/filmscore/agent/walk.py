"""The files below a folder, each with a stamp that shows whether it has changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple


class Stamp(NamedTuple):
    """The size [bytes] and times [ns] of a file: a change of its content changes at least one of them."""

    size: int
    mtime_ns: int
    ctime_ns: int


UNKNOWN = Stamp(-1, 0, 0)
"""The stamp of no real file. A file recorded with it counts as changed and is read again."""


@dataclass
class Found:
    """The contents of a folder.

    Attributes
    ----------
    files : dict
        Absolute path -> stamp, in the order of the paths.
    unread : dict
        Folder that could not be listed -> reason. The files below it are unknown.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def find_files(folder: str, leave_out: Collection[str] = ()) -> Found:
    """Return all regular files below a folder. Names that begin with a dot are left out, links to folders not followed.

    Parameters
    ----------
    folder : str
    leave_out : collection of str
        Absolute paths of folders that are not searched.

    Raises
    ------
    OSError
        When the folder itself can't be listed.
    """
    found = Found()
    top = os.path.abspath(folder)
    os.scandir(top).close()

    def note(error: OSError) -> None:
        found.unread[os.fsdecode(error.filename)] = error.strerror or "can't be listed"

    for parent, folders, names in os.walk(top, onerror=note):
        folders[:] = sorted(f for f in folders if f[0] != "." and os.path.join(parent, f) not in leave_out)
        for name in sorted(name for name in names if name[0] != "."):
            path = os.path.join(parent, name)
            try:
                stamp = stamp_of(path)
            except OSError:  # the file was removed meanwhile, or is a link to nothing
                continue
            if stamp is not None:
                found.files[path] = stamp
    return found


def is_gone(path: str) -> bool:
    """Return whether nothing is at a path. What can't be looked at, as on a broken drive, may still be there."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def stamp_of(path: str) -> Stamp | None:
    """Return the stamp of a file; None for pipes, devices and folders."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
