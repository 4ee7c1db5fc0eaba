"""Recordings that the program ffmpeg decodes, where it is installed: what libsndfile does not read.

ffmpeg gets an open file, never a name, is told by which demuxer to read it, and writes samples into a pipe.
"""

from __future__ import annotations

import collections
import functools
import io
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import threading
from typing import Any, BinaryIO

import numpy as np

from mfcc.sound.errors import AudioError, printable
from mfcc.sound.foreign import Foreign
from mfcc.sound.opening import Source, name_of, opened_again, size_of
from mfcc.sound.reader import UNKNOWN_FRAMES, Length

# Codecs work in frames of up to 2,048 samples, of which the first and the last may be filled up.
_TOLERANCE_S = 0.25
_BYTES = {"float32": (6, "pcm_f32be"), "float64": (7, "pcm_f64be")}  # encoding numbers of AU, names of ffmpeg
_PROBE_S = 60.0
_NOISE = re.compile(r" @ 0x[0-9a-f]+|file:/dev/fd/0: ")
_MOST_PROBED = 1 << 20


def program(name: str = "ffmpeg") -> str | None:
    """Return the path of ffmpeg, or of its ffprobe; None where it is not installed."""
    return shutil.which(name)


@functools.lru_cache(maxsize=4)
def version(path: str | None = None) -> str:
    """Return the version of ffmpeg (of the one at `path`, or on the PATH), "" where it is not installed."""
    path = path or program()
    if path is None:
        return ""
    try:
        run = subprocess.run([path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = run.stdout.decode("utf-8", "replace").split()
    return words[2] if words[:2] == ["ffmpeg", "version"] else ""


class FfmpegReader:
    """A recording that ffmpeg decodes: a `Reader`.

    Excerpts are decoded from the first sample on, so that they are exactly those of the whole.

    Raises
    ------
    AudioError
        Where ffmpeg is not installed, or finds no sound.
    """

    def __init__(self, raw: BinaryIO, source: Source, foreign: Foreign, dtype: np.dtype[Any]) -> None:
        self._path, self._dtype, self.format = name_of(source), dtype, foreign.name
        ffmpeg = program()
        if ffmpeg is None:
            raise AudioError(self._path, f"is {foreign.name}, {_remedy(self._path)}")
        self._input = _Input(raw, self._path)
        try:
            stated_s = _stated_s(self._input, foreign)
            self._process = self._input.run(
                [ffmpeg, "-nostdin", "-xerror", *self._input.options(foreign)],
                ["-map", "0:a:0", "-c:a", _BYTES[dtype.name][1], "-f", "au", "pipe:1"],
            )
        except BaseException:
            self._input.close()
            raise
        self._words: collections.deque[str] = collections.deque(maxlen=3)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self.sr, self.channels = self._header()
        except BaseException:
            self.close()
            raise
        stated = None if stated_s is None else round(stated_s * self.sr)
        frames = UNKNOWN_FRAMES if stated is None else stated + self.sr
        self.length = Length(frames, stated, tolerance_s=_TOLERANCE_S)

    def close(self) -> None:
        """End ffmpeg."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
        self._input.close()

    def seek(self, frame: int) -> int:
        """Return 0: ffmpeg decodes from the first frame on."""
        return 0

    def read(self, buffer: np.ndarray) -> tuple[int, str]:
        """Fill the buffer; return the number of frames, and what stopped the decoder if anything did."""
        stdout = self._process.stdout
        assert stdout is not None
        view, filled = buffer.reshape(-1).view(np.uint8).data, 0
        while filled < len(view):
            count = stdout.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                break
            filled += count
        if sys.byteorder == "little":
            buffer.byteswap(inplace=True)
        failure = ""
        if filled < len(view) and self._process.wait() != 0:
            self._listener.join()
            failure = self._said() or f"ffmpeg ended with status {self._process.returncode}"
        return filled // (buffer.itemsize * self.channels), failure

    def _header(self) -> tuple[int, int]:
        """Return rate and channels, which stand before the samples."""
        stdout = self._process.stdout
        assert stdout is not None
        head = stdout.read(24)
        if len(head) == 24 and head[:4] == b".snd":
            start, _, encoding, sr, channels = struct.unpack(">5I", head[4:])
            if encoding == _BYTES[self._dtype.name][0] and 24 <= start < 1 << 20 and 0 < channels < 1 << 16:
                stdout.read(start - 24)
                return sr, channels
        self._process.wait()
        self._listener.join()
        words = self._said()
        raise AudioError(self._path, f"is {self.format}, but ffmpeg can't decode it{words and f' ({words})'}.")

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line[:300].decode("utf-8", "replace").strip()
            if text:
                self._words.append(text)

    def _said(self) -> str:
        """Return what ffmpeg said first of the last things that it said, without numbers of the process."""
        return _NOISE.sub("", printable(self._words[0])).rstrip(". ") if self._words else ""


class _Input:
    """An open file as ffmpeg takes it."""

    def __init__(self, raw: BinaryIO, path: Any) -> None:
        self._own = not isinstance(raw, io.FileIO)
        self._file = (opened_again(raw) or _in_memory(raw, path)) if self._own else raw
        self._path = path

    def close(self) -> None:
        if self._own:
            self._file.close()

    def options(self, foreign: Foreign) -> list[str | bytes]:
        """Return the options that name the input. A name on Windows is a path; elsewhere it is standard input."""
        name = os.path.abspath(self._path) if sys.platform == "win32" else "/dev/fd/0"
        return ["-v", "error", "-protocol_whitelist", "file", "-f", foreign.demuxer, "-i", f"file:{name}"]

    def run(self, before: list[Any], after: list[Any]) -> subprocess.Popen[bytes]:
        self._file.seek(0)  # some systems share the position
        surroundings = {k: v for k, v in os.environ.items() if k not in ("FFREPORT", "AV_LOG_FORCE_COLOR")}
        try:
            return subprocess.Popen(
                [*before, *after],
                stdin=self._file if sys.platform != "win32" else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=surroundings | {"AV_LOG_FORCE_NOCOLOR": "1"},
            )
        except OSError as error:
            raise AudioError(self._path, f"can't be read: {before[0]} can't be run: {error.strerror}.") from None


def _in_memory(raw: BinaryIO, path: Any) -> BinaryIO:
    """Return a copy of a file that is only open here as one of the system, which lies in memory."""
    if not hasattr(os, "memfd_create"):
        raise AudioError(path, "is in a format that ffmpeg reads: give the name of a file, not an open one.")
    copy = open(os.memfd_create("sound"), "wb+", buffering=0)
    raw.seek(0)
    shutil.copyfileobj(raw, copy, 1 << 20)
    if size_of(copy) != size_of(raw):
        copy.close()
        raise AudioError(path, f"can't be read: {getattr(raw, 'failure', '') or 'its end is missing'}.")
    return copy


def _stated_s(source: _Input, foreign: Foreign) -> float | None:
    """Return how many seconds of sound a file states, by ffprobe; None if it doesn't, or ffprobe is not there."""
    ffprobe = program("ffprobe")
    if ffprobe is None or not foreign.states_length:
        return None
    entries = "format=duration:stream=codec_type,duration:stream_tags=DURATION:stream_disposition=attached_pic"
    with source.run([ffprobe, *source.options(foreign)], ["-show_entries", entries, "-of", "json"]) as process:
        try:
            out, _ = process.communicate(timeout=_PROBE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    try:
        found = json.loads(out[:_MOST_PROBED])
        streams = [each for each in found["streams"] if not each.get("disposition", {}).get("attached_pic")]
        sound = next(each for each in streams if each.get("codec_type") == "audio")
        tag = sound.get("tags", {}).get("DURATION")
        if "duration" in sound:
            return float(sound["duration"])
        if tag:
            hours, minutes, seconds = tag.split(":")
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        return float(found["format"]["duration"]) if len(streams) == 1 else None
    except (ValueError, KeyError, TypeError, StopIteration):
        return None


def _remedy(path: Any) -> str:
    """Return what to do about a file where ffmpeg is missing."""
    name = os.path.basename(printable(path))
    target = os.path.splitext(name)[0] + ".flac"
    return (
        "which libsndfile does not read. Install ffmpeg: where it is on the PATH, it is used. Or convert the file: "
        f"ffmpeg -i {shlex.quote(name)} -vn {shlex.quote(target)}"
    )
