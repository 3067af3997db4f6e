"""The cards as Slack shows them, light and dark, rendered by slack-blocks-to-jsx in Chromium.

``SCREENSHOTS=folder`` writes the screenshots there.
"""

import os
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from pytest_asyncio import fixture

from tests.browser.slack.cards import cards
from tests.npm import PATH, packages

HERE = Path(__file__).parent
PACKAGES = ("slack-blocks-to-jsx@1.1.1", "react@18.3.1", "react-dom@18.3.1", "esbuild@0.28.2")
PAGE = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><div id="root"></div>'
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page that renders blocks."""
    home, out = packages(*PACKAGES), tmp_path_factory.mktemp("page")
    options = ["--bundle", f"--outfile={out}/page.js", "--define:process.env.NODE_ENV='production'"]
    build = [str(home / "node_modules/.bin/esbuild"), str(HERE / "page.jsx"), *options]
    subprocess.run(
        build, env=os.environ | {"NODE_PATH": str(home / "node_modules"), "PATH": PATH}, check=True, timeout=60
    )
    (out / "index.html").write_text(f'{PAGE}<script src="page.js"></script>')
    return out / "index.html"


@fixture(loop_scope="session")
async def page(built: Path, browser: Browser) -> Page:
    page = await browser.new_page(viewport={"width": 680, "height": 500})
    await page.goto(built.as_uri())
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_card_is_rendered(page: Page, language: str, theme: str) -> None:
    for name, message in cards(language):
        await page.evaluate("([blocks, dark]) => window.show(blocks, {dark})", [message["blocks"], theme == "dark"])
        await page.wait_for_timeout(100)
        shown = await page.inner_text("#root")
        for element in (each for block in message["blocks"] for each in block.get("elements", ())):
            if element["type"] == "button":
                assert element["text"]["text"] in shown
        assert "undefined" not in shown
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/{language}-{name}-{theme}.png", full_page=True)
