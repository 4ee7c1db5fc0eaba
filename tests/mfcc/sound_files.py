"""Sound files of every kind that libsndfile writes, with and without what else lies in files."""

import functools
import io
import struct

import numpy as np
import soundfile

SR = 22050

# Written without a header, by another program only, or into two files.
UNWRITTEN = {
    ("RAW", None),
    ("SD2", None),
    ("AIFF", "DWVW_12"),
    ("MP3", "MPEG_LAYER_I"),
    ("MP3", "MPEG_LAYER_II"),
    ("WAV", "MPEG_LAYER_III"),
}
MONO = {"GSM610", "G721_32", "G723_24", "G723_40", "DWVW_12", "DWVW_16", "DWVW_24"}
MONO |= {"NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"}
MONO_FORMATS = {"WVE", "XI", "SVX", "HTK", "SDS", "MPC2K"}
STEREO_AT_MOST = {"MP3", "AVR", "VOC", "MPC2K"}


@functools.cache
def kinds():
    """Return (format, subtype) of all that can be written here."""
    return tuple(
        (container, subtype)
        for container in sorted(soundfile.available_formats())
        for subtype in sorted(soundfile.available_subtypes(container))
        if not {(container, None), (container, subtype)} & UNWRITTEN
    )


def most_channels(container, subtype):
    if subtype in MONO or container in MONO_FORMATS:
        return 1
    return 2 if container in STEREO_AT_MOST or subtype in ("IMA_ADPCM", "MS_ADPCM") else 8


def encode(samples, sr, container, subtype, **tags):
    """Return a file as bytes; `tags` are soundfile's: title, artist, comment and so on."""
    file = io.BytesIO()
    channels = 1 if np.ndim(samples) == 1 else samples.shape[1]
    with soundfile.SoundFile(file, "w", sr, channels, subtype, format=container) as sound:
        for name, text in tags.items():
            setattr(sound, name, text)
        for start in range(0, len(samples), 4096):  # libsndfile's Vorbis encoder runs out of stack on long blocks
            sound.write(samples[start : start + 4096])
    return file.getvalue()


def tone(seconds, sr, channels=1, frequency=440.0, amplitude=0.5):
    y = amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)
    return (y if channels == 1 else np.outer(y, np.ones(channels))).astype(np.float32)


def id3(*frames):
    """Return an ID3v2.4 tag of (name, content)."""
    body = b"".join(name + _syncsafe(len(content)) + b"\0\0" + content for name, content in frames)
    return b"ID3\x04\0\0" + _syncsafe(len(body)) + body


def _syncsafe(number):
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def picture(size=20_000):
    """Return an APIC frame: a JPEG of sorts, all of which looks like the start of MPEG frames."""
    return b"APIC", b"\0image/jpeg\0\x03\0\xff\xd8\xff\xe0" + b"\xff\xfb\x90\x64" * (size // 4)


def with_flac_picture(data, size=20_000):
    """Return a FLAC file with a PICTURE block behind STREAMINFO, which must not be its last block."""
    kind, length = data[4], int.from_bytes(data[5:8], "big")
    assert data[:4] == b"fLaC" and kind == 0
    mime, image = b"image/jpeg", b"\xff\xf8" * (size // 2)  # which looks like frames
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">IIIIII", 0, 8, 8, 24, 0, len(image)) + image
    return data[: 8 + length] + b"\x06" + len(block).to_bytes(3, "big") + block + data[8 + length :]


def with_riff_chunks(data, loops=0):
    """Return a WAV file with chunks before and behind the samples, one of odd length, and loops for a sampler."""
    assert data[:4] == b"RIFF"
    before = _chunk(b"JUNK", bytes(27)) + _chunk(b"bext", bytes(602)) + _chunk(b"LIST", b"INFOIART" + bytes(9))
    behind = (
        _chunk(b"cue ", struct.pack("<I", 0))
        + _chunk(b"id3 ", id3(picture()))
        + _chunk(b"smpl", bytes(28) + struct.pack("<II", loops, 0) + loops * struct.pack("<6I", 0, 0, 10, 500, 0, 0))
    )
    at = data.index(b"data")
    body = data[8:at] + before + data[at:] + b"\0" * (len(data) % 2) + behind
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_ogg_checksums(data):
    """Return an Ogg file with the right checksum in each page (RFC 3533)."""
    pages, at = bytearray(data), 0
    while (at := pages.find(b"OggS", at)) >= 0 and at + 27 <= len(pages):
        end = at + 27 + pages[at + 26]
        end += sum(pages[at + 27 : end])
        pages[at + 22 : at + 26] = bytes(4)
        pages[at + 22 : at + 26] = struct.pack("<I", ogg_checksum(pages[at:end]))
        at = min(end, len(pages))
    return bytes(pages)


@functools.cache
def _ogg_table():
    table = []
    for byte in range(256):
        checksum = byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
        table.append(checksum)
    return table


def ogg_checksum(page):
    """Return the checksum of a page that has zeros in its place."""
    checksum, table = 0, _ogg_table()
    for byte in page:
        checksum = (checksum << 8 & 0xFFFFFFFF) ^ table[checksum >> 24 ^ byte]
    return checksum


def _chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def noise(seconds, seed=0, sr=SR):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * sr))).astype(np.float32)
