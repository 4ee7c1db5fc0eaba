"""Reading recordings: every format, channel count and rate; blocks equal to the whole."""

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

import mfcc
from mfcc import audio
from mfcc.sound import decoding

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


def refused(path, match, **options):
    with pytest.raises(mfcc.AudioError, match=match) as info:
        mfcc.load(path, **options)
    with pytest.raises(mfcc.AudioError, match=match):
        list(mfcc.blocks(path, **options))
    assert isinstance(info.value, ValueError) and info.value.path == path
    assert str(info.value).startswith(decoding.printable(path) + ": ")
    return info.value


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
