"""A recording as a model sees it: mono samples, brought to one loudness, cut into windows, the silent ones left out."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np

import mfcc
from mfcc.audio import AudioError, blocks
from mfcc.sound.energy import stretch_energies

Path = str | os.PathLike[str]


LONGEST_S = 6 * 3600.0
"""Longest recording that is read unless more is asked for [s]: 1.9 GB of decoded samples at 22,050 Hz. Some kilobytes
of FLAC may stand for days of silence."""
MOST_FRAMES = 1 << 20
"""Most frames of a window, and between two: a file may ask for any number."""
SPARE = 64 << 20
"""Bytes that decoding leaves free on the disk of the temporary folder, for the other programs of the machine."""


@dataclass(frozen=True)
class Settings:
    """The settings that turn recordings into tiles. Levels are in dBFS; `loudness_dbfs=None` keeps the loudness."""

    recipe: mfcc.MFCC
    n_frames: int = 100
    hop_frames: int = 100
    silence_dbfs: float = -60.0
    loudness_dbfs: float | None = -20.0

    def __post_init__(self) -> None:
        for name in ("n_frames", "hop_frames"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_FRAMES:
                message = f"Settings: {name}: expected a positive integer up to {MOST_FRAMES}, got {value!r}"
                raise ValueError(message[:200])
        for name in ("silence_dbfs", "loudness_dbfs"):
            value = getattr(self, name)
            if name == "loudness_dbfs" and value is None:
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1000:
                raise ValueError(f"Settings: {name}: expected a level in dBFS, got {value!r}"[:200])

    @property
    def window_s(self) -> float:
        """Duration of a window [s]."""
        return self.n_frames / self.recipe.frame_rate

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self) | {"recipe": self.recipe.to_dict()}


@dataclass(frozen=True)
class Recording:
    """The windows of a recording that are not silent.

    Attributes
    ----------
    tiles : mfcc.Tiles
        One or more, at the loudness of the settings. Their levels are those before it was changed.
    duration_s : float
        Duration of the whole recording [s].
    n_silent : int
        Silent windows, which have no tile.
    """

    tiles: mfcc.Tiles
    duration_s: float
    n_silent: int


def read_recording(
    path: Path,
    settings: Settings,
    *,
    stems: Sequence[Path] = (),
    duration_s: float | None = None,
    longest_s: float = LONGEST_S,
    scratch: Path | None = None,
) -> Recording:
    """Read a recording of any length; memory does not grow with it, but for the tiles.

    Parameters
    ----------
    path : path-like
    settings : Settings
    stems : sequence of path-like
        Further files that are played together with the first: their samples are added.
    duration_s : float, optional
        Seconds to read; by default all.
    longest_s : float
        A recording that turns out to be longer is refused [s].
    scratch : path-like, optional
        Folder for the decoded samples, 88 kB a second at 22,050 Hz, while they are worked on. By default the system's
        folder for temporary files.

    Raises
    ------
    mfcc.AudioError
        When the recording can't be decoded, is silent, too long, or shorter than a window: its `reason` says which.
    OSError
        When the file can't be read, or the samples can't be stored, such as on a full disk.
    """
    folder = os.fspath(tempfile.gettempdir() if scratch is None else scratch)
    with tempfile.TemporaryFile(dir=folder) as file:
        samples = _decode([path, *stems], settings.recipe.sr, duration_s, longest_s)
        return cut_recording(_stored(samples, file, folder), settings, path)


def cut_recording(y: np.ndarray, settings: Settings, name: Path = "samples") -> Recording:
    """Cut samples as `read_recording` cuts those of a file.

    Parameters
    ----------
    y : array of float, shape (n_samples,)
        At the sample rate of the recipe; full scale is 1.0.
    settings : Settings
    name : path-like
        Name of the recording in an AudioError.

    Raises
    ------
    mfcc.AudioError
        When the recording is silent, or shorter than a window.
    ValueError
        When the samples are of another shape or type, or not finite.
    """
    if y.ndim != 1 or y.dtype.kind != "f":
        raise ValueError(f"cut_recording: y: expected floats of shape (n_samples,), got {y.dtype} of shape {y.shape}")
    loudness_dbfs, silence = active_level_dbfs(y, settings.silence_dbfs), f"above {settings.silence_dbfs:g} dBFS"
    if loudness_dbfs == -math.inf:
        raise AudioError(name, f"silent: nothing {silence}")
    gain_db = 0.0 if settings.loudness_dbfs is None else settings.loudness_dbfs - loudness_dbfs
    tiles = _cut(y, settings, gain_db)
    duration_s = len(y) / settings.recipe.sr
    if len(tiles) == 0:
        raise AudioError(name, f"{duration_s:.2f} s long, shorter than a window of {settings.window_s:.2f} s")
    heard = tiles[~tiles.silent]
    if len(heard) == 0:
        raise AudioError(name, f"silent: no window of {settings.window_s:.2f} s {silence}")
    return Recording(heard, duration_s, len(tiles) - len(heard))


def active_level_dbfs(y: np.ndarray, silence_dbfs: float, block: int = 2048) -> float:
    """Return the RMS level [dBFS] of those blocks of samples that are louder than the silence level; -inf if none is.

    Raises
    ------
    ValueError
        When samples are NaN or infinite.
    """
    energies = stretch_energies(y, block)
    if not np.isfinite(energies).all():
        raise ValueError("active_level_dbfs: y: expected finite samples, got NaN or infinity")
    counts = np.minimum(block, len(y) - np.arange(len(energies)) * block)
    active = energies > 10 ** (silence_dbfs / 10) * counts
    return 10 * math.log10(energies[active].sum() / counts[active].sum()) if active.any() else -math.inf


def _decode(paths: Sequence[Path], sr: float, duration_s: float | None, longest_s: float) -> Iterator[np.ndarray]:
    """Yield the sum of recordings in blocks; AudioError as soon as there are more than `longest_s` of it."""
    empty = np.empty(0, np.float32)
    stems = [blocks(path, sr, duration=duration_s) for path in paths]
    n = 0
    for parts in itertools.zip_longest(*stems, fillvalue=empty):
        y = parts[0]
        if len(parts) > 1:
            y = np.zeros(max(map(len, parts)), np.float32)
            for block in parts:
                y[: len(block)] += block
        n += len(y)
        if n > longest_s * sr:
            raise AudioError(
                paths[0], f"longer than {longest_s / 3600:g} hours; --max-length takes more (for scan with --retry)"
            )
        yield y


def _stored(samples: Iterable[np.ndarray], file: IO[bytes], folder: str) -> np.ndarray:
    """Write samples to a file in a folder, and return them as a memory map; `SPARE` bytes of the disk stay free."""
    checked = 0
    for y in samples:
        checked -= y.nbytes
        if checked < 0:
            checked = SPARE // 4
            if shutil.disk_usage(folder).free < SPARE + checked:
                raise OSError(errno.ENOSPC, "no room for decoded samples", folder)
        try:
            file.write(memoryview(y).cast("B"))
        except OSError as error:
            raise OSError(error.errno, f"can't store decoded samples: {error.strerror}", folder) from error
    file.flush()
    return np.memmap(file, np.float32, mode="r")


def _cut(y: np.ndarray, settings: Settings, gain_db: float) -> mfcc.Tiles:
    """Return the tiles of samples made louder by `gain_db`; levels are those of `y`, the recipe is the settings'."""
    louder = dataclasses.replace(settings.recipe, full_scale=settings.recipe.full_scale * 10 ** (gain_db / 20))
    tiles = mfcc.tiles(
        y,
        louder,
        n_frames=settings.n_frames,
        hop_frames=settings.hop_frames,
        silence_dbfs=settings.silence_dbfs,
        on_short="empty",
    )
    return dataclasses.replace(tiles, recipe=settings.recipe)
