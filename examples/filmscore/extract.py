"""One track to tiles: decode, sum stems, normalise loudness, cut, leave out silence, store. A worker's whole job."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

import mfcc
import nnlite
from filmscore.arrays import open_arrays
from filmscore.corpus import Track
from filmscore.files import replace_file
from mfcc.audio import AudioError, blocks
from mfcc.energy import stretch_energies


@dataclass(frozen=True)
class Settings:
    """How tracks become tiles. Levels in dBFS; `loudness_dbfs` None leaves loudness as it is."""

    recipe: mfcc.MFCC
    n_frames: int = 100
    hop_frames: int = 100
    silence_dbfs: float = -60.0
    loudness_dbfs: float | None = -20.0

    def __post_init__(self) -> None:
        for name in ("n_frames", "hop_frames"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
                raise ValueError(f"Settings: {name}: expected a positive integer, got {value!r}"[:200])
        for name in ("silence_dbfs", "loudness_dbfs"):
            value = getattr(self, name)
            if name == "loudness_dbfs" and value is None:
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1000:
                raise ValueError(f"Settings: {name}: expected a level in dBFS, got {value!r}"[:200])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"recipe": self.recipe.to_dict()}


@dataclass(frozen=True)
class Job:
    """A track to be extracted: paths and settings, never arrays."""

    track: Track
    folder: Path
    part: Path
    settings: Settings


@dataclass(frozen=True)
class Result:
    """What became of a track: its tiles, or an error in words."""

    track: str
    n_tiles: int = 0
    n_silent: int = 0
    seconds: float = 0.0
    error: str = ""
    resumed: bool = False  # an earlier run had done it


@dataclass(frozen=True)
class Part:
    """The stored tiles of one track."""

    values: np.ndarray
    start_s: np.ndarray
    level_dbfs: np.ndarray


def extract(job: Job) -> Result:
    """Write the tiles of a track to its part file, unless they are there; an error becomes a line in the result."""
    try:
        digest = _digest(job)
        done = _read_result(job.part, digest)
        return done if done is not None else _extract(job, digest)
    except Exception as error:  # whatever is wrong with one recording, the others go on
        known = isinstance(error, (AudioError, TrackError))
        return Result(job.track.id, error=str(error) if known else f"{type(error).__name__}: {error}")


class TrackError(ValueError):
    """A track that gives no tiles; the message says why."""


def _extract(job: Job, digest: str) -> Result:
    settings, recipe = job.settings, job.settings.recipe
    paths = [job.folder / file for file in job.track.files]
    job.part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=job.part.parent) as file:
        y = _decode(paths, recipe.sr, job.track.use_s, file)
        seconds = len(y) / recipe.sr
        loudness = active_level_dbfs(y, settings.silence_dbfs)
        if loudness == -math.inf:
            raise TrackError(f"{paths[0]}: silent, nothing above {settings.silence_dbfs:g} dBFS")
        gain_db = 0.0 if settings.loudness_dbfs is None else settings.loudness_dbfs - loudness
        tiles = cut(y, settings, gain_db)
    if len(tiles) == 0 or tiles.silent.all():
        window_s = settings.n_frames / recipe.frame_rate
        if len(tiles) == 0:
            raise TrackError(f"{paths[0]}: {seconds:.2f} s, shorter than a window of {window_s:.2f} s")
        raise TrackError(f"{paths[0]}: no window of {window_s:.2f} s above {settings.silence_dbfs:g} dBFS")
    result = Result(job.track.id, int((~tiles.silent).sum()), int(tiles.silent.sum()), seconds)
    about = np.frombuffer(json.dumps({"digest": digest, "result": asdict(result)}).encode(), np.uint8)
    heard = tiles[~tiles.silent]
    with replace_file(job.part) as part_file:
        np.savez(part_file, about=about, values=heard.values, start_s=heard.start_s, level_dbfs=heard.level_dbfs)
    return result


def _decode(paths: Sequence[Path], sr: float, use_s: float | None, file: IO[bytes]) -> np.ndarray:
    """The sum of the stems as a memory map of `file`, so that no length of recording needs more memory."""
    empty = np.empty(0, np.float32)
    stems = [blocks(path, sr, duration=use_s) for path in paths]
    for parts in itertools.zip_longest(*stems, fillvalue=empty):
        y = parts[0]
        if len(parts) > 1:
            y = np.zeros(max(map(len, parts)), np.float32)
            for block in parts:
                y[: len(block)] += block
        y.tofile(file)
    file.flush()
    return np.memmap(file, np.float32, mode="r")


def active_level_dbfs(y: np.ndarray, silence_dbfs: float, block: int = 2048) -> float:
    """RMS level [dBFS] of those blocks of samples that are louder than the silence level; -inf if none is."""
    energies = stretch_energies(y, block)
    counts = np.minimum(block, len(y) - np.arange(len(energies)) * block)
    active = energies > 10 ** (silence_dbfs / 10) * counts
    return 10 * math.log10(energies[active].sum() / counts[active].sum()) if active.any() else -math.inf


def cut(y: np.ndarray, settings: Settings, gain_db: float) -> mfcc.Tiles:
    """The tiles of a track, louder by `gain_db`; their levels are those of `y`, their recipe that of the settings."""
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


def read_part(path: Path) -> Part:
    """The tiles that `extract` stored.

    Raises
    ------
    TrackError
        When the file was damaged since.
    """
    try:
        with open_arrays(path) as array:
            return Part(array("values"), array("start_s"), array("level_dbfs"))
    except ValueError as error:
        raise TrackError(f"{path}: {error}. Remove this file and build the features again.") from error


def part_path(folder: Path, track: Track) -> Path:
    """Where a track's part is stored."""
    return folder / f"{hashlib.sha256(track.id.encode()).hexdigest()[:20]}.npz"


def _digest(job: Job) -> str:
    """What the tiles depend on: settings, version, and the files' sizes and times."""
    files = []
    for name in job.track.files:
        path = job.folder / name
        if not path.is_file():
            raise TrackError(f"{path}: no such file")
        status = os.stat(path)
        files.append([name, status.st_size, status.st_mtime_ns])
    depends = [job.settings.to_dict(), nnlite.__version__, job.track.use_s, files]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _read_result(path: Path, digest: str) -> Result | None:
    """The result of an earlier run with the same digest, if its part is there."""
    if not path.is_file():
        return None
    try:
        with open_arrays(path) as array:
            about = json.loads(array("about").tobytes())
        return Result(**about["result"] | {"resumed": True}) if about["digest"] == digest else None
    except Exception:  # a damaged part is made again
        return None
