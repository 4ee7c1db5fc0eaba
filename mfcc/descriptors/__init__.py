"""Descriptors of sound beside the coefficients: pitch classes, shape of the spectrum, loudness, onsets, tempo, key.

Each is a step of its own, computed from a `Spectrogram` or from samples; none is a knob of a recipe.
"""

from mfcc.descriptors.levels import rms, zero_crossing_rate
from mfcc.descriptors.pitch_classes import PITCH_CLASSES, chroma, estimate_tuning
from mfcc.descriptors.rhythm import onset_strength, tempo
from mfcc.descriptors.spectral_shape import (
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
)
from mfcc.descriptors.time_frequency import Spectrogram, spectrogram
from mfcc.descriptors.tonality import Key, key

__all__ = [
    "PITCH_CLASSES", "Key", "Spectrogram", "chroma", "estimate_tuning", "key", "onset_strength", "rms",
    "spectral_bandwidth", "spectral_centroid", "spectral_contrast", "spectral_flatness", "spectral_rolloff",
    "spectrogram", "tempo", "zero_crossing_rate",
]  # fmt: skip
