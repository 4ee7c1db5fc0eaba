"""`similar`: tracks that sound like another, or like a part of it."""

from __future__ import annotations

import argparse
import os

from filmscore.agent import references, search
from filmscore.agent.analyse import analysis_of, model_of
from filmscore.agent.commands import common
from filmscore.agent.library import Library

HELP = "tracks that sound like a track, or like a part of it"
EXAMPLES = """\
filmscore similar "cue 12.flac"
filmscore similar "cue 12.flac" --from 0:30 --to 0:50 --limit 5
filmscore similar '#12' --same-album --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("track", metavar="TRACK", help="any file, '#NUMBER' (in quotes), or words of a track's name")
    parser.add_argument(
        "--from", dest="from_s", type=common.time_argument, metavar="TIME", help="begin of a part, such as 0:30"
    )
    parser.add_argument(
        "--to", dest="to_s", type=common.time_argument, metavar="TIME", help="end of a part, such as 0:50"
    )
    common.add_selection(parser)
    parser.add_argument(
        "--per-album",
        type=common.positive,
        default=2,
        metavar="N",
        help="most tracks of one album (default: %(default)s)",
    )
    parser.add_argument("--same-album", action="store_true", help="include the track's own album")
    common.add_max_length(parser)
    common.add_library(parser)
    common.add_export(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        matches = search.similar(
            library,
            reference(library, options),
            limit=options.limit,
            per_album=options.per_album,
            same_album=options.same_album,
            **common.selection(options),
        )
        status = common.show_matches(library, matches, options, "alike")
        if not matches and not options.json and not options.same_album:
            print("All others may be of its own album, by tag or folder: --same-album includes them.")
        return status


def reference(library: Library, options: argparse.Namespace) -> search.Reference:
    """Return the track or part that is asked for; a file that the library does not have is analysed first."""
    part = (options.from_s, options.to_s)
    if os.path.isfile(options.track) and references.in_library(library, options.track) is None:
        tagger, basis = model_of(os.path.abspath(library.folder), library.about["id"])
        analysis = analysis_of(options.track, tagger, basis, options.max_length)
        return search.Reference.of_analysis(library, analysis, *part)
    return search.Reference.of_track(library, references.resolve(library, options.track).id, *part)
