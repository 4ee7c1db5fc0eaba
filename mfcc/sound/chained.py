"""Recordings that lie in several streams, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import soundfile

from mfcc.sound.libsndfile import LibsndfileReader
from mfcc.sound.opening import Source, Spliced
from mfcc.sound.reader import Length

# A chain with more links is none: a radio station that sends for a day has some hundred.
_MOST_LINKS = 10_000


class ChainedReader:
    """An Ogg file with several streams one after the other, read as one recording: a `Reader`.

    A link with another number of channels than the first gives the mean of its own in each of those.

    Parameters
    ----------
    raw : file
    source : str, bytes, os.PathLike or file
    links : sequence of int
        Bytes at which the streams begin, and the last of them ends.
    """

    def __init__(self, raw: BinaryIO, source: Source, links: Sequence[int]) -> None:
        self._raw, self._source, self._links = raw, source, links
        self._open: tuple[int, LibsndfileReader] | None = None
        first = self._at(0)
        self.format, self.sr, self.channels = first.format, first.sr, first.channels
        self._frames, damage = [first.length.frames], first.length.damage
        for link in range(1, len(links) - 1):
            if not damage:
                damage = self._joins(link)
        self._frame = 0
        total = sum(self._frames)
        self.length = Length(total, None if damage else total, damage, first.length.tolerance_s)

    def close(self) -> None:
        """Close the link that is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def seek(self, frame: int) -> int:
        """Go to a frame, or before it where the decoder needs that; return to which."""
        link, before = self._link_of(frame)
        self._frame = before + self._at(link).seek(frame - before)
        return self._frame

    def read(self, buffer: np.ndarray) -> tuple[int, str]:
        """Fill the buffer from as many links as it takes; return the number of frames, and what stopped it."""
        filled = 0
        while filled < len(buffer) and self._frame < self.length.frames:
            link, before = self._link_of(self._frame)
            wanted = buffer[filled : filled + before + self._frames[link] - self._frame]
            count, failure = self._read_link(link, wanted)
            missing = len(wanted) - count
            if failure or missing > self.length.tolerance_s * self.sr:
                self._frame += count
                return filled + count, failure or f"stream {link + 1} ends early"
            wanted[count:] = 0  # of empty pages that count on behind the sound, so that every link has its time
            filled += len(wanted)
            self._frame += len(wanted)
        return filled, ""

    def _read_link(self, link: int, wanted: np.ndarray) -> tuple[int, str]:
        reader = self._at(link)
        target = wanted if reader.channels == self.channels else np.empty((len(wanted), reader.channels), wanted.dtype)
        count, failure = 0, ""
        while not failure and count < len(wanted):
            more, failure = reader.read(target[count:])
            count += more
            if more == 0:
                break
        if target is not wanted:
            wanted[:count] = target[:count].mean(axis=1, keepdims=True)
        return count, failure

    def _link_of(self, frame: int) -> tuple[int, int]:
        """Return the link in which a frame lies, and the number of frames before that link."""
        before = 0
        for link, frames in enumerate(self._frames):
            if frame < before + frames:
                return link, before
            before += frames
        return len(self._frames) - 1, before - self._frames[-1]

    def _at(self, link: int) -> LibsndfileReader:
        """Return the reader of a link, as it is if it is open, else at its first frame."""
        if self._open is None or self._open[0] != link:
            self.close()
            part = Spliced(b"", self._raw, self._links[link], self._links[link + 1])
            self._open = link, LibsndfileReader(part, self._source)
        return self._open[1]

    def _joins(self, link: int) -> str:
        """Add a link; return what is wrong with it, "" if nothing is."""
        there = f"the stream {link + 1} of {len(self._links) - 1}, from byte {self._links[link]:,} on,"
        if link >= _MOST_LINKS:
            return f"{there} is one too many"
        try:
            reader = self._at(link)
        except (soundfile.LibsndfileError, TypeError):
            return f"{there} can't be read"
        if reader.sr != self.sr:
            return f"{there} has another sample rate ({reader.sr:,} Hz, not {self.sr:,} Hz): cut the file there"
        self._frames.append(reader.length.frames)
        return reader.length.damage
