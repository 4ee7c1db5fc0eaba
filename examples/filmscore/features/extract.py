"""The tiles of one track of a corpus, stored in a file of their own: the whole job of a worker."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import nnlite
from filmscore.corpus import Track
from filmscore.features.arrays import open_arrays
from filmscore.files import replace_file
from filmscore.recording import Settings, read_recording
from mfcc import AudioError


@dataclass(frozen=True)
class TrackJob:
    """A track that is to be extracted: paths and settings, never arrays."""

    track: Track
    folder: Path
    part: Path
    settings: Settings


@dataclass(frozen=True)
class TrackResult:
    """The result of an extraction: how many tiles a track has, or an error in words."""

    track: str
    n_tiles: int = 0
    n_silent: int = 0
    seconds: float = 0.0
    error: str = ""
    resumed: bool = False  # whether an earlier run did it


@dataclass(frozen=True)
class StoredTiles:
    """The stored tiles of one track."""

    values: np.ndarray
    start_s: np.ndarray
    level_dbfs: np.ndarray


def extract(job: TrackJob) -> TrackResult:
    """Write the tiles of a track to its part file, unless they are there; an error becomes a line in the result."""
    try:
        digest = _digest(job)
        done = _read_result(job.part, digest)
        return done if done is not None else _extract(job, digest)
    except Exception as error:  # an error of one recording must not end the others
        known = isinstance(error, (AudioError, TrackError))
        return TrackResult(job.track.id, error=str(error) if known else f"{type(error).__name__}: {error}")


class TrackError(ValueError):
    """A track that gives no tiles; the message says why."""


def _extract(job: TrackJob, digest: str) -> TrackResult:
    first, *stems = (job.folder / file for file in job.track.files)
    job.part.parent.mkdir(parents=True, exist_ok=True)
    recording = read_recording(first, job.settings, stems=stems, duration_s=job.track.use_s, scratch=job.part.parent)
    tiles = recording.tiles
    result = TrackResult(job.track.id, len(tiles), recording.n_silent, recording.duration_s)
    about = np.frombuffer(json.dumps({"digest": digest, "result": asdict(result)}).encode(), np.uint8)
    with replace_file(job.part) as part_file:
        np.savez(part_file, about=about, values=tiles.values, start_s=tiles.start_s, level_dbfs=tiles.level_dbfs)
    return result


def read_part(path: Path) -> StoredTiles:
    """Return the tiles that `extract` stored.

    Raises
    ------
    TrackError
        When the file was damaged since.
    """
    try:
        with open_arrays(path) as array:
            return StoredTiles(array("values"), array("start_s"), array("level_dbfs"))
    except ValueError as error:
        raise TrackError(f"{path}: {error}. Remove this file and build the features again.") from error


def part_path(folder: Path, track: Track) -> Path:
    """Return the path of the file with a track's tiles."""
    return folder / f"{hashlib.sha256(track.id.encode()).hexdigest()[:20]}.npz"


def _digest(job: TrackJob) -> str:
    """Return a hash of all that the tiles depend on: settings, version, and the files' sizes and times."""
    files = []
    for name in job.track.files:
        path = job.folder / name
        if not path.is_file():
            raise TrackError(f"{path}: no such file")
        status = os.stat(path)
        files.append([name, status.st_size, status.st_mtime_ns])
    depends = [job.settings.to_dict(), nnlite.__version__, job.track.use_s, files]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _read_result(path: Path, digest: str) -> TrackResult | None:
    """Return the result of an earlier run with the same digest, if its part is there."""
    if not path.is_file():
        return None
    try:
        with open_arrays(path) as array:
            about = json.loads(array("about").tobytes())
        return TrackResult(**about["result"] | {"resumed": True}) if about["digest"] == digest else None
    except Exception:  # a damaged part is extracted again
        return None
