"""MPEG frames counted one by one, against the headers that encoders write."""

import io

import numpy as np
import pytest
import soundfile

from mfcc.sound import mp3


def encoded(sr, channels, seconds=2.0, **options):
    samples = (0.2 * np.random.default_rng(0).standard_normal((round(seconds * sr), channels))).astype(np.float32)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", sr, channels, "MPEG_LAYER_III", format="MP3", **options) as sound:
        sound.write(samples)
    return file.getvalue()


@pytest.mark.parametrize("sr", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("mode", ["CONSTANT", "AVERAGE", "VARIABLE"])
def test_counts_and_states(sr, channels, mode):
    data = encoded(sr, channels, bitrate_mode=mode, compression_level=0.5)
    n_samples = soundfile.info(io.BytesIO(data)).frames
    stated = mp3.scan(io.BytesIO(data))
    assert stated.states_length and not stated.torn and stated.samples_per_frame == (1152 if sr >= 32000 else 576)
    assert 0 <= stated.n_samples - n_samples < 4 * stated.samples_per_frame
    assert mp3.scan(io.BytesIO(data[:-1])).torn
    assert mp3.scan(io.BytesIO(data + b"TAG" + bytes(125))) == stated

    bare = data[stated.start :]
    unstated = mp3.scan(io.BytesIO(bare))
    assert (unstated.states_length, unstated.start, unstated.n_frames) == (False, 0, stated.n_frames)
    with_length = mp3.with_stated_length(unstated) + bare
    again = mp3.scan(io.BytesIO(with_length))
    assert again.states_length and again.n_frames == stated.n_frames
    # With a header, libsndfile's decoder cuts off its own delay.
    assert soundfile.info(io.BytesIO(with_length)).frames == stated.n_samples - 529


def test_tags_and_garbage_are_passed_over():
    data = encoded(22050, 1)
    expected = mp3.scan(io.BytesIO(data))
    tag = b"ID3\x04\0\0\0\0\x10\0" + b"\xff\xfb\x90\0" * 512
    tagged = mp3.scan(io.BytesIO(tag + tag + data))
    assert tagged.start == expected.start + 2 * len(tag) and tagged.n_frames == expected.n_frames
    middle = data.index(data[:2], len(data) // 2)
    assert mp3.scan(io.BytesIO(data[:middle] + bytes(700) + data[middle:])).n_frames == expected.n_frames


@pytest.mark.parametrize(
    "data", [b"", b"\xff", bytes(5000), b"\xff\xfb" * 3000, b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"text" * 99]
)
def test_what_is_no_stream(data):
    assert mp3.scan(io.BytesIO(data)) is None
