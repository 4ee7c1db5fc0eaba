"""WAV, RF64, Wave64, AIFF, CAF and AU files whose header states less sound than there is, or none at all.

A recorder writes the size of the sound when it stops. One that lost power leaves 0, or the size of some minutes before.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from mfcc.sound.opening import Spliced, bytes_at, size_of

_MOST_HEADER = 1 << 20
_W64_RIFF, _W64_TAIL = b"riff", bytes.fromhex("f3acd3118cd100c04f8edb8a")
# What often stands behind the sound, and is believed to be a chunk even where it is cut off.
_KNOWN = frozenset((b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"JUNK", b"PAD ", b"iXML", b"_PMX", b"PEAK"))
_TAGS = (b"TAG", b"APETAGEX", b"ID3", b"LYRICS")


@dataclass(frozen=True)
class _Layout:
    """The layout of chunks: `id_length` bytes of name, then the size, which may count name and size too."""

    id_length: int
    size: str
    alignment: int
    counts_itself: bool = False

    @property
    def length(self) -> int:
        return self.id_length + struct.calcsize(self.size)

    def chunk(self, file: BinaryIO, position: int) -> tuple[bytes, int] | None:
        """Return name and size of the chunk at a byte; None if there is none."""
        head = bytes_at(file, position, self.length)
        if len(head) < self.length:
            return None
        (size,) = struct.unpack(self.size, head[self.id_length :])
        return head[: self.id_length], size - self.length * self.counts_itself

    def next(self, position: int, size: int) -> int:
        """Return where a chunk begins that follows one of some size at a byte."""
        return position + self.length + size + -(self.length + size) % self.alignment


_LAYOUTS = {
    "WAV": _Layout(4, "<I", 2),
    "RF64": _Layout(4, "<I", 2),
    "W64": _Layout(16, "<Q", 8, counts_itself=True),
    "AIFF": _Layout(4, ">I", 2),
    "CAF": _Layout(4, ">q", 1),
}


@dataclass(frozen=True)
class _Sound:
    """The sound in a file.

    Attributes
    ----------
    kind : str
    start : int
        Byte at which it begins.
    stated : int
        Bytes that the header states.
    field : int, width : int
        Where the header states it, and in how many bytes.
    with_size : function
        Makes the header, up to `start`, that states another number of bytes.
    """

    kind: str
    start: int
    stated: int
    field: int
    width: int
    with_size: Callable[[int], bytes]


def mended(file: BinaryIO) -> BinaryIO:
    """Return a file whose header states the sound that there is, where it stated none: all up to the end is read.

    A size of more than 4 GB in a WAV file is stated modulo 4 GB by some programs, and is mended too.
    """
    sound = _find(file)
    if sound is None:
        return file
    there = size_of(file) - sound.start
    if sound.stated == 0 and _unaccounted(file, sound, sound.start) > 0:
        return Spliced(sound.with_size(there), file, sound.start)
    if sound.kind == "WAV" and there - sound.stated >= 1 << 32:
        for size in range(sound.stated, there + 1, 1 << 32):
            if not _unaccounted(file, sound, sound.start + size):
                return file if size == sound.stated else Spliced(sound.with_size(size), file, sound.start)
    return file


def surplus(file: BinaryIO) -> tuple[int, int, str]:
    """Return how many bytes follow the sound that no header accounts for, how many it states, and in which bytes."""
    sound = _find(file)
    if sound is None or not 0 < sound.stated < size_of(file) - sound.start:
        return 0, 0, ""
    place = f"its bytes {sound.field} to {sound.field + sound.width - 1}"
    return _unaccounted(file, sound, sound.start + sound.stated), sound.stated, place


def _unaccounted(file: BinaryIO, sound: _Sound, end: int) -> int:
    """Return how many bytes behind the sound are neither chunks, tags nor zeros."""
    size, layout = size_of(file), _LAYOUTS.get(sound.kind)
    position = end
    while layout is not None and position < size:
        for start in (position, position + -position % layout.alignment):
            chunk = layout.chunk(file, start)
            if chunk is not None and _is_chunk(chunk, size - start - layout.length):
                position = layout.next(start, chunk[1])
                break
        else:
            break
    behind = bytes_at(file, position, 9)
    if position >= size or behind.startswith(_TAGS) or behind[1:].startswith(_TAGS) or not _any(file, position):
        return 0
    return size - position


def _is_chunk(chunk: tuple[bytes, int], room: int) -> bool:
    name, size = chunk
    if name in _KNOWN:
        return True
    printable = all(0x20 <= byte < 0x7F for byte in name[:4]) and (len(name) == 4 or name[4:] == _W64_TAIL)
    return printable and 0 <= size <= room


def _any(file: BinaryIO, position: int) -> bool:
    """Return whether anything but zeros lies behind a byte."""
    while data := bytes_at(file, position, 1 << 20):
        if data.count(0) != len(data):
            return True
        position += len(data)
    return False


def _find(file: BinaryIO) -> _Sound | None:
    """Return where the sound of a file lies; None for another kind of file, or without sound."""
    head = bytes_at(file, 0, 40)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _riff(file, "WAV" if head[:4] == b"RIFF" else "RF64")
    if head[:4] == _W64_RIFF and head[24:28] == b"wave":
        return _w64(file)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(file)
    if head[:4] == b"caff":
        return _caf(file)
    if head[:4] == b".snd" and len(head) >= 24:
        start, stated = struct.unpack(">2I", head[4:12])
        before = bytes_at(file, 0, min(start, _MOST_HEADER))
        return _Sound("AU", start, stated, 8, 4, lambda size: before[:8] + _u32(">", size) + before[12:])
    return None


def _chunks(file: BinaryIO, layout: _Layout, position: int, sound: bytes) -> tuple[dict[bytes, int], int, int] | None:
    """Return where the chunks before the sound begin, where it begins itself, and how many bytes it states."""
    seen: dict[bytes, int] = {}
    while position < _MOST_HEADER and (chunk := layout.chunk(file, position)) is not None:
        name, size = chunk
        if name[:4] == sound:
            return seen, position + layout.length, size
        if size < 0:
            return None
        seen[name[:4]] = position
        position = layout.next(position, size)
    return None


def _riff(file: BinaryIO, kind: str) -> _Sound | None:
    found = _chunks(file, _LAYOUTS[kind], 12, b"data")
    if found is None:
        return None
    chunks, start, stated = found
    head = bytes_at(file, 0, start)
    field, width = start - 4, 4
    if kind == "RF64" and b"ds64" in chunks:
        field, width = chunks[b"ds64"] + 16, 8
        stated = int.from_bytes(head[field : field + 8], "little") if stated == 0xFFFFFFFF else stated

    def with_size(size: int) -> bytes:
        table = struct.pack("<4sI3QI", b"ds64", 28, start - 12 + 36 + size + 4, size, 0, 0)
        rest = b"".join(
            head[at : _LAYOUTS[kind].next(at, int.from_bytes(head[at + 4 : at + 8], "little"))]
            for name, at in chunks.items()
            if name != b"ds64"
        )
        if size < 0xFFFF0000 and kind == "WAV":
            return b"RIFF" + _u32("<", start + size - 8) + b"WAVE" + rest + b"data" + _u32("<", size)
        return b"RF64\xff\xff\xff\xffWAVE" + table + rest + b"data\xff\xff\xff\xff"

    return _Sound(kind, start, stated, field, width, with_size)


def _w64(file: BinaryIO) -> _Sound | None:
    found = _chunks(file, _LAYOUTS["W64"], 40, b"data")
    if found is None:
        return None
    _, start, stated = found
    head = bytes_at(file, 0, start)

    def with_size(size: int) -> bytes:
        return head[:16] + struct.pack("<Q", start + size) + head[24:-8] + struct.pack("<Q", size + 24)

    return _Sound("W64", start, max(0, stated), start - 8, 8, with_size)


def _aiff(file: BinaryIO) -> _Sound | None:
    found = _chunks(file, _LAYOUTS["AIFF"], 12, b"SSND")
    if found is None or b"COMM" not in found[0]:
        return None
    chunks, chunk_start, stated = found
    start, comm = chunk_start + 8, chunks[b"COMM"]  # behind an offset and a block size
    head = bytes_at(file, 0, start)
    channels, frames, bits = struct.unpack(">HIH", head[comm + 8 : comm + 16])
    frame = max(1, channels * -(-bits // 8))
    if frames == 0 and head[8:12] == b"AIFF":  # not of AIFC, in which a codec may write something for no frames
        stated = 0

    def with_size(size: int) -> bytes:
        mended = bytearray(head)
        mended[4:8] = _u32(">", start + size - 8)
        mended[comm + 10 : comm + 14] = _u32(">", size // frame)
        mended[chunk_start - 4 : chunk_start] = _u32(">", size + 8)
        return bytes(mended)

    return _Sound("AIFF", start, max(0, stated - 8), chunk_start - 4, 4, with_size)


def _caf(file: BinaryIO) -> _Sound | None:
    found = _chunks(file, _LAYOUTS["CAF"], 8, b"data")
    if found is None or found[2] < 0:  # -1: up to the end
        return None
    _, chunk_start, stated = found
    start = chunk_start + 4  # behind a count of edits
    head = bytes_at(file, 0, start)

    def with_size(size: int) -> bytes:
        return head[:-12] + struct.pack(">q", size + 4) + head[-4:]

    return _Sound("CAF", start, max(0, stated - 4), chunk_start - 8, 8, with_size)


def _u32(order: str, number: int) -> bytes:
    return struct.pack(f"{order}I", min(number, 0xFFFFFFFF))
