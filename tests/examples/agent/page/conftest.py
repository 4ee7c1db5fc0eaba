"""A library with hostile names, its page in a file and its page as `serve` answers with it."""

import dataclasses
import threading

import filmscore_agent
import numpy as np
import pytest

from filmscore.agent.library import Library
from filmscore.agent.server import Server
from filmscore.browser import chromium, missing
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis, write_noise
from tests.examples.agent.page.browser import opened
from tests.examples.agent.page.hostile_names import EVIL, FILES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page #1%")
    rng = np.random.default_rng(0)
    analyses = {}
    for k, name in enumerate(FILES):
        write_noise(folder / "music" / name, k)
        analyses[str(folder / "music" / name)] = made_up_analysis(rng, 2, duration_s=20.0)
    for k in range(60):
        analyses[f"/music/album {k % 12}/track {k:02}.ogg"] = made_up_analysis(rng, 4 + k % 5)
    evil = dataclasses.replace(made_up_analysis(rng), title=EVIL, artist=EVIL, album=EVIL)
    empty_library(folder / "library")
    add_tracks(folder / "library", analyses | {"/music/evil.ogg": evil})
    assert filmscore_agent.main(["report", str(folder / "report.html"), "--library", str(folder / "library")]) == 0
    return folder


@pytest.fixture(scope="module")
def browser():
    if missing():
        pytest.skip(missing())
    with chromium() as window:
        yield window


@pytest.fixture
def report(browser, folder):
    """Open the page of the file."""
    return opened(browser, (folder / "report.html").as_uri())


@pytest.fixture
def served(browser, folder):
    with Library.open(folder / "library", shared=True) as library, Server(library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield opened(browser, server.url)
        browser.get("about:blank")
        server.shutdown()
        thread.join()
