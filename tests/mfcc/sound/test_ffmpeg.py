"""Formats that libsndfile lacks: named with a remedy, and decoded by ffmpeg where it is installed."""

import gc
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mfcc
from mfcc.sound import ffmpeg, foreign
from mfcc.sound.decoding import Decoder
from tests.mfcc.sound_files import encode

SR = 44100
HERE = ffmpeg.version()
needs_ffmpeg = pytest.mark.skipif(not HERE, reason="needs ffmpeg")

# By what ffmpeg is told to write: the name of the format, how many samples more there may be, and whether it is exact.
KINDS = {
    "-c:a aac -f ipod": ("MP4", 2048, False),
    "-c:a aac -f ipod -movflags +faststart": ("MP4", 2048, False),
    "-c:a alac -f ipod": ("MP4", 0, True),
    "-c:a pcm_s16be -f mov": ("MP4", 0, True),
    "-c:a aac -f adts": ("AAC", 3072, False),
    "-c:a flac -f matroska": ("Matroska or WebM", 0, True),
    "-c:a pcm_s16le -f matroska": ("Matroska or WebM", 0, True),
    "-c:a wavpack -f wv": ("WavPack", 0, True),
    "-c:a tta -f tta": ("True Audio", 0, True),
    "-c:a wmav2 -f asf": ("Windows Media", 4096, False),
    "-c:a ac3 -f ac3": ("Dolby Digital", 2048, False),
    "-c:a eac3 -f eac3": ("Dolby Digital Plus", 2048, False),
    "-c:a alac -f caf": ("CAF with another codec", 0, True),
    "-c:a aac -f mpegts": ("an MPEG transport stream", 3072, False),
    "-c:a wmav2 -f wav": ("WAV with another codec", 4096, False),
}
STATES_LENGTH = [kind for kind in KINDS if kind.split()[3] in ("ipod", "matroska", "mov")]


def sound(seconds=6.0):
    rng = np.random.default_rng(0)
    t = np.arange(round(seconds * SR)) / SR
    channels = [0.4 * np.sin(2 * np.pi * 440 * t), 0.2 * np.sin(2 * np.pi * 660 * t)]
    return np.round((np.stack(channels, 1) + 0.02 * rng.standard_normal((len(t), 2))) * 32768) / 32768


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a function from options of ffmpeg to a file that it wrote with them."""
    folder = tmp_path_factory.mktemp("foreign")
    source = encode(sound(), SR, "WAV", "PCM_16")
    files = {}

    def write(options):
        if options not in files:
            path = folder / f"{len(files)}.bin"
            command = ["ffmpeg", "-v", "error", "-i", "pipe:0", *options.split(), "-bitexact", str(path)]
            done = subprocess.run(command, input=source, capture_output=True)
            if done.returncode:
                pytest.skip(f"this ffmpeg does not write it: {done.stderr.decode()[:100]}")
            files[options] = path
        return files[options]

    return write


@needs_ffmpeg
@pytest.mark.parametrize("options", KINDS)
def test_whole_and_in_part(written, options):
    name, more, exact = KINDS[options]
    path = written(options)
    with Decoder(path) as decoder:
        assert (decoder.format, decoder.sr) == (name, SR)
    whole, sr = mfcc.load(path, sr=None)
    y = sound().mean(axis=1).astype(np.float32)
    assert sr == SR and abs(len(whole) - len(y)) <= more
    if exact:
        np.testing.assert_array_equal(whole, y)
    else:  # encoders begin some frames early: the best lag has it
        part = y[SR : 2 * SR]
        fits = [np.abs(whole[SR + lag : 2 * SR + lag] - part).mean() for lag in range(-2048, 3073)]
        assert min(fits) < 0.02 < 0.1 < np.median(fits)
    np.testing.assert_array_equal(mfcc.load(path, sr=None)[0], whole)  # the same each time
    np.testing.assert_array_equal(mfcc.load(io.BytesIO(path.read_bytes()), sr=None)[0], whole)
    for offset, duration in ((0.3, 0.2), (3.01, 1.0), (5.5, 0.3)):
        part, _ = mfcc.load(path, sr=None, offset=offset, duration=duration)
        np.testing.assert_array_equal(part, whole[round(offset * SR) :][: round(duration * SR)])
    blocks = list(mfcc.blocks(path, sr=None, block_length=7000))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    double, _ = mfcc.load(path, sr=None, dtype=np.float64)
    np.testing.assert_allclose(double, whole, atol=1e-6)


@needs_ffmpeg
def test_features_of_it(written):
    path = written("-c:a alac -f ipod")
    y, _ = mfcc.load(io.BytesIO(encode(sound(), SR, "WAV", "PCM_16")))
    np.testing.assert_allclose(mfcc.features(path), mfcc.FILMSCORE(y), atol=1e-3)
    np.testing.assert_array_equal(np.concatenate(list(mfcc.stream(path)), axis=1), mfcc.features(path))


@needs_ffmpeg
@pytest.mark.parametrize("options", KINDS)
def test_cut_off(written, options):
    data = written(options).read_bytes()
    whole, _ = mfcc.load(io.BytesIO(data), sr=None)
    cut = io.BytesIO(data[: len(data) * 2 // 3])
    try:
        kept, _ = mfcc.load(cut, sr=None)
        assert options not in STATES_LENGTH
    except mfcc.AudioError as error:
        assert " @ 0x" not in str(error) and "/dev/fd" not in str(error)
        if error.seconds_read is None:  # its table of contents is at its end
            assert "but ffmpeg can't decode it (" in str(error)
            return
        assert 0.9 < error.seconds_read < 4.5
        with pytest.warns(mfcc.AudioWarning, match="can be read"):
            kept, _ = mfcc.load(cut, sr=None, on_truncated="keep")
    assert 0.9 * SR < len(kept) < 4.5 * SR
    same = len(kept) - 4096
    np.testing.assert_array_equal(kept[:same], whole[:same])


@needs_ffmpeg
@pytest.mark.parametrize("options", KINDS)
def test_damaged(written, options):
    """Refused or read; nothing else is raised, and no process or file stays behind."""
    data = written(options).read_bytes()
    rng = np.random.default_rng(0)
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(3):
        worse = bytearray(data)
        for at in rng.integers(0, len(data), 20):
            worse[at] = rng.integers(256)
        try:
            y, _ = mfcc.load(io.BytesIO(bytes(worse)), duration=60.0)
        except mfcc.AudioError:
            continue
        assert np.isfinite(y).all()
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before


@needs_ffmpeg
def test_samples_that_are_not_finite(tmp_path):
    y = np.zeros((SR, 2), np.float32)
    y[20_000, 1] = np.nan
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", "pipe:0", "-c:a", "pcm_f32le", "-f", "matroska", str(tmp_path / "a.mka")],
        input=encode(y, SR, "WAV", "FLOAT"),
    )
    assert done.returncode == 0
    with pytest.raises(mfcc.AudioError, match=r"expected finite samples of full scale 1.0, got 0, nan at sample 20000"):
        mfcc.load(tmp_path / "a.mka")


@needs_ffmpeg
@pytest.mark.skipif(sys.platform == "win32", reason="such names can't be there")
@pytest.mark.parametrize("name", ["-i", "http:a.m4a", "file:b.m4a", "a%03d.m4a", "concat:x|y", "\n'\"$(true).m4a"])
def test_names_mean_nothing_to_ffmpeg(written, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with open(name, "wb") as file:
        file.write(written("-c:a alac -f ipod").read_bytes())
    assert len(mfcc.load(name, sr=None)[0]) == 6 * SR


@needs_ffmpeg
def test_no_report_is_written(written, tmp_path, monkeypatch):
    monkeypatch.setenv("FFREPORT", f"file={tmp_path / 'report'}")
    mfcc.load(written("-c:a alac -f ipod"))
    assert not list(tmp_path.iterdir())


def test_playlists_and_scripts_are_no_sound(tmp_path):
    """ffmpeg would open what they name."""
    secret = tmp_path / "a.wav"
    secret.write_bytes(encode(sound(), SR, "WAV", "PCM_16"))
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {secret}\n",
        f"[playlist]\nFile1={secret}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 96\n",
    ):
        (tmp_path / "a.m4a").write_text(text)
        with pytest.raises(mfcc.AudioError, match="is not audio in a format that libsndfile reads"):
            mfcc.load(tmp_path / "a.m4a")


BEGINNINGS = {
    "MP4": b"\0\0\0\x1cftypM4A \0\0\2\0",
    "Matroska or WebM": b"\x1a\x45\xdf\xa3\x9fB\x86\x81",
    "Windows Media": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "WavPack": b'wvpkN"\1\0',
    "Monkey's Audio": b"MAC \x96\x0f",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_the_remedy_where_ffmpeg_is_missing(tmp_path, monkeypatch, name):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "the song.m4a"
    path.write_bytes(BEGINNINGS[name] + bytes(1000))
    with pytest.raises(mfcc.AudioError) as info:
        mfcc.load(path)
    assert info.value.reason == (
        f"is {name}, which libsndfile does not read. Install ffmpeg: where it is on the PATH, it is used. Or convert "
        "the file: ffmpeg -i 'the song.m4a' -vn 'the song.flac'"
    )
    assert ffmpeg.program() is None


def test_what_is_no_format_of_the_table():
    for head in (
        b"",
        b"\xff",
        b"\xff\xf1" + bytes(50),
        b"hello world" * 99,
        bytes(2000),
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0",
    ):
        assert foreign.recognise(io.BytesIO(head)) is None
    for container, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")):
        data = encode(sound(0.5)[:, 0], SR, container, subtype)  # which libsndfile reads
        assert foreign.recognise(io.BytesIO(data)) is None, container


def left_behind():
    """Return the children of this process and its open files."""
    children = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    return "".join(children).split(), len(os.listdir("/proc/self/fd")), threading.active_count()


@needs_ffmpeg
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_who_stops_early_leaves_nothing_behind(written):
    path = written("-c:a flac -f matroska")
    before = left_behind()
    for stop in ("close", "forget", "excerpt"):
        if stop == "excerpt":
            mfcc.load(path, offset=1.0, duration=0.5)
        else:
            blocks = mfcc.blocks(path, sr=None)
            next(blocks)
            assert left_behind()[0] != before[0]
            if stop == "close":
                blocks.close()
            del blocks
            gc.collect()
        assert left_behind() == before, stop


@needs_ffmpeg
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_an_open_file_is_not_copied_into_memory(written, monkeypatch):
    path = written("-c:a flac -f matroska")
    whole, _ = mfcc.load(path, sr=None)
    monkeypatch.setattr(ffmpeg, "_in_memory", None)
    for buffering in (0, -1):
        with open(path, "rb", buffering) as file:
            head = file.read(10)
            np.testing.assert_array_equal(mfcc.load(file, sr=None)[0], whole)
            file.seek(0)
            assert file.read(10) == head and head + file.read() == path.read_bytes()


def test_an_ffmpeg_that_cannot_be_run(tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_bytes(b"no program")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mfcc.AudioError, match="ffmpeg can't be run: Exec format error"):
        mfcc.load(io.BytesIO(b"\x1a\x45\xdf\xa3" + bytes(5000)))
