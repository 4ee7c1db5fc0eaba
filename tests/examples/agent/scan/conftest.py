"""Music of two albums, and its library."""

import shutil

import pytest

from filmscore.agent.scan import scan
from tests.examples.agent.libraries import empty_library, model_file, write_noise
from tests.examples.agent.scan.places import again


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Make music of two albums, and its library."""
    folder = tmp_path_factory.mktemp("scanned")
    for k in range(4):
        write_noise(folder / "music" / f"album {k % 2}" / f"{k}.flac", k)
    scan(folder / "library", [str(folder / "music")], model=model_file())
    return folder


@pytest.fixture
def place(scanned, tmp_path):
    """Make a copy of the music that a test may change, and its library."""
    shutil.copytree(scanned / "music", tmp_path / "music")
    empty_library(tmp_path / "library")
    again(tmp_path)
    return tmp_path
