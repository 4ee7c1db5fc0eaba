"""The true length of an MPEG audio stream: its frames counted one by one (ISO/IEC 11172-3 and 13818-3).

libsndfile believes the header that encoders put into a first, silent frame (Xing), or estimates the length from the
first bit rate and the size of the file, and decodes no further. It falls short of two files joined, and of streams with
a variable bit rate and no such header.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import BinaryIO

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version: MPEG-1, 2, 2.5
_KBITS = {  # by (MPEG-1 or not, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
# Bits of a header that stay the same within a stream: all but bit rate, padding, the private bit and stereo details.
_CONSTANT = 0xFFFE0C00
_SEARCH = 1 << 16


@dataclass(frozen=True)
class Mp3Stream:
    """The stream in a file, by its frame headers.

    Attributes
    ----------
    start : int
        Byte at which the first frame with sound begins.
    header : bytes
        The four bytes that it begins with.
    samples_per_frame, n_frames : int
    states_length : bool
        Whether a frame before it states the length.
    torn : bool
        Whether the last frame is longer than the rest of the file.
    """

    start: int
    header: bytes
    samples_per_frame: int
    n_frames: int
    states_length: bool
    torn: bool

    @property
    def n_samples(self) -> int:
        """Number of samples in the frames with sound, the padding of the encoder included."""
        return self.n_frames * self.samples_per_frame


def scan(file: BinaryIO) -> Mp3Stream | None:
    """Count the frames of a file; None if they can't be counted (no frames, or without a stated bit rate)."""
    size = file.seek(0, io.SEEK_END)
    first = _next_frame(file, after_id3(file))
    if first is None:
        return None
    position, header = first
    length, samples = _frame(header) or (0, 0)
    states_length = _states_length(_bytes_at(file, position, length))
    start, start_header, count, torn = position + length * states_length, header, 0, False
    if states_length:
        start_header = int.from_bytes(_bytes_at(file, start, 4), "big")
        position = start
    window, window_start = b"", position
    while True:
        if not 0 <= position - window_start <= len(window) - 4:
            window, window_start = _bytes_at(file, position, _SEARCH), position
        at = position - window_start
        here = int.from_bytes(window[at : at + 4], "big")
        frame = _frame(here) if (here ^ header) & _CONSTANT == 0 else None
        if frame is None:
            found = _next_frame(file, position, header)
            if found is None:
                break
            position = found[0]
            continue
        if position + frame[0] > size:
            torn = True
            break
        count += 1
        position += frame[0]
    return Mp3Stream(start, start_header.to_bytes(4, "big"), samples, count, states_length, torn)


def with_stated_length(stream: Mp3Stream) -> bytes:
    """Return a frame to put before the stream's first one: silent, with a Xing header that states the true length."""
    length, _ = _frame(int.from_bytes(stream.header, "big")) or (0, 0)
    header = bytearray(stream.header)
    header[1] |= 1  # no checksum
    while length < 64:  # the frame has to hold the side information and the header
        header[2] += 0x10
        length, _ = _frame(int.from_bytes(header, "big")) or (64, 0)
    xing = b"Xing" + (1).to_bytes(4, "big") + stream.n_frames.to_bytes(4, "big")
    frame = bytes(header) + bytes(_side_information(bytes(header))) + xing
    return frame + bytes(length - len(frame))


def after_id3(file: BinaryIO) -> int:
    """Return the byte behind the ID3v2 tags that a file begins with."""
    position = 0
    while (head := _bytes_at(file, position, 10))[:3] == b"ID3" and len(head) == 10:
        position += 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    return position


@functools.lru_cache(maxsize=1024)  # a stream has few different headers: counting becomes three times faster
def _frame(header: int) -> tuple[int, int] | None:
    """Return a frame's length in bytes and in samples; None if this is no frame header that states a length."""
    version, layer = header >> 19 & 3, 4 - (header >> 17 & 3)
    bit_rate, rate, padding = header >> 12 & 15, header >> 10 & 3, header >> 9 & 1
    if header >> 21 != 0x7FF or version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    bits = 1000 * _KBITS[version == 3, layer][bit_rate - 1]
    sr = _RATES[version][rate]
    if layer == 1:
        return 4 * (12 * bits // sr + padding), 384
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bits // sr + padding, samples


def _next_frame(file: BinaryIO, position: int, like: int | None = None) -> tuple[int, int] | None:
    """Return where the next frame begins that is followed by another or by the end, and its header."""
    data = _bytes_at(file, position, _SEARCH)
    at = data.find(b"\xff")
    while 0 <= at <= len(data) - 4:
        header = int.from_bytes(data[at : at + 4], "big")
        frame = _frame(header)
        if frame and (like is None or (header ^ like) & _CONSTANT == 0):
            after = _bytes_at(file, position + at + frame[0], 4)
            if not after or (_frame(int.from_bytes(after, "big")) and after[:1] == b"\xff"):
                return position + at, header
        at = data.find(b"\xff", at + 1)
    return None


def _side_information(header: bytes) -> int:
    mono = header[3] >> 6 == 3
    if header[1] >> 3 & 3 == 3:
        return 17 if mono else 32
    return 9 if mono else 17


def _states_length(frame: bytes) -> bool:
    """Return whether a frame counts the others: it holds a Xing (or Info) or VBRI header in place of sound."""
    if len(frame) < 4:
        return False
    after = 4 + _side_information(frame)
    xing = frame[after : after + 8]
    return (xing[:4] in (b"Xing", b"Info") and len(xing) == 8 and bool(xing[7] & 1)) or frame[36:40] == b"VBRI"


def _bytes_at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
