"""Recordings that are given as open files and as content in memory, wherever the name of a file can be given."""

import gzip
import io
import os
import zipfile

import numpy as np
import pytest

import mfcc
from mfcc.sound import opening
from tests.mfcc.sound_files import encode, kinds, tone

SR = 22050
Y = tone(3.0, SR)


@pytest.mark.parametrize("container, subtype", kinds(), ids=["-".join(kind) for kind in kinds()])
def test_content_in_memory_is_read_as_the_file(tmp_path, container, subtype):
    data = encode(tone(3.0, 24000), 24000, container, subtype)
    path = tmp_path / "a"
    path.write_bytes(data)
    expected, sr = mfcc.load(path, sr=None)
    for options in ({}, {"offset": 1.2, "duration": 0.5}):
        expected, sr = mfcc.load(path, sr=None, **options)
        actual, found = mfcc.load(io.BytesIO(data), sr=None, **options)
        assert found == sr
        np.testing.assert_array_equal(actual, expected)


def test_every_way_to_give_a_recording(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(encode(Y, SR, "FLAC", "PCM_16"))
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(path.read_bytes())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "inside.flac")
    expected = mfcc.features(path)
    with (
        open(path, "rb") as plain,
        open(path, "rb", buffering=0) as raw,
        gzip.open(tmp_path / "a.gz", "rb") as unpacked,
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        archive.open("inside.flac") as member,
    ):
        for file in (plain, raw, unpacked, member, io.BytesIO(path.read_bytes())):
            file.seek(100)  # wherever it is
            np.testing.assert_array_equal(mfcc.features(file), expected)
            np.testing.assert_array_equal(np.concatenate(list(mfcc.stream(file)), axis=1), expected)
            np.testing.assert_array_equal(mfcc.tiles(file, n_frames=20).values, mfcc.tiles(path, n_frames=20).values)
            limited = mfcc.features(file, mfcc.LIBROSA)  # which reads twice
            np.testing.assert_array_equal(limited, mfcc.features(path, mfcc.LIBROSA))
            blocks = list(mfcc.blocks(file, sr=None, block_length=1000))
            np.testing.assert_array_equal(np.concatenate(blocks), mfcc.load(path, sr=None)[0])
            assert not file.closed


def test_errors_name_the_file(tmp_path):
    data = encode(Y, SR, "WAV", "PCM_16")
    with pytest.raises(mfcc.AudioError, match=r"^<BytesIO>: damaged or truncated|^<BytesIO>: truncated"):
        mfcc.load(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(mfcc.AudioError, match=r"^<BytesIO>: is empty \(0 bytes\)"):
        mfcc.load(io.BytesIO())
    with pytest.raises(mfcc.AudioError, match=r"^<BytesIO>: is not audio in a format"):
        mfcc.load(io.BytesIO(b"no audio" * 100))
    with pytest.raises(mfcc.AudioError, match=r"^<BytesIO>: is too short"):
        mfcc.features(io.BytesIO(encode(Y[:100], SR, "WAV", "PCM_16")))
    path = tmp_path / "b.txt"
    path.write_bytes(b"no audio" * 100)
    with open(path, "rb") as file, pytest.raises(mfcc.AudioError, match=r"b.txt: is not audio"):
        mfcc.load(file)
    with pytest.raises(mfcc.AudioError, match=r"io.BytesIO\(content\) is for content"):
        mfcc.load(data)


def test_what_is_no_open_file_of_bytes(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encode(Y, SR, "WAV", "PCM_16"))
    reader, writer = os.pipe()
    os.close(writer)
    closed = io.BytesIO(b"content")
    closed.close()
    with open(path, encoding="latin-1") as text, os.fdopen(reader, "rb") as pipe, open(tmp_path / "w", "wb") as written:
        for wrong, match in (
            (text, "one for text. Open it with mode 'rb'"),
            (pipe, r"Of a pipe, take the content: io.BytesIO\(pipe.read\(\)\)"),
            (written, "can be read and searched"),
            (closed, "can be read and searched"),
            (io.BytesIO, "expected str, bytes or os.PathLike, or an open binary file, got type"),
        ):
            for function in (mfcc.load, mfcc.blocks):
                with pytest.raises(TypeError, match=f"^{function.__name__}: path: .*{match}"):
                    function(wrong)
            if wrong is not io.BytesIO:
                with pytest.raises(TypeError, match=f"^features: source: .*{match}"):
                    mfcc.features(wrong)


class Failing(io.BytesIO):
    """A file on a drive that goes away after so many bytes."""

    reads = 3

    def read(self, count=-1):
        self.reads -= 1
        if self.reads < 0:
            raise OSError(5, "Input/output error")
        return super().read(count)


@pytest.mark.parametrize("reads", [0, 1, 3, 8])
def test_a_file_that_can_be_read_no_further(capfd, reads):
    file = Failing(encode(tone(30.0, SR), SR, "WAV", "PCM_16"))
    file.reads = reads
    with pytest.raises(mfcc.AudioError, match=r"damaged or truncated|not audio|Input/output error"):
        mfcc.load(file)
    assert capfd.readouterr() == ("", "")


def test_spliced_reads_as_one_file():
    spliced = opening.Spliced(b"head", io.BytesIO(b"--0123456789"), 2)
    whole = b"head0123456789"
    assert spliced.read() == whole and spliced.tell() == len(whole)
    for position in range(len(whole) + 2):
        for count in range(len(whole)):
            assert spliced.seek(position) == position
            assert spliced.read(count) == whole[position : position + count]
    assert spliced.seek(-3, io.SEEK_END) == len(whole) - 3 and spliced.seek(1, io.SEEK_CUR) == len(whole) - 2
    part = opening.Spliced(b"head", io.BytesIO(b"--0123456789"), 4, 7)
    assert part.read() == b"head234" and part.read() == b""
