"""`export`: the library, or a part of it, as a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from filmscore.agent import export, search
from filmscore.agent.commands import common
from filmscore.agent.library import Library, Track

HELP = "the library, or a part of it, as a playlist (.m3u8), a table (.csv) or data (.json)"
EXAMPLES = """\
filmscore export library.csv
filmscore export strings.m3u8 --folder ~/Music/strings"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=common.export_path, metavar="FILE", help="the ending of the name is the format")
    parser.add_argument(
        "--want", metavar="MIX", help="order by how well tracks fit this mix, as `find` does, instead of by path"
    )
    common.add_selection(parser, limit=None)
    common.add_library(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        chosen = common.selection(options)
        found: Sequence[search.Match | Track] = []
        if options.want is None:
            found = library.tracks(**chosen)[: options.limit]
        elif library.n_tracks:
            wants = search.parse_wants(options.want, library.class_names)
            found = search.find(library, wants, limit=options.limit or library.n_tracks, **chosen)
        export.write(options.file, library, found)
    print(f"wrote {options.file}: {len(found):,} tracks")
    return 0
