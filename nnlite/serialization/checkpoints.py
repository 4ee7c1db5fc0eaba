"""Checkpoints: the last states of a run. A crash or a power cut at any moment leaves a good one."""

import errno
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnlite.serialization import FileFormatError, FileVersionError, atomic_write, read_archive, remove_leftovers
from nnlite.serialization.archive import encode_document, write_members
from nnlite.serialization.atomic import sync

FILE_NAME = "checkpoint.npz"


class DamagedCheckpointWarning(UserWarning):
    """A warning that a checkpoint could not be read, and an older one was."""


class Checkpointer:
    """A keeper of the states of a run: it writes them, again and again, and finds the newest good one.

    The newest is at `path`, the one before at ``path.1``, and so on. A new one is on the disk, whole, before an older
    one is moved: whenever the process or the power is cut, the newest or the one before it is there. Only one process
    at a time may write to a path.

    Parameters
    ----------
    path : path-like
        Path of the file; or of a folder (one that exists, or a name without an extension), for ``checkpoint.npz`` in
        it. Folders are made when they are needed.
    keep : int
        Number of states that are kept, 1 or more.

    Attributes
    ----------
    path : Path
        Path of the newest.

    Raises
    ------
    ValueError
        If `keep` is not a positive integer.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoints = Checkpointer(folder)
    ...     print(checkpoints.load())
    ...     for epoch in range(3):
    ...         checkpoints.save({"epoch": epoch}, {"weight": np.zeros(2)})
    ...     print(sorted(os.listdir(folder)), checkpoints.load()[0])
    None
    ['checkpoint.npz', 'checkpoint.npz.1'] {'epoch': 2}
    """

    def __init__(self, path: str | os.PathLike[str], keep: int = 2) -> None:
        if isinstance(keep, bool) or not isinstance(keep, (int, np.integer)) or keep < 1:
            raise ValueError(f"Checkpointer: keep: expected a positive integer, got {keep!r}.")
        path = Path(path)
        if path.is_dir() or (not path.suffix and not path.is_file()):
            path = path / FILE_NAME
        self.path = path
        self.keep = int(keep)
        self._damaged: set[Path] = set()

    def __repr__(self) -> str:
        return f"Checkpointer({str(self.path)!r}, keep={self.keep})"

    def paths(self) -> list[Path]:
        """Return the places of the states, newest first, whether they are there or not.

        Remove all of them to start over.
        """
        return [self.path, *(self.path.with_name(f"{self.path.name}.{age}") for age in range(1, self.keep))]

    def save(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Write a state; see `nnlite.serialization.write_archive`.

        Parameters
        ----------
        header : dict
            Data that JSON can hold.
        arrays : dict of ndarray

        Raises
        ------
        TypeError, ValueError
            If the state can't be stored.
        OSError
            If it can't be written, the disk being full for instance. The newest state from before is there.
        """
        document = encode_document(header, arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as file:
            write_members(file, document, arrays)
            sync(file)  # a lack of space shows here, before anything is moved
            self._make_room()

    def load(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Return the newest state that can be read, or None if there is none yet.

        Half-written files of killed processes are removed.

        Returns
        -------
        (header, arrays) or None

        Warns
        -----
        DamagedCheckpointWarning
            If a newer one is damaged. The next state takes its place.

        Raises
        ------
        FileFormatError
            If there are states, all of them damaged: a run should not silently begin anew.
        FileVersionError
            If the newest was written by a later version of the library.
        """
        remove_leftovers(self.path)
        damaged: dict[Path, Exception] = {}
        for path in self.paths():
            try:
                state = read_archive(path)
            except FileNotFoundError:
                continue
            except FileVersionError:
                raise
            except FileFormatError as error:
                damaged[path] = error
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                damaged[path] = error
            else:
                self._damaged = set(damaged)
                for reason in damaged.values():
                    warnings.warn(f"{reason} Going on from {path}.", DamagedCheckpointWarning, stacklevel=2)
                return state
        if damaged:
            raise FileFormatError(
                f"Checkpointer: expected a good state among {', '.join(map(str, damaged))}, got none. "
                f"Remove them to start over. {next(iter(damaged.values()))}"
            )
        return None

    def _make_room(self) -> None:
        """Free the place of the newest: the others move up, as far as the first place that is empty or damaged."""
        paths = self.paths()
        free = (age for age, path in enumerate(paths) if path in self._damaged or not path.exists())
        last = next(free, len(paths) - 1)
        for age in range(last, 0, -1):
            os.replace(paths[age - 1], paths[age])
        self._damaged -= set(paths[: last + 1])
