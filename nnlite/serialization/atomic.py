"""Atomic writing: a file appears whole or not at all."""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open can't be removed anyway
    fcntl = None  # type: ignore[assignment]

_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EBADF}


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of `path` when the block ends without an error.

    The bytes go into a temporary file in the same folder, are forced to the disk, and get their name last: whenever the
    power fails, `path` is the old file or the new one. On an error (also Ctrl-C) the temporary file is removed and the
    old one is untouched. A process that is killed leaves its temporary file behind, see `remove_leftovers`.

    The new file has the permissions of the old one. A symbolic link at `path` is replaced, not followed.

    Parameters
    ----------
    path : path-like
        In a folder that exists.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If the folder can't be written to, or is full.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes(), [other.name for other in path.parent.iterdir()]
    (b'whole', ['note.txt'])
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "expected the name of a file, got a folder", str(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            _lock(file.fileno())
            with contextlib.suppress(OSError):
                os.chmod(temporary, os.lstat(path).st_mode & 0o777)
            yield file
            sync(file)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(temporary)):
            raise OSError(error.errno, f"{error.strerror}; nothing was written", str(path)) from error
        raise
    _sync_folder(path)


def sync(file: BinaryIO) -> None:
    """Force what was written so far to the disk."""
    file.flush()
    os.fsync(file.fileno())


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove temporary files that processes left behind which were killed while they wrote `path`.

    The file of a process that is still writing is locked, and stays.

    Parameters
    ----------
    path : path-like
    """
    path = Path(path)
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.tmp")
    for name in os.listdir(path.parent) if path.parent.is_dir() else ():
        if pattern.fullmatch(name):
            with contextlib.suppress(OSError):
                _remove_unless_locked(path.parent / name)


def _remove_unless_locked(leftover: Path) -> None:
    descriptor = os.open(leftover, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    os.unlink(leftover)


def _lock(descriptor: int) -> None:
    """Lock a file until it is closed or the process ends, however it ends."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(path: Path) -> None:
    """Force the name of a file to the disk, where a folder can be synced."""
    try:
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            message = f"{error.strerror}; it is written, but a power failure might bring the file from before back"
            raise OSError(error.errno, message, str(path)) from error
