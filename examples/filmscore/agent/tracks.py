"""Records of a library: a track, and the windows of it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from mfcc.sound.errors import printable


@dataclass(frozen=True)
class Track:
    """A recording, by its content.

    Attributes
    ----------
    id : int
        Its row in the arrays of tracks, plus 1.
    path : str
        A file of this content, as `os.fsdecode` gives it: `os.fsencode(path)` is the exact name.
    duration_s : float
    title, artist, album : str
        From the file's tags, cleaned; empty where it has none.
    n_windows, n_silent : int
        Windows with values, and silent ones that have none.
    first_window : int
        Row of its first window.
    missing : bool
        Whether no file of this content was there when its folder was last scanned.
    """

    id: int
    path: str
    duration_s: float
    title: str
    artist: str
    album: str
    n_windows: int
    n_silent: int
    first_window: int
    missing: bool

    @property
    def name(self) -> str:
        """The file's name, for people."""
        return printable(os.path.basename(self.path))


@dataclass(frozen=True)
class Windows:
    """The windows of a track.

    Attributes
    ----------
    start_s : array (n,)
    values : array (n, n_classes)
    directions : array of int8 (n, width)
        Directions of the embeddings, in 127ths.
    """

    start_s: np.ndarray
    values: np.ndarray
    directions: np.ndarray
