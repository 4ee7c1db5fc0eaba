"""HTK's parameter files: read back by The HTK Book, and byte for byte with HTK's own headers."""

import io
import struct

import numpy as np
import pytest
import soundfile

from mfcc import FILMSCORE, HTK, KALDI, LIBROSA
from mfcc.command.program import main
from mfcc.htk.parameter_file import kind, write
from tests.mfcc.htk import recordings

KINDS = {6: "MFCC", 7: "FBANK", 8: "MELSPEC", 9: "USER"}
# Table 5.2 of The HTK Book: _E 000100, _N 000200, _D 000400, _A 001000, _C 002000, _Z 004000, _K 010000, _0 020000, ...
QUALIFIERS = "E N D A C Z K 0 V T".split()


def htk_file(path):
    """Return features (n_features, n_frames), seconds between frames, and HTK's name for them."""
    with open(path, "rb") as file:
        content = file.read()
    n_frames, period, size, code = struct.unpack(">iihH", content[:12])
    assert len(content) == 12 + n_frames * size
    values = np.array(struct.unpack(f">{n_frames * size // 4}f", content[12:]), np.float32)
    qualifiers = {q for i, q in enumerate(QUALIFIERS) if code >> (6 + i) & 1}
    return values.reshape(n_frames, size // 4).T, period * 1e-7, (KINDS[code & 0o77], qualifiers)


@pytest.mark.parametrize(
    "options, recipe, expected",
    [
        ([], FILMSCORE, ("MFCC", set())),
        (["--deltas", "2"], HTK, ("MFCC", {"0", "D", "A"})),
        (["--deltas", "3", "--normalize", "mean"], HTK, ("MFCC", {"0", "D", "A", "T", "Z"})),
        (["--normalize", "mean", "--window", "9"], HTK, ("MFCC", {"0"})),
        ([], HTK.replace(energy="raw", energy_place="append"), ("MFCC", {"0", "E"})),
        ([], HTK.replace(energy="raw", energy_place="c0"), ("MFCC", {"E"})),
        (["--deltas", "1"], HTK.replace(c0="drop", energy="raw", energy_place="append"), ("MFCC", {"E", "D"})),
        ([], HTK.replace(output="log_mel"), ("FBANK", set())),
        ([], HTK.replace(output="mel"), ("MELSPEC", set())),
        ([], LIBROSA.replace(output="log_mel"), ("USER", set())),
        (["--deltas", "1"], KALDI, ("USER", {"D"})),
        ([], FILMSCORE.replace(output="log_spectrum"), ("USER", set())),
    ],
)
def test_what_is_written_can_be_read(tmp_path, options, recipe, expected):
    y = (0.1 * np.random.default_rng(0).standard_normal(40_000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", y, int(recipe.sr), subtype="FLOAT")
    knobs = [f"--set={name}={value}" for name, value in recipe.to_dict().items() if name not in ("format", "version")]
    arguments = [str(tmp_path / "a.wav"), "--out", str(tmp_path), *knobs, *options]
    assert main([*arguments, "--format", "htk"]) == main([*arguments, "--format", "npy"]) == 0
    values, period, name = htk_file(tmp_path / "a.wav.htk")
    np.testing.assert_array_equal(values, np.load(tmp_path / "a.wav.npy"))
    assert period == pytest.approx(recipe.hop_length / recipe.sr, abs=1e-7) and name == expected


def test_a_long_file_in_parts():
    values = np.random.default_rng(0).standard_normal((3, 10_001)).astype(np.float32)
    file = io.BytesIO()
    write(file, values.T.copy().T, 0.01, "USER")
    assert file.getvalue() == struct.pack(">iihH", 10_001, 100_000, 12, 9) + values.T.astype(">f4").tobytes()


def test_more_features_than_the_header_can_count():
    with pytest.raises(ValueError, match="expected at most 8191 features a frame in an HTK file, got 8192"):
        write(io.BytesIO(), np.zeros((8192, 1)), 0.01, "USER")
    assert kind(HTK) == "MFCC_0"


def test_the_file_that_htk_writes(tmp_path):
    recording = recordings.folder() / "test.wav"
    assert main([str(recording), "--out", str(tmp_path), "--preset=HTK", "--deltas=2", "--format=htk"]) == 0
    expected = recording.with_name("test.wav.fea_htk.1")
    assert (tmp_path / "test.wav.htk").read_bytes()[:12] == expected.read_bytes()[:12]
    for values, theirs in zip(htk_file(tmp_path / "test.wav.htk"), htk_file(expected), strict=True):
        if isinstance(values, np.ndarray):
            np.testing.assert_allclose(values, theirs, rtol=0, atol=2e-4)
        else:
            assert values == theirs
