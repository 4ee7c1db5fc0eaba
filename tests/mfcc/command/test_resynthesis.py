"""python -m mfcc FILE --resynth WAV: sound in, what its coefficients keep out."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from mfcc import FILMSCORE, resynthesize
from mfcc.command.program import main

SR = 22050


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "one.wav"
    y = 0.1 * np.random.default_rng(0).standard_normal(2 * SR)
    soundfile.write(path, y.astype(np.float32), SR, subtype="FLOAT")
    return path


def test_a_recording_is_written_as_its_coefficients_keep_it(recording, tmp_path, capsys):
    out = tmp_path / "out.wav"
    assert main([str(recording), "--resynth", str(out), "--duration", "1"]) == 0
    assert capsys.readouterr().out == f"{out}: 0.9 s from 40 features a frame; lost: waveform, pitch, loudness.\n"
    y, sr = soundfile.read(out)
    source, _ = soundfile.read(recording, stop=SR, dtype="float32")
    expected = resynthesize(FILMSCORE(source), FILMSCORE, np.random.default_rng(0))
    assert sr == SR and soundfile.info(out).subtype == "PCM_16"
    np.testing.assert_allclose(y, expected / max(1, np.abs(expected).max()), atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.wav", "out.wav"]


def test_what_fails_is_said(recording, tmp_path, capsys):
    out = tmp_path / "out.wav"
    assert main([str(tmp_path / "missing.wav"), "--resynth", str(out)]) == 1
    assert "missing.wav: can't be opened: No such file or directory." in capsys.readouterr().err
    assert main([str(recording), "--resynth", str(out), "--duration", "0.05"]) == 1
    assert "one.wav: is too short: 0.050 s, a frame takes 0.093 s." in capsys.readouterr().err
    assert main([str(recording), "--resynth", str(tmp_path / "no folder" / "out.wav")]) == 1
    assert "no folder/out.wav: No such file or directory." in capsys.readouterr().err
    assert not out.exists()
    for arguments in ([], [str(tmp_path)], [str(recording)] * 2, [str(recording), "--out", str(tmp_path)]):
        with pytest.raises(SystemExit, match="2"):
            main([*arguments, "--resynth", str(out)])
        assert "--resynth: expected one recording, and no --out." in capsys.readouterr().err


def test_original_and_reconstruction_in_a_picture(recording, tmp_path, capsys):
    pytest.importorskip("matplotlib", exc_type=ImportError)
    out = tmp_path / "out.wav"
    assert main([str(recording), "--resynth", str(out), "--plot", "--set", "output=log_mel"]) == 0
    assert capsys.readouterr().out.startswith(f"{out} and {tmp_path / 'out.png'}: 2.0 s from 41 features a frame; lost")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_from_standard_input_to_standard_output(recording, tmp_path):
    command = [sys.executable, "-m", "mfcc", "-", "--resynth", "-"]
    run = subprocess.run(command, input=recording.read_bytes(), capture_output=True, check=True)
    assert main([str(recording), "--resynth", str(tmp_path / "out.wav")]) == 0
    assert run.stdout == (tmp_path / "out.wav").read_bytes()
    run = subprocess.run(command, input=b"no audio", capture_output=True)
    assert run.returncode == 1 and run.stdout == b""
    assert run.stderr == b"failed: standard input: is not audio in a format that libsndfile reads.\n"
