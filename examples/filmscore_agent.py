"""Search your music by film genre and by similarity, with the model that comes with the project or your own.

    python examples/filmscore_agent.py scan MUSIC                              # once, and again when there is more
    python examples/filmscore_agent.py find --want "thriller:1, comedy:-1"
    python examples/filmscore_agent.py similar MUSIC/cue.ogg --from 0:30 --to 0:50

Every command has --help. docs/agent.md shows how to work with it.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from filmscore.agent.commands import COMMANDS
from filmscore.agent.tables import let_print
from filmscore.agent.words import clean_lines

ERRORS = (ValueError, OSError, RuntimeError, sqlite3.Error)
"""Errors that a user can do something about: an unusable library, model or file, a full disk, a lost cluster."""


def main(arguments: list[str] | None = None) -> int:
    let_print()
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("filmscore_agent: interrupted; what was done is kept, the same command goes on", file=sys.stderr)
        return 130
    except ERRORS as error:
        print(f"filmscore_agent: {clean_lines(str(error))}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    built = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = built.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.__doc__))
    return built


if __name__ == "__main__":
    sys.exit(main())
