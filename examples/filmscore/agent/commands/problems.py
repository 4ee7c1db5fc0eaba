"""`problems`: files that could not be used, and why."""

from __future__ import annotations

import argparse

from filmscore.agent.commands import common
from filmscore.agent.export import file_uri
from filmscore.agent.library import Library
from mfcc.sound.errors import printable

HELP = "files that could not be used, and why"
EXAMPLES = """\
filmscore problems
filmscore problems --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_library(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        found = library.problems()
    if options.json:
        common.print_json(
            [{"path": printable(path), "uri": file_uri(path), "problem": problem} for path, problem in found]
        )
    else:
        for path, problem in found:
            print(f"{printable(path)}: {printable(problem)}")
        print(f"{len(found):,} files can't be used")
    return 0
