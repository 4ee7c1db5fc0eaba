"""The user's settings: a small file with defaults for the options of the commands.

    library = "~/sound/library"   # in place of the library in the folder for data

    [scan]
    processes = 2

    [serve]
    port = 9000

A table has the name of a command; its keys are the command's options without the dashes.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from mfcc.command.completion import PATHS

VARIABLE = "FILMSCORE_SETTINGS"
"""The environment variable that names another file of settings."""


def settings_file() -> Path:
    """Return where the settings are read from, whether the file is there or not."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_config_path() / "filmscore.toml"


def read_settings() -> dict[str, Any]:
    """Return the settings; nothing where there is no file.

    Raises
    ------
    ValueError
        Names the file, if it can't be read, is no TOML, or does not hold a library and tables.
    """
    path = settings_file()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if os.environ.get(VARIABLE):
            raise ValueError(f"{VARIABLE}: expected a file, found none at {path}") from None
        return {}
    except OSError as error:
        raise ValueError(f"{path}: can't be read: {error.strerror}") from None
    try:
        settings = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: expected TOML in UTF-8: {error}") from None
    for key, value in settings.items():
        kind, expected = (str, '"DIR"') if key == "library" else (dict, "a table")
        if not isinstance(value, kind):
            raise ValueError(f"{path}: {key}: expected {expected}, got {value!r}")
    return settings


def library_of_settings() -> Path | None:
    """Return the library that the settings name; a relative folder is below that of the settings."""
    named = read_settings().get("library")
    return None if named is None else settings_file().absolute().parent / Path(named).expanduser()


def apply_settings(parsers: Mapping[str, argparse.ArgumentParser]) -> None:
    """Make the settings the defaults of the options of commands.

    Raises
    ------
    ValueError
        Names the file and the key: a table that is no command, a key that is no option of it, or a value that the
        option does not take.
    """
    for command, table in read_settings().items():
        if command == "library":
            continue
        if command not in parsers:
            raise ValueError(
                f"{settings_file()}: expected library and tables out of {', '.join(parsers)}, got {command}"
            )
        either_or = [action for group in parsers[command]._mutually_exclusive_groups for action in group._group_actions]
        options = {  # what is asked for call by call, one of several, can be no default
            string.removeprefix("--"): action
            for action in parsers[command]._actions
            for string in action.option_strings
            if string.startswith("--") and string != "--help" and action not in either_or
        }
        for key, value in table.items():
            place = f"{settings_file()}: [{command}]: {key}"
            if key not in options:
                raise ValueError(f"{place}: expected one of {', '.join(sorted(options))}")
            try:
                parsers[command].set_defaults(**_default(options[key], value))
                options[key].required = False
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise ValueError(f"{place}: {error}") from None


def _default(action: argparse.Action, value: Any) -> dict[str, Any]:
    """Return the default that a setting makes, under the name of the option's argument."""
    if action.nargs == 0:  # a switch
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, got {value!r}")
        return {action.dest: action.const} if value else {}
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected a text or a number, got {value!r}")
    text = os.path.expanduser(str(value)) if action.metavar in PATHS else str(value)
    converted = action.type(text) if callable(action.type) else text
    if action.choices is not None and converted not in action.choices:
        raise ValueError(f"expected one of {', '.join(map(str, action.choices))}, got {value!r}")
    return {action.dest: converted}
