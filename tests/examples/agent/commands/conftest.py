"""Libraries for the commands: one of odd names, and one of recordings."""

import numpy as np
import pytest

from tests.examples.agent.commands.calls import run
from tests.examples.agent.commands.hostile_names import HOSTILE
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis, model_file, write_noise


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Make a library of odd names."""
    folder = tmp_path_factory.mktemp("hostile") / "library"
    rng = np.random.default_rng(0)
    empty_library(folder)
    add_tracks(folder, {name: made_up_analysis(rng, album="=1+1" if k == 0 else "") for k, name in enumerate(HOSTILE)})
    return folder


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Make a folder of music, and its library."""
    folder = tmp_path_factory.mktemp("music")
    for k in range(5):
        write_noise(folder / "music" / f"album {k % 2}" / f"{k}.flac", k)
    assert (
        run("scan", folder / "music", "--library", folder / "library", "--model", model_file(), "--processes", 1) == 0
    )
    return folder
