"""The length that an audio file states, compared with the length that is there.

libsndfile takes a file that was cut off for a shorter one, silently in most formats.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import soundfile

from mfcc.sound import headers, mp3, ogg
from mfcc.sound.opening import bytes_at, size_of
from mfcc.sound.reader import TOLERANCE_S, UNKNOWN_FRAMES, Length

# Some Vorbis files go on counting, with empty pages, behind the end of the sound.
OGG_TOLERANCE_S = 0.25

# Samples: what 85 frames of MPEG-2 hold, and some.
_MP3_REACH = 48 * 1152
_OGG_MARGIN = 1 << 14
# Seconds after which Opus has forgotten that it began elsewhere: see `_opus_reach`.
_SPEECH_REACH_S, _MUSIC_REACH_S = 20, 1

# Sizes from here to 4 GB are what programs write that do not know the length yet (ffmpeg, SoX and arecord into a pipe).
_UNKNOWN_SIZE = 0x7FFF0000

# Samples in a packet of 127 bytes of a MIDI sample dump; libsndfile believes the header without a look at the packets.
_SDS_SAMPLES = {"PCM_S8": 60, "PCM_16": 40, "PCM_24": 30}

# libsndfile corrects the size of the audio chunk of WAV, AIFF, AU, Wave64 and RF64 to what is there, and logs it.
_CORRECTED_SIZE = re.compile(r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*:\s*(\d+)\s*\(should be (\d+)\)", re.M)


def length(sound: soundfile.SoundFile, raw: BinaryIO, mpeg: mp3.Mp3Stream | None) -> Length:
    """Return the length of an open file; `mpeg` is what a scan found if it is an MP3."""
    frames = sound.frames
    if sound.format == "OGG":
        damage = _torn_ogg(raw)
        # It counts its samples: fewer of them, and a whole end, mean a hole within.
        return Length(frames, None if damage else frames, damage, OGG_TOLERANCE_S)
    if sound.format == "MP3":
        return _mp3_length(frames, sound.samplerate, mpeg)
    if frames == UNKNOWN_FRAMES:
        return Length(frames, None)
    if sound.format == "SDS":
        there = (size_of(raw) - 21) // 127 * _SDS_SAMPLES.get(sound.subtype, 30)
        return Length(min(there, frames), frames, "truncated" if there < frames else "")
    for claimed, present in _CORRECTED_SIZE.findall(sound.extra_info):
        if int(present) < int(claimed) and int(claimed) & 0xFFFFFFFF < _UNKNOWN_SIZE:
            stated = round(frames * int(claimed) / max(1, int(present)))
            if stated - frames > TOLERANCE_S * sound.samplerate:
                return Length(frames, stated, "truncated")
    return Length(frames, frames, _surplus(sound, raw))


def _surplus(sound: soundfile.SoundFile, raw: BinaryIO) -> str:
    """Return what is to be said of a file with more sound than its header states; "" if it has no more."""
    if sound.format == "W64" or sound.subtype.startswith("ALAC"):  # read to the end, or by a table of packets
        return ""
    more, stated, place = headers.surplus(raw)
    seconds = more * sound.frames / max(1, stated) / sound.samplerate
    if seconds <= TOLERANCE_S:
        return ""
    return (
        f"its header states {sound.frames / sound.samplerate:.2f} s, but {seconds:.2f} s more seem to follow, as after "
        f"a recorder that lost power (all is read once {place}, the size, are zeros)"
    )


def safe_start(sound: soundfile.SoundFile, raw: BinaryIO, frame: int) -> int:
    """Return where to seek, at or before a frame, so that what is decoded from there to it makes it right.

    A frame of MP3 may need bits of up to 85 frames before it, and Opus goes on with what it decoded. In the last page
    of an Ogg stream libsndfile counts from an end that encoders trim, and misses by as much.
    """
    if sound.format == "MP3":
        return max(0, frame - _MP3_REACH)
    if sound.format == "OGG":
        rate = 48_000 if sound.subtype == "OPUS" else sound.samplerate  # at which pages count samples
        start = min(frame, _before_last_page(raw) * sound.samplerate // rate)
        return max(0, start - (_opus_reach(raw, start * rate // sound.samplerate) * sound.samplerate // rate))
    return frame


def _opus_reach(raw: BinaryIO, sample: int) -> int:
    """Return how many samples at 48 kHz before a sample have to be decoded; 0 if the stream is not Opus.

    A decoder of speech computes in integers, and goes on with what it decoded: some excerpts still differ after a
    run-up of 5 s. That of music has forgotten its past after 0.1 s.
    """
    if bytes_at(raw, 0, 64).find(b"OpusHead") < 0:
        return 0
    reach = 48_000 * _SPEECH_REACH_S
    return reach if ogg.has_speech(raw, max(0, sample - reach), sample) else 48_000 * _MUSIC_REACH_S


def _before_last_page(raw: BinaryIO) -> int:
    """Return a sample that lies before the last page of an Ogg stream, not far; 0 if that is not seen."""
    tail = _tail(raw)
    page = tail.rfind(b"OggS")
    serial = tail[page + 14 : page + 18]
    while (page := tail.rfind(b"OggS", 0, max(0, page))) >= 0:
        granule = int.from_bytes(tail[page + 6 : page + 14], "little", signed=True)
        if granule >= 0 and tail[page + 14 : page + 18] == serial:
            break
    else:
        return 0
    return max(0, granule - _OGG_MARGIN)


def _mp3_length(frames: int, sr: int, mpeg: mp3.Mp3Stream | None) -> Length:
    if mpeg is None:
        return Length(frames, None)
    there = min(frames, mpeg.n_samples)
    if mpeg.states_length and frames - there > TOLERANCE_S * sr:
        return Length(there, frames, "damaged or truncated")
    return Length(there, there, "truncated within its last frame" if mpeg.torn else "")


def _torn_ogg(raw: BinaryIO) -> str:
    """Return what is wrong with the end of an Ogg stream, "" if nothing is: libsndfile ends with the last whole page.

    Pages, and the flags in their headers, are those of RFC 3533.
    """
    tail = _tail(raw)
    if b"OggS" not in tail:
        return ""
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        return "truncated within the last page of its Ogg stream"
    position, serials = 0, set()
    while (head := bytes_at(raw, position, 27 + 255))[:4] == b"OggS" and head[5] & 2:  # pages that begin a stream
        serials.add(head[14:18])
        position += 27 + head[26] + sum(head[27 : 27 + head[26]])
    if serials and page[14:18] not in serials:
        return "its last page belongs to a stream whose beginning is missing"
    return ""


def _tail(raw: BinaryIO) -> bytes:
    # A page is 65,307 bytes at most; tags of other formats may follow the last one.
    return bytes_at(raw, max(0, size_of(raw) - (1 << 18)), 1 << 18)
