"""How long the agent takes to search a library of simulated recordings, in medians.

    python benchmarks/agent_search.py                       # 100,000 tracks of 25 windows
    python benchmarks/agent_search.py --tracks 2000         # quicker
    python benchmarks/agent_search.py --docs                # and put the figures into the README and the docs

The library has random values and directions of the shipped model's genres and width. Each answer is first held against
one that is computed in plain NumPy from the numbers that were put in. "first" is the first search after opening, "then"
the median of the others; files are in the page cache, as they are after the first search of a session.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from filmscore.agent.answers import Answers
from filmscore.agent.basis import SCALE, to_bytes, unit
from filmscore.agent.library import Library, row_files
from filmscore.agent.scan import SHIPPED
from filmscore.agent.search import Reference, find, similar
from filmscore.agent.writing import create
from nnlite.serialization import atomic_write

BLOCK = 5000
"""Tracks that are made at a time."""
PER_ALBUM = 12
ROOT = Path(__file__).resolve().parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs" / "agent-developers.md"
BEGIN, END = "<!-- agent search: made by benchmarks/agent_search.py --docs -->", "<!-- agent search: end -->"
FIND, WHOLE, PART = "find: three genres", "similar: whole tracks", "similar: a part, against every window"


def simulate(folder: Path, n_tracks: int, n_windows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make a library; the windows' directions and the tracks' mean values that are in it."""
    folder.mkdir()
    create(folder, SHIPPED)
    with Library.open(folder) as empty:
        identity, n_classes, width, window_s = empty.about["id"], len(empty.class_names), empty.width, empty.window_s
    files = row_files(folder, identity, n_classes, width)
    rng = np.random.default_rng(seed)
    kept_directions, kept_values = [], []
    connection = sqlite3.connect(folder / "library.sqlite")
    starts = np.tile(np.arange(n_windows) * window_s, BLOCK)
    for first in range(0, n_tracks, BLOCK):
        count = min(BLOCK, n_tracks - first)
        projected = rng.standard_normal((count, 1, width), np.float32)
        projected = projected + rng.standard_normal((count, n_windows, width), np.float32)
        values = rng.random((count, n_windows, n_classes), np.float32)
        directions = to_bytes(unit(projected.reshape(-1, width)))
        means = values.mean(axis=1)
        files[0].write(first, means)
        files[1].write(first, unit(projected.mean(axis=1)))
        columns = np.column_stack([starts[: count * n_windows], values.reshape(-1, n_classes)])
        files[2].write(first * n_windows, columns)
        files[3].write(first * n_windows, directions)
        kept_directions.append(directions)
        kept_values.append(means)
        numbers = range(first, first + count)
        connection.executemany(
            "INSERT INTO track VALUES (?, ?, ?, ?, ?, 0, '', '', '', 0)",
            ((n + 1, n.to_bytes(32, "big"), n_windows * window_s, n * n_windows, n_windows) for n in numbers),
        )
        folders = [f"/music/{n // PER_ALBUM:06}" for n in numbers]
        connection.executemany(
            "INSERT INTO file VALUES (?, ?, 1, 2, 3, ?, NULL, '', 0)",
            ((os.fsencode(f"{a}/{n:07}.flac"), os.fsencode(a), n + 1) for a, n in zip(folders, numbers, strict=True)),
        )
        connection.commit()
    connection.close()
    return np.concatenate(kept_directions), np.concatenate(kept_values)


def check(library: Library, directions: np.ndarray, means: np.ndarray, number: int, n_windows: int) -> None:
    """Hold one answer of each kind against plain NumPy."""
    ranks = (np.argsort(np.argsort(means, axis=0), axis=0) + 0.5) / len(means)
    thriller, comedy = (library.class_names.index(name) for name in ("Thriller", "Comedy"))
    scores = (ranks[:, thriller] + 0.5 * (1 - ranks[:, comedy])) / 1.5
    found = find(library, {"Thriller": 1.0, "Comedy": -0.5}, limit=20)
    np.testing.assert_allclose([match.score for match in found], np.sort(scores)[::-1][:20], atol=1e-4)

    rows = slice((number - 1) * n_windows + 2, (number - 1) * n_windows + 4)
    mean = unit(directions[rows].astype(np.float32).mean(axis=0))
    best = (
        np.array([(directions[i : i + n_windows] @ mean).max() for i in range(0, len(directions), n_windows)]) / SCALE
    )
    album = (number - 1) // PER_ALBUM
    best[album * PER_ALBUM : (album + 1) * PER_ALBUM] = -2
    found = similar(library, part_of(library, number), limit=20, per_album=None)
    np.testing.assert_allclose([match.score for match in found], np.sort(best)[::-1][:20], atol=1e-4)


def part_of(library: Library, number: int) -> Reference:
    return Reference.of_track(library, number, 2 * library.window_s, 4 * library.window_s)


def put(path: Path, text: str) -> None:
    """Put a text between the markers of a file."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path}: expected {BEGIN} and {END} around the figures")
    with atomic_write(path) as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}".encode())


def timed(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of the others."""
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds[0], statistics.median(seconds[1:])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--windows", type=int, default=25, help="of a track (default: %(default)s)")
    parser.add_argument("--times", type=int, default=9, help="of which the median is taken (default: %(default)s)")
    parser.add_argument(
        "--docs", action="store_true", help="put the figures into README.md and docs/agent-developers.md"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder, number = Path(temporary, "library"), options.tracks // 2
        directions, means = simulate(folder, options.tracks, options.windows)
        size = sum(path.stat().st_size for path in folder.iterdir())
        with Library.open(folder) as library:
            check(library, directions, means, number, options.windows)
        del directions, means
        began = time.perf_counter()
        library = Library.open(folder, shared=True)
        opening = time.perf_counter() - began
        wants = {"Thriller": 1.0, "Sci-Fi": 0.5, "Comedy": -1.0}
        answers = Answers(library)
        weights = ",".join(str(wants.get(name, 0.0)) for name in library.class_names)
        cases: dict[str, Callable[[], object]] = {
            FIND: lambda: find(library, wants),
            "find: below a folder, 3 minutes or more": lambda: find(
                library, wants, folder="/music", min_duration_s=180.0, per_album=2
            ),
            WHOLE: lambda: similar(library, Reference.of_track(library, number)),
            PART: lambda: similar(library, part_of(library, number)),
            "serve: a slider is moved, 20 tracks with their curves": lambda: answers.find({"weights": weights}),
            "serve: words are looked for": lambda: answers.find({"weights": weights, "text": "/0001"}),
        }
        lines = [
            f"{options.tracks:,} tracks, {options.tracks * options.windows:,} windows, {size / 1e6:,.0f} MB; "
            f"{os.cpu_count()} cores; medians of {options.times}",
            "",
            "| search | first [ms] | then [ms] |",
            "|---|---:|---:|",
            f"| open the library | {1000 * opening:.0f} | |",
        ]
        medians = {}
        for name, work in cases.items():
            first, median = timed(work, options.times)
            medians[name] = f"{1000 * median:.0f} ms"
            lines.append(f"| {name} | {1000 * first:.0f} | {1000 * median:.0f} |")
        library.__exit__()
    print("\n".join(lines))
    if options.docs:
        put(DOCS, "\n".join(lines))
        put(
            README,
            f"Of {options.tracks:,} tracks with {options.tracks * options.windows:,} windows, those that fit a mix are "
            f"found in {medians[FIND]}, those like a track in {medians[WHOLE]}, and those like a part of one, compared "
            f"with every window, in {medians[PART]}\n"
            f"({os.cpu_count()} cores; medians of `python benchmarks/agent_search.py`).",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
