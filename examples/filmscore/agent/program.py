"""The command `filmscore`: its options, its errors and its exit status."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import textwrap
from types import ModuleType

from filmscore.agent.commands import COMMANDS
from filmscore.agent.place import default_library
from filmscore.agent.settings import apply_settings, settings_file
from filmscore.agent.tables import let_print
from filmscore.agent.words import clean_lines
from mfcc.command.completion import add_completion
from nnlite.version import __version__

DESCRIPTION = """\
Search your music by film genre and by similarity, with the model that comes along or your own. `scan` listens to a
folder of music once; the other commands answer from what it has kept. No music file is ever changed."""
EXAMPLES = """\
filmscore scan ~/Music
filmscore find --want "thriller:1, comedy:-1"
filmscore similar "cue 12.flac" --from 0:30 --to 0:50
filmscore serve"""
EPILOG = """\
`filmscore COMMAND --help` has the options and examples of a command.

examples:
{examples}

exit status:
  0    done
  1    nothing was found, or some of the files could not be used
  2    the command could not be carried out; the reason is printed
  130  after Ctrl-C; what was done is kept

the library:       {library}
settings, if any:  {settings}
"""
ERRORS = (ValueError, OSError, RuntimeError, sqlite3.Error)
"""Errors that a user can do something about: an unusable library, model or file, a full disk, a lost cluster."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    let_print()
    try:
        options = parser().parse_args(arguments)
        return COMMANDS[options.command].run(options)
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("filmscore: interrupted; what was done is kept, the same command goes on", file=sys.stderr)
        return 130
    except ERRORS as error:
        print(f"filmscore: {clean_lines(str(error))}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, with the user's settings as defaults.

    Raises
    ------
    ValueError
        Names the file of settings and what is wrong with it.
    """
    built = argparse.ArgumentParser(
        prog="filmscore",
        description=DESCRIPTION,
        epilog=EPILOG.format(
            examples=textwrap.indent(EXAMPLES, "  "), library=default_library(), settings=settings_file()
        ).replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    built.add_argument("--version", action="version", version=f"filmscore {__version__}")
    add_completion(built)
    commands = built.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {}
    for name, command in COMMANDS.items():
        parsers[name] = commands.add_parser(
            name,
            help=command.HELP,
            description=_sentence(command),
            epilog=f"examples:\n{textwrap.indent(command.EXAMPLES, '  ')}".replace("%", "%%"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(parsers[name])
    apply_settings(parsers)
    return built


def _sentence(command: ModuleType) -> str:
    """Return the help of a command as a sentence."""
    return f"{command.HELP[0].upper()}{command.HELP[1:]}."
