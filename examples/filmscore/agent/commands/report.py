"""`report`: the library as one page for a browser, which works without this program and offline."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from filmscore.agent import report, search
from filmscore.agent.commands import common
from filmscore.agent.commands.progress import Progress
from filmscore.agent.library import Library
from filmscore.agent.schema import LibraryError

HELP = "one page to search, look and listen, which works offline (.html)"
EXAMPLES = """\
filmscore report music.html
filmscore report thrillers.html --want thriller --limit 100"""
LIMIT = 2000
"""Tracks of a page by default: a page of 2,000 tracks takes about 2 MB."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=Path("filmscore-report.html"),
        metavar="FILE",
        help="(default: %(default)s)",
    )
    parser.add_argument(
        "--want", metavar="MIX", help="first position of the sliders; with --limit, the tracks that fit best go in"
    )
    common.add_selection(parser, limit=LIMIT)
    common.add_library(parser)


def run(options: argparse.Namespace) -> int:
    if options.file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"report: expected a FILE that ends with .html, got {str(options.file)!r}")
    with Library.open(options.library) as library:
        chosen = common.selection(options)
        wants = search.parse_wants(options.want, library.class_names) if options.want is not None else {}
        ids = library.ids(**chosen)
        if not library.n_tracks:
            raise LibraryError(f"report: {library.folder} has no tracks yet. Scan a folder: filmscore scan FOLDER")
        if not len(ids):
            raise LibraryError(f"report: no track of {library.folder} fits, out of {library.n_tracks:,}.")
        left_out = max(0, len(ids) - options.limit)
        if wants and left_out:
            matches = search.find(library, wants, limit=options.limit, **chosen)
            ids = np.sort([match.track.id for match in matches])
        tracks = list(library.tracks_of(ids[: options.limit]))
        of_all = "" if len(tracks) == library.n_tracks else f" of the library's {library.n_tracks:,}"
        words = f"{len(tracks):,}{of_all} tracks on {time.strftime('%d %B %Y').lstrip('0')}"
        try:
            with Progress("tracks") as bar:
                bar.show(0, len(tracks), 0, len(tracks))
                size = report.write(
                    options.file, library, tracks, wants, words, lambda done, total: bar.show(done, total, done, total)
                )
        except OSError as error:
            raise ValueError(f"report: {options.file}: {error.strerror}") from error
    print(f"wrote {options.file}: {len(tracks):,} tracks, {size / 1e6:.1f} MB; open it in a browser")
    if left_out:
        which = "fit the mix best" if wants else "were scanned first"
        print(f"{left_out:,} more did not go in: it has those that {which}. --limit takes more, serve shows all.")
    return 0
