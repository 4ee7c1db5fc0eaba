"""What audio files say of their own length, held against what is there.

libsndfile takes a file that was cut off for a shorter one, silently in most formats.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

import soundfile

from mfcc import mp3

# A shortfall of less is the rounding of codecs and headers, nothing that anyone cut off.
TOLERANCE_S = 0.1
# Some Vorbis files go on counting, with empty pages, behind the end of the sound.
OGG_TOLERANCE_S = 0.25

# Sizes from here to 4 GB are what programs write that do not know the length yet (ffmpeg, SoX and arecord into a pipe).
_UNKNOWN_SIZE = 0x7FFF0000
_UNKNOWN_FRAMES = (1 << 63) - 1

# libsndfile corrects the size of the audio chunk of WAV, AIFF, AU, Wave64 and RF64 to what is there, and logs it.
_CORRECTED_SIZE = re.compile(r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*:\s*(\d+)\s*\(should be (\d+)\)", re.M)


@dataclass(frozen=True)
class Length:
    """How long a file is.

    Attributes
    ----------
    frames : int
        Samples a channel that can be decoded as far as the headers tell; a bound where they don't.
    stated : int or None
        Samples a channel that there should be; None if nothing states it.
    damage : str
        What is known to be wrong before anything is decoded; else "".
    """

    frames: int
    stated: int | None
    damage: str = ""


def length(sound: soundfile.SoundFile, raw: BinaryIO, mpeg: mp3.Mp3Stream | None) -> Length:
    """Return the length of an open file; `mpeg` is what a scan found if it is an MP3."""
    frames = sound.frames
    if sound.format == "OGG":
        return Length(frames, None, _torn_ogg(raw))
    if sound.format == "MP3":
        return _mp3_length(frames, sound.samplerate, mpeg)
    if frames == _UNKNOWN_FRAMES:
        return Length(frames, None)
    for claimed, present in _CORRECTED_SIZE.findall(sound.extra_info):
        if int(present) < int(claimed) and int(claimed) & 0xFFFFFFFF < _UNKNOWN_SIZE:
            stated = round(frames * int(claimed) / max(1, int(present)))
            if stated - frames > TOLERANCE_S * sound.samplerate:
                return Length(frames, stated, "truncated")
    return Length(frames, frames)


def _mp3_length(frames: int, sr: int, mpeg: mp3.Mp3Stream | None) -> Length:
    if mpeg is None:
        return Length(frames, None)
    there = min(frames, mpeg.n_samples)
    if mpeg.states_length and frames - there > TOLERANCE_S * sr:
        return Length(there, frames, "damaged or truncated")
    return Length(there, there, "truncated within its last frame" if mpeg.torn else "")


def _torn_ogg(raw: BinaryIO) -> str:
    """Return what is wrong with the end of an Ogg file, "" if nothing is (RFC 3533: pages, and flags in their headers).

    libsndfile takes the last whole page for the end, and of several streams one after the other reads the first.
    """
    # A page is 65,307 bytes at most; tags of other formats may follow the last one.
    tail = _bytes_at(raw, max(0, os.fstat(raw.fileno()).st_size - (1 << 18)), 1 << 18)
    if b"OggS" not in tail:
        return ""
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        return "truncated within the last page of its Ogg stream"
    position, serials = 0, set()
    while (head := _bytes_at(raw, position, 27 + 255))[:4] == b"OggS" and head[5] & 2:  # pages that begin a stream
        serials.add(head[14:18])
        position += 27 + head[26] + sum(head[27 : 27 + head[26]])
    if serials and page[14:18] not in serials:
        return "holds several Ogg streams one after the other, of which libsndfile reads the first"
    return ""


def _bytes_at(raw: BinaryIO, position: int, count: int) -> bytes:
    """Read without a change of the position, which belongs to libsndfile."""
    here = raw.tell()
    try:
        raw.seek(position)
        return raw.read(count)
    finally:
        raw.seek(here)
