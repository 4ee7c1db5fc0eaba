"""Excerpts of speech in Opus are those of the whole: its decoder goes on with what it decoded before."""

import io

import numpy as np
import pytest
import scipy.signal
import soundfile

import mfcc
from mfcc.sound import containers, ogg

SR = 16000
SECONDS = 45


def voice():
    """Make a voice of sorts: pulses of a pitch that glides, through three resonances that move, in syllables."""
    rng = np.random.default_rng(0)
    n = SECONDS * SR
    t = np.arange(n) / SR
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.4 * t) + 10 * np.sin(2 * np.pi * 1.7 * t)
    phase = np.cumsum(pitch / SR)
    y = np.zeros(n)
    y[1:][np.diff(np.floor(phase)) > 0] = 1.0
    y += 0.003 * rng.standard_normal(n)
    step = SR // 50
    for low, high, rate in ((300, 800, 1.3), (900, 2200, 0.9), (2400, 3000, 0.7)):
        state = np.zeros(2)
        for start in range(0, n, step):
            center = low + (high - low) * (0.5 + 0.5 * np.sin(2 * np.pi * rate * start / SR))
            poles = [1.0, -2 * 0.97 * np.cos(2 * np.pi * center / SR), 0.97**2]
            y[start : start + step], state = scipy.signal.lfilter([1.0], poles, y[start : start + step], zi=state)
        y /= np.abs(y).max()
    return (0.5 * y * np.clip(np.sin(2 * np.pi * 2.1 * t) + 0.5, 0, 1)).astype(np.float32)


@pytest.fixture(scope="module", params=[1.0, 0.975, 0.95])  # 6, 12 and 19 kb/s
def speech(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "a.opus"
    with open(path, "wb") as file:
        options = {"format": "OGG", "compression_level": request.param}
        with soundfile.SoundFile(file, "w", SR, 1, "OPUS", **options) as sound:
            y = voice()
            for start in range(0, len(y), 4096):
                sound.write(y[start : start + 4096])
    return path


def differing(path):
    """Return how many of some excerpts differ from the whole."""
    whole, _ = mfcc.load(path, sr=None)
    offsets = np.random.default_rng(1).uniform(22, SECONDS - 1, 40)
    excerpts = [mfcc.load(path, sr=None, offset=offset, duration=0.3)[0] for offset in offsets]
    first = [round(offset * SR) for offset in offsets]
    return sum(not np.array_equal(e, whole[i : i + len(e)]) for e, i in zip(excerpts, first, strict=True))


def test_excerpts_are_those_of_the_whole(speech, monkeypatch):
    with open(speech, "rb", buffering=0) as file:
        assert ogg.has_speech(file, 48_000 * 30, 48_000 * 31)
    assert differing(speech) == 0
    monkeypatch.setattr(containers, "_SPEECH_REACH_S", 0)
    assert differing(speech) > 4  # what is tested here is there


def test_music_needs_no_such_run_up(tmp_path):
    sr = 48000
    t = np.arange(8 * sr) / sr
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6, 4400.0)) * 0.1
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", sr, 1, "OPUS", format="OGG") as sound:
        for start in range(0, len(chord), 4096):
            sound.write(chord[start : start + 4096])
    assert not ogg.has_speech(file, 0, 8 * sr)
    whole, _ = mfcc.load(file, sr=None)
    for offset in (0.5, 1.7, 3.3, 6.9):
        part, _ = mfcc.load(file, sr=None, offset=offset, duration=0.5)
        np.testing.assert_array_equal(part, whole[round(offset * sr) :][: len(part)])
