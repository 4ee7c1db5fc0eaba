"""Sounds of the page: excerpts of recordings joined into one, and tiles made audible."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

import mfcc
from filmscore.files import replace_file
from filmscore.inside.bands import Bands
from mfcc.fft import irfft, rfft
from mfcc.inverse import resynthesize
from mfcc.windows import get_window

FADE_S, PAUSE_S = 0.05, 0.4
LEVEL = 0.1
"""Root mean square of each excerpt in the joined sound: 20 dB below full scale."""
MOST_DB = 40.0
"""Limit of the change of a band when an excerpt is coloured."""


@dataclass(frozen=True)
class Excerpt:
    """A window of a recording, and the value of a unit for it."""

    path: Path
    start_s: float
    duration_s: float
    value: float

    def samples(self, sr: float) -> np.ndarray:
        """Return the samples as the model gets them: mono, resampled."""
        return mfcc.load(self.path, sr, offset=self.start_s, duration=self.duration_s)[0]


def join(parts: Sequence[np.ndarray], sr: float) -> np.ndarray:
    """Join samples, each at the same level, faded in and out, with a pause after it."""
    fade, pause = round(FADE_S * sr), np.zeros(round(PAUSE_S * sr))
    joined: list[np.ndarray] = []
    for y in parts:
        y = y * (LEVEL / max(float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))), 1e-9))
        ramp = np.minimum(1.0, np.minimum(np.arange(len(y)), np.arange(len(y))[::-1]) / fade)
        joined += [y * np.sin(np.pi / 2 * ramp) ** 2, pause]
    return np.concatenate(joined)


def write(path: Path, y: np.ndarray, sr: float) -> None:
    """Write a mono FLAC of 16 bits; if samples exceed full scale, all are made softer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    soundfile.write(file, y / max(1.0, float(np.abs(y).max())), round(sr), format="FLAC", subtype="PCM_16")
    with replace_file(path) as target:
        target.write(file.getbuffer())


def texture(features: np.ndarray, recipe: mfcc.MFCC, bands: Bands, rng: np.random.Generator) -> np.ndarray:
    """Return a tile (n_features, frames) as sound with made-up phases (Griffin-Lim): coloured noise, without pitch.

    Where coefficients don't say how loud a frame is, all frames are as loud: a made-up tile would burst here and there.
    """
    if not _has_no_level(recipe):
        return resynthesize(features, recipe, rng)
    logs, natural = bands.back @ features, bands.log_amplitude * recipe.power
    logs -= np.logaddexp.reduce(logs * natural, axis=0) / natural
    return resynthesize(logs, recipe.replace(output="log_mel"), rng)


def _has_no_level(recipe: mfcc.MFCC) -> bool:
    """Return whether features lack the loudness of a frame."""
    return recipe.output == "mfcc" and recipe.c0 == "drop"


def colour(y: np.ndarray, features: np.ndarray, recipe: mfcc.MFCC, bands: Bands) -> np.ndarray:
    """Filter an excerpt until its features are those of a tile: it keeps phases and pitch, and gets the tile's timbre.

    In each frame, bands are raised or lowered by the difference of the features, at most by 40 dB. If features don't
    say how loud a frame is, it stays as loud as it was.
    """
    hop = recipe.win_length // 4
    dense = recipe.replace(hop_length=hop)
    own = dense(np.asarray(y, np.float32)).astype(np.float64)
    times = np.arange(own.shape[1]) * hop / recipe.hop_length
    wanted = np.stack([np.interp(times, np.arange(features.shape[1]), row) for row in features])
    change = bands.log_amplitude * (bands.back @ (wanted - own))  # (bands, frames), natural logarithm of amplitude
    most = MOST_DB * np.log(10) / 20
    frequencies = np.arange(recipe.n_fft // 2 + 1) * recipe.sr / recipe.n_fft
    gain = np.exp([np.interp(frequencies, bands.centres_hz, column) for column in np.clip(change, -most, most).T])
    # There are frames beyond both ends, so that every sample is in equally many frames.
    gain, y = np.pad(gain, ((4, 4), (0, 0)), mode="edge"), np.pad(y, recipe.win_length)
    window = np.sqrt(get_window("hann", recipe.win_length, periodic=True))
    sound, weight = np.zeros(len(y)), np.full(len(y), 1e-3)
    for k, row in enumerate(gain):
        part = slice(k * hop, k * hop + recipe.win_length)
        before = rfft((y[part] * window)[np.newaxis], recipe.n_fft)
        spectrum = before * row
        if _has_no_level(recipe):
            spectrum *= np.linalg.norm(before) / max(float(np.linalg.norm(spectrum)), 1e-30)
        sound[part] += irfft(spectrum, recipe.n_fft)[0, : recipe.win_length] * window
        weight[part] += window**2
    return (sound / weight)[recipe.win_length : -recipe.win_length]
