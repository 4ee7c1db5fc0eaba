"""Recordings that libsndfile decodes."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, BinaryIO

import numpy as np
import soundfile

from mfcc.sound import containers, flac, headers, mp3
from mfcc.sound.errors import AudioError
from mfcc.sound.opening import Source, Spliced, kept_position, name_of
from mfcc.sound.reader import Length


class LibsndfileReader:
    """A recording that libsndfile decodes: a `Reader`.

    Raises
    ------
    soundfile.LibsndfileError, TypeError
        For what libsndfile does not take for sound.
    """

    def __init__(self, raw: BinaryIO, source: Source) -> None:
        raw, damage = flac.mended(headers.mended(raw))
        self._raw, self._path = raw, name_of(source)
        self._sound, mpeg = _sound_file(raw, source)
        self.format, self.sr, self.channels = self._sound.format, self._sound.samplerate, self._sound.channels
        self.length = containers.length(self._sound, raw, mpeg)
        if damage:
            self.length = Length(self.length.frames, self.length.stated, damage)

    def close(self) -> None:
        """Close the decoder, but not its file."""
        self._sound.close()

    def read(self, buffer: np.ndarray) -> tuple[int, str]:
        """Fill the buffer; return the number of frames, and what stopped the decoder if anything did."""
        before = self._sound.position()
        try:
            return self._sound.buffer_read_into(buffer, buffer.dtype.name), getattr(self._raw, "failure", "")
        except soundfile.LibsndfileError as error:
            return max(0, self._sound.position() - before), words_of(error)

    def seek(self, frame: int) -> int:
        """Go to a frame, or before it where the decoder needs that; return to which."""
        if frame == 0 or not self._sound.can_seek:  # as in GSM, G.721, DWVW, XI
            return 0
        try:
            if self.format == "OGG":
                self._check_vorbis()
            return self._sound.seek(containers.safe_start(self._sound, self._raw, frame))
        except soundfile.LibsndfileError:
            with contextlib.suppress(soundfile.LibsndfileError):
                self._sound.seek(0)
            return 0

    def _check_vorbis(self) -> None:
        # Of damaged codebooks libsndfile 1.2.2 decodes nothing, and dies when it seeks before it has tried.
        count, _ = self.read(np.empty((1, self.channels), np.float32))
        if count == 0:
            raise AudioError(self._path, "is damaged: nothing of it can be decoded.")
        self._sound.seek(0)  # without this, a seek behind a read lands in the wrong sound


class _Sequential(soundfile.SoundFile):
    """A SoundFile that is read from front to back.

    A SoundFile that calls itself seekable seeks to where it already is after each read, and reads no further than the
    header states: both go wrong where the header is.
    """

    def seekable(self) -> bool:
        return False

    @property
    def can_seek(self) -> bool:
        """True if libsndfile says that it can seek in this file."""
        return super().seekable()

    def position(self) -> int:
        """Return the number of the next frame, 0 where libsndfile can't tell."""
        return self.tell() if self.can_seek else 0


def _sound_file(raw: BinaryIO, source: Source) -> tuple[_Sequential, mp3.Mp3Stream | None]:
    sound = _Sequential(_what_to_open(raw, source), closefd=False)
    if sound.format != "MP3":
        return sound, None
    with kept_position(raw):
        mpeg = mp3.scan(raw)
    # More than an encoder's padding beyond what libsndfile believes would be lost.
    if mpeg is not None and mpeg.n_samples - sound.frames > 4 * mpeg.samples_per_frame:
        sound.close()
        sound = _Sequential(Spliced(mp3.with_stated_length(mpeg), raw, mpeg.start))
    return sound, mpeg


def _what_to_open(raw: BinaryIO, source: Source) -> Any:
    """Return the descriptor of a file that has one, rather than its name, which would have a say in the format."""
    if not isinstance(raw, io.FileIO):
        return raw
    # On Windows each C library counts its open files by itself.
    return os.fsdecode(name_of(source)) if sys.platform == "win32" else raw.fileno()


def words_of(error: soundfile.LibsndfileError) -> str:
    """Return what libsndfile says of an error."""
    words = error.error_string.removeprefix("Error : ").strip().rstrip(".")
    return "no audio frames found" if "possibly a pipe" in words else words  # said of a false MP3
