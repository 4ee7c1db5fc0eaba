"""A library, and its server."""

import numpy as np
import pytest

from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis, write_noise
from tests.examples.agent.server.asking import ODD, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a library of 60 tracks, of which the first three have files, with a private file beside them."""
    folder = tmp_path_factory.mktemp("served")
    names = ["0.flac", "1.flac", ODD, *(f"{k}.flac" for k in range(3, 60))]
    for k, name in enumerate(names[:3]):
        write_noise(folder / "music" / name, k)
    (folder / "music" / "secret.txt").write_text("secret")
    rng = np.random.default_rng(0)
    empty_library(folder / "library")
    add_tracks(folder / "library", {str(folder / "music" / name): made_up_analysis(rng, 2) for name in names})
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder / "library") as server:
        yield server
