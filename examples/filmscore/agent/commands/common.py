"""Options and output that several commands share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filmscore.agent import export, tables
from filmscore.agent.library import Library
from filmscore.agent.place import NAME, default_library, user_library
from filmscore.agent.references import seconds
from filmscore.agent.search import Match
from filmscore.recording import LONGEST_S

BEST = 3
"""Genres that are shown for a track."""


def add_library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--library",
        type=Path,
        default=default_library(),
        metavar="DIR",
        help=f"folder of the library (default: {NAME} of the working folder if there is one, else that of the "
        f"settings, else {user_library()})".replace("%", "%%"),
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_selection(parser: argparse.ArgumentParser, limit: int | None = 20) -> None:
    """Add the options that say which tracks may be found, and how many."""
    parser.add_argument("--folder", metavar="DIR", help="only tracks below this folder")
    parser.add_argument(
        "--min-duration",
        type=time_argument,
        default=0.0,
        metavar="TIME",
        help="only tracks of this length or more, such as 1:30",
    )
    parser.add_argument("--max-duration", type=time_argument, metavar="TIME", help="only tracks of this length or less")
    parser.add_argument(
        "--text",
        default="",
        metavar="WORDS",
        help="only tracks with all of these words in title, artist, album or file name; case and accents don't matter",
    )
    parser.add_argument(
        "--limit", type=positive, default=limit, metavar="N", help=f"most tracks (default: {limit or 'all'})"
    )


def selection(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments that the options of `add_selection` stand for, without the limit."""
    chosen = {"folder": options.folder, "min_duration_s": options.min_duration, "text": options.text}
    return chosen | {"max_duration_s": options.max_duration}


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--export",
        type=export_path,
        metavar="FILE",
        help="write the list to a file too: a playlist .m3u8, a table .csv, or .json",
    )


GENRES = "action, adventure, comedy, crime, drama, fantasy, musical, romance, sci-fi, thriller"
"""Genres of the shipped model, for --help."""


def add_max_length(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-length",
        type=time_argument,
        default=LONGEST_S,
        metavar="TIME",
        help=f"longest recording that is read (default: {tables.clock(LONGEST_S)}); an hour takes 0.3 GB of the "
        "temporary folder meanwhile",
    )


def time_argument(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text!r}")
    return number


def export_path(text: str) -> Path:
    try:
        export.check_format(Path(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def print_json(data: Any) -> None:
    json.dump(data, sys.stdout, indent=1)
    print()


def show_matches(library: Library, matches: Sequence[Match], options: argparse.Namespace, score: str) -> int:
    """Print matches as a table or as JSON, and write them to a file if asked to."""
    if options.export:
        export.write(options.export, library, matches)
        print(f"wrote {options.export}: {len(matches)} tracks", file=sys.stderr)
    if options.json:
        labels = library.labels()
        print_json([export.as_record(library, match, labels) for match in matches])
        return 0
    if not matches:
        scan = "the library has no tracks yet: filmscore scan FOLDER"
        print("no track fits" if library.n_tracks else scan)
        return 1
    names = tables.short_paths([match.track.path for match in matches])
    rows = [
        [
            str(place),
            f"{match.score:.2f}",
            name,
            tables.clock(match.track.duration_s),
            f"{tables.clock(match.start_s)}-{tables.clock(match.end_s)}",
            best_genres(library, library.track_values[match.track.id - 1]),
        ]
        for place, (match, name) in enumerate(zip(matches, names, strict=True), 1)
    ]
    print(tables.table(["", score, "track", "length", "best at", "most of"], rows, wide=2))
    return 0


def best_genres(library: Library, means: Any) -> str:
    """Return the strongest genres of a track, each with the percent of the library that has less of it."""
    ranks = library.ranks(means)
    order = ranks.argsort()[::-1][:BEST]
    return ", ".join(f"{library.class_names[k]} {100 * ranks[k]:.0f}" for k in order)
