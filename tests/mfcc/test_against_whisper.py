"""WHISPER against the definition of `whisper.log_mel_spectrogram`, and against its steps by torch and librosa."""

import dataclasses
import warnings

import numpy as np
import pytest

from mfcc import WHISPER
from tests.mfcc import naive
from tests.mfcc.recordings import RECORDINGS, whole
from tests.mfcc.signals import music, noisy_music


def finished(y, recipe=WHISPER):
    """Return Whisper's features by the two lines of the docstring of WHISPER."""
    bels = recipe(y)[:, :-1] / 10
    return (np.maximum(bels, bels.max() - 8) + 4) / 4


def log_mel_spectrogram(y):
    """Return what Whisper defines, a frame at a time: its constants are written out here."""
    padded = np.pad(np.asarray(y, np.float64), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    weights = naive.mel_filterbank(16000, 400, 80, 0, 8000, "slaney", "hz", "slaney")
    starts = range(0, len(padded) - 400 + 1, 160)
    columns = [weights @ np.abs(naive.dft(padded[start : start + 400] * window)[:201]) ** 2 for start in starts]
    logs = np.log10(np.maximum(np.array(columns[:-1]).T, 1e-10))
    return (np.maximum(logs, logs.max() - 8) + 4) / 4


@pytest.mark.parametrize("n", [16000, 15999, 16079, 201])
def test_the_definition(n):
    y = music(n, 16000).astype(np.float64)
    actual = finished(y)
    assert actual.dtype == np.float64 and actual.shape == (80, n // 160)
    np.testing.assert_allclose(actual, log_mel_spectrogram(y), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("make", "atol"), [(noisy_music, 1e-5), (music, 5e-5)])
def test_the_definition_in_single_precision(make, atol):
    """Bands far below the loudest keep fewer digits in 32 bits."""
    y = make(16000, 16000).astype(np.float32)
    y /= np.abs(y).max()
    actual, expected = finished(y), log_mel_spectrogram(y)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


def test_the_limit_and_the_frame_that_is_left_out():
    """Silence is raised to the limit, which does not count from a loud last frame."""
    y = music(16000, 16000).astype(np.float64)
    y[4000:12000] = 0
    y[-80:] = 1
    expected = log_mel_spectrogram(y)
    assert np.isclose(expected.max() - expected.min(), 2) and (expected == expected.min()).mean() > 0.4
    assert WHISPER(y).max() > WHISPER(y)[:, :-1].max()
    np.testing.assert_allclose(finished(y), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("name", RECORDINGS[:1])
def test_torch_and_librosa_on_a_recording(name, n_mels):
    """By Whisper's own steps, in 64 bits: torch.stft, and filters that it has saved from librosa in 32 bits."""
    torch = pytest.importorskip("torch", reason="no torch here: pip install torch")
    librosa = pytest.importorskip("librosa", reason="no librosa here: pip install librosa")
    y = whole(name, 16000)[: 30 * 16000].astype(np.float64)
    y = np.pad(y, (0, 30 * 16000 - len(y)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of both, of filters that are empty
        recipe = dataclasses.replace(WHISPER, n_mels=n_mels)
        weights = torch.from_numpy(librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_mels)).double()
    window = torch.hann_window(400, dtype=torch.float64)
    stft = torch.stft(torch.from_numpy(y), 400, 160, window=window, return_complex=True)
    logs = torch.clamp(weights @ stft[:, :-1].abs() ** 2, min=1e-10).log10()
    expected = ((torch.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0).numpy()
    actual = finished(y, recipe)
    assert actual.shape == expected.shape == (n_mels, 3000)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7)
