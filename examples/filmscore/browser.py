"""Chromium without a window, for pictures and tests of pages."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --mute-audio --autoplay-policy=no-user-gesture-required"
).split()
"""Flags of Chromium: no sandbox, since root has none, and no requests of its own to the network."""


def missing() -> str:
    """Return a sentence about what is not installed; empty if all is there."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed: pip install selenium"
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "Chromium is not installed (Debian's packages chromium and chromium-driver)"
    return ""


@contextlib.contextmanager
def chromium(width: int = 1280, height: int = 1000) -> Iterator[Any]:
    """Yield a selenium driver of a fresh browser that logs all messages and requests.

    Raises
    ------
    RuntimeError
        When something is not installed.
    """
    if missing():
        raise RuntimeError(missing())
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        service = Service(shutil.which("chromedriver"), env=environment | {"HOME": profile, "SE_AVOID_STATS": "true"})
        window = webdriver.Chrome(options, service)
        try:
            yield window
        finally:
            window.quit()
