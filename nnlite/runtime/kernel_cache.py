"""Files of compiled kernels: they are whole, written by this user, and removed when they are old."""

import contextlib
import functools
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

_CHECKSUM_BYTES = 32
_DAY = 24 * 60 * 60.0
_KEPT_DAYS = 90
_KEPT_FILES = 4096  # of some 80 kB


def directory() -> Path:
    """Return the folder of compiled kernels: ``NNLITE_CACHE_DIR``, or one in the user's cache directory."""
    if chosen := os.environ.get("NNLITE_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return base / "nnlite"


def read(path: Path) -> bytes | None:
    """Return what `write` put into a file, or None if it is damaged, or someone else could have written it.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        If it can't be read, or is not there.
    """
    with open(path, "rb") as file:
        if not _is_safe(os.fstat(file.fileno())):
            return None
        content = file.read()
    checksum, payload = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if not payload or _checksum(payload) != checksum:
        return None
    _note_use(path)
    return payload


def write(path: Path, payload: bytes) -> None:
    """Write a file, whole or not at all; the first of a process removes old ones.

    Parameters
    ----------
    path : Path
    payload : bytes

    Raises
    ------
    OSError
        If it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_checksum(payload) + payload)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _prune_once(path.parent)


def _is_safe(status: os.stat_result) -> bool:
    """Return whether nobody else could have written a file: it is run, so it must be the user's own or the system's."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & 0o022


def _note_use(path: Path) -> None:
    """Let a file's time say on which day it was used last."""
    with contextlib.suppress(OSError):  # someone else's, on a disk that can't be written to, or just removed
        if time.time() - path.stat().st_mtime > _DAY:
            os.utime(path)


@functools.cache
def _prune_once(folder: Path) -> None:
    prune(folder)


def prune(folder: Path) -> int:
    """Remove kernels that no one will ask for again: code of older sources, versions and processors is never replaced.

    A file goes when it has not been used for 90 days, or when 4096 others were used since; a half-written one after a
    day. A process that finds one gone compiles it again. Called by the first process that adds to a folder.

    Returns
    -------
    int
        Number of files that were removed.
    """
    now, used, old = time.time(), [], []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process was faster
            age = now - path.stat().st_mtime
            if re.fullmatch(r"[0-9a-f]{40}\.kernel", path.name):
                used.append((age, path))
            elif path.suffix == ".part" and age > _DAY:
                old.append(path)
    used.sort()
    old += [path for rank, (age, path) in enumerate(used) if rank >= _KEPT_FILES or age > _KEPT_DAYS * _DAY]
    removed = 0
    for path in old:
        with contextlib.suppress(OSError):
            path.unlink()
            removed += 1
    return removed


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()
