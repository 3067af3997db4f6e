"""One Chromium for all browser tests of a process; each test has its own pages and browser contexts.

The tests and their fixtures run on the event loop of the session, like Chromium.
"""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Error, async_playwright, expect
from pytest_asyncio import fixture

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TIMEOUT = 20_000
"""Milliseconds for anything on a page; long, because the machine may be busy."""

expect.set_options(timeout=TIMEOUT)


@fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message[:80]}")
        yield browser
        await browser.close()


@fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """Chromium; its contexts are closed after the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
