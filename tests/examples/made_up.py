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


def made_up_films(n_films=18, cues_per_film=2, excerpts_per_cue=2, seed=1):
    """Features of noise as of films: cues of excerpts of four windows; some films share a composer, one has no tag."""
    rng = np.random.default_rng(seed)
    tracks, tags = [], []
    for film in range(n_films):
        has = np.array([film % 2 == 0, film % 3 == 0, film % 4 != 3, film in (5, 9)]) & (film != 11)
        names = tuple(name for name, value in zip(NAMES, has, strict=True) if value)
        for cue in range(cues_per_film):
            for excerpt in range(excerpts_per_cue):
                id, composer = f"f{film}/c{cue}-{excerpt}", f"composer {film % 12}"
                about = {"cue": f"f{film}/c{cue}", "song": str(cue % 2)}
                tracks.append(Track(id, (), f"f{film}", f"f{film}", names, None, "", "", composer, "", **about))
                tags.append(has)
    track_of_tile = np.repeat(np.arange(len(tracks)), 4)
    tiles = rng.standard_normal((len(track_of_tile), 40, 100, 1)).astype(np.float32)
    start_s = np.tile(np.arange(4) * 1.86, len(tracks))
    level = np.full(len(start_s), -20.0)
    return Features(tiles, track_of_tile, start_s, level, tuple(tracks), np.array(tags), mfcc.MFCC(), NAMES, {})
