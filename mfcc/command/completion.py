"""The option `--print-completion SHELL`, which prints a script that completes a command with the Tab key."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")
PATHS = {"CSV", "DIR", "FILE", "FILE_OR_FOLDER", "FOLDER", "JSON", "TRACK", "WAV"}
"""Metavars of arguments that are names of files or folders."""


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser; it completes all options and commands that the parser has when it is used."""
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help=f"print a script that completes this command with the Tab key: {', '.join(SHELLS)}",
    )


class _PrintCompletion(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        import shtab

        for action in _actions(parser):
            if action.metavar in PATHS:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        print(shtab.complete(parser, shell=str(values)))
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
