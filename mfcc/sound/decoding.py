"""One audio file, decoded by libsndfile and mixed down in blocks, and an account of what is missing from it."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import soundfile

from mfcc.sound import containers, mp3
from mfcc.sound.errors import AudioError, AudioWarning, Path, printable

# Below, a hostile or broken header would turn a small file into a huge signal; above is no audio.
LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000

# Overshoot stays, and so do integers written as floats; what would overflow when it is resampled or squared does not.
_LARGEST = 1e12

# Samples of all channels that are decoded at a time: 512 KB in float32, so that mixing finds them in the cache.
_BLOCK = 1 << 17


class Decoder:
    """An open audio file; a context manager. `blocks` yields its samples, `sr` is its rate in Hz.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    offset, duration : float, optional
        The excerpt in seconds; without a duration, up to the end.
    dtype : float32 or float64

    Raises
    ------
    AudioError
        For whatever is no audio, or none from `offset` on.
    """

    def __init__(
        self, path: Path, *, offset: float = 0.0, duration: float | None = None, dtype: np.dtype[Any] | None = None
    ) -> None:
        self.path, self.offset, self.dtype = path, offset, np.dtype(dtype or np.float32)
        self._raw = _open(path)
        try:
            self._sound, mpeg = _sound_file(self._raw, path)
        except BaseException:
            self._raw.close()
            raise
        try:
            self.sr = self._sound.samplerate
            self._length = containers.length(self._sound, self._raw, mpeg)
            self._check_header()
            self._first = round(offset * self.sr)
            self._last = None if duration is None else self._first + max(1, round(duration * self.sr))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._sound.close()
        self._raw.close()

    @property
    def format(self) -> str:
        """The format of the file as libsndfile names it, such as "FLAC", by its content."""
        return str(self._sound.format)

    @property
    def expected(self) -> int:
        """Number of samples at the file's rate that `blocks` is going to yield, if the headers are right."""
        frames = self._length.frames
        return max(0, min(frames, self._last or frames) - self._first)

    def blocks(self, on_truncated: str) -> Iterator[np.ndarray]:
        """Yield the mean of the channels in blocks, which are valid until the next one is asked for.

        Raises AudioError for samples that are not finite, and for a truncated file, or warns of it (`on_truncated`
        "raise" or "keep"); at once if it can be known before decoding, else after the last block.
        """
        damage, last = self._length.damage, self._last
        if damage and (last is None or last > self._length.frames):
            self._report(damage, self._length.frames, self._length.stated, on_truncated)
            last = self._length.frames
        position = self._first
        self._seek(position)
        channels = self._sound.channels
        buffer = np.empty((max(1, _BLOCK // channels), channels), self.dtype)
        failure = ""
        while not failure and position != last:
            wanted = len(buffer) if last is None else min(len(buffer), last - position)
            count, failure = self._read(buffer[:wanted])
            if count == 0:
                break
            yield self._mix(buffer[:count], position)
            position += count
        if position == self._first and not failure:
            raise AudioError(self.path, f"no samples from {self._time(position)} on.")
        if position != last and not damage:
            self._check_end(position, failure, on_truncated)

    def _check_header(self) -> None:
        frames, damage = self._length.frames, self._length.damage
        if frames == 0:
            raise AudioError(self.path, f"contains no samples (0 frames){damage and '; ' + damage}.")
        if not LOWEST_RATE <= self.sr <= HIGHEST_RATE:
            limits = f"{LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz"
            raise AudioError(self.path, f"a sample rate of {self.sr:,} Hz is not that of audio; expected {limits}.")
        if self.offset * self.sr >= frames:
            ends = self._time(frames)
            raise AudioError(self.path, f"offset {self.offset:g} s lies at or behind its end at {ends}.")

    def _check_end(self, position: int, failure: str | None, on_truncated: str) -> None:
        stated, tolerance = self._length.stated, containers.TOLERANCE_S
        if self._sound.format == "OGG":  # it counts its samples: fewer of them, and a whole end, mean a hole within
            stated, tolerance = self._sound.frames, containers.OGG_TOLERANCE_S
        short = stated is not None and stated - position > tolerance * self.sr
        if failure or short:
            self._report(f"damaged or truncated{failure and f' ({failure})'}", position, stated, on_truncated)

    def _report(self, damage: str, frames: int, stated: int | None, on_truncated: str) -> None:
        seconds = frames / self.sr
        expected = None if stated is None or stated <= frames else stated / self.sr
        of = f" of the {expected:.2f} s that it states" if expected is not None else ""
        reason = f"{damage}: {seconds:.2f} s{of} can be read."
        if on_truncated == "raise":
            raise AudioError(self.path, reason, seconds, expected)
        warnings.warn(f"{printable(self.path)}: {reason}", AudioWarning, stacklevel=4)

    def _seek(self, frame: int) -> None:
        if frame == 0:
            return
        start = 0
        if self._sound.can_seek:
            try:
                if self._sound.format == "OGG":
                    self._check_vorbis()
                start = self._sound.seek(containers.safe_start(self._sound, self._raw, frame))
            except soundfile.LibsndfileError:
                with contextlib.suppress(soundfile.LibsndfileError):
                    self._sound.seek(0)
        # Decode what comes before, and forget it; libsndfile can't seek at all in some formats (GSM, G.721, DWVW, XI).
        buffer = np.empty((max(1, _BLOCK // self._sound.channels), self._sound.channels), self.dtype)
        missing = frame - start
        while missing > 0:
            count, _ = self._read(buffer[:missing])
            if count == 0:
                raise AudioError(self.path, f"can't be read from {self._time(frame)} on: it seems to end before.")
            missing -= count

    def _check_vorbis(self) -> None:
        # Of damaged codebooks libsndfile 1.2.2 decodes nothing, and dies when it seeks before it has tried.
        count, _ = self._read(np.empty((1, self._sound.channels), self.dtype))
        if count == 0:
            raise AudioError(self.path, "is damaged: nothing of it can be decoded.")
        self._sound.seek(0)  # without this, a seek behind a read lands in the wrong sound

    def _read(self, buffer: np.ndarray) -> tuple[int, str]:
        """Fill the buffer; return the number of frames, and what stopped the decoder if anything did."""
        before = self._sound.position()
        try:
            return self._sound.buffer_read_into(buffer, self.dtype.name), ""
        except soundfile.LibsndfileError as error:
            return max(0, self._sound.position() - before), _words(error)

    def _mix(self, frames: np.ndarray, position: int) -> np.ndarray:
        mono = frames[:, 0]
        if frames.shape[1] > 1:
            with np.errstate(over="ignore", invalid="ignore"):  # the result is refused below
                mono = mono + frames[:, 1]
                for channel in frames.T[2:]:
                    mono += channel
                mono *= 1.0 / frames.shape[1]
        if not (mono.max() <= _LARGEST and mono.min() >= -_LARGEST):  # nor with NaN
            first = int((np.abs(mono) <= _LARGEST).argmin())
            values = ", ".join(f"{value:g}" for value in frames[first][:8])
            raise AudioError(
                self.path,
                f"expected finite samples of full scale 1.0, got {values} at sample {position + first} "
                f"({self._time(position + first)}). Repair or cut the recording.",
            )
        return mono

    def _time(self, frame: int) -> str:
        return f"{frame / self.sr:.3f} s"


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


def _open(path: Path) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "a pipe or device"
            raise AudioError(path, f"expected a file, got {kind}.")
        raw = open(path, "rb", buffering=0)
    except OSError as error:
        raise AudioError(path, f"can't be opened: {error.strerror}.") from None
    except ValueError as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(path, f"can't be opened: {error}.") from None  # a path with a null byte
    if os.fstat(raw.fileno()).st_size == 0:
        raw.close()
        raise AudioError(path, "is empty (0 bytes).")
    return raw


def _sound_file(raw: BinaryIO, path: Path) -> tuple[_Sequential, mp3.Mp3Stream | None]:
    # The open file rather than its name, which would have a say in the format. On Windows each C library counts its
    # open files by itself.
    source = os.fsdecode(path) if sys.platform == "win32" else raw.fileno()
    try:
        sound = _Sequential(source, closefd=False)
        if sound.format != "MP3":
            return sound, None
        with open(path, "rb") as buffered:
            mpeg = mp3.scan(buffered)
        # More than an encoder's padding beyond what libsndfile believes would be lost.
        if mpeg is not None and mpeg.n_samples - sound.frames > 4 * mpeg.samples_per_frame:
            sound.close()
            sound = _Sequential(mp3.Joined(mp3.with_stated_length(mpeg), raw, mpeg.start))
        return sound, mpeg
    except (soundfile.LibsndfileError, TypeError) as error:
        reason = "is not audio in a format that libsndfile reads"
        if isinstance(error, soundfile.LibsndfileError) and "not recognised" not in error.error_string:
            reason += f", or damaged ({_words(error)})"
        raise AudioError(path, reason + ".") from None


def _words(error: soundfile.LibsndfileError) -> str:
    words = error.error_string.removeprefix("Error : ").strip().rstrip(".")
    return "no audio frames found" if "possibly a pipe" in words else words  # said of a false MP3
