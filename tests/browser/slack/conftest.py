"""A page that draws Block Kit with slack-blocks-to-jsx in Chromium."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from pytest_asyncio import fixture

from tests.npm import PATH, packages

HERE = Path(__file__).parent
PACKAGES = ("slack-blocks-to-jsx@1.1.1", "react@18.3.1", "react-dom@18.3.1", "esbuild@0.28.2")
PAGE = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><div id="root"></div>'


@pytest.fixture(scope="session")
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


async def draw(page: Page, blocks: list[dict[str, Any]], *, dark: bool = False) -> None:
    """Draw one message."""
    await page.evaluate("([blocks, dark]) => window.show(blocks, {dark})", [blocks, dark])
    await page.wait_for_timeout(100)
