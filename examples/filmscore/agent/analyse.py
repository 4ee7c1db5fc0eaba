"""The analysis of one file: the whole job of a worker. Files that are no audio are known by their first bytes."""

from __future__ import annotations

import functools
import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

import nnlite
from filmscore.agent.basis import Basis, to_bytes, unit
from filmscore.agent.formats import problem_of
from filmscore.agent.library import BASIS, MODEL
from filmscore.agent.schema import FILE
from filmscore.agent.walk import UNKNOWN, Stamp, stamp_of
from filmscore.agent.words import clean
from filmscore.recording import LONGEST_S, read_recording
from filmscore.tagging import Tagger
from mfcc import AudioError
from mfcc.sound import ffmpeg
from mfcc.sound.decoding import Decoder

_OTHER = "ffmpeg" if ffmpeg.program() else "no ffmpeg"
READER = f"libsndfile {soundfile.__libsndfile_version__}, {_OTHER}, nnlite {nnlite.__version__}, formats 3"
"""The software that read a file. Another version may read what this one can't, or say more about it."""


@dataclass(frozen=True)
class FileJob:
    """A file that must be analysed. `library` is the folder of model and basis, `identity` that of the library.

    `longest_s` is the longest recording that is read [s].
    """

    key: str
    path: str
    library: str
    identity: str
    longest_s: float = LONGEST_S


@dataclass(frozen=True)
class Analysis:
    """The values that a model has for a recording.

    Attributes
    ----------
    duration_s : float
    start_s : array (n,)
    values : array (n, n_classes)
    projected : array (n, width)
        Embeddings along the axes of a basis.
    n_silent : int
    title, artist, album : str
    """

    duration_s: float
    start_s: np.ndarray
    values: np.ndarray
    projected: np.ndarray
    n_silent: int
    title: str = ""
    artist: str = ""
    album: str = ""

    @property
    def directions(self) -> np.ndarray:
        """Directions of the windows, int8 (n, width)."""
        return to_bytes(unit(self.projected))

    @property
    def mean_values(self) -> np.ndarray:
        return self.values.mean(axis=0)

    @property
    def mean_direction(self) -> np.ndarray:
        return unit(self.projected.mean(axis=0))


@dataclass(frozen=True)
class ScannedFile:
    """A file as a scan found it: what is new in it, or why it can't be used.

    Attributes
    ----------
    path : str
    stamp : Stamp
        The stamp before the file was read, or UNKNOWN when it must be read again.
    hash : bytes
        SHA-256 of the content; empty where it is no audio or could not be read.
    analysis : Analysis or None
        None where the library has the content already.
    problem : str
        The reason why it can't be used; empty if it can.
    readable : bool
        False where the problem is not the content: permissions, a disk, a file that was changing.
    fatal : bool
        Whether every file will have the problem, since the model can't be used.
    """

    path: str
    stamp: Stamp = UNKNOWN
    hash: bytes = b""
    analysis: Analysis | None = None
    problem: str = ""
    readable: bool = True
    fatal: bool = False


def analyse(job: FileJob) -> ScannedFile:
    """Analyse a file; an error becomes the `problem` of the result."""
    try:
        return _analyse(job)
    except Exception as error:
        return ScannedFile(job.path, problem=f"{type(error).__name__}: {error}"[:500], readable=False)


def _analyse(job: FileJob) -> ScannedFile:
    try:
        stamp = stamp_of(job.path)
        if stamp is None:
            return ScannedFile(job.path)
        with open(job.path, "rb") as file:
            file.read(1)
    except OSError as error:
        return ScannedFile(job.path, problem=f"can't be read: {error.strerror}", readable=False)
    try:
        Decoder(job.path).close()
    except AudioError as error:
        return ScannedFile(job.path, stamp, problem=problem_of(job.path, error.reason))
    try:
        with open(job.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:  # a bad sector, or a network drive that went away
        return ScannedFile(job.path, problem=f"can't be read: {error.strerror}", readable=False)
    if is_known(job.library, digest):
        return ScannedFile(job.path, stamp, digest)
    try:
        tagger, basis = model_of(job.library, job.identity)
    except Exception as error:
        return ScannedFile(job.path, problem=f"{type(error).__name__}: {error}"[:500], readable=False, fatal=True)
    try:
        analysis = analysis_of(job.path, tagger, basis, job.longest_s)
    except AudioError as error:
        return ScannedFile(job.path, stamp, digest, problem=error.reason)
    except (OSError, MemoryError) as error:  # such as a temporary folder that is too small for this recording
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        reason = where + (getattr(error, "strerror", None) or f"{type(error).__name__} {error}".strip())
        return ScannedFile(job.path, problem=f"{reason}; the next scan tries again"[:500], readable=False)
    if stamp_of(job.path) != stamp:
        return ScannedFile(job.path, problem="changed while it was read; the next scan reads it again", readable=False)
    return ScannedFile(job.path, stamp, digest, analysis)


def get_ready(job: FileJob, call: str) -> None:
    """Load the model and the basis, or raise if they are not there. `call` only makes two calls different."""
    model_of(job.library, job.identity)


def is_known(library: str, digest: bytes) -> bool:
    """Return whether a library has a content; False where there is no library, as on another machine."""
    path = Path(library, FILE)
    if not path.is_file():
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)
        try:
            return connection.execute("SELECT 1 FROM track WHERE hash = ?", (digest,)).fetchone() is not None
        finally:
            connection.close()
    except sqlite3.Error:
        return False  # the process that stores the result checks again


@functools.lru_cache(maxsize=2)
def model_of(library: str, identity: str) -> tuple[Tagger, Basis]:
    """Return the model and the basis of a library; each process reads them once."""
    return Tagger.load(Path(library, MODEL)), Basis.load(Path(library, BASIS))


def analysis_of(path: str, tagger: Tagger, basis: Basis, longest_s: float = LONGEST_S) -> Analysis:
    """Return the values and directions that a model has for a recording, at the loudness that it was trained at.

    Raises
    ------
    AudioError, OSError
        As raised by `filmscore.recording.read_recording`.
    """
    recording = read_recording(path, tagger.settings, longest_s=longest_s)
    tiles = recording.tiles
    values = tagger.values(tiles.values).astype(np.float32)
    projected = basis.project(tagger.embedding(tiles.values))
    return Analysis(recording.duration_s, tiles.start_s, values, projected, recording.n_silent, **words_of(path))


def words_of(path: str) -> dict[str, str]:
    """Return title, artist and album from a file's tags, cleaned."""
    try:
        with open(path, "rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            words = sound.copy_metadata()
    except (soundfile.LibsndfileError, OSError, TypeError, UnicodeError):
        words = {}
    return {name: clean(words.get(name, "")) for name in ("title", "artist", "album")}
