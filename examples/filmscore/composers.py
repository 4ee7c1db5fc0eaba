"""Groups for a split by composer: films that share a composer, and those that share one with these."""

from __future__ import annotations

from collections.abc import Iterable

from filmscore.corpus import Track, split_list


def composer_groups(tracks: Iterable[Track]) -> dict[str, str]:
    """Return for each game or film the name of its group: the first film, in the order of names, that it is tied to.

    Two films are tied when a track of one and a track of the other have a composer in common. Tracks without an artist
    tie nothing.
    """
    group: dict[str, str] = {}

    def find(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    first_film: dict[str, str] = {}
    films = set()
    for track in tracks:
        films.add(track.game)
        for composer in split_list(track.artist):
            low, high = sorted((find(track.game), find(first_film.setdefault(composer, track.game))))
            group[high] = low
    return {film: find(film) for film in sorted(films)}
