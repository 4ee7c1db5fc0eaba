"""The true length of a FLAC stream: the number in its last frame, where its header states another (RFC 9639)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import BinaryIO

from mfcc.sound import mp3
from mfcc.sound.opening import Spliced, bytes_at, kept_position, size_of

_STREAM = b"fLaC\x00\x00\x00\x22"  # marker, and the block that comes first, of 34 bytes
_LAST_STREAM = b"fLaC\x80\x00\x00\x22"
_TAIL = 1 << 18  # bytes in which the last frame lies
_BLOCK_SIZES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)}, **{n: 256 << (n - 8) for n in range(8, 16)}}


@dataclass(frozen=True)
class _Frame:
    """The header of a frame: its first sample, how many there are, and what is the same in all of a stream."""

    start: int
    n_samples: int
    kind: tuple[int, int]


def mended(file: BinaryIO) -> tuple[BinaryIO, str]:
    """Return a file with the true length in its header, and what else is wrong with it, "" for nothing.

    A header that states less than the frames hold, as encoders leave it that are stopped, is mended. A FLAC file has
    one stream: of another one behind it only the place is told.
    """
    with kept_position(file):
        start = mp3.after_id3(file)
    head = bytes_at(file, start, 42)
    if head[:8] not in (_STREAM, _LAST_STREAM) or len(head) < 42:
        return file, ""
    stated = int.from_bytes(head[21:26], "big") & (1 << 36) - 1
    last = _last_frame(bytes_at(file, max(start + 42, size_of(file) - _TAIL), _TAIL), head)
    if stated == 0 or last is None or last.start + last.n_samples == stated:
        return file, ""
    other = _next_stream(file, start + 42)
    if other is not None:
        return file, f"another FLAC stream begins at byte {other:,}, where the file can be cut"
    if last.start + last.n_samples < stated:
        return file, ""  # cut off
    there = int.from_bytes(head[18:26], "big") - stated + last.start + last.n_samples
    before = bytes_at(file, 0, start)
    return Spliced(before + head[:18] + there.to_bytes(8, "big") + head[26:42], file, start + 42), ""


def _last_frame(tail: bytes, head: bytes) -> _Frame | None:
    """Return the last frame whose header lies in some bytes and goes on where the one before it ends."""
    at, follower = len(tail), None
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        frame = _frame_at(tail, at, head)
        if frame is None:
            continue
        if follower is not None and follower.kind == frame.kind and follower.start == frame.start + frame.n_samples:
            return follower
        follower = frame
    return None


def _frame_at(data: bytes, at: int, head: bytes) -> _Frame | None:
    """Return the frame that begins at a byte; None if none does."""
    if at + 16 > len(data) or data[at + 1] & 0xFE != 0xF8 or data[at + 3] & 1:
        return None
    size_code, sr_code, fixed = data[at + 2] >> 4, data[at + 2] & 15, not data[at + 1] & 1
    lead = data[at + 4]
    more = 0 if lead < 0x80 else 8 - (~lead & 0xFF).bit_length()  # ones before the first zero, as in UTF-8
    if more == 1 or more > 7 or size_code == 0 or sr_code == 15:
        return None
    number, end = lead if more == 0 else lead & (0x7F >> more), at + 5
    for byte in data[end : end + max(0, more - 1)]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    end += max(0, more - 1)
    wide = {6: 1, 7: 2}.get(size_code, 0)
    n_samples = int.from_bytes(data[end : end + wide], "big") + 1 if wide else _BLOCK_SIZES[size_code]
    end += wide + {12: 1, 13: 2, 14: 2}.get(sr_code, 0)
    if end >= len(data) or _crc8(data[at:end]) != data[end]:
        return None
    block = int.from_bytes(head[8:10], "big")
    return _Frame(number * block if fixed else number, n_samples, (data[at + 1], data[at + 3] & 0x0E))


def _next_stream(file: BinaryIO, position: int) -> int | None:
    """Return the byte at which another stream begins; None if none does."""
    step, overlap = 1 << 20, len(_STREAM) - 1
    while data := bytes_at(file, position, step + overlap):
        found = [at for at in (data.find(_STREAM), data.find(_LAST_STREAM)) if at >= 0]
        if found:
            return position + min(found)
        position += step
    return None


@functools.cache
def _table() -> bytes:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte << 1 ^ (0x107 if byte & 0x80 else 0)
        table.append(byte)
    return bytes(table)


def _crc8(data: bytes) -> int:
    checksum, table = 0, _table()
    for byte in data:
        checksum = table[checksum ^ byte]
    return checksum
