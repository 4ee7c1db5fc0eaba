"""Headless Chromium for the tests of pages; they skip where it is not installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --mute-audio --autoplay-policy=no-user-gesture-required"
).split()
"""Without a sandbox, since root has none; and without what Chromium itself would like to ask the network."""


def find_chromium() -> tuple[str, str]:
    """Paths of Chromium and of the driver that fits it; skips the test without them."""
    pytest.importorskip("selenium", reason="selenium is not installed: pip install -e '.[test]'")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Chromium is not installed (Debian's packages chromium and chromium-driver)")
    return browser, driver


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """A browser without a window, a profile or a cache of its own; keeps its log and a list of all its requests."""
    browser, driver = find_chromium()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,1000", *flags, "about:blank"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        service = Service(driver, env=environment | {"HOME": profile, "SE_AVOID_STATS": "true"})
        window = webdriver.Chrome(options, service)
        try:
            yield window
        finally:
            window.quit()


def page_of(path: Path) -> str:
    return path.absolute().as_uri()
