"""The seconds and bands of a track that speak for and against a genre: gradient times input, and occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import nnlite as nn
from filmscore.inside.bands import Bands
from filmscore.inside.units import Unit, baseline
from filmscore.tagging import Tagger

PATCHES = 8, 10
"""Bands and frames that are hidden at a time: about an octave in the middle, and 0.9 s."""

REGIONS = (
    ("below 150 Hz", 150.0),
    ("150-500 Hz", 500.0),
    ("0.5-2 kHz", 2000.0),
    ("2-6 kHz", 6000.0),
    ("above 6 kHz", np.inf),
)
"""Names of ranges of frequency, with their upper ends [Hz]."""


@dataclass(frozen=True)
class Evidence:
    """The evidence for a unit (above 0) and against it (below 0) in the tiles of a track, in the unit of its value:
    log-odds for genres.

    Attributes
    ----------
    values : array (n,)
        The unit's value for each tile.
    shares : array (n, bands, frames)
        Gradient times distance from the baseline.
    falls : array (n, patches of bands, patches of frames)
        Fall of the value when a patch is hidden.
    """

    values: np.ndarray
    shares: np.ndarray
    falls: np.ndarray

    @property
    def patch_shares(self) -> np.ndarray:
        """Sums of the shares over the patches that were hidden."""
        edges = (np.arange(0, size, step) for size, step in zip(self.shares.shape[1:], PATCHES, strict=True))
        rows, columns = edges
        return np.add.reduceat(np.add.reduceat(self.shares, rows, axis=1), columns, axis=2)

    @property
    def agreement(self) -> float:
        """Spearman's rank correlation of the shares of patches and what hiding them does, over all patches."""
        return rank_correlation(self.patch_shares, self.falls)


def evidence(tagger: Tagger, bands: Bands, unit: Unit, tiles: np.ndarray) -> Evidence:
    """Return the evidence for a unit in tiles (n, n_features, frames, 1).

    Gradient and distance are those of bands, since a single coefficient, a cosine over all bands, says nothing about
    one band.
    """
    values, gradient = unit.value_and_gradient(tiles)
    here, nothing = bands.of_tiles(tiles), bands.of_tiles(baseline(tagger, tiles))
    shares = bands.gradient(gradient) * (here - nothing)
    size = min(PATCHES[0], here.shape[1]), min(PATCHES[1], here.shape[2])
    falls = nn.occlusion(lambda x: unit.values(bands.to_tiles(x)), here, size, baseline=nothing)
    return Evidence(values, shares, falls)


def region_falls(tagger: Tagger, bands: Bands, tiles: np.ndarray) -> np.ndarray:
    """Return how much the log-odds of each genre fall when a range of frequency is hidden: (n, regions, genres)."""
    here, nothing = bands.of_tiles(tiles), bands.of_tiles(baseline(tagger, tiles))
    region = np.searchsorted([end for _, end in REGIONS], bands.centres_hz, side="right")
    whole = tagger.log_odds(bands.to_tiles(here))
    falls = np.zeros((len(tiles), len(REGIONS), whole.shape[1]))
    varies = np.isfinite(whole).all(axis=0)  # a genre with a constant in place of networks depends on nothing
    for k in range(len(REGIONS)):
        hidden = tagger.log_odds(bands.to_tiles(np.where((region == k)[:, np.newaxis], nothing, here)))
        falls[:, k, varies] = whole[:, varies] - hidden[:, varies]
    return falls


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's rank correlation of two arrays of one size; ties have their mean rank. 0 if one is constant.

    >>> rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 15]))
    0.5
    """
    ranks = []
    for values in (a, b):
        _, inverse, counts = np.unique(np.ravel(values), return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - (counts - 1) / 2)[np.ravel(inverse)]
        ranks.append(rank - rank.mean())
    norm = float(np.linalg.norm(ranks[0]) * np.linalg.norm(ranks[1]))
    return float(ranks[0] @ ranks[1]) / norm if norm else 0.0
