"""Sound beyond what a header states is read where that is safe, else refused with how to mend the file."""

import io
import re
import struct

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc.sound import headers, ogg
from mfcc.sound.opening import Spliced
from tests.mfcc.sound_files import encode, id3, ogg_checksum, tone, with_flac_picture, with_ogg_checksums

SR = 22050
Y = (0.3 * np.random.default_rng(0).standard_normal(4 * SR)).astype(np.float32)

# Where each header states the size of the sound: by searching for the chunk, and how the size is written.
SIZES = {
    ("WAV", "PCM_16"): (b"data", 4, "<I"),
    ("WAV", "FLOAT"): (b"data", 4, "<I"),
    ("WAV", "MS_ADPCM"): (b"data", 4, "<I"),
    ("WAVEX", "PCM_24"): (b"data", 4, "<I"),
    ("RF64", "PCM_16"): (b"ds64", 16, "<Q"),
    ("W64", "PCM_16"): (b"data", 16, "<Q"),
    ("AIFF", "PCM_16"): (b"SSND", 4, ">I"),
    ("CAF", "PCM_16"): (b"data", 4, ">Q"),
    ("CAF", "ALAC_16"): (b"data", 4, ">Q"),
    ("AU", "PCM_16"): (b".snd", 8, ">I"),
}


def with_size(kind, change):
    """Return a file whose header states another size, what `load` gives of the right one, and where that stands."""
    marker, behind, layout = SIZES[kind]
    data = bytearray(encode(Y, SR, *kind))
    whole, _ = mfcc.load(io.BytesIO(bytes(data)), sr=None)
    at = data.index(marker) + behind
    (size,) = struct.unpack_from(layout, data, at)
    struct.pack_into(layout, data, at, change(size))
    return data, whole, f"{at} to {at + struct.calcsize(layout) - 1}"


@pytest.mark.parametrize("kind", SIZES, ids=["-".join(kind) for kind in SIZES])
def test_a_recorder_that_lost_power(kind):
    data, whole, _ = with_size(kind, lambda size: 0)
    if kind[0] in ("WAV", "WAVEX", "AIFF"):
        data[4:8] = bytes(4)  # the size of the file
    if kind[0] == "AIFF":
        at = data.index(b"COMM") + 10
        data[at : at + 4] = bytes(4)  # the number of frames
    y, _ = mfcc.load(io.BytesIO(bytes(data)), sr=None)
    assert len(whole) <= len(y) <= len(whole) + 2000  # a last block that is filled up
    np.testing.assert_array_equal(y[: len(whole)], whole)
    part, _ = mfcc.load(io.BytesIO(bytes(data)), sr=None, offset=2.5, duration=1.0)
    np.testing.assert_array_equal(part, whole[round(2.5 * SR) :][:SR])


@pytest.mark.parametrize("kind", SIZES, ids=["-".join(kind) for kind in SIZES])
def test_a_size_from_some_minutes_before(kind):
    data, whole, place = with_size(kind, lambda size: size // 8 * 4)
    if kind in (("W64", "PCM_16"), ("CAF", "ALAC_16")):  # of which libsndfile reads all
        np.testing.assert_array_equal(mfcc.load(io.BytesIO(bytes(data)), sr=None)[0], whole)
        return
    with pytest.raises(mfcc.AudioError, match=r"header states 2\.\d\d s, but [12]\.\d\d s more seem to follow") as info:
        mfcc.load(io.BytesIO(bytes(data)), sr=None)
    assert f"all is read once its bytes {place}, the size, are zeros" in str(info.value)
    with pytest.warns(mfcc.AudioWarning, match="seem to follow"):
        kept, _ = mfcc.load(io.BytesIO(bytes(data)), sr=None, on_truncated="keep")
    np.testing.assert_array_equal(kept, whole[: len(kept)])
    part, _ = mfcc.load(io.BytesIO(bytes(data)), sr=None, offset=0.5, duration=1.0)  # which lies in what is stated
    np.testing.assert_array_equal(part, whole[SR // 2 :][:SR])
    first, last = map(int, re.search(r"bytes (\d+) to (\d+)", str(info.value)).groups())
    data[first : last + 1] = bytes(last + 1 - first)  # as the error says
    np.testing.assert_array_equal(mfcc.load(io.BytesIO(bytes(data)), sr=None)[0][: len(whole)], whole)


CHUNKS = b"LIST\x0c\0\0\0INFOIART\0\0\0\0" + b"odd \x03\0\0\0abc\0" + b"id3 \x40\x9c\0\0" + bytes(range(1, 251)) * 160
BEHIND = {
    "chunks": CHUNKS,
    "a chunk that is cut off": CHUNKS[:-1000],
    "zeros": bytes(100_000),
    "a little of anything": b"\xff\xfb" * 1000,
    "a tag": b"TAG" + bytes(range(125)),
    "a tag with a picture": b"APETAGEX" + bytes(range(256)) * 400,
}


@pytest.mark.parametrize("name", BEHIND)
@pytest.mark.parametrize("odd", [0, 1])
def test_what_may_lie_behind_the_sound(name, odd):
    y = (np.arange(SR + odd) % 100 / 200).astype(np.float32)
    data = encode(y, SR, "WAV", "PCM_U8")
    data = data[: 44 + len(y) + odd] + BEHIND[name]
    assert len(mfcc.load(io.BytesIO(data), sr=None)[0]) == len(y)


def test_no_sound_but_chunks():
    data = encode(Y[:0], SR, "WAV", "PCM_16") + CHUNKS
    with pytest.raises(mfcc.AudioError, match="contains no samples"):
        mfcc.load(io.BytesIO(data))


def test_a_wav_file_of_more_than_4_gb_whose_size_is_stated_modulo_4_gb(tmp_path):
    path, wrapped = tmp_path / "a.wav", 1_000_000
    sound = encode(Y, SR, "WAV", "PCM_16")
    size = (1 << 32) + wrapped
    with open(path, "wb") as file:  # with a hole, that takes no room
        file.write(sound[:40] + struct.pack("<I", wrapped) + bytes(wrapped) + sound[44:1044])
        file.seek(44 + size - len(sound[44:]))
        file.write(sound[44:] + CHUNKS)
    seconds = size / 2 / SR
    y, _ = mfcc.load(path, sr=None, offset=seconds - 4.0, duration=4.0)
    np.testing.assert_array_equal(y, mfcc.load(io.BytesIO(sound), sr=None)[0])
    with pytest.raises(mfcc.AudioError, match="lies at or behind its end at 97414"):
        mfcc.load(path, offset=seconds + 1)


def flac_stating(data, n_samples):
    data = bytearray(data)
    at = data.index(b"fLaC")
    data[at + 21] &= 0xF0
    data[at + 22 : at + 26] = struct.pack(">I", n_samples)
    return bytes(data)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("decorate", [bytes, with_flac_picture, lambda data: id3((b"TIT2", b"\3a")) + data])
def test_a_flac_header_that_states_half(channels, decorate):
    y = np.repeat(Y[:, None], channels, axis=1)
    data = decorate(encode(y, SR, "FLAC", "PCM_16"))
    whole, _ = mfcc.load(io.BytesIO(data), sr=None)
    wrong = flac_stating(data, 2 * SR)
    assert soundfile.info(io.BytesIO(wrong)).frames == 2 * SR
    np.testing.assert_array_equal(mfcc.load(io.BytesIO(wrong), sr=None)[0], whole)
    part, _ = mfcc.load(io.BytesIO(wrong), sr=None, offset=3.1, duration=0.5)
    np.testing.assert_array_equal(part, whole[round(3.1 * SR) :][: SR // 2])
    with pytest.raises(mfcc.AudioError, match="truncated"):
        mfcc.load(io.BytesIO(wrong[:-30_000]))


@pytest.mark.parametrize("n", [100, 4096, 4097, 70_000])
def test_flac_headers_that_are_right(n):
    data = encode(Y[:n], SR, "FLAC", "PCM_24")
    for behind in (b"", b"TAG" + bytes(125), b"\xff\xf8" + bytes(30_000)):
        assert len(mfcc.load(io.BytesIO(data + behind), sr=None)[0]) == n


@pytest.mark.parametrize("lengths", [(3, 1), (1, 3)])
def test_two_flac_files_joined(lengths):
    first, second = (encode(Y[: n * SR], SR, "FLAC", "PCM_16") for n in lengths)
    with pytest.raises(mfcc.AudioError, match=rf"another FLAC stream begins at byte {len(first):,}") as info:
        mfcc.load(io.BytesIO(first + second))
    assert info.value.seconds_read == lengths[0]
    with pytest.warns(mfcc.AudioWarning, match="another FLAC stream"):
        assert len(mfcc.load(io.BytesIO(first + second), on_truncated="keep")[0]) == lengths[0] * SR


@pytest.mark.parametrize("states", ["half", "nothing"])
def test_an_mp3_header_that_states_half(states):
    data = encode(Y, SR, "MP3", "MPEG_LAYER_III")
    whole, _ = mfcc.load(io.BytesIO(data), sr=None)
    at = data.index(b"Info") if b"Info" in data[:200] else data.index(b"Xing")
    (frames,) = struct.unpack_from(">I", data, at + 8)
    wrong = data[: at + 8] + struct.pack(">I", frames // 2 if states == "half" else 0) + data[at + 12 :]
    y, _ = mfcc.load(io.BytesIO(wrong), sr=None)
    assert 0 <= len(y) - len(whole) < 3000  # the padding, of which only a right header tells


# --- Ogg streams one after the other ----------------------------------------------------------------------------------


def stream(seconds, subtype, serial, sr=24000, channels=1, frequency=440.0):
    """Return an Ogg file whose stream has the given serial number."""
    data = bytearray(encode(tone(seconds, sr, channels, frequency), sr, "OGG", subtype))
    at = 0
    while (at := data.find(b"OggS", at)) >= 0:
        data[at + 14 : at + 18] = struct.pack("<I", serial)
        at += 27
    return with_ogg_checksums(bytes(data))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("serials", [(1, 2, 3), (7, 7, 7)])
def test_a_chain_is_read_as_one(subtype, serials):
    links = [
        stream(seconds, subtype, serial, frequency=frequency)
        for seconds, serial, frequency in zip((2.0, 0.3, 3.0), serials, (440, 880, 660), strict=True)
    ]
    expected = np.concatenate([mfcc.load(io.BytesIO(link), sr=None)[0] for link in links])
    chain = io.BytesIO(b"".join(links))
    np.testing.assert_array_equal(mfcc.load(chain, sr=None)[0], expected)
    for offset, duration in ((0.5, 0.5), (1.9, 0.6), (2.1, 3.0), (2.31, 0.1), (5.0, 9.0)):
        part, _ = mfcc.load(chain, sr=None, offset=offset, duration=duration)
        exact = expected[round(offset * 24000) :][: round(duration * 24000)]
        np.testing.assert_array_equal(part, exact)
    torn = io.BytesIO(chain.getvalue()[:-1000])
    with pytest.raises(mfcc.AudioError, match="truncated within the last page") as info:
        mfcc.load(torn)
    assert 2.29 < info.value.seconds_read < 5.3


def test_a_chain_of_mono_and_stereo():
    links = [stream(1.0, "VORBIS", n, channels=channels) for n, channels in enumerate((2, 1, 2))]
    expected = np.concatenate([mfcc.load(io.BytesIO(link), sr=None)[0] for link in links])
    y, _ = mfcc.load(io.BytesIO(b"".join(links)), sr=None)
    np.testing.assert_allclose(y, expected, atol=1e-7)


def test_a_chain_that_changes_its_rate_is_refused():
    first, second = stream(1.0, "VORBIS", 1), stream(1.0, "VORBIS", 2, sr=48000)
    with pytest.raises(mfcc.AudioError) as info:
        mfcc.load(io.BytesIO(first + second))
    assert info.value.reason == (
        f"the stream 2 of 2, from byte {len(first):,} on, has another sample rate (48,000 Hz, not 24,000 Hz): cut the "
        "file there: 1.00 s can be read."
    )
    with pytest.warns(mfcc.AudioWarning, match="another sample rate"):
        assert len(mfcc.load(io.BytesIO(first + second), sr=None, on_truncated="keep")[0]) == 24000


def test_a_chain_with_a_link_that_is_no_sound():
    page = b"OggS\0\2" + bytes(8) + b"\3\0\0\0" + bytes(8) + b"\1\5hello"
    page = page[:22] + struct.pack("<I", ogg_checksum(page)) + page[26:]
    first = stream(1.0, "VORBIS", 1)
    with pytest.raises(mfcc.AudioError, match=r"the stream 2 of 2, .* can't be read: 1.00 s can be read"):
        mfcc.load(io.BytesIO(first + page))


def test_streams_that_begin_together_are_one_link():
    data = stream(1.0, "VORBIS", 1)
    other = b"OggS\0\2" + bytes(8) + b"\3\0\0\0" + bytes(8) + b"\1\5lyric"
    other = other[:22] + struct.pack("<I", ogg_checksum(other)) + other[26:]
    end = 27 + data[26] + sum(data[27 : 27 + data[26]])
    together = data[:end] + other + data[end:]
    assert ogg.links(io.BytesIO(together)) == [0, len(together)]
    assert ogg.links(io.BytesIO(together + data)) == [0, len(together), len(together) + len(data)]


def test_mended_headers_hold_for_what_is_spliced():
    data, _, _ = with_size(("WAV", "PCM_16"), lambda size: 0)
    assert isinstance(headers.mended(io.BytesIO(bytes(data))), Spliced)
    for kind in SIZES:
        good = io.BytesIO(encode(Y, SR, *kind))
        assert headers.mended(good) is good
