"""`find`: tracks by a mix of genres."""

from __future__ import annotations

import argparse

from filmscore.agent import search
from filmscore.agent.commands import common
from filmscore.agent.library import Library

HELP = "tracks by a mix of genres"
EXAMPLES = """\
filmscore find --want "thriller:1, comedy:-1"
filmscore find --want thriller --min-duration 3:00 --folder ~/Music/strings --per-album 2
filmscore find --want "drama, romance:0.5" --text piano --export drama.m3u8"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--want",
        required=True,
        metavar="MIX",
        help=f'weights from -1 to 1: "thriller:1, comedy:-0.5"; the shipped model knows {common.GENRES}',
    )
    common.add_selection(parser)
    parser.add_argument("--per-album", type=common.positive, metavar="N", help="most tracks of one album")
    common.add_library(parser)
    common.add_export(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        wants = search.parse_wants(options.want, library.class_names)
        matches = search.find(
            library, wants, limit=options.limit, per_album=options.per_album, **common.selection(options)
        )
        return common.show_matches(library, matches, options, "match")
