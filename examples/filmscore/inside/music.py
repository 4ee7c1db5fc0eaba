"""The music that is searched for excerpts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mfcc
from filmscore.agent.walk import find_files
from filmscore.inside.sounds import Excerpt
from filmscore.inside.units import Unit
from filmscore.tagging import Tagger
from mfcc.command.finding import AUDIO_SUFFIXES
from mfcc.sound.errors import printable
from nnlite.runtime.threads import ordered_map

MOST = 5
"""Most excerpts that are shown for a unit."""


@dataclass(frozen=True)
class Music:
    """Tiles of many recordings.

    Attributes
    ----------
    tiles : array (n, n_features, frames, 1)
    paths : tuple of Path
    recording : array of int (n,)
        Index into the paths for each tile.
    start_s : array (n,)
    window_s : float
        Length of a tile [s].
    """

    tiles: np.ndarray
    paths: tuple[Path, ...]
    recording: np.ndarray
    start_s: np.ndarray
    window_s: float

    @classmethod
    def read(cls, tagger: Tagger, places: Iterable[Path]) -> Music:
        """Read files, and all audio below folders. Recordings that can't be used are named on standard error.

        Raises
        ------
        ValueError
            If nothing is left.
        OSError
            For a folder that can't be listed.
        """
        paths = list(_audio_files(places))

        def read(path: Path) -> mfcc.Tiles | mfcc.AudioError:
            try:
                return tagger.tiles(path)
            except mfcc.AudioError as error:
                return error

        used: list[tuple[Path, mfcc.Tiles]] = []
        for path, tiles in zip(paths, ordered_map(read, paths), strict=True):
            if isinstance(tiles, mfcc.AudioError):
                print(f"left out: {tiles}", file=sys.stderr)
            else:
                used.append((path, tiles))
        if not used:
            raise ValueError("music: expected a recording that fills a window, got none")
        recording = np.repeat(np.arange(len(used)), [len(tiles) for _, tiles in used])
        return cls(
            np.concatenate([tiles.values for _, tiles in used]),
            tuple(path for path, _ in used),
            recording,
            np.concatenate([tiles.start_s for _, tiles in used]),
            tagger.settings.window_s,
        )

    def strongest(self, unit: Unit) -> list[tuple[int, Excerpt]]:
        """Return the windows that drive a unit most, at most one of a recording: rows of their tiles, and excerpts."""
        values = unit.values(self.tiles)
        rows: list[int] = []
        for row in np.argsort(-values, kind="stable"):
            if all(self.recording[row] != self.recording[other] for other in rows):
                rows.append(int(row))
            if len(rows) == MOST:
                break
        return [
            (row, Excerpt(self.paths[self.recording[row]], float(self.start_s[row]), self.window_s, float(values[row])))
            for row in rows
        ]


def name_of(path: Path) -> str:
    """Return the name of a file with its folder, for people."""
    return printable(os.path.join(*path.parts[-2:]))


def _audio_files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            found = find_files(os.fspath(place)).files
            yield from (Path(file) for file in found if Path(file).suffix.lower() in AUDIO_SUFFIXES)
        else:
            yield place
