"""A folder of Vorbis, MP3 and FLAC files to tiles, and to the agent's library, against decoding and resampling alone.

Processes on every core.
"""

from __future__ import annotations

import csv
import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from speed.case import OURS, Case, Contender, Options, Subject, Task
from speed.peers.sound_files import LIST

DECODING = Contender("decoding and resampling alone", "speed.peers.sound_files:decoding")
TILES = (Contender("mfcc", "speed.peers.sound_files:extraction", OURS), DECODING)
SCAN = (Contender("agent", "speed.peers.sound_files:scanning", OURS), DECODING)
SHIPPED = [Path(__file__).parents[3] / "examples" / "data" / name for name in ("Illurock.opus", "return_to_home.ogg")]
FORMATS = {".ogg": "VORBIS", ".mp3": "MPEG_LAYER_III", ".flac": "PCM_16"}
COPIES, COPY_S = 2, 240


def cases(options: Options) -> list[Case]:
    """The folder of the command line, or recordings that are made."""
    if options.folder is not None:
        chosen = list(_some(_found(options.folder), 60 * options.folder_minutes))
        formats = Counter(path.suffix.lower().removeprefix(".") for path, _ in chosen)
        kinds = ", ".join(f"{count} {name}" for name, count in formats.most_common())
        minutes = sum(seconds for _, seconds in chosen) / 60
        what = f"{minutes:.0f} min of recordings ({kinds})"
        prepare = functools.partial(_list, [path for path, _ in sorted(chosen, key=lambda pair: -pair[1])])
        work = minutes * 60
    else:
        copies, seconds = (1, 20) if options.quick else (COPIES, COPY_S)
        count = copies * len(SHIPPED) * len(FORMATS)
        work = float(count * seconds)
        what = f"{count} Vorbis, MP3 and FLAC files of {seconds} s"
        prepare = functools.partial(_encode, copies, seconds)
    if not work:
        raise OSError(f"--folder: expected recordings that can be read, found none in {options.folder}")
    case = functools.partial(Case, prepare=prepare, work=work, unit="s of sound", settings={}, rounds=5)
    return [
        case("files", f"{what} to tiles", TILES, at_least=0.85, aim=0.95),
        case("scan", f"{what} into the agent's library", SCAN),
    ]


def _found(folder: Path) -> Iterator[tuple[Path, float]]:
    """Recordings below a folder and their lengths [s], in a shuffled order, so that all kinds come early."""
    paths = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    sounds = [path for path in paths if path.suffix.lower() in {".ogg", ".opus", ".mp3", ".flac", ".wav"}]
    rng = np.random.default_rng(0)
    for index in rng.permutation(len(sounds)):
        path = sorted(sounds)[index]
        try:
            seconds = soundfile.info(path).duration
        except (soundfile.SoundFileError, RuntimeError):
            continue
        if seconds > 10:  # a window of features is 9.3 s
            yield path.resolve(), seconds


def _some(found: Iterable[tuple[Path, float]], seconds: float) -> Iterator[tuple[Path, float]]:
    """As many as are at least so long together."""
    total = 0.0
    for path, length in found:
        if total >= seconds:
            return
        total += length
        yield path, length


def _encode(copies: int, seconds: int, task: Task) -> None:
    """Write the recordings that come along in each format, repeated up to a length."""
    paths = []
    for source in SHIPPED:
        y, sr = soundfile.read(source, dtype="float32", always_2d=True)
        y = np.tile(y, (-(-seconds * sr // len(y)), 1))[: seconds * sr]
        for suffix, subtype in FORMATS.items():
            for copy in range(copies):
                path = task.folder / f"{source.stem}-{copy}{suffix}"
                _write(path, np.roll(y, copy, axis=0), sr, subtype)  # a library reads equal files once
                paths.append(path)
    _list(paths, task)


def _write(path: Path, y: np.ndarray, sr: int, subtype: str) -> None:
    """In pieces: libsndfile's Vorbis encoder overflows the stack on long ones."""
    with soundfile.SoundFile(path, "w", sr, y.shape[1], subtype) as file:
        for first in range(0, len(y), 1 << 16):
            file.write(y[first : first + (1 << 16)])


def _list(paths: list[Path], task: Task) -> None:
    with open(task.folder / LIST, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([str(path)] for path in paths)


SUBJECT = Subject("folder", "A folder of recordings to tiles", cases)
