"""Formats that libsndfile does not read, known by their first bytes: ffmpeg reads them, with the named demuxer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from mfcc.sound import mp3
from mfcc.sound.opening import bytes_at, kept_position


@dataclass(frozen=True)
class Foreign:
    """A format that libsndfile does not read.

    Attributes
    ----------
    name : str
        What people call it, such as "MP4".
    demuxer : str
        What ffmpeg calls it: only this part of it reads the file, so that no playlist or script gets a hearing.
    beginning : pattern
        What its first bytes are.
    states_length : bool
        Whether a duration that ffmpeg reports was read from the file, rather than guessed from bit rate and size.
    """

    name: str
    demuxer: str
    beginning: re.Pattern[bytes]
    states_length: bool = False


def _format(name: str, demuxer: str, beginning: bytes, states_length: bool = False) -> Foreign:
    return Foreign(name, demuxer, re.compile(beginning, re.S), states_length)


# Frames of AAC in ADTS: 12 bits of synchronisation, layer 0. One that is followed by another of the same kind.
_ADTS = rb"\xff[\xf0\xf1\xf8\xf9].{5}"
# Codecs in WAV that libsndfile lacks: AC-3, DTS, AAC and Windows Media (the tags that `mmreg.h` lists).
_WAVE_CODECS = rb"(?:\x00\x20|\x01\x20|\xff\x00|[\x00\x01\x02\x10]\x16|[\x60-\x63]\x01)"

FORMATS = (
    _format("MP4", "mov", rb".{4}(?:ftyp|moov|mdat|wide|free|skip|pnot)", True),
    _format("Matroska or WebM", "matroska", rb"\x1a\x45\xdf\xa3", True),
    _format("Windows Media", "asf", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", True),
    _format("AAC", "aac", _ADTS),
    _format("WavPack", "wv", rb"wvpk", True),
    _format("True Audio", "tta", rb"TTA[12]", True),
    _format("Monkey's Audio", "ape", rb"MAC [\x00-\xff]", True),
    _format("TAK", "tak", rb"tBaK", True),
    _format("Musepack", "mpc", rb"MP\+", True),
    _format("Musepack", "mpc8", rb"MPCK", True),
    _format("Shorten", "shn", rb"ajkg"),
    _format("DSD", "dsf", rb"DSD ", True),
    _format("DSD", "iff", rb"FRM8.{8}DSD ", True),
    _format("Dolby Digital", "ac3", rb"\x0b\x77.{3}[\x00-\x57]"),
    _format("Dolby Digital Plus", "eac3", rb"\x0b\x77.{3}[\x58-\x87]"),
    _format("Dolby TrueHD", "truehd", rb".{4}\xf8\x72\x6f\xba"),
    _format("Meridian Lossless", "mlp", rb".{4}\xf8\x72\x6f\xbb"),
    _format("DTS", "dts", rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8"),
    _format("RealAudio", "rm", rb"\.RMF|\.ra\xfd"),
    _format("AMR", "amr", rb"#!AMR"),
    _format("ATRAC", "oma", rb"EA3[\x00-\xff]"),
    _format("Ogg Speex", "ogg", rb"OggS.{24}Speex   "),
    _format("Ogg FLAC", "ogg", rb"OggS.{24}\x7fFLAC"),
    _format("WAV with another codec", "wav", rb"RIFF.{4}WAVEfmt .{4}" + _WAVE_CODECS),
    _format("CAF with another codec", "caf", rb"caff.{4}desc.{16}(?!lpcm|ulaw|alaw)", True),
    _format("AVI", "avi", rb"RIFF.{4}AVI "),
    _format("Flash Video", "flv", rb"FLV\x01"),
    _format("an MPEG transport stream", "mpegts", rb"\x47.{187}\x47.{187}\x47"),
    _format("an MPEG program stream", "mpeg", rb"\x00\x00\x01\xba"),
)


def recognise(file: BinaryIO) -> Foreign | None:
    """Return the format that the first bytes of a file are those of; None if no line of `FORMATS` has it."""
    head = bytes_at(file, 0, 1024)
    if head[:3] == b"ID3":
        with kept_position(file):
            head = bytes_at(file, mp3.after_id3(file), 1024)
    for one in FORMATS:
        if one.beginning.match(head) and (one.demuxer != "aac" or _is_adts(file, head)):
            return one
    return None


def _is_adts(file: BinaryIO, head: bytes) -> bool:
    """Return whether the frame of AAC that a file begins with is followed by another one, of the same kind."""
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    with kept_position(file):
        start = mp3.after_id3(file)
        after = bytes_at(file, start + length, 4)
    return length > 7 and after[:2] == head[:2] and (after[2] ^ head[2]) & 0xFD == 0
