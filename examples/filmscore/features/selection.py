"""Choose a small, balanced set of tracks and windows out of a large corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from filmscore.corpus import Track
from filmscore.features.folder import Features


def balanced_tracks(
    tracks: Collection[Track], n_tracks: int, tracks_per_game: int, rng: np.random.Generator
) -> list[Track]:
    """Choose tracks one by one: each time for the class that has the fewest, from the game that has given the fewest.

    Ties go to the soundtrack that has given the fewest, then to tracks with rarer further tags, then to chance. A class
    is skipped when its tracks are used up or its games are at their limit. The result is in the order of `tracks`.
    """
    order = {track.id: i for i, track in enumerate(tracks)}
    shuffled = list(tracks)
    rng.shuffle(shuffled)
    left = {track.id: track for track in shuffled}
    chosen: list[Track] = []
    classes, games, soundtracks = Counter[str](), Counter[str](), Counter[str]()
    while len(chosen) < n_tracks:
        open_tracks = [track for track in left.values() if games[track.game] < tracks_per_game]
        open_classes = sorted({tag for track in open_tracks for tag in track.tags})
        if not open_classes:
            break
        rarest = min(open_classes, key=lambda tag: classes[tag])
        track = min(
            (track for track in open_tracks if rarest in track.tags),
            key=lambda t: (games[t.game], soundtracks[t.soundtrack], sum(classes[tag] for tag in t.tags)),
        )
        chosen.append(left.pop(track.id))
        classes.update(track.tags)
        games[track.game] += 1
        soundtracks[track.soundtrack] += 1
    return sorted(chosen, key=lambda t: order[t.id])


def spread_windows(features: Features, tracks: Collection[Track], n_windows: int) -> np.ndarray:
    """Return rows of the tiles: for each track `n_windows` (or all that it has), evenly spread from start to end."""
    number = {track.id: i for i, track in enumerate(features.tracks)}
    rows = []
    for track in tracks:
        own = np.flatnonzero(features.track_of_tile == number[track.id])
        n = min(n_windows, len(own))
        rows.append(own[((np.arange(n) + 0.5) * len(own) / n).astype(int)])
    return np.concatenate(rows)
