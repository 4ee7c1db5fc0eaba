"""Tiles as bands of frequency over time, which a person can read, in place of coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import mfcc
from mfcc.dct import dct_matrix
from mfcc.mel import hz_to_mel, mel_to_hz


@dataclass(frozen=True)
class Bands:
    """The linear step of a recipe from logarithms of bands to features, and the way back.

    Attributes
    ----------
    forward : array (n_features, n_bands)
        Matrix from the logarithms of a frame's bands to its features.
    back : array (n_bands, n_features)
        Its pseudo-inverse, which gives the smoothest spectrum with these features. What the features lack, such as the
        level without C0, is 0.
    centres_hz : array (n_bands,)
    log_amplitude : float
        Factor from a logarithm of the recipe to the natural logarithm of the amplitude.
    """

    forward: np.ndarray
    back: np.ndarray
    centres_hz: np.ndarray
    log_amplitude: float

    @classmethod
    def of(cls, recipe: mfcc.MFCC) -> Bands:
        """Return the bands of a recipe.

        Raises
        ------
        ValueError
            If the features of the recipe are no linear function of logarithms of bands.
        """
        if recipe.output not in ("mfcc", "log_mel", "log_spectrum") or recipe.energy is not None:
            kept = "the energy among the coefficients" if recipe.output == "mfcc" else f"output={recipe.output!r}"
            raise ValueError(f"Bands: expected features that are made of logarithms of bands, got {kept}")
        if recipe.output == "mfcc":
            forward = _cosines(recipe)
        else:
            forward = np.eye(recipe.n_features)
        if recipe.output == "log_spectrum":
            centres = np.arange(recipe.n_features) * recipe.sr / recipe.n_fft
        else:
            low, high = (hz_to_mel(f, formula=recipe.mel_formula) for f in (recipe.fmin, recipe.fmax))
            centres = mel_to_hz(np.linspace(low, high, recipe.n_mels + 2)[1:-1], formula=recipe.mel_formula)
        natural = 1.0 if recipe.log == "natural" else math.log(10) * recipe.power / 20
        return cls(forward, np.linalg.pinv(forward), np.asarray(centres), natural / recipe.power)

    @property
    def decibels(self) -> float:
        """Factor from a logarithm to dB."""
        return 20 / math.log(10) * self.log_amplitude

    def of_tiles(self, tiles: np.ndarray) -> np.ndarray:
        """Return the logarithms of bands, (n, n_bands, frames), of tiles (n, n_features, frames, 1)."""
        return np.einsum("bk,nkf->nbf", self.back, tiles[..., 0])

    def gradient(self, gradient: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the bands, from that with respect to tiles."""
        return np.einsum("kb,nkf->nbf", self.forward, gradient[..., 0])

    def to_tiles(self, bands: np.ndarray) -> np.ndarray:
        """Return the tiles of bands (n, n_bands, frames), in float32."""
        return np.einsum("kb,nbf->nkf", self.forward, bands).astype(np.float32)[..., np.newaxis]


def _cosines(recipe: mfcc.MFCC) -> np.ndarray:
    n = np.arange(recipe.n_mfcc)
    rows = dct_matrix(recipe.n_mfcc, recipe.n_mels, type=recipe.dct_type, norm=recipe.dct_norm)
    if recipe.lifter:
        rows *= (1 + recipe.lifter / 2 * np.sin(np.pi * (n + recipe.lifter_start) / recipe.lifter))[:, np.newaxis]
    return {"first": rows, "last": np.roll(rows, -1, axis=0), "drop": rows[1:]}[recipe.c0]
