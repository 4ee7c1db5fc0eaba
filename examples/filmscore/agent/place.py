"""The folder of the library if none is named: found from wherever the command is given."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from filmscore.agent import schema
from filmscore.agent.settings import library_of_settings

NAME = "filmscore-library"


def default_library() -> Path:
    """Return the library of the working folder if one is there, else that of the settings, else the user's own."""
    here = Path(NAME)
    return here if (here / schema.FILE).is_file() else library_of_settings() or user_library()


def user_library() -> Path:
    """Return the library in the folder for a user's data, by the custom of each system."""
    return platformdirs.user_data_path() / NAME
