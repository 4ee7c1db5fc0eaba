"""Make the pictures of docs/agent.md: the agent's page over a library, in headless Chromium.

pip install selenium                                  # and Debian's packages chromium and chromium-driver
filmscore scan corpus
python examples/agent_pictures.py
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import filmscore_agent

from filmscore.agent.library import Library
from filmscore.agent.place import default_library
from filmscore.agent.server import Server
from filmscore.browser import chromium

SIZE = 1240, 900
OPEN = "document.querySelectorAll('#tracks .actions button')[arguments[0]].click()"
PLAY = "document.querySelectorAll('.play')[0].click()"
LIKE = "document.querySelectorAll('#tracks .actions a')[0].click()"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=default_library(), metavar="DIR")
    parser.add_argument("--want", default="thriller:1, sci-fi:0.5, comedy:-1", metavar="MIX")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "agent", metavar="DIR")
    options = parser.parse_args(arguments)
    options.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium(*SIZE) as browser:
        report = Path(folder, "report.html")
        command = ["report", str(report), "--library", str(options.library), "--want", options.want]
        if filmscore_agent.main(command):
            return 1
        show(browser, report.as_uri(), "light")
        browser.execute_script(PLAY)
        take(browser, options.out / "report.png")
        with Library.open(options.library, shared=True) as library, Server(library) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                show(browser, server.url, "dark")
                browser.execute_script(LIKE)
                wait(browser, "return !document.getElementById('reference').hidden")
                browser.execute_script(OPEN, 0)
                browser.execute_script("scrollTo(0, 0)")
                take(browser, options.out / "serve.png")
            finally:
                browser.get("about:blank")
                server.shutdown()
                thread.join()
    return 0


def show(browser: Any, url: str, scheme: str) -> None:
    """Open a page in light or dark colours, and wait until it has tracks."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(url)
    wait(browser, "return document.querySelectorAll('#tracks .track').length > 0")


def wait(browser: Any, script: str, seconds: float = 30.0) -> None:
    """Wait until a script answers with something true."""
    end = time.monotonic() + seconds
    while not browser.execute_script(script):
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds:g} s for {script}")
        time.sleep(0.05)


def take(browser: Any, path: Path) -> None:
    """Write a picture of what is seen, once all has been drawn."""
    time.sleep(2)
    browser.save_screenshot(str(path))
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
