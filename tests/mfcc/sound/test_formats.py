"""Every kind of file that libsndfile writes here is read: whole, in part, with tags and pictures, cut off and empty."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc.sound.reader import TOLERANCE_S
from tests.mfcc import sound_files
from tests.mfcc.sound_files import encode, most_channels, tone

KINDS = sound_files.kinds()
NAMES = ["-".join(kind) for kind in KINDS]
INTEGERS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
INTEGERS |= {"ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "DWVW_16": 16, "DWVW_24": 24}
ATOL = {name: max(2.0 ** (2 - bits), 1e-6) for name, bits in INTEGERS.items()} | {"FLOAT": 1e-6, "DOUBLE": 1e-6}
ATOL |= {"ULAW": 0.02, "ALAW": 0.02, "DPCM_8": 0.02, "DPCM_16": 1e-4, "VORBIS": 0.03}
BLOCKS = 640  # samples at most that a format adds to fill its last block


def rate_of(container, subtype):
    return 44100 if container == "XI" else 24000 if subtype == "OPUS" else 8000


@pytest.mark.parametrize("container, subtype", KINDS, ids=NAMES)
def test_whole_and_in_part(tmp_path, container, subtype):
    sr = rate_of(container, subtype)
    for channels in {1, most_channels(container, subtype)}:
        y = tone(12.0, sr, channels, amplitude=0.4)
        path = tmp_path / "no suffix"
        path.write_bytes(encode(y, sr, container, subtype))
        whole, found = mfcc.load(path, sr=None)
        assert found == sr and len(y) <= len(whole) <= len(y) + BLOCKS
        mono = y if channels == 1 else y[:, 0]
        wrong = np.abs(whole[: len(y)] - mono)[200:-200]  # codecs begin from zero; SDS loses what its last packet holds
        assert wrong.max() <= ATOL.get(subtype, 0.1), wrong.max()
        for offset in (0.3, 5.01, 11.7):
            part, _ = mfcc.load(path, sr=None, offset=offset, duration=0.2)
            expected = whole[round(offset * sr) :][: round(0.2 * sr)]
            np.testing.assert_allclose(
                part, expected, rtol=0, atol={"OPUS": 2e-3, "MPEG_LAYER_III": 1e-6}.get(subtype, 0)
            )
        blocks = list(mfcc.blocks(path, sr=None, block_length=7000))
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_most_kinds_are_covered():
    assert len(KINDS) > 80 and len({container for container, _ in KINDS}) > 20


@pytest.mark.parametrize("container, subtype", KINDS, ids=NAMES)
def test_cut_off(tmp_path, container, subtype, capfd):
    """Refused with what can be read of it, or, where nothing states a length, shorter."""
    sr = rate_of(container, subtype)
    data = encode((0.2 * np.random.default_rng(0).standard_normal(6 * sr)).astype(np.float32), sr, container, subtype)
    path = tmp_path / "a"
    path.write_bytes(data)
    whole, _ = mfcc.load(path, sr=None)
    path.write_bytes(data[: len(data) * 2 // 3])
    try:
        kept, _ = mfcc.load(path, sr=None)
    except mfcc.AudioError as error:
        if error.seconds_read is None:  # too broken to be opened at all
            assert "is not audio" in str(error) or "no samples" in str(error)
            return
        assert 2.5 < error.seconds_read < 4.5 and "can be read" in str(error)
        with pytest.warns(mfcc.AudioWarning, match="can be read"):
            kept, _ = mfcc.load(path, sr=None, on_truncated="keep")
    assert 2.5 * sr < len(kept) < 4.5 * sr
    # libsndfile 1.2.2 decodes the first packet of such noise wrongly, and ffmpeg, which reads what is cut, rightly.
    first, same = 4096 if subtype == "ALAC_32" else 0, len(kept) - 3000
    np.testing.assert_array_equal(kept[first:same], whole[first:same])


@pytest.mark.parametrize("container, subtype", KINDS, ids=NAMES)
def test_without_samples(tmp_path, container, subtype):
    path = tmp_path / "a"
    data = encode(np.empty(0, np.float32), rate_of(container, subtype), container, subtype)
    path.write_bytes(data)
    expected = "contains no samples|is not audio|is empty|no samples from 0.000 s on"
    try:
        y, _ = mfcc.load(path)
    except mfcc.AudioError as error:
        assert re.search(expected, str(error))
    else:  # codecs that write a block, and VOC files with a byte too many
        assert subtype not in INTEGERS and subtype not in ("FLOAT", "DOUBLE") and len(y) <= 3 * BLOCKS


# --- What else lies in files ------------------------------------------------------------------------------------------

Y = tone(3.0, 24000)


TAGGED = [("WAV", "PCM_16"), ("AIFF", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", "PCM_16")]
TAGGED += [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]


@pytest.mark.parametrize("container, subtype", TAGGED, ids=["-".join(kind) for kind in TAGGED])
def test_tags(tmp_path, container, subtype):
    plain, tagged = tmp_path / "plain", tmp_path / "tagged"
    plain.write_bytes(encode(Y, 24000, container, subtype))
    words = {"title": "Träne & Töne", "artist": "x" * 500, "comment": "LOOPSTART=100 " + "y" * 5000, "date": "1999"}
    tagged.write_bytes(encode(Y, 24000, container, subtype, **words))
    assert tagged.stat().st_size > plain.stat().st_size + 200
    np.testing.assert_array_equal(mfcc.load(tagged)[0], mfcc.load(plain)[0])


DECORATED = {
    "MP3 with a picture": lambda: sound_files.id3(sound_files.picture()) + encode(Y, 24000, "MP3", "MPEG_LAYER_III"),
    "MP3 with two tags and one behind": lambda: (
        sound_files.id3((b"TIT2", b"\3" + b"a" * 300))
        + sound_files.id3(sound_files.picture())
        + encode(Y, 24000, "MP3", "MPEG_LAYER_III")
        + b"TAG"
        + bytes(125)
    ),
    "MP3 with an APE tag": lambda: (
        encode(Y, 24000, "MP3", "MPEG_LAYER_III") + b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0) + bytes(90)
    ),
    "FLAC with a picture": lambda: sound_files.with_flac_picture(encode(Y, 24000, "FLAC", "PCM_16")),
    "FLAC behind an ID3 tag": lambda: sound_files.id3(sound_files.picture()) + encode(Y, 24000, "FLAC", "PCM_16"),
    "WAV with chunks": lambda: sound_files.with_riff_chunks(encode(Y, 24000, "WAV", "PCM_16")),
    "WAV with a loop": lambda: sound_files.with_riff_chunks(encode(Y, 24000, "WAV", "PCM_24"), loops=1),
    "WAV with rubbish behind": lambda: encode(Y, 24000, "WAV", "PCM_16") + b"\xff\xfb" * 500,
}


@pytest.mark.parametrize("name", DECORATED)
def test_pictures_chunks_and_loops_do_not_matter(tmp_path, name):
    path = tmp_path / "a"
    path.write_bytes(DECORATED[name]())
    y, _ = mfcc.load(path, sr=None)
    tolerance = 0.1 if "MP3" in name else 1e-4
    assert abs(len(y) - len(Y)) <= (1152 if "MP3" in name else 0)
    np.testing.assert_allclose(y[2000:-2000], Y[2000 : len(y) - 2000], atol=tolerance)


# --- What is in the samples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.25, -1.0, 0.0, 1e-30])
@pytest.mark.parametrize("sr", [8000, 22050, 192000])
def test_constant_samples(tmp_path, level, sr):
    """Read silence, and a microphone with a direct current."""
    path = tmp_path / "a.wav"
    path.write_bytes(encode(np.full(12 * sr, level, np.float32), sr, "WAV", "FLOAT"))
    y, _ = mfcc.load(path)
    np.testing.assert_allclose(y[500:-500], level, atol=2e-6 * abs(level))
    tiles = mfcc.tiles(path)
    assert np.isfinite(tiles.values).all() and tiles.silent.tolist() == [abs(level) < 1e-3]


@pytest.mark.parametrize(
    "sr", [8000, 11025, 12000, 16000, 24000, 32000, 37800, 44056, 44100, 48000, 88200, 96000, 192000]
)
def test_rates(tmp_path, sr):
    path = tmp_path / "a.wav"
    path.write_bytes(encode(tone(1.0, sr, channels=2, frequency=1000.0), sr, "WAV", "PCM_24"))
    y, _ = mfcc.load(path)
    assert abs(len(y) - 22050) <= 1
    np.testing.assert_allclose(y[2000:-2000], tone(1.0, 22050, frequency=1000.0)[2000 : len(y) - 2000], atol=2e-4)


def test_a_minute_in_hundred_files_takes_what_it_takes(tmp_path):
    """Duration limits: never more than asked for, in any format that states no length beforehand."""
    for container, subtype in (("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")):
        path = tmp_path / "a"
        path.write_bytes(encode(Y, 24000, container, subtype))
        for duration in (1e-6, 0.1, 1.0, 2.999, 1e9):
            y, _ = mfcc.load(path, sr=None, duration=duration)
            assert abs(len(y) - min(len(Y), max(1, round(duration * 24000)))) <= (duration > 2.9) * 1152


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are text")
def test_a_folder_of_everything(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    for i, (container, subtype) in enumerate(KINDS):
        (folder / f"{i:02} {subtype}.x").write_bytes(
            encode(tone(0.5, rate_of(container, subtype)), rate_of(container, subtype), container, subtype)
        )
    from mfcc.command.program import main

    assert main([str(folder), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("*.npz"))) == len(KINDS)


def test_the_tolerance_of_a_missing_end_is_short():
    assert TOLERANCE_S <= 0.1 and soundfile.__libsndfile_version__


SEEKS = """
import sys, mfcc
for path in sys.argv[1:]:
    try:
        mfcc.load(path, offset=0.05)
    except mfcc.AudioError as error:
        print(error.reason.partition(":")[0].partition(",")[0])
    else:
        print("read")
"""


def test_an_excerpt_of_vorbis_whose_codebooks_are_damaged(tmp_path):
    # libsndfile opens it and then decodes nothing; asked to seek before it was asked to read, it crashes.
    good = encode(tone(0.2, 8000), 8000, "OGG", "VORBIS")
    setup = good.index(b"\x05vorbis")
    paths = []
    for k in range(60, 2000, 100):
        damaged = bytearray(good)
        damaged[setup + k : setup + k + 8] = b"\0\0\0\0\0\0\x7f\xff"
        paths.append(tmp_path / f"{k}.ogg")
        paths[-1].write_bytes(sound_files.with_ogg_checksums(bytes(damaged)))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run([sys.executable, "-c", SEEKS, *paths], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done
    said = done.stdout.splitlines()
    known = {"is damaged", "is not audio in a format that libsndfile reads", "read"}
    assert len(said) == len(paths) and {"is damaged"} <= {*said} <= known, said
