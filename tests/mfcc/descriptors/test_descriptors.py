"""Descriptors: keys of chords in all 24 keys, silence, one result at any number of threads, errors."""

import math

import numpy as np
import pytest

import mfcc
from mfcc.descriptors import PITCH_CLASSES
from tests.mfcc.signals import music

SR = 22050


def chord(pitches, seconds=0.6):
    """Tones of semitones above C4 with five harmonics and a decay."""
    t = np.arange(int(seconds * SR)) / SR
    tones = (261.626 * 2 ** (p / 12) * k for p in pitches for k in range(1, 6))
    return sum(np.exp(-3 * t) * np.sin(2 * np.pi * f * t) / (f / 200) for f in tones).astype(np.float32)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_key_of_a_cadence(tonic, mode):
    third = 4 if mode == "major" else 3
    triad, below = np.array([0, third, 7]), np.array([5, 5 + third, 12])
    cadence = [triad, below, np.array([7, 11, 14]), triad]  # with the leading tone, in minor too
    y = np.concatenate([chord(each + tonic) for each in cadence])
    found = mfcc.key(mfcc.spectrogram(y, SR))
    assert (found.tonic, found.mode) == (PITCH_CLASSES[tonic], mode)
    assert found.margin > 0


def test_silence_has_neither_key_nor_tempo():
    silence = mfcc.spectrogram(np.zeros(SR), SR)
    assert mfcc.key(silence) is None
    assert math.isnan(mfcc.tempo(silence))
    assert not mfcc.chroma(silence).any()


def test_a_recording_of_another_tuning_has_the_same_key():
    chords = ([0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7])
    y = np.concatenate([chord(np.array(each) + 0.4) for each in chords])
    assert str(mfcc.key(mfcc.spectrogram(y, SR))) == "C major"


@pytest.mark.parametrize("bpm", [75, 100, 140])
def test_tempo_of_clicks(bpm):
    y = np.zeros(20 * SR, np.float32)
    for beat in range(int(20 * bpm / 60)):
        y[int(beat * 60 / bpm * SR) :][:30] = 1
    found = mfcc.tempo(mfcc.spectrogram(y, SR, hop_length=128))
    assert found == pytest.approx(bpm, rel=0.02)


def test_threads_change_no_bit():
    y = music(40 * SR, SR)
    frames = [mfcc.spectrogram(y, SR, threads=threads).frames for threads in (1, 2, 5)]
    assert all(np.array_equal(frames[0], other) for other in frames[1:])


def test_integers_have_the_scale_of_their_type():
    y = np.round(20000 * music(5000, SR)).astype(np.int16)
    np.testing.assert_array_equal(mfcc.rms(y), mfcc.rms(y / np.float32(32768)))
    np.testing.assert_array_equal(mfcc.spectrogram(y, SR).frames, mfcc.spectrogram(y / np.float32(32768), SR).frames)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: mfcc.spectral_contrast(x, n_bands=9), "n_bands: expected the last band to begin below sr / 2"),
        (lambda x: mfcc.spectral_contrast(x, fmin=5.0, n_bands=2), "expected bins in every band, got none"),
        (lambda x: mfcc.chroma(x.frames), "spectrogram: expected a Spectrogram, got ndarray"),
        (lambda x: mfcc.spectrogram(np.zeros(0), SR), "y: expected at least one sample"),
        (lambda x: mfcc.rms(np.array([1.0, np.nan])), "y: expected finite samples"),
        (lambda x: mfcc.tempo(mfcc.spectrogram(np.zeros(SR), SR, hop_length=SR * 3)), "at most 2 seconds apart"),
    ],
)
def test_errors(call, match):
    with pytest.raises((ValueError, TypeError), match=match):
        call(mfcc.spectrogram(np.zeros(SR), SR))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.full((9, 1025), np.nan, np.float32), "frames: expected finite magnitudes, got NaN or infinity"),
        (
            np.ones((1025, 9)),
            r"frames: expected float32 or float64 of shape \(n_frames, .*got float64 of shape \(1025, 9\)",
        ),
        (np.ones((9, 513)), r"got float64 of shape \(9, 513\)"),
        (np.ones((0, 1025)), r"got float64 of shape \(0, 1025\)"),
        (np.ones((9, 1025), int), "got int64"),
    ],
)
def test_magnitudes_of_ones_own_are_checked(frames, message):
    """Kernels index by n_fft, and find peaks by comparing: unchecked they would read and write beyond their arrays."""
    with pytest.raises(ValueError, match=f"Spectrogram: .*{message}"):
        mfcc.Spectrogram(frames, 22050, 2048, 512)


def test_magnitudes_in_another_order_of_memory():
    x = mfcc.spectrogram(np.random.default_rng(0).standard_normal(9000), 22050)
    other = mfcc.Spectrogram(np.asfortranarray(x.frames), 22050, 2048, 512)
    np.testing.assert_array_equal(mfcc.chroma(other), mfcc.chroma(x))
