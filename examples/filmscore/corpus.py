"""The manifests: which recordings, from which packages and repositories, with which film genres.

`corpus/games` is free music of games, `corpus/films` is scores of films; `corpus/README.md` says where they come from
and what they are good for. Both are read by the same code.
"""

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filmscore import render

GENRES = ("Action", "Adventure", "Comedy", "Crime", "Drama", "Fantasy", "Musical", "Romance", "Sci-Fi", "Thriller")
OTHER_GENRES = (
    *("Adult", "Animation", "Biography", "Documentary", "Family", "Film-Noir", "Game-Show", "History", "Horror"),
    *("Music", "Mystery", "News", "Reality-TV", "Short", "Sport", "Talk-Show", "War", "Western"),
)
"""Other genres that IMDb gives to films. None of them is mapped to a class."""
MANIFESTS = Path(__file__).with_name("corpus")
GAMES, FILMS = MANIFESTS / "games", MANIFESTS / "films"
TIERS = ("small", "study", "full")
ABOUT = ("licence", "title", "artist", "copyright")  # columns that only people read
STEMS = {"guitar.ogg", "song.ogg"}  # files of these names in one folder are the halves of one recording, to be summed


class ManifestError(ValueError):
    """A manifest or tag table that cannot be used as it is; the message names the file and the line."""


@dataclass(frozen=True)
class Source:
    """A Debian package, or a public repository where `url` says one.

    Attributes
    ----------
    name : str
        The first part of the paths of its recordings.
    tier : str
        Each tier holds the ones before it.
    version : str
        Of the package, or the commit of the repository.
    megabytes : float
        Size to download [MB].
    alternatives : tuple of str
        The package's names in other releases.
    """

    name: str
    tier: str
    version: str
    megabytes: float
    url: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Soundtrack:
    """A soundtrack, the game or film it belongs to, and the genres of that game's story or that film."""

    id: str
    game: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """One file of a source: `path` starts with the source's name, `use_s` [s] is how much of it to use.

    A file with a `renderer` is a tracker module or a MIDI file, of which a recording is made (see `render`).
    """

    path: str
    sha256: str
    soundtrack: str
    use_s: float | None = None  # None: all of it
    cue: str = ""
    song: str = ""
    renderer: str = ""
    licence: str = ""
    title: str = ""
    artist: str = ""
    copyright: str = ""

    @property
    def source(self) -> str:
        """The name of the package or repository."""
        return self.path.partition("/")[0]

    @property
    def audio(self) -> str:
        """The path of what can be heard: the file itself, or what is made of it."""
        return self.path + render.SUFFIX if self.renderer else self.path


@dataclass(frozen=True)
class Track:
    """A piece of music or an excerpt of one: one file, or several stems to be summed.

    Attributes
    ----------
    id : str
    files : tuple of str
    soundtrack : str
    game : str
        The game or film. Tracks of one game stay together when data is split.
    tags : tuple of str
    use_s : float or None
        Seconds to use; None for all.
    licence, title, copyright : str
    artist : str
        The composers, separated by semicolons where a manifest knows them apart.
    cue : str
        The piece that excerpts belong to; "" for a track that is a piece of its own.
    song : str
        "1" for a song, "0" for score, "0/1" where it is both, "" where nobody said.
    """

    id: str
    files: tuple[str, ...]
    soundtrack: str
    game: str
    tags: tuple[str, ...]
    use_s: float | None = None
    licence: str = ""
    title: str = ""
    artist: str = ""
    copyright: str = ""
    cue: str = ""
    song: str = ""

    @property
    def piece(self) -> str:
        """Name of the piece over which values are averaged: the cue, or the track itself."""
        return self.cue or self.id


def read_table(path: Path, required: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV file with a header line.

    Raises
    ------
    ManifestError
        When the file has no rows, lacks a required column, or a row has another number of fields than the header.
    """
    try:
        rows = _read_rows(path, required)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path}: expected CSV in UTF-8 ({str(error)[:200]})") from error
    if not rows:
        raise ManifestError(f"{path}: expected at least one row below the header, got none")
    return rows


def _read_rows(path: Path, required: Iterable[str]) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in required if name not in (reader.fieldnames or ())]
        if missing:
            raise ManifestError(
                f"{path}: expected a first line with the columns {', '.join(required)}, missing: {', '.join(missing)}"
            )
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ManifestError(
                    f"{path}: line {reader.line_num}: expected {len(reader.fieldnames or ())} fields as in the first "
                    "line. Quote a field that holds a comma."
                )
            rows.append(row)
    return rows


def _number(field: str, who: str) -> float:
    """A positive number out of a table."""
    try:
        number = float(field)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ManifestError(f"{who}: expected a positive number, got {field[:60]!r}")
    return number


def read_sources(folder: Path = GAMES) -> dict[str, Source]:
    """The packages and repositories that hold a corpus, by name."""
    path = folder / "sources.csv"
    sources = {}
    for row in read_table(path, ("source", "tier", "version", "megabytes", "url", "alternatives")):
        who = f"{path}: {row['source']}"
        if row["tier"] not in TIERS:
            raise ManifestError(f"{who}: expected a tier of {', '.join(TIERS)}, got {row['tier']!r}")
        if row["url"] and not re.fullmatch("[0-9a-f]{40}", row["version"]):
            raise ManifestError(f"{who}: version: expected the 40 digits of a commit, got {row['version'][:60]!r}")
        megabytes = _number(row["megabytes"], f"{who}: megabytes")
        about = (row["tier"], row["version"], megabytes, row["url"], split_list(row["alternatives"]))
        sources[row["source"]] = Source(row["source"], *about)
    return sources


def read_soundtracks(folder: Path = GAMES) -> dict[str, Soundtrack]:
    """The tagged soundtracks, by id.

    A table has a column `tags`, or a column `genres` with all that IMDb says; the tags are those of the ten classes
    among them. A soundtrack without a game is that of a film, which has the same name.
    """
    path = folder / "soundtracks.csv"
    rows = read_table(path, ("soundtrack_id",))
    column = "genres" if "genres" in rows[0] else "tags"
    if column not in rows[0]:
        raise ManifestError(f"{path}: expected a column tags or genres, got {', '.join(rows[0])}")
    known = GENRES if column == "tags" else GENRES + OTHER_GENRES
    soundtracks: dict[str, Soundtrack] = {}
    for row in rows:
        id, tags = row["soundtrack_id"], split_list(row[column])
        if id in soundtracks:
            raise ManifestError(f"{path}: expected each soundtrack once, got {id!r} again")
        if not tags:
            raise ManifestError(f"{path}: {id}: {column}: expected at least one genre, got none")
        check_tags(tags, known, f"{path}: {id}")
        game = row.get("game") or id
        soundtracks[id] = Soundtrack(id, game, tuple(tag for tag in tags if tag in GENRES))
    return soundtracks


def read_recordings(folder: Path = GAMES, tier: str = "study") -> list[Recording]:
    """The recordings of a tier; "full" holds "study", and that holds "small".

    Raises
    ------
    ManifestError
        When a path could leave the folder it is unpacked into, or a row names an unknown source or soundtrack.
    """
    path = folder / "tracks.csv"
    sources, soundtracks = read_sources(folder), read_soundtracks(folder)
    recordings: dict[str, Recording] = {}
    for row in read_table(path, ("path", "sha256", "soundtrack_id")):
        name, digest, soundtrack = row["path"], row["sha256"], row["soundtrack_id"]
        who, parts, source = f"{path}: {name}", PurePosixPath(name).parts, name.partition("/")[0]
        if ".." in parts or "\\" in name or "\n" in name or len(parts) < 2 or not parts[0] == source in sources:
            raise ManifestError(f"{path}: expected a path below the name of a source, got {name!r}")
        if name in recordings:
            raise ManifestError(f"{path}: expected each path once, got {name!r} again")
        if soundtrack not in soundtracks:
            raise ManifestError(f"{who}: soundtrack_id {soundtrack!r} is not listed in {folder}")
        if sources[source].tier in TIERS[: TIERS.index(tier) + 1]:
            use_s = _number(row["use_s"], f"{who}: use_s") if "use_s" in row else None
            about = {column: row.get(column, "") for column in ("cue", "song", "renderer", *ABOUT)}
            recordings[name] = Recording(name, digest, soundtrack, use_s, **about)
    return list(recordings.values())


def read_tracks(folder: Path = GAMES, tier: str = "study") -> list[Track]:
    """A corpus as pieces of music: stems of one folder become one track, whose id is the folder."""
    soundtracks = read_soundtracks(folder)
    groups: dict[str, list[Recording]] = {}
    for recording in read_recordings(folder, tier):
        path = PurePosixPath(recording.path)
        groups.setdefault(str(path.parent if path.name in STEMS else path), []).append(recording)
    return [make_track(id, group, soundtracks[group[0].soundtrack]) for id, group in groups.items()]


def make_track(id: str, stems: list[Recording], soundtrack: Soundtrack) -> Track:
    """The track of some stems, as long as the shortest says."""
    first = stems[0]
    use_s = min((stem.use_s for stem in stems if stem.use_s is not None), default=None)
    about = {name: getattr(first, name) for name in (*ABOUT, "cue", "song")}
    files = tuple(stem.audio for stem in stems)
    return Track(id, files, soundtrack.id, soundtrack.game, soundtrack.tags, use_s, **about)


def read_tags(path: Path, class_names: tuple[str, ...] = GENRES) -> list[Track]:
    """A user's own tracks from a CSV with the columns path and tags.

    Columns soundtrack, game, licence, title, artist and copyright are read if they are there. Without a soundtrack the
    folder of the file stands for it; without a game, the soundtrack.

    Raises
    ------
    ManifestError
        For a missing column, a file that is listed twice, a tag that is not a class.
    """
    tracks: dict[str, Track] = {}
    for row in read_table(path, ("path", "tags")):
        file, tags = row["path"].strip(), split_list(row["tags"])
        if not file or file in tracks:
            raise ManifestError(f"{path}: expected each path once, got {file!r} again. Join its tags with semicolons.")
        check_tags(tags, class_names, f"{path}: {file}")
        soundtrack = row.get("soundtrack") or str(PurePosixPath(file).parent)
        about = (row.get(name, "") for name in ABOUT)
        tracks[file] = Track(file, (file,), soundtrack, row.get("game") or soundtrack, tags, None, *about)
    return list(tracks.values())


def check_tags(tags: Iterable[str], known: tuple[str, ...], who: str) -> None:
    """Raise ManifestError on a tag that is not one of the known classes."""
    unknown = [tag for tag in tags if tag not in known]
    if unknown:
        raise ManifestError(f"{who}: expected tags of {', '.join(known)}, got {', '.join(unknown)}")


def split_list(field: str) -> tuple[str, ...]:
    """The items of a field that holds a list: "Crime; Drama" is ("Crime", "Drama")."""
    return tuple(item.strip() for item in field.split(";") if item.strip())
