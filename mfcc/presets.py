"""Recipes that reproduce other tools, by name; any knob is changed with `dataclasses.replace`."""

from __future__ import annotations

from mfcc.recipe import MFCC

FILMSCORE = MFCC()
"""The published recipe for film scores, and the default: 40 coefficients (41 without the first) of frames of 2,048
samples at 22,050 Hz without overlap."""

LIBROSA = MFCC(
    hop_length=512,
    center=True,
    zero_padding="around",
    n_mels=128,
    mel_formula="slaney",
    filter_norm="slaney",
    log="decibel",
    n_mfcc=20,
    c0="first",
)
"""librosa 0.11, `librosa.feature.mfcc(y=y, sr=22050)`, but for its limit of 80 dB below the loudest value of the clip,
which makes a frame depend on its clip: `dataclasses.replace(LIBROSA, top_db=80)` adds it."""

PRESETS: dict[str, MFCC] = {"FILMSCORE": FILMSCORE, "LIBROSA": LIBROSA}
"""All recipes here by name."""
