"""The ten posts that differ most, on both platforms: low, and each with a headline or reasons of its own.

``SCREENSHOTS=folder`` writes them there. They are what a reader without any other knowledge is asked about.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.teams import cards
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.session import Session
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import Announcement
from dialogs.walk import walk
from tests.browser.slack.conftest import built as built  # noqa: PLC0414 - a fixture
from tests.browser.slack.conftest import draw
from tests.browser.teams.card_page import open_page, show

NUMBER, WIDTH, MAX_HEIGHT = 10, 500, 400
PERSON = "Anne-Charlotte Lefebvre-Dupont"
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


def different_posts(language: str) -> list[Announcement]:
    """Return posts chosen one after the other: each differs in as many parts as possible from those before."""
    posts: dict[frozenset[object], Announcement] = {}
    for path in all_paths(FLOW):
        session = Session("s1", "team:1", "U1", language, FLOW.version, dict(path))
        post = presenter.announcement(FLOW, session, walk(FLOW, session.answers))
        posts.setdefault(_parts(post), post)
    chosen = [next(iter(posts))]
    while len(chosen) < NUMBER:
        chosen.append(max(posts, key=lambda parts: min(len(parts ^ other) for other in chosen)))
    return [posts[parts] for parts in chosen]


def _parts(post: Announcement) -> frozenset[object]:
    level = post.control.level if post.control else None
    # The outcome counts three times: a reader sees it first.
    outcome = {(number, post.headline) for number in range(3)}
    return frozenset({*outcome, *post.because.split(","), ("level", level), bool(post.provisional), *post.steps})


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_most_different_posts_are_low(built: Path, browser: Browser, language: str) -> None:
    posts = different_posts(language)
    assert len({post.headline for post in posts}) >= 5, "every outcome"
    assert len({(post.headline, post.because) for post in posts}) == NUMBER
    slack = await browser.new_page(viewport={"width": WIDTH, "height": 200})
    await slack.goto(built.as_uri())
    teams = await open_page(browser)
    for number, post in enumerate(posts):
        heights = await _slack(slack, post, language, number), await _teams(teams, post, language, number)
        assert max(heights) <= MAX_HEIGHT, (post.headline, heights)


async def _slack(page: Page, post: Announcement, language: str, number: int) -> float:
    await draw(page, block_kit.render(post, ButtonContext("post", "s1"), translations(language))["blocks"])
    height = float(await page.evaluate("document.getElementById('root').scrollHeight"))
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{language}-{number}-slack-{height:.0f}px.png", full_page=True)
    return height


async def _teams(page: Page, post: Announcement, language: str, number: int) -> float:
    height = await show(page, cards.announcement(post, PERSON))
    if SHOTS:
        await page.locator("#card").screenshot(path=f"{SHOTS}/{language}-{number}-teams-{height:.0f}px.png")
    return height
