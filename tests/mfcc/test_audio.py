"""Reading recordings: every format, channel count and rate; blocks equal to the whole; what is broken, by name."""

import copy
import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfcc
from mfcc import audio, decoding
from tests.mfcc.sound_files import ogg_checksum

SR = 22050

FORMATS = {
    "wav_int16": ("WAV", "PCM_16", 5e-5),
    "wav_int24": ("WAV", "PCM_24", 1e-6),
    "wav_float": ("WAV", "FLOAT", 0.0),
    "wav_double": ("WAV", "DOUBLE", 1e-7),
    "wav_ulaw": ("WAV", "ULAW", 2e-2),
    "wav_adpcm": ("WAV", "MS_ADPCM", 3e-2),
    "aiff": ("AIFF", "PCM_16", 5e-5),
    "au": ("AU", "PCM_16", 5e-5),
    "caf": ("CAF", "PCM_16", 5e-5),
    "w64": ("W64", "PCM_16", 5e-5),
    "rf64": ("RF64", "PCM_16", 5e-5),
    "flac": ("FLAC", "PCM_16", 5e-5),
    "vorbis": ("OGG", "VORBIS", 5e-2),
    "opus": ("OGG", "OPUS", 1e-1),
    "mp3": ("MP3", "MPEG_LAYER_III", 5e-2),
}


def sine(seconds=1.0, sr=SR, frequency=440.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)).astype(np.float32)


def write(path, samples, sr=SR, kind="wav_int16"):
    container, subtype, _ = FORMATS[kind]
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with open(path, "wb") as file, soundfile.SoundFile(file, "w", sr, channels, subtype, format=container) as sound:
        for start in range(0, len(samples), 4096):  # libsndfile's Vorbis encoder runs out of stack on long blocks
            sound.write(samples[start : start + 4096])
    return path


def encoded(samples, sr, kind):
    file = io.BytesIO()
    container, subtype, _ = FORMATS[kind]
    with soundfile.SoundFile(file, "w", sr, 1, subtype, format=container) as sound:
        for start in range(0, len(samples), 4096):
            sound.write(samples[start : start + 4096])
    return file.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(tmp_path, kind):
    sr = 24000 if kind == "opus" else SR
    y = sine(sr=sr)
    actual, actual_sr = mfcc.load(write(tmp_path / "a", y, sr, kind), sr=None)
    assert actual.dtype == np.float32 and actual_sr == sr
    assert len(y) <= len(actual) <= len(y) + 1200  # ADPCM fills its last block
    inner = slice(1000, len(y) - 1000)  # the ends of lossy formats ring
    np.testing.assert_allclose(actual[inner], y[inner], atol=FORMATS[kind][2])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("offset, duration", [(0.0, None), (0.25, 0.5), (0.7, None)])
def test_blocks_joined_are_the_whole(tmp_path, kind, offset, duration):
    path = write(tmp_path / "a", np.stack([sine(4), sine(4, frequency=3000)], axis=1), 48000, kind)
    for sr in (SR, 48000):
        whole, _ = mfcc.load(path, sr, offset=offset, duration=duration)
        for block in (1000, 1 << 20):
            blocks = list(mfcc.blocks(path, sr, block_length=block, offset=offset, duration=duration))
            assert [len(b) for b in blocks[:-1]] == [block] * (len(blocks) - 1)
            np.testing.assert_array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_excerpt_is_a_part_of_the_whole(tmp_path, kind):
    sr = 48000 if kind == "opus" else SR
    rng = np.random.default_rng(0)
    path = write(tmp_path / "a", (0.1 * rng.standard_normal(8 * sr)).astype(np.float32), sr, kind)
    whole, _ = mfcc.load(path, sr=None)
    part, _ = mfcc.load(path, sr=None, offset=5.01, duration=1.5)
    first = round(5.01 * sr)
    expected = whole[first : first + round(1.5 * sr)]
    assert part.shape == expected.shape
    # After a jump the decoders of Opus and MP3 take some packets until they are where they would be.
    np.testing.assert_allclose(part, expected, atol={"opus": 2e-3, "mp3": 1e-4}.get(kind, 0))


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_are_averaged(tmp_path, channels):
    samples = np.random.default_rng(channels).uniform(-1, 1, (5000, channels)).astype(np.float32)
    y, _ = mfcc.load(write(tmp_path / "a.wav", samples, kind="wav_float"), sr=None)
    np.testing.assert_allclose(y, samples.mean(axis=1, dtype=np.float64), atol=2e-7)


@pytest.mark.parametrize("sr", [8000, 11025, 16000, 32000, 44100, 48000, 96000, 192000])
def test_rates_are_converted(tmp_path, sr):
    path = write(tmp_path / "a.wav", sine(2.0, sr), sr, "wav_float")
    y, actual_sr = mfcc.load(path)
    assert actual_sr == SR and len(y) == 2 * SR
    inner = slice(2000, -2000)
    np.testing.assert_allclose(y[inner], sine(2.0)[inner], atol=1e-4)
    np.testing.assert_array_equal(y, soxr.resample(soundfile.read(path, dtype="float32")[0], sr, SR, "HQ"))


def test_what_lies_above_the_new_nyquist_frequency_is_gone(tmp_path):
    y, _ = mfcc.load(write(tmp_path / "a.wav", sine(2.0, 48000, 15000.0), 48000, "wav_float"))
    assert np.abs(y[1000:-1000]).max() < 1e-4


def test_a_length_of_one_sample(tmp_path):
    path = write(tmp_path / "a.wav", np.array([0.5], np.float32), 8000, "wav_float")
    assert mfcc.load(path, sr=None)[0].tolist() == [0.5]
    assert len(mfcc.load(path)[0]) == 3
    path = write(tmp_path / "b.wav", np.array([0.5], np.float32), 192000, "wav_float")
    for read in (mfcc.load, lambda path: list(mfcc.blocks(path))):
        with pytest.raises(mfcc.AudioError, match="shorter than one sample at 22050 Hz"):
            read(path)


def test_float64(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, 1000)
    path = write(tmp_path / "a.wav", samples, SR, "wav_double")
    np.testing.assert_array_equal(mfcc.load(path, dtype=np.float64)[0], samples)
    assert mfcc.load(path, 8000, dtype="float64")[0].dtype == np.float64


@pytest.mark.parametrize("kind", ["wav_float", "vorbis", "mp3"])
def test_overshoot_is_kept(tmp_path, kind):
    loud = sine(amplitude=1.0 if kind != "wav_float" else 3.0)
    loud = np.sign(loud) * np.abs(loud) ** 0.1  # nearly a square wave: a lossy codec overshoots at its edges
    y, _ = mfcc.load(write(tmp_path / "a", loud.astype(np.float32), kind=kind), sr=None)
    assert np.abs(y).max() > 1.03


def test_the_content_decides_and_not_the_name(tmp_path):
    for name in ("a.raw", "a.txt", "no extension", "a.mp3"):
        path = write(tmp_path / name, sine(), kind="flac")
        assert len(mfcc.load(path)[0]) == SR


@pytest.mark.parametrize("name", ["with space", 'it\'s "quoted"', "Jürgen 音", "-dash.wav", "new\nline.wav"])
def test_names(tmp_path, name):
    path = write(tmp_path / name, sine())
    assert len(mfcc.load(path)[0]) == len(mfcc.load(str(path))[0]) == SR


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are text")
def test_names_that_are_no_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    write(name, sine())
    assert len(mfcc.load(name)[0]) == len(mfcc.load(os.fsdecode(name))[0]) == SR
    with open(name, "wb") as file:
        file.write(b"no audio")
    with pytest.raises(mfcc.AudioError) as info:
        mfcc.load(os.fsdecode(name))
    assert "caf\\xe9.wav: is not audio" in str(info.value)
    str(info.value).encode("utf-8")


def test_tags_and_pictures_do_not_matter(tmp_path):
    mp3 = encoded(sine(), SR, "mp3")
    picture = b"APIC" + struct.pack(">I", 50_000) + b"\0\0" + b"\xff\xfb" * 25_000
    size = bytes((len(picture) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    (tmp_path / "a.mp3").write_bytes(b"ID3\x04\0\0" + size + picture + mp3 + b"TAG" + bytes(125))
    assert abs(len(mfcc.load(tmp_path / "a.mp3")[0]) - SR) < 100
    (tmp_path / "a.ogg").write_bytes(encoded(sine(), SR, "vorbis") + b"TAG" + bytes(125))
    assert len(mfcc.load(tmp_path / "a.ogg")[0]) == SR


# What is no audio


def refused(path, match, **options):
    with pytest.raises(mfcc.AudioError, match=match) as info:
        mfcc.load(path, **options)
    with pytest.raises(mfcc.AudioError, match=match):
        list(mfcc.blocks(path, **options))
    assert isinstance(info.value, ValueError) and info.value.path == path
    assert str(info.value).startswith(decoding.printable(path) + ": ")
    return info.value


def test_missing_directory_and_pipe(tmp_path):
    refused(tmp_path / "missing.wav", "can't be opened: No such file")
    refused(tmp_path, "expected a file, got a directory")
    refused("null\0byte", "can't be opened: (embedded null byte|stat: embedded null character in path)")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        refused(tmp_path / "fifo", "expected a file, got a pipe or device")


def test_unreadable(tmp_path, monkeypatch):
    path = write(tmp_path / "a.wav", sine())

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    refused(path, "can't be opened: Permission denied")


@pytest.mark.parametrize(
    "content",
    [
        b"hello world\n" * 1000,
        bytes(10_000),
        b"<html>" * 500,
        b"RIFF\x10\0\0\0WAVE",
        b"ID3\x04\0\0\0\0\x07\x76" + bytes(1014) + b"garbage" * 1000,
        b"\xff\xfb\x90\x00" + bytes(range(256)) * 8,
        b"OggS" + bytes(200),
        b"fLaC" + bytes(200),
    ],
)
def test_not_audio(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    refused(tmp_path / "a.wav", "is not audio in a format that libsndfile reads")


def test_empty(tmp_path):
    (tmp_path / "a.wav").touch()
    refused(tmp_path / "a.wav", r"is empty \(0 bytes\)")


@pytest.mark.parametrize("kind", ["wav_int16", "vorbis"])
def test_no_samples(tmp_path, kind):
    refused(write(tmp_path / "a", np.empty(0, np.float32), kind=kind), r"contains no samples \(0 frames\)")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(tmp_path, value):
    samples = np.zeros((200_000, 2), np.float32)
    samples[150_000, 1] = value
    path = write(tmp_path / "a.wav", samples, 44100, "wav_float")
    refused(path, rf"expected finite samples of full scale 1.0, got 0, {value:g} at sample 150000 \(3.401 s\)")
    assert len(mfcc.load(path, duration=3.0)[0]) == 3 * SR
    refused(path, "at sample 150000", offset=3.4)


def test_huge_samples(tmp_path):
    path = write(tmp_path / "a.wav", np.full(5000, 1e6, np.float32), 48000, "wav_float")
    assert np.isfinite(mfcc.load(path)[0]).all()
    refused(write(path, np.full((5000, 2), -3e38, np.float32), 48000, "wav_float"), "got -3e.38, -3e.38 at sample 0")


def test_a_rate_that_is_none(tmp_path):
    data = bytearray(encoded(sine(0.1), SR, "wav_int16"))
    data[24:28] = struct.pack("<I", 1)
    (tmp_path / "a.wav").write_bytes(data)
    refused(tmp_path / "a.wav", "a sample rate of 1 Hz is not that of audio; expected 1,000 to 1,000,000 Hz")


# What ends early


CUT = ["wav_int16", "wav_float", "aiff", "au", "w64", "rf64", "flac", "vorbis", "opus", "mp3"]


@pytest.mark.parametrize("kind", CUT)
def test_truncated(tmp_path, kind, capfd):
    sr = 24000 if kind == "opus" else SR
    y = (0.3 * np.random.default_rng(0).standard_normal(10 * sr)).astype(np.float32)
    data = encoded(y, sr, kind)
    path = tmp_path / "a"
    path.write_bytes(data[: int(len(data) * 0.6)])
    error = refused(path, "truncated", sr=None)
    assert 4.9 < error.seconds_read < 6.2
    if kind in ("vorbis", "opus"):
        assert error.seconds_expected is None
    else:
        assert error.seconds_expected == pytest.approx(10.0, abs=0.01)
        assert f"{error.seconds_read:.2f} s of the 10.00 s that it states can be read" in str(error)
    with pytest.warns(mfcc.AudioWarning, match="truncated.*can be read"):
        kept, _ = mfcc.load(path, sr=None, on_truncated="keep")
    assert len(kept) == pytest.approx(error.seconds_read * sr, abs=2400 if kind == "mp3" else 0.5)  # its padding counts
    path.write_bytes(data)
    whole, _ = mfcc.load(path, sr=None)
    same = len(kept) - 2000
    np.testing.assert_array_equal(kept[:same], whole[:same])
    # An excerpt that lies before the end is none of its business.
    path.write_bytes(data[: int(len(data) * 0.6)])
    np.testing.assert_array_equal(mfcc.load(path, sr=None, duration=2.0)[0], whole[: 2 * sr])


@pytest.mark.parametrize("kind", ["flac", "vorbis", "opus", "mp3"])
def test_a_hole_within(tmp_path, kind, capfd):
    y = (0.3 * np.random.default_rng(0).standard_normal(10 * 24000)).astype(np.float32)
    data = encoded(y, 24000, kind)
    (tmp_path / "a").write_bytes(data[: len(data) // 2] + data[len(data) * 7 // 10 :])
    assert refused(tmp_path / "a", "damaged or truncated", sr=None).seconds_read < 9


def test_errors_travel_between_processes(tmp_path):
    data = encoded(sine(), SR, "wav_int16")
    (tmp_path / "a.wav").write_bytes(data[: len(data) // 2])
    error = refused(tmp_path / "a.wav", "truncated")
    other = copy.deepcopy(error)  # by the protocol of pickle
    assert str(other) == str(error) and other.seconds_read == error.seconds_read and other.reason == error.reason


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_size_that_was_not_known_when_the_header_was_written(tmp_path, size):
    data = bytearray(encoded(sine(), SR, "wav_int16"))
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    (tmp_path / "a.wav").write_bytes(data)
    assert len(mfcc.load(tmp_path / "a.wav")[0]) == SR


@pytest.mark.parametrize("stated", [0, 25_000, 1 << 35])
def test_a_flac_file_that_states_another_length(tmp_path, stated):
    data = bytearray(encoded(sine(), SR, "flac"))
    data[21] = (data[21] & 0xF0) | (stated >> 32)
    data[22:26] = struct.pack(">I", stated & 0xFFFFFFFF)
    path = tmp_path / "a.flac"
    path.write_bytes(data)
    if stated == 0:  # unknown: written into a pipe
        assert len(mfcc.load(path)[0]) == SR
        assert len(mfcc.load(path, offset=0.5)[0]) == SR // 2
        refused(path, "can't be read from 1.500 s on: it seems to end before", offset=1.5)
    else:
        assert refused(path, "1.00 s of the .* that it states can be read").seconds_read == 1.0


def without_stated_length(data):
    """An MP3 without its first frame, whose header states the length."""
    assert b"Xing" in data[:200] or b"Info" in data[:200]
    return data[data.index(data[:2], 4) :]


def growing_noise(seconds, sr=SR):
    """Quiet at first: the bit rate varies, and an estimate of the length from the first frames falls short."""
    noise = (0.3 * np.random.default_rng(0).standard_normal(seconds * sr)).astype(np.float32)
    noise[: len(noise) // 2] *= 1e-3
    return noise


@pytest.mark.parametrize("sr", [8000, 16000, 22050, 44100])
def test_an_mp3_that_does_not_state_its_length(tmp_path, sr):
    data = encoded(growing_noise(10, sr), sr, "mp3")
    (tmp_path / "a.mp3").write_bytes(data)
    stated, _ = mfcc.load(tmp_path / "a.mp3", sr=None)
    (tmp_path / "a.mp3").write_bytes(without_stated_length(data))
    assert soundfile.info(tmp_path / "a.mp3").frames < 0.9 * len(stated)
    unstated, _ = mfcc.load(tmp_path / "a.mp3", sr=None)
    assert 0 <= len(unstated) - len(stated) < 3000  # the encoder's padding, which only the header states
    delay = next(d for d in range(3000) if np.array_equal(unstated[d : d + 20_000], stated[:20_000]))
    np.testing.assert_array_equal(unstated[delay : delay + len(stated)], stated[: len(unstated) - delay])
    (tmp_path / "a.mp3").write_bytes(without_stated_length(data)[: len(data) * 2 // 3])
    assert refused(tmp_path / "a.mp3", "truncated within its last frame").seconds_expected is None


def test_two_mp3_files_joined(tmp_path):
    (tmp_path / "a.mp3").write_bytes(encoded(sine(2.0), SR, "mp3") + encoded(sine(3.0), SR, "mp3"))
    assert len(mfcc.load(tmp_path / "a.mp3")[0]) == pytest.approx(5 * SR, abs=5000)


def test_ogg_streams_one_after_the_other(tmp_path):
    first, second = (encoded(sine(2.0, frequency=f), SR, "vorbis") for f in (440, 880))
    assert first[14:18] != second[14:18]  # serial numbers
    (tmp_path / "a.ogg").write_bytes(first + second)
    refused(tmp_path / "a.ogg", "holds several Ogg streams one after the other")
    with pytest.warns(mfcc.AudioWarning, match="several Ogg streams"):
        assert len(mfcc.load(tmp_path / "a.ogg", on_truncated="keep")[0]) == 2 * SR


def test_an_ogg_stream_that_counts_on_behind_its_end(tmp_path):
    data = encoded(sine(), SR, "vorbis")
    last = data[data.rindex(b"OggS") :]
    granule, number = struct.unpack("<q", last[6:14])[0], struct.unpack("<I", last[18:22])[0]
    pages = data
    for i in range(1, 5):
        page = last[:6] + struct.pack("<q", granule + 1024 * i) + last[14:18] + struct.pack("<II", number + i, 0)
        page += b"\x01\x01\x00"
        pages += page[:22] + struct.pack("<I", ogg_checksum(page)) + page[26:]
    assert ogg_checksum(last[:22] + bytes(4) + last[26:]) == struct.unpack("<I", last[22:26])[0]
    (tmp_path / "a.ogg").write_bytes(pages)
    assert soundfile.info(tmp_path / "a.ogg").frames == SR + 4096
    assert SR <= len(mfcc.load(tmp_path / "a.ogg")[0]) < SR + 1024


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["wav_int16", "wav_adpcm", "aiff", "caf", "flac", "vorbis", "opus", "mp3"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    keep=st.floats(0, 1),
)
def test_damaged_files_raise_nothing_else(tmp_path, capfd, kind, damage, keep):
    if kind not in _SMALL:
        _SMALL[kind] = encoded(sine(0.4, 24000), 24000, kind)
    data = bytearray(_SMALL[kind])
    for where, value in damage:
        data[int(where * len(data))] = value
    path = tmp_path / "a"
    path.write_bytes(data[: int(keep * len(data))])
    try:
        y, _ = mfcc.load(path, duration=60.0)
    except mfcc.AudioError:
        return
    assert np.isfinite(y).all() and 0 < len(y) <= 60 * SR


_SMALL: dict[str, bytes] = {}


# Arguments


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"sr": 0}, ValueError, "sr: expected a finite number of at least 1000 and at most 1e.06, got 0. It is in Hz"),
        ({"sr": "22050"}, TypeError, "sr: expected a number, got '22050'"),
        ({"offset": -1.0}, ValueError, "offset: expected a finite number of at least 0, got -1. It is in seconds"),
        ({"offset": np.nan}, ValueError, "offset: expected a finite number"),
        ({"duration": 0.0}, ValueError, "duration: expected a finite number above 0, got 0"),
        ({"dtype": np.int16}, ValueError, "dtype: expected float32 or float64, got int16"),
        ({"on_truncated": "ignore"}, ValueError, "on_truncated: expected one of 'raise', 'keep', got 'ignore'"),
    ],
)
def test_arguments_out_of_range(options, error, match):
    for function in (mfcc.load, mfcc.blocks):  # at once, without a look at the file
        with pytest.raises(error, match=f"^{function.__name__}: {match}"):
            function("unseen.wav", **options)


def test_a_block_length_out_of_range():
    with pytest.raises(ValueError, match=r"^blocks: block_length: expected an integer of at least 1"):
        mfcc.blocks("unseen.wav", block_length=0)


def test_an_offset_behind_the_end(tmp_path):
    path = write(tmp_path / "a.wav", sine())
    refused(path, "offset 1 s lies at or behind its end at 1.000 s", offset=1.0)
    assert len(mfcc.load(path, offset=0.9, duration=5.0)[0]) == round(0.1 * SR)


# Resources


def test_files_are_closed(tmp_path):
    path = write(tmp_path / "a.wav", sine())
    blocks = mfcc.blocks(path, block_length=1000)
    next(blocks)
    blocks.close()
    (tmp_path / "b.wav").write_bytes(b"no audio")
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for name in ("a.wav", "b.wav") * 20:
        try:
            mfcc.load(tmp_path / name)
        except mfcc.AudioError:
            pass
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="counts the peak of resident memory")
def test_memory_does_not_grow_with_the_length(tmp_path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 2) as sound:
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (80_000, 2))
        for _ in range(60):  # ten minutes: 53 MB as float32 at 22,050 Hz
            sound.write(noise)
    script = (
        "import resource, sys, mfcc; list(mfcc.blocks(sys.argv[1], duration=5.0));"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024; before = peak();"
        "n = sum(len(block) for block in mfcc.blocks(sys.argv[1])); assert n == 600 * 22050, n; print(peak() - before);"
        "y, _ = mfcc.load(sys.argv[1]); assert len(y) == n; print(peak() - before - y.nbytes // 2**20)"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    streamed, loaded = map(int, run.stdout.split())
    assert streamed < 10 and loaded < 20, run.stdout


def test_a_header_that_promises_more_than_memory_holds(monkeypatch, tmp_path):
    monkeypatch.setattr(audio, "_TRUSTED_LENGTH", 1000)
    path = write(tmp_path / "a.wav", sine(5.0), kind="wav_float")
    np.testing.assert_array_equal(mfcc.load(path)[0], sine(5.0))
