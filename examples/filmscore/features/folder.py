"""A folder of features, as `build_features.py` and `make_sample.py` write it and every other script reads it.

| file | what |
|---|---|
| `tiles.npy` | (n_tiles, n_features, n_frames, 1): float32, or 16-bit codes; or `tiles.npz`: 8-bit codes, compressed |
| `index.csv` | a row for each tile: track, soundtrack, game, start_s [s], level_dbfs (RMS, before normalisation) |
| `tracks.csv` | a row for each track: soundtrack, game (or film), tags, licence, title, artist, copyright, cue, song |
| `features.json` | recipe (MFCCs, or what else tiles are of), class names, coding, options, versions, errors |
"""

from __future__ import annotations

import csv
import io
import json
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from filmscore.corpus import ABOUT, Track, check_tags, read_table, split_list
from filmscore.features.arrays import map_array, open_arrays
from filmscore.features.coding import CodedTiles, Coding
from filmscore.files import replace_file
from filmscore.recording import Settings
from mfcc import MFCC

FORMAT = "filmscore.features"
VERSION = 1
INDEX = ("track", "soundtrack", "game", "start_s", "level_dbfs")
TRACKS = ("track", "soundtrack", "game", "tags", *ABOUT)
EXCERPTS = ("cue", "song")  # columns that older folders lack
DESCRIPTION: dict[str, tuple[Any, str]] = {
    "recipe": (dict, "a recipe"),
    "class_names": (list, "a list of names"),
    "options": (dict, "how tracks became tiles"),
    "coding": ((dict, NoneType), "a coding or null"),
}
"""The keys that features.json must have besides format and version: type, and the words for errors."""


class FeaturesError(ValueError):
    """A feature folder that cannot be used as it is; the message names the file."""


@dataclass(frozen=True)
class Features:
    """Tiles, where each comes from, and what it is tagged with.

    Attributes
    ----------
    tiles : array-like of float32, shape (n_tiles, n_features, n_frames, 1)
        A memory map, an array, or `CodedTiles`: `tiles[rows]` is an array in each case, `np.asarray(tiles)` is all.
    track_of_tile : array of int, shape (n_tiles,)
        Index into the tracks.
    start_s, level_dbfs : array of float, shape (n_tiles,)
        Start of the tile in its track [s], and level of the recording there [dBFS], before normalisation.
    tracks : tuple of Track
    tags : array of bool, shape (n_tracks, n_classes)
        True for the classes of a track.
    recipe : MFCC
        The recipe that made the tiles from mono samples; recordings that are tagged need the same one.
    class_names : tuple of str
    description : dict
        `features.json` as it stands: options, versions, errors.
    """

    tiles: np.ndarray | CodedTiles
    track_of_tile: np.ndarray
    start_s: np.ndarray
    level_dbfs: np.ndarray
    tracks: tuple[Track, ...]
    tags: np.ndarray
    recipe: MFCC
    class_names: tuple[str, ...]
    description: dict[str, Any]

    @property
    def tile_shape(self) -> tuple[int, int, int]:
        """Features, frames and channels of a tile: what a network takes."""
        _, n_features, n_frames, n_channels = self.tiles.shape
        return n_features, n_frames, n_channels

    @property
    def labels(self) -> np.ndarray:
        """The tags of each tile's track, bool of shape (n_tiles, n_classes)."""
        return self.tags[self.track_of_tile]

    def groups(self, by: str) -> np.ndarray:
        """Return for each tile the number of its group.

        By "window" it is its own, by "track" its track's, by "cue" that of the piece that excerpts belong to, by
        "soundtrack" or "game" (or film) that of these.
        """
        if by == "window":
            return np.arange(len(self.track_of_tile))
        if by == "track":
            return self.track_of_tile
        if by not in ("cue", "soundtrack", "game"):
            raise ValueError(f"Features.groups: by: expected window, track, cue, soundtrack or game, got {by!r}")
        names = [track.piece if by == "cue" else getattr(track, by) for track in self.tracks]
        return np.unique(names, return_inverse=True)[1][self.track_of_tile]


def load_features(folder: str | Path) -> Features:
    """Read a feature folder; the tiles stay on disk until they are used, unless they are compressed.

    Raises
    ------
    FeaturesError
        When files are missing, were made by another version, or do not fit together.
    """
    try:
        return _load(Path(folder))
    except FeaturesError:
        raise
    except (ArithmeticError, LookupError, MemoryError, OSError, TypeError, ValueError) as error:
        raise FeaturesError(f"{folder}: {str(error)[:500]} Build the folder again.") from error


def _load(folder: Path) -> Features:
    description = _read_description(folder / "features.json")
    recipe = MFCC.from_dict(description["recipe"])
    Settings(recipe, **description["options"])  # raises for wrong options
    class_names = tuple(description["class_names"])
    tracks = tuple(read_tracks(folder / "tracks.csv", class_names))
    tags = np.array([[name in track.tags for name in class_names] for track in tracks], bool)
    number = {track.id: i for i, track in enumerate(tracks)}
    rows = read_table(folder / "index.csv", INDEX)
    unknown = next((row["track"] for row in rows if row["track"] not in number), None)
    if unknown is not None:
        raise FeaturesError(f"{folder / 'index.csv'}: track {unknown!r} is not in tracks.csv. Build the folder again.")
    track_of_tile = np.array([number[row["track"]] for row in rows], np.int32)
    start_s = np.array([row["start_s"] for row in rows]).astype(np.float64)
    with np.errstate(over="ignore"):  # a level beyond what float32 holds is infinite
        level_dbfs = np.array([row["level_dbfs"] for row in rows]).astype(np.float32)
    tiles = _read_tiles(folder, description["coding"])
    if tiles.ndim != 4 or len(tiles) != len(rows) or tiles.shape[1] != recipe.n_features:
        raise FeaturesError(
            f"{folder}: expected tiles of shape ({len(rows)}, {recipe.n_features}, n_frames, 1) for the rows of "
            f"index.csv and the recipe, got {tiles.shape}. Build the folder again."
        )
    return Features(tiles, track_of_tile, start_s, level_dbfs, tracks, tags, recipe, class_names, description)


def read_tracks(path: Path, class_names: tuple[str, ...]) -> list[Track]:
    """Return the tracks in the table of a feature folder."""
    tracks = []
    for row in read_table(path, TRACKS):
        tags = split_list(row["tags"])
        check_tags(tags, class_names, f"{path}: {row['track']}")
        about = (row.get(name, "") for name in (*ABOUT, *EXCERPTS))
        tracks.append(Track(row["track"], (), row["soundtrack"], row["game"], tags, None, *about))
    return tracks


def write_tables(
    folder: Path, tracks: Sequence[Track], rows: Iterable[tuple[Track, float, float]], description: dict[str, Any]
) -> None:
    """Write the tables and the description; the rows are (track, start [s], level [dBFS]) of each tile."""
    index = ((t.id, t.soundtrack, t.game, f"{start:.3f}", f"{level:.1f}") for t, start, level in rows)
    write_table(folder / "index.csv", INDEX, index)
    about = (*ABOUT, *EXCERPTS)
    table = ((t.id, t.soundtrack, t.game, ";".join(t.tags), *(getattr(t, name) for name in about)) for t in tracks)
    write_table(folder / "tracks.csv", (*TRACKS, *EXCERPTS), table)
    with replace_file(folder / "features.json") as file:
        file.write((json.dumps({"format": FORMAT, "version": VERSION} | description, indent=1) + "\n").encode())


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with a header line, whole or not at all."""
    with replace_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        text.flush()
        text.detach()


def _read_description(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FeaturesError(f"{path.parent}: expected a folder of features, found no {path.name} in it")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FeaturesError(f"{path}: expected JSON ({error}). Build the folder again.") from None
    if not isinstance(description, dict) or [description.get(k) for k in ("format", "version")] != [FORMAT, VERSION]:
        raise FeaturesError(f"{path}: expected {FORMAT} of version {VERSION}, got another. Build the folder again.")
    for name, (kind, expected) in DESCRIPTION.items():
        if not isinstance(description.get(name, ...), kind):
            got = reprlib.repr(description[name]) if name in description else "none"
            raise FeaturesError(f"{path}: {name}: expected {expected}, got {got}. Build the folder again.")
    names = description["class_names"]
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise FeaturesError(f"{path}: class_names: expected different names, got {reprlib.repr(names)}.")
    return description


def _read_tiles(folder: Path, coding: dict[str, Any] | None) -> np.ndarray | CodedTiles:
    plain, packed = folder / "tiles.npy", folder / "tiles.npz"
    try:
        if plain.is_file():
            tiles = map_array(plain)
            return tiles if coding is None else CodedTiles(tiles, Coding.from_dict(coding))
        with open_arrays(packed) as array:
            return np.asarray(CodedTiles(array("tiles"), Coding.from_dict(coding or {})))
    except FileNotFoundError:
        raise FeaturesError(f"{folder}: expected tiles.npy or tiles.npz, found none. Build the folder again.") from None
    except ValueError as error:
        raise FeaturesError(f"{folder}: broken tiles ({error}). Build the folder again.") from error
