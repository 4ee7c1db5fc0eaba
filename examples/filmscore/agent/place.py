"""The folder of the library if none is named: found from wherever the command is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filmscore.agent import schema

NAME = "filmscore-library"


def default_library() -> Path:
    """Return the library of the working folder if one is there, else that in the user's folder for data."""
    here = Path(NAME)
    return here if (here / schema.FILE).is_file() else user_data() / NAME


def user_data() -> Path:
    """Return the folder in which programs keep the data of a user, by the custom of each system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    folder = os.environ.get("XDG_DATA_HOME", "")
    return Path(folder) if os.path.isabs(folder) else Path.home() / ".local" / "share"
