"""The cards as Slack draws them, light and dark: rendered by slack-blocks-to-jsx in the system's Chromium.

The pictures are kept in `SHOTS`, to be looked at.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.browser.slack.cards import cards

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cm-advisor" / "slack-blocks"
SHOTS = CACHE / "shots"
PAGE = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><div id="root"></div>'

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def built() -> Path:
    """The page, built once and kept."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("page.jsx", "package.json"):
        shutil.copy(HERE / name, CACHE / name)
    esbuild = CACHE / "node_modules/.bin/esbuild"
    try:
        if not esbuild.exists():
            install = [npm, "install", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(install, cwd=CACHE, check=True, timeout=100, capture_output=True)
        build = [
            str(esbuild),
            "page.jsx",
            "--bundle",
            "--outfile=page.js",
            "--define:process.env.NODE_ENV='production'",
        ]
        subprocess.run(build, cwd=CACHE, check=True, timeout=60, capture_output=True)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"slack-blocks-to-jsx cannot be had here: {error}")
    (CACHE / "index.html").write_text(f'{PAGE}<script src="page.js"></script>')
    return CACHE / "index.html"


@pytest.fixture
async def page(built: Path) -> AsyncIterator[Page]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium is installed")
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = await browser.new_page(viewport={"width": 680, "height": 500})
        await found.goto(built.as_uri())
        yield found
        await browser.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_card_is_drawn(page: Page, language: str, theme: str) -> None:
    SHOTS.mkdir(exist_ok=True)
    for name, message in cards(language):
        await page.evaluate("([blocks, dark]) => window.show(blocks, {dark})", [message["blocks"], theme == "dark"])
        await page.wait_for_timeout(100)
        shown = await page.inner_text("#root")
        for element in (each for block in message["blocks"] for each in block.get("elements", ())):
            if element["type"] == "button":
                assert element["text"]["text"] in shown
        assert "undefined" not in shown
        await page.screenshot(path=SHOTS / f"{language}-{name}-{theme}.png", full_page=True)
