"""The streams of an Ogg file: one after the other in a chain, which RFC 3533 allows and libsndfile reads one of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from mfcc.sound.opening import bytes_at, size_of

_PAGES = re.compile(rb"OggS\x00(?=.)", re.DOTALL)  # marker and version
_FIRST_PAGES = re.compile(rb"OggS\x00[\x02\x06]")  # and flags: the first page of a stream, which may be the last
_MARKER = 6
_STEP = 1 << 20


def links(file: BinaryIO) -> list[int]:
    """Return the bytes at which the streams of a chain begin, and the end of the file.

    Streams that begin together, such as sound and its lyrics, are one link. The whole file is looked through.

    Examples
    --------
    >>> import io
    >>> page = b"OggS" + bytes([0, 2]) + bytes(20) + bytes([1, 1]) + b"a"
    >>> links(io.BytesIO(page + page + b"sound" + page))
    [0, 63, 92]
    """
    starts, together = [0], 0
    for start in _first_pages(file):
        head = bytes_at(file, start, 27 + 255)
        if start > together:
            starts.append(start)
        together = start + 27 + head[26] + sum(head[27 : 27 + head[26]])
    return [*starts, size_of(file)]


def has_speech(file: BinaryIO, first: int, last: int) -> bool:
    """Return whether Opus packets between two times, in samples at 48 kHz, have a part coded as speech (RFC 6716).

    Their first byte says so: the modes 0 to 15 of 32 are SILK, or SILK below a band of CELT.
    """
    for start in _places(file, _PAGES):
        head = bytes_at(file, start, 27 + 255)
        if len(head) < 28:
            continue
        granule, lacing = int.from_bytes(head[6:14], "little", signed=True), head[27 : 27 + head[26]]
        if granule < first or granule <= 0:  # the two header packets have 0
            continue
        packet, begins = 0, not head[5] & 1
        body = bytes_at(file, start + 27 + head[26], sum(lacing))
        for segment in lacing:
            if begins and segment and packet < len(body) and body[packet] < 16 << 3:
                return True
            packet, begins = packet + segment, segment < 255
        if granule > last:
            return False
    return False


def _first_pages(file: BinaryIO) -> list[int]:
    """Return the bytes at which pages lie that begin a stream."""
    size = size_of(file)
    return [start for start in _places(file, _FIRST_PAGES) if start + 27 < size]


def _places(file: BinaryIO, marker: re.Pattern[bytes]) -> Iterator[int]:
    """Yield where a marker of `_MARKER` bytes stands, in order."""
    position = 0
    while data := bytes_at(file, position, _STEP + _MARKER - 1):
        for found in marker.finditer(data):
            yield position + found.start()
        position += _STEP
