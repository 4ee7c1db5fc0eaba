"""The bands of a track that speak for and against each genre, by the library's own model."""

from __future__ import annotations

from pathlib import Path

from filmscore.agent.library import MODEL, Library, LibraryError, Track
from mfcc.sound.errors import printable

NAMED = 0.05
"""A range of frequency is named if it changes the log-odds by this much."""


def bands_of(library: Library, track: Track) -> dict[str, dict[str, float]]:
    """Return genre -> range of frequency -> mean fall of the genre's log-odds when the range is hidden.

    The recording is read again: a library keeps values, not sound.

    Raises
    ------
    LibraryError
        When its file is gone.
    mfcc.AudioError
        When it can't be read.
    ValueError
        When the model's features have no bands.
    """
    from filmscore.inside.bands import Bands
    from filmscore.inside.evidence import REGIONS, region_falls
    from filmscore.tagging import Tagger

    if not Path(track.path).is_file():
        raise LibraryError(f"{printable(track.path)}: not there any more, and bands are heard in the sound alone.")
    tagger = Tagger.load(library.folder / MODEL)
    falls = region_falls(
        tagger, Bands.of(tagger.settings.recipe), tagger.tiles(track.path, track.duration_s + 1).values
    ).mean(axis=0)
    names = [name for name, _ in REGIONS]
    return {
        genre: dict(zip(names, map(float, falls[:, k]), strict=True)) for k, genre in enumerate(library.class_names)
    }


def in_words(falls: dict[str, float]) -> str:
    """Return the ranges that speak for and against a genre, strongest first: "0.5-2 kHz +0.41, above 6 kHz -0.12".

    >>> in_words({"below 150 Hz": -0.2, "150-500 Hz": 0.01, "0.5-2 kHz": 0.41})
    '0.5-2 kHz +0.41, below 150 Hz -0.20'
    """
    named = sorted(falls.items(), key=lambda item: -abs(item[1]))
    return ", ".join(f"{name} {fall:+.2f}" for name, fall in named if abs(fall) >= NAMED)
