"""The cards as Slack shows them, light and dark, rendered by slack-blocks-to-jsx in Chromium.

``SCREENSHOTS=folder`` writes the screenshots there.
"""

import os

import pytest
from playwright.async_api import Page

from tests.browser.slack.cards import cards
from tests.browser.slack.conftest import draw

SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_card_is_rendered(page: Page, language: str, theme: str) -> None:
    for name, message in cards(language):
        await draw(page, message["blocks"], dark=theme == "dark")
        shown = await page.inner_text("#root")
        for element in (each for block in message["blocks"] for each in block.get("elements", ())):
            if element["type"] == "button":
                assert element["text"]["text"] in shown
        assert "undefined" not in shown
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/{language}-{name}-{theme}.png", full_page=True)
