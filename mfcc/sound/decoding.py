"""One audio file, decoded and mixed down in blocks, and an account of what is missing from it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import soundfile

from mfcc.sound import foreign, ogg
from mfcc.sound.chained import ChainedReader
from mfcc.sound.errors import AudioError, AudioWarning, printable
from mfcc.sound.ffmpeg import FfmpegReader
from mfcc.sound.libsndfile import LibsndfileReader, words_of
from mfcc.sound.opening import Source, bytes_at, name_of, open_source
from mfcc.sound.reader import Reader

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
    path : str, bytes, os.PathLike or an open binary file
    offset, duration : float, optional
        The excerpt in seconds; without a duration, up to the end.
    dtype : float32 or float64

    Raises
    ------
    AudioError
        For whatever is no audio, or none from `offset` on.
    """

    def __init__(
        self, path: Source, *, offset: float = 0.0, duration: float | None = None, dtype: np.dtype[Any] | None = None
    ) -> None:
        self.path, self.offset, self.dtype = name_of(path), offset, np.dtype(dtype or np.float32)
        self._raw = open_source(path)
        try:
            self._reader = _reader(self._raw, path, self.dtype)
        except BaseException:
            self._raw.close()
            raise
        try:
            self.sr, self._length = self._reader.sr, self._reader.length
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
        self._reader.close()
        self._raw.close()

    @property
    def format(self) -> str:
        """The format of the file by its content, as libsndfile names it ("FLAC"), or as `foreign` does ("MP4")."""
        return self._reader.format

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
        channels = self._reader.channels
        buffer = np.empty((max(1, _BLOCK // channels), channels), self.dtype)
        failure = ""
        while not failure and position != last:
            wanted = len(buffer) if last is None else min(len(buffer), last - position)
            count, failure = self._reader.read(buffer[:wanted])
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
        stated = self._length.stated
        if stated is not None and position >= stated:  # what stopped the decoder lies behind the sound
            return
        short = stated is not None and stated - position > self._length.tolerance_s * self.sr
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
        start = self._reader.seek(frame)
        # What comes before is decoded and forgotten.
        buffer = np.empty((max(1, _BLOCK // self._reader.channels), self._reader.channels), self.dtype)
        missing = frame - start
        while missing > 0:
            count, _ = self._reader.read(buffer[:missing])
            if count == 0:
                raise AudioError(self.path, f"can't be read from {self._time(frame)} on: it seems to end before.")
            missing -= count

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


def _reader(raw: BinaryIO, source: Source, dtype: np.dtype[Any]) -> Reader:
    """Return what decodes a file: libsndfile where that can, else ffmpeg."""
    try:
        links = ogg.links(raw) if bytes_at(raw, 0, 4) == b"OggS" else []
        return ChainedReader(raw, source, links) if len(links) > 2 else LibsndfileReader(raw, source)
    except (soundfile.LibsndfileError, TypeError) as error:
        words = words_of(error) if isinstance(error, soundfile.LibsndfileError) else ""
        other = foreign.recognise(raw)
        if other is not None:
            return FfmpegReader(raw, source, other, dtype)
        reason = "is not audio in a format that libsndfile reads"
        if words and "not recognised" not in words:
            reason += f", or damaged ({words})"
        raise AudioError(name_of(source), reason + ".") from None
