"""Chromium of the operating system, driven by Playwright; no browser is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import do_without
from tests.dashboard.house import House

HOW = "install Debian's package (apt-get install chromium), or name an executable in KINDRED_CHROMIUM"


def come_in(browser: Browser, house: House, account: str, address: str, **options: Any) -> Page:
    """An empty page in a browser of its own, in which an account is signed in to the house at this address."""
    context = browser.new_context(**options)
    token = house.browser(account).client.cookies["kindred_session"]
    context.add_cookies([{"name": "kindred_session", "value": token, "url": address}])
    return context.new_page()


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
