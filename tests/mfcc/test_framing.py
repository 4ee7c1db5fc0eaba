"""Frames against numpy.pad and slices, and against librosa's."""

import librosa
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mfcc.framing import CENTER, PAD_MODES, PARTIAL, first_start, frame, n_frames, shortest_signal
from tests.mfcc import naive


@given(
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from(CENTER),
    st.sampled_from(PAD_MODES),
    st.sampled_from(PARTIAL),
)
@example(1, 20, 3, "hop", "reflect", "drop")
@example(1, 7, 1, True, "reflect", "drop")
@example(3, 20, 3, "hop", "symmetric", "pad")
def test_against_the_twin(n, length, hop, center, pad_mode, partial):
    y = np.arange(1.0, n + 1)
    expected = naive.frames(y, length, hop, center, pad_mode, partial)
    actual = frame(y, length, hop, center=center, pad_mode=pad_mode, partial=partial)
    assert actual.shape == (len(expected), length)
    assert n_frames(n, length, hop, center=center, partial=partial) == len(expected)
    if expected:
        np.testing.assert_array_equal(actual, expected)


@given(st.integers(1, 20), st.integers(1, 25), st.sampled_from(CENTER), st.sampled_from(PARTIAL))
def test_the_shortest_signal(length, hop, center, partial):
    shortest = shortest_signal(length, hop, center=center, partial=partial)
    assert n_frames(shortest, length, hop, center=center, partial=partial) >= 1
    assert n_frames(shortest - 1, length, hop, center=center, partial=partial) == 0


@pytest.mark.parametrize("hop", [160, 512, 700])
@pytest.mark.parametrize("length", [512, 401])
def test_against_librosa(length, hop):
    y = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    expected = librosa.util.frame(y, frame_length=length, hop_length=hop).T
    np.testing.assert_array_equal(frame(y, length, hop), expected)
    padded = np.pad(y, length // 2, "reflect")
    expected = librosa.util.frame(padded, frame_length=length, hop_length=hop).T
    np.testing.assert_array_equal(frame(y, length, hop, center=True, pad_mode="reflect"), expected)


def test_where_frames_lie():
    assert first_start(400, 160) == 0
    assert first_start(400, 160, center=True) == -200
    assert first_start(400, 160, center="hop") == -120


def test_a_view_where_nothing_is_padded():
    y = np.arange(100.0)
    assert np.shares_memory(frame(y, 10, 5), y) and not frame(y, 10, 5).flags.writeable


def test_too_short():
    assert n_frames(9, 10, 5) == 0 and frame(np.zeros(9), 10, 5).shape == (0, 10)
    assert n_frames(9, 10, 5, partial="pad") == 1 and n_frames(0, 10, 5, center=True, partial="pad") == 0
    assert frame(np.zeros(0), 10, 5, center=True).shape == (0, 10)


def test_what_is_refused():
    y = np.zeros(100)
    with pytest.raises(ValueError, match=r"frame: hop_length: expected an integer of at least 1, got 0"):
        frame(y, 10, 0)
    with pytest.raises(ValueError, match="frame: frame_length: expected an integer of at least 1, got -1"):
        frame(y, -1, 1)
    with pytest.raises(ValueError, match=r"frame: y: expected an array of shape \(n_samples,\), got shape \(2, 50\)"):
        frame(y.reshape(2, 50), 10, 5)
    with pytest.raises(ValueError, match=r"frame: pad_mode: expected one of 'constant', .*, got 'wrap'"):
        frame(y, 10, 5, pad_mode="wrap")
    with pytest.raises(ValueError, match="frame: center: expected one of False, True, 'hop', got 1"):
        frame(y, 10, 5, center=1)
    with pytest.raises(ValueError, match="n_frames: n_samples: expected an integer of at least 0, got -1"):
        n_frames(-1, 10, 5)
