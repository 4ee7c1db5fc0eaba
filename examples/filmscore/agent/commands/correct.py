"""`correct`: the user's own labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from filmscore.agent import corrections, references
from filmscore.agent.commands import common
from filmscore.agent.commands.surprise import say_unused
from filmscore.agent.library import Library

HELP = "say what genres a track has: for surprise and train"
EXAMPLES = """\
filmscore correct "cue 12" --tags "drama, romance"
filmscore correct '#12' --forget
filmscore correct --from-csv tags.csv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "track", nargs="?", metavar="TRACK", help="a file of the library, '#NUMBER' (in quotes), or words of its name"
    )
    what.add_argument(
        "--from-csv", type=Path, metavar="CSV", help="labels of many tracks: columns path,tags (joined by ;)"
    )
    what.add_argument("--from-library", type=Path, metavar="DIR", help="copy the labels of another library")
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--tags", metavar="GENRES", help='the genres, such as "drama, romance", or none')
    change.add_argument("--forget", action="store_true", help="remove the track's labels")
    common.add_library(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        unused: list[str] = []
        labels: dict[int, tuple[str, ...] | None] = {}
        if options.track is not None:
            if options.tags is None and not options.forget:
                raise ValueError("correct: expected --tags GENRES, or --forget")
            track = references.resolve(library, options.track)
            tags = None if options.forget else corrections.parse_tags(options.tags, library.class_names, "--tags")
            labels, source = {track.id: tags}, "by hand"
        elif options.tags is not None or options.forget:
            raise ValueError("correct: --tags and --forget are for one TRACK")
        elif options.from_csv is not None:
            found, unused = corrections.read_table(library, options.from_csv)
            labels, source = dict(found), options.from_csv.name
        else:
            with Library.open(options.from_library) as other:
                found, unused = corrections.of_other(library, other)
            labels, source = dict(found), options.from_library.name
        say_unused(unused)
        corrections.keep(library, labels, source)
        total = len(library.labels())
        if options.json:
            common.print_json(
                {"labels": {str(n): tags for n, tags in labels.items()}, "labelled": total, "unused": unused}
            )
        else:
            for number, tags in labels.items() if len(labels) == 1 else ():
                print(f"{library.track(number).name}: {'forgotten' if tags is None else ', '.join(tags) or 'none'}")
            print(f"{total:,} tracks of the library are labelled")
    return 1 if unused and not labels else 0
