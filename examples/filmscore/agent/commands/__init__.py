"""The commands of the agent, a module each.

Each has `HELP` in a line, `EXAMPLES` in some, `add_arguments(parser)`, and `run(options) -> int`.
"""

from importlib import import_module

NAMES = (
    "scan",
    "find",
    "similar",
    "explain",
    "shortlist",
    "tag",
    "export",
    "report",
    "serve",
    "correct",
    "surprise",
    "train",
    "problems",
)
"""Modules of this folder in the order of --help; a new command is a module and a row here."""

COMMANDS = {name: import_module(f"{__name__}.{name}") for name in NAMES}
