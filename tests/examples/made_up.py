"""Features made up for tests."""

import numpy as np

import mfcc
from filmscore.corpus import Track
from filmscore.features import Features

NAMES = ("Action", "Comedy", "Drama", "Romance")


def made_up_features(n_games=12, tracks_per_game=3, windows_per_track=6):
    """Return features of noise; Romance is in one game only."""
    rng = np.random.default_rng(0)
    tracks, tags = [], []
    for game in range(n_games):
        has = np.array([game % 2 == 0, game % 3 == 0, game % 2 == 1, game == 5])
        for k in range(tracks_per_game):
            names = tuple(name for name, value in zip(NAMES, has, strict=True) if value)
            tracks.append(Track(f"g{game}/t{k}", (), f"g{game}", f"g{game}", names, None, "", "", ""))
            tags.append(has)
    tags = np.array(tags)
    track_of_tile = np.repeat(np.arange(len(tracks)), windows_per_track)
    tiles = rng.standard_normal((len(track_of_tile), 40, 100, 1)).astype(np.float32)
    start_s = np.tile(np.arange(windows_per_track) * 9.29, len(tracks))
    level = np.full(len(start_s), -20.0)
    return Features(tiles, track_of_tile, start_s, level, tuple(tracks), tags, mfcc.MFCC(), NAMES, {})
