"""People who did not ask read a post: every post is low, whatever the answers.

``SCREENSHOTS=folder`` writes the highest post of each language, and the cards of its dialog, there.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page
from pytest_asyncio import fixture

from adapters.teams import cards
from adapters.teams.adaptive_cards import Json
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.events import Details, Event, Review
from dialogs.reducer import step
from dialogs.session import Actor, Session
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import Announcement
from dialogs.walk import walk
from tests.browser.teams.card_page import open_page, show

MAX_HEIGHT = 400
HIGHEST = 5
"""Posts that are measured again as changed ones."""
PERSON = "Anne-Charlotte Lefebvre-Dupont"
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


@fixture(loop_scope="session")
async def page(browser: Browser) -> Page:
    return await open_page(browser)


def posts(language: str) -> dict[Announcement, Session]:
    """Return every post that differs from the others, with a session that it comes from."""
    different: dict[Announcement, Session] = {}
    for path in all_paths(FLOW):
        session = Session("s1", "teams:t", "29:u", language, FLOW.version, dict(path))
        different.setdefault(presenter.announcement(FLOW, session, walk(FLOW, session.answers)), session)
    return different


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_post_is_low(page: Page, language: str) -> None:
    sessions = posts(language)
    heights = {post: await show(page, cards.announcement(post, PERSON)) for post in sessions}
    assert len(heights) > 100
    provisional = max((post for post in heights if post.provisional), key=lambda post: heights[post])
    if SHOTS:
        await take(page, max(heights, key=lambda post: heights[post]), sessions, "highest")
        await take(page, provisional, sessions, "provisional")
    for post in sorted(heights, key=heights.__getitem__)[-HIGHEST:]:
        changed = replace(post, by=translations(language)("announcement.by_changed"))
        heights[changed] = await show(page, cards.announcement(changed, PERSON))
    assert {post: height for post, height in heights.items() if height > MAX_HEIGHT} == {}


async def take(page: Page, post: Announcement, sessions: dict[Announcement, Session], name: str) -> None:
    for theme in ("light", "dark"):
        for kind, card in dialog_cards(post, sessions[post]):
            height = await show(page, card, theme=theme)
            path = f"{SHOTS}/teams-{sessions[post].language}-{name}-{kind}-{theme}-{height:.0f}px.png"
            await page.locator("#card").screenshot(path=path)


def dialog_cards(post: Announcement, session: Session) -> Iterator[tuple[str, Json]]:
    """Yield the post and the cards that its author sees, with their names."""
    yield "post", cards.announcement(post, PERSON)
    yield "recommendation", cards.render(presenter.current(FLOW, session), session)
    actor = Actor(session.tenant, session.owner, session.language)
    events: tuple[Event, ...] = (Details(actor), Review(actor))
    for event in events:
        _, effects = step(FLOW, session, event)
        view = next(effect.view for effect in effects if isinstance(effect, Show))
        yield type(event).__name__.lower(), cards.render(view, session)
