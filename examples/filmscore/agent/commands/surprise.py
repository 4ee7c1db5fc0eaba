"""`surprise`: labelled tracks for which the model says something else."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from filmscore.agent import corrections, tables
from filmscore.agent.commands import common
from filmscore.agent.export import as_record
from filmscore.agent.library import Library
from filmscore.agent.schema import LibraryError
from filmscore.agent.surprise import Contradiction, surprises

HELP = "tracks whose genres differ most confidently from their labels"
EXAMPLES = """\
filmscore surprise
filmscore surprise --tags tags.csv --limit 50"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tags", type=Path, metavar="CSV", help="labels with columns path,tags (default: those of `correct`)"
    )
    parser.add_argument(
        "--limit", type=common.positive, default=20, metavar="N", help="most tracks (default: %(default)s)"
    )
    common.add_library(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        labels = library.labels()
        if options.tags is not None:
            labels, unused = corrections.read_table(library, options.tags)
            say_unused(unused)
        if len(labels) < 2:
            raise LibraryError(
                "surprise: expected labels of two tracks or more, got "
                f"{len(labels)}. Give some with `correct TRACK --tags drama,romance`, or a table with --tags CSV."
            )
        found = surprises(library, labels, options.limit)
        if options.json:
            common.print_json(
                [
                    as_record(library, each.track, labels)
                    | {"surprise": round(each.score, 4), "contradictions": [vars(c) for c in each.contradictions]}
                    for each in found
                ]
            )
            return 0
        if not found:
            print(f"nothing surprising among {len(labels)} labelled tracks")
            return 0
        names = tables.short_paths([each.track.path for each in found])
        rows = [
            [
                f"{each.score:.2f}",
                name,
                ", ".join(each.tags) or "none",
                "; ".join(map(_words, each.contradictions[:2])),
            ]
            for each, name in zip(found, names, strict=True)
        ]
        print(tables.table(["", "track", "labelled", "heard, in percent of the labelled that have less"], rows, wide=1))
    return 0


def _words(contradiction: Contradiction) -> str:
    much = "hardly" if contradiction.labelled else "much"
    return f"{much} {contradiction.name} ({100 * contradiction.rank:.0f})"


def say_unused(unused: list[str], shown: int = 5) -> None:
    """Print the lines of a table that could not be used."""
    for line in unused[:shown]:
        print(f"filmscore: {tables.printable(line)}", file=sys.stderr)
    if len(unused) > shown:
        print(f"filmscore: and {len(unused) - shown} more such lines", file=sys.stderr)
