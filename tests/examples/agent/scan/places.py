"""Places to scan: a folder of music with a library beside it."""

import os

from filmscore.agent.library import Library
from filmscore.agent.scan import scan


def again(place, **options):
    return scan(place / "library", [str(place / "music")], **options)


def paths(place, **options):
    with Library.open(place / "library") as library:
        return {os.path.relpath(track.path, place / "music") for track in library.tracks(**options)}


ALL = {"album 0/0.flac", "album 0/2.flac", "album 1/1.flac", "album 1/3.flac"}
