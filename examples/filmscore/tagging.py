"""From a recording to genres: the same decoding, loudness and recipe as the features that a model was trained on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import mfcc
from filmscore.extract import Settings, active_level_dbfs, cut


def recording_tiles(path: str | os.PathLike[str], settings: Settings) -> mfcc.Tiles:
    """Tiles of a whole recording, its loudness normalised; silent ones left out.

    Raises
    ------
    mfcc.AudioError
        When the recording can't be read, is silent, or is shorter than a window.
    """
    y, sr = mfcc.load(path, settings.recipe.sr)
    loudness = active_level_dbfs(y, settings.silence_dbfs)
    gain_db = 0.0 if settings.loudness_dbfs is None or np.isinf(loudness) else settings.loudness_dbfs - loudness
    tiles = cut(y, settings, gain_db)
    if len(tiles) == 0:
        window_s = settings.n_frames / settings.recipe.frame_rate
        raise mfcc.AudioError(path, f"{len(y) / sr:.1f} s long, shorter than a window of {window_s:.1f} s")
    if tiles.silent.all():
        raise mfcc.AudioError(path, f"silent: no window above {settings.silence_dbfs:g} dBFS")
    return tiles[~tiles.silent]


def tag(model: Any, tiles: mfcc.Tiles) -> np.ndarray:
    """Value of each genre for a recording: the mean over its windows."""
    return model.predict_proba(tiles.values).mean(axis=0)
