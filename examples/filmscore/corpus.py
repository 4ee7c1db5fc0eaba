"""The manifest of the corpus: which recordings, from which packages, with which film genres.

`corpus/README.md` says where they come from and what they are good for.
"""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

GENRES = ("Action", "Adventure", "Comedy", "Crime", "Drama", "Fantasy", "Musical", "Romance", "Sci-Fi", "Thriller")
MANIFEST = Path(__file__).with_name("corpus")
TIERS = ("small", "full")
ABOUT = ("licence", "title", "artist", "copyright")  # columns that only people read
STEMS = {"guitar.ogg", "song.ogg"}  # files of these names in one folder are the halves of one recording, to be summed


class ManifestError(ValueError):
    """A manifest or tag table that cannot be used as it is; the message names the file and the line."""


@dataclass(frozen=True)
class Package:
    """A Debian package: its tier, its size to download [MB], and the names it has in other releases."""

    name: str
    tier: str
    megabytes: float
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Soundtrack:
    """A soundtrack, the game it belongs to, and the film genres of that game's story."""

    id: str
    game: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """One audio file of a package: `path` starts with the package's name, `use_s` [s] is how much of it to use."""

    package: str
    version: str
    path: str
    sha256: str
    soundtrack: str
    use_s: float
    licence: str
    title: str
    artist: str
    copyright: str


@dataclass(frozen=True)
class Track:
    """What is tagged as one piece of music: one file, or several stems to be summed."""

    id: str
    files: tuple[str, ...]
    soundtrack: str
    game: str
    tags: tuple[str, ...]
    use_s: float | None = None  # None: all of it
    licence: str = ""
    title: str = ""
    artist: str = ""
    copyright: str = ""


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


def read_packages(folder: Path = MANIFEST) -> dict[str, Package]:
    """The packages that hold the corpus, by name."""
    path = folder / "packages.csv"
    packages = {}
    for row in read_table(path, ("package", "tier", "megabytes", "alternatives")):
        if row["tier"] not in TIERS:
            raise ManifestError(f"{path}: {row['package']}: expected a tier of {', '.join(TIERS)}, got {row['tier']!r}")
        alternatives = split_list(row["alternatives"])
        megabytes = _number(row["megabytes"], f"{path}: {row['package']}: megabytes")
        packages[row["package"]] = Package(row["package"], row["tier"], megabytes, alternatives)
    return packages


def read_soundtracks(folder: Path = MANIFEST) -> dict[str, Soundtrack]:
    """The tagged soundtracks, by id."""
    path = folder / "soundtracks.csv"
    soundtracks = {}
    for row in read_table(path, ("soundtrack_id", "game", "tags")):
        tags = split_list(row["tags"])
        check_tags(tags, GENRES, f"{path}: {row['soundtrack_id']}")
        soundtracks[row["soundtrack_id"]] = Soundtrack(row["soundtrack_id"], row["game"], tags)
    return soundtracks


def read_recordings(folder: Path = MANIFEST, tier: str = "full") -> list[Recording]:
    """The recordings of a tier; "full" holds "small".

    Raises
    ------
    ManifestError
        When a path could leave the folder it is unpacked into, or a row names an unknown package or soundtrack.
    """
    path = folder / "tracks.csv"
    packages, soundtracks = read_packages(folder), read_soundtracks(folder)
    columns = ("package", "version", "path", "sha256", "soundtrack_id", "use_s", *ABOUT)
    recordings = []
    for row in read_table(path, columns):
        parts = PurePosixPath(row["path"]).parts
        if ".." in parts or "\\" in row["path"] or len(parts) < 2 or parts[0] != row["package"]:
            raise ManifestError(f"{path}: expected a path below {row['package']}/, got {row['path']!r}")
        for name, known in (("package", packages), ("soundtrack_id", soundtracks)):
            if row[name] not in known:
                raise ManifestError(f"{path}: {row['path']}: {name} {row[name]!r} is not listed in {folder}")
        if packages[row["package"]].tier in TIERS[: TIERS.index(tier) + 1]:
            use_s = _number(row["use_s"], f"{path}: {row['path']}: use_s")
            fields = {name.removesuffix("_id"): row[name] for name in columns}
            recordings.append(Recording(**(fields | {"use_s": use_s})))  # type: ignore[arg-type]
    return recordings


def read_tracks(folder: Path = MANIFEST) -> list[Track]:
    """The corpus as pieces of music: stems of one folder become one track, whose id is the folder."""
    soundtracks = read_soundtracks(folder)
    groups: dict[str, list[Recording]] = {}
    for recording in read_recordings(folder):
        path = PurePosixPath(recording.path)
        groups.setdefault(str(path.parent if path.name in STEMS else path), []).append(recording)
    return [make_track(id, group, soundtracks[group[0].soundtrack]) for id, group in groups.items()]


def make_track(id: str, stems: list[Recording], soundtrack: Soundtrack) -> Track:
    first = stems[0]
    files, use_s = tuple(stem.path for stem in stems), min(stem.use_s for stem in stems)
    about = (getattr(first, name) for name in ABOUT)
    return Track(id, files, soundtrack.id, soundtrack.game, soundtrack.tags, use_s, *about)


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
