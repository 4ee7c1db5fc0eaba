"""The files below a folder, with what tells whether one has changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple


class Stamp(NamedTuple):
    """Size [bytes] and times [ns] of a file: nothing that changes its content leaves all three as they are."""

    size: int
    mtime_ns: int
    ctime_ns: int


UNKNOWN = Stamp(-1, 0, 0)
"""No file has it: whoever is noted with it is looked at again."""


@dataclass
class Found:
    """What is below a folder.

    Attributes
    ----------
    files : dict
        Absolute path -> stamp, in the order of the paths.
    unread : dict
        Folder that could not be listed to the reason: nothing is known of what is below it.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def find_files(folder: str, leave_out: Collection[str] = ()) -> Found:
    """All regular files below a folder. Names that begin with a dot are left out, and links to folders not followed.

    Parameters
    ----------
    folder : str
    leave_out : collection of str
        Absolute paths of folders that are none of the user's recordings.

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
            except OSError:  # it went away meanwhile, or is a link to nothing
                continue
            if stamp is not None:
                found.files[path] = stamp
    return found


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file; None for pipes, devices and folders."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
