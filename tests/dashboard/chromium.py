"""Chromium of the operating system, driven by Playwright; no browser is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import do_without

HOW = "install Debian's package (apt-get install chromium), or name an executable in KINDRED_CHROMIUM"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Skips the test where there is none, unless KINDRED_REQUIRE names it."""
    path = os.environ.get("KINDRED_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        do_without("browser", HOW)
    with sync_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium does not sandbox under root, as in a CI container
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()
