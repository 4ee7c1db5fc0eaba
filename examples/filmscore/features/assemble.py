"""Put the parts of the tracks together: one array of tiles and the tables that say what each tile is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from filmscore.corpus import Track
from filmscore.features.coding import Coding
from filmscore.features.extract import part_path, read_part
from filmscore.features.folder import write_tables
from filmscore.recording import Settings
from nnlite.serialization import atomic_write, remove_leftovers


def assemble(
    folder: Path,
    parts: Path,
    tracks: Sequence[Track],
    counts: Sequence[int],
    settings: Settings,
    dtype: str,
    description: dict[str, Any],
) -> None:
    """Write a feature folder from the parts of `tracks`, which hold `counts` tiles, in the order of the tracks.

    features.json goes first and comes last: a folder that has one is complete.
    """
    (folder / "features.json").unlink(missing_ok=True)
    shape = (sum(counts), settings.recipe.n_features, settings.n_frames, 1)
    coding = None if dtype == "float32" else _spanning(tracks, parts, dtype)
    remove_leftovers(folder / "tiles.npy")
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with atomic_write(folder / "tiles.npy") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for track, count in zip(tracks, counts, strict=True):
            path = part_path(parts, track)
            values = read_part(path).values
            if values.shape != (count, *shape[1:]):
                raise ValueError(f"{path}: expected {count} tiles, got another part. Build the features again.")
            file.write(np.ascontiguousarray(values if coding is None else coding.encode(values), dtype).tobytes())
    (folder / "tiles.npz").unlink(missing_ok=True)
    options = settings.to_dict()
    recipe = options.pop("recipe")
    more = {"recipe": recipe, "options": options, "coding": None if coding is None else asdict(coding)}
    write_tables(folder, tracks, _rows(tracks, parts), description | more)


def _rows(tracks: Sequence[Track], parts: Path) -> Iterator[tuple[Track, float, float]]:
    for track in tracks:
        part = read_part(part_path(parts, track))
        for start, level in zip(part.start_s, part.level_dbfs, strict=True):
            yield track, float(start), float(level)


def _spanning(tracks: Sequence[Track], parts: Path, dtype: str) -> Coding:
    low, high = np.inf, -np.inf
    for track in tracks:
        values = read_part(part_path(parts, track)).values
        low, high = np.minimum(low, values.min(axis=(0, 2, 3))), np.maximum(high, values.max(axis=(0, 2, 3)))
    return Coding.spanning(np.asarray(low), np.asarray(high), dtype)
