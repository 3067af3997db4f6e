"""A post is read by people who did not ask for it: it is low, even with the longest texts.

``SCREENSHOTS=folder`` writes the screenshots there.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.async_api import Page

from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.plain_text import plain_text
from dialogs.session import Session
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import Announcement
from dialogs.walk import walk
from tests.browser.slack.conftest import draw

WIDTH, MAX_HEIGHT = 500, 400
LONGEST_OF_EACH = 3
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


def longest_posts(language: str) -> Iterator[Announcement]:
    """Yield the posts with the longest texts: all together, each part alone, and of the provisional ones."""
    posts: dict[str, Announcement] = {}
    for path in all_paths(FLOW):
        session = Session("s1", "slack:T1", "U1", language, FLOW.version, dict(path))
        post = presenter.announcement(FLOW, session, walk(FLOW, session.answers))
        posts.setdefault(plain_text(post), post)
    lengths: tuple[Callable[[Announcement], int], ...] = (
        lambda post: len(plain_text(post)),
        lambda post: len(post.headline),
        lambda post: len(post.because),
        lambda post: sum(len(line.title) + len(line.step) for line in post.steps),
        lambda post: bool(post.provisional) * len(plain_text(post)),
    )
    chosen = [post for length in lengths for post in sorted(posts.values(), key=length)[-LONGEST_OF_EACH:]]
    yield from {plain_text(post): post for post in chosen}.values()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_longest_posts_are_low(page: Page, language: str) -> None:
    await page.set_viewport_size({"width": WIDTH, "height": 200})
    heights = {}
    for number, post in enumerate(longest_posts(language)):
        blocks = block_kit.render(post, ButtonContext("post", "s1"), translations(language))["blocks"]
        await draw(page, blocks)
        heights[plain_text(post)] = await page.evaluate("document.getElementById('root').scrollHeight")
        if SHOTS:
            await page.screenshot(
                path=f"{SHOTS}/{language}-post-{number}-{heights[plain_text(post)]}px.png", full_page=True
            )
    assert len(heights) > LONGEST_OF_EACH
    assert {text: height for text, height in heights.items() if height > MAX_HEIGHT} == {}
