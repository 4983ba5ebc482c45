"""A real browser for tests of pages: the machine's Chromium, without a network."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
browsed = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is missing: apt-get install chromium"
)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@contextmanager
def opened(page, address="", waits_for="#problems a", **options):
    """A tab with this file open at this hash, and what it complained of or fetched.

    `options` are those of Playwright's contexts (viewport, color_scheme).
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        tab = browser.new_context(**options).new_page()
        tab.faults = []
        tab.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.on("console", lambda said: said.type == "error" and tab.faults.append(said.text))
        tab.on("request", lambda asked: _note_fetch(tab, asked.url))
        tab.goto(f"{Path(page).resolve().as_uri()}{address}")
        tab.wait_for_selector(f"{waits_for}:not(:empty)")
        yield tab
        browser.close()


def _note_fetch(tab, url):
    if not url.startswith(("file:", "data:", "blob:")):
        tab.faults.append(f"fetches {url}")


def list_barriers(tab):
    """What axe finds serious or critical for people with disabilities."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response["violations"]
    return [
        (each["id"], each["nodes"][0]["html"][:120])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
