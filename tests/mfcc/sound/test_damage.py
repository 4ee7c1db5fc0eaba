"""Files that are no audio, damaged, cut or say something untrue of themselves."""

import copy
import os
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfcc
from tests.mfcc.sound_files import ogg_checksum
from tests.mfcc.test_audio import SR, encoded, refused, sine, write


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
    """Return an MP3 without its first frame, which states the length."""
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
