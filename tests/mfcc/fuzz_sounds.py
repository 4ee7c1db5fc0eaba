"""Sounds for the fuzzer: good ones of all formats, and worse ones made of them."""

import numpy as np

from tests.faults.mutate.raw import BYTES, Rng, pick, splice
from tests.mfcc import sound_files


def good_sounds() -> dict[str, list[bytes]]:
    """Sounds of a fifth of a second by their format: one and more channels, with tags, pictures, chunks."""
    found: dict[str, list[bytes]] = {}
    for container, subtype in sound_files.kinds():
        sr = {"XI": 44100, "OPUS": 24000}.get(subtype if subtype == "OPUS" else container, 8000)
        for channels in sorted({1, sound_files.most_channels(container, subtype)}):
            y = sound_files.tone(0.2, sr, channels)
            y += (0.1 * np.random.default_rng(0).standard_normal(y.shape)).astype(np.float32)
            found.setdefault(container, []).append(sound_files.encode(y, sr, container, subtype))
    tags = {"title": "Title", "artist": "Artist" * 20, "comment": "Comment " * 100, "date": "2001"}
    y = sound_files.tone(0.3, 24000)
    for container, subtype in (("WAV", "PCM_16"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"),
                               ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")):  # fmt: skip
        found[container].append(sound_files.encode(y, 24000, container, subtype, **tags))
    mp3, ogg = found["MP3"][0], found["OGG"]
    found["MP3"] += [sound_files.id3(sound_files.picture(2000)) + mp3, mp3 + mp3, mp3[mp3.index(mp3[:2], 4) :]]
    found["OGG"] += [ogg[-1] + ogg[-2]]
    found["FLAC"].append(sound_files.with_flac_picture(found["FLAC"][0], 2000))
    found["WAV"].append(sound_files.with_riff_chunks(found["WAV"][0], loops=1))
    return found


NUMBERS = (0, 1, 2, 3, 7, 8, 255, 999, 1000, 0x7FFF, 0x8000, 0xFFFF, 1_000_000, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
NUMBERS += (2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


def in_header(data: bytes, rng: Rng) -> bytes:
    """Numbers replaced where headers are, in either byte order: channels, rates, sizes, counts."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        width = int(pick(rng, (1, 2, 4, 8)))
        reach = min(len(changed), int(pick(rng, (48, 128, 600))))
        start = int(rng.integers(max(1, reach - width)))
        value = int(pick(rng, NUMBERS)) % 2 ** (8 * width)
        changed[start : start + width] = value.to_bytes(width, pick(rng, ("little", "big")))
    return bytes(changed)


def zeroed(data: bytes, rng: Rng) -> bytes:
    """Return data with a stretch of zeros, as a disk loses it."""
    start, end = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return data[:start] + bytes([int(pick(rng, (0, 0xFF)))]) * (end - start) + data[end:]


def worse(data: bytes, others: list[bytes], rng: Rng) -> bytes:
    """Damaged once or several times; the checksums of Ogg pages, which would give that away, mostly made to fit."""
    for _ in range(int(pick(rng, (1, 1, 2, 3)))):
        choice = rng.random()
        if choice < 0.3:
            data = in_header(data, rng)
        elif choice < 0.4:
            data = splice(data, pick(rng, others), rng)
        elif choice < 0.45:
            data = zeroed(data, rng)
        else:
            data = pick(rng, BYTES)(data, rng)
    return sound_files.with_ogg_checksums(data) if data[:4] == b"OggS" and rng.random() < 0.7 else data
