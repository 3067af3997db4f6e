"""One Chromium for all browser tests of a process; each test has pages, and what they remember, of its own.

It lives as long as the process, so they run, and make their fixtures, on the event loop of the session.
"""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Error, async_playwright, expect
from pytest_asyncio import fixture

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TIMEOUT = 20_000
"""Milliseconds for whatever a page has to show or do: the machine may be busy."""

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
    """Whose pages are closed when the test is over."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
