"""A whole dialog in Microsoft's Agents Playground, in a real browser, without an account.

``SCREENSHOTS=folder`` writes a screenshot of each step there.
"""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from pytest_asyncio import fixture

from dialogs.translations import Translations, translations
from dialogs.views import SIGNS
from tests.app_server import make_settings, start
from tests.browser.conftest import TIMEOUT
from tests.npm import PATH, package
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import endpoint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]
PLACES = {"personal": "Personal Chat", "group": "Group Chat", "channel": "My Team - Announcements"}
SHOTS = os.environ.get("SCREENSHOTS")


@dataclass
class Teams:
    """The page and a person's actions."""

    page: Page
    text: Translations
    name: str
    shots: int = 0

    async def open(self, url: str) -> None:
        """Until the welcome is in the personal chat, which it opens by itself.

        Before the page has asked its server, it shows made-up conversations of the same names, and forgets all that
        one did there. Its fonts are on the internet, which is not asked.
        """
        await self.page.route(lambda asked: not asked.startswith(url), lambda route: route.abort())
        await self.page.goto(url, timeout=4 * TIMEOUT)  # nine megabytes of script
        await self.sees_english("welcome.title")

    async def go(self, where: str) -> None:
        """Until the welcome is there too: the playground installs the bot where one looks."""
        await self.page.get_by_role("treeitem", name=PLACES[where], exact=True).click()
        await self.sees_english("welcome.title")

    async def mention(self, typed: str) -> None:
        """Write to the bot in the box that begins a new post, or a message."""
        box = self.page.get_by_role("textbox").first
        await box.click()
        await box.press_sequentially("@")
        await self.page.get_by_role("menuitem").filter(has_text="Test Bot").click()
        await self.page.keyboard.type(typed)
        await self.shot("typed")
        post = self.page.get_by_role("button", name="Post", exact=True)
        await (post if await post.count() else self.page.get_by_role("button", name="Send Message").last).click()

    async def write(self, typed: str) -> None:
        box = self.page.get_by_role("textbox").last
        await box.click()
        await box.press_sequentially(typed)
        await self.page.keyboard.press("Enter")

    def button(self, id: str, *, sign: str = "") -> Locator:
        label = self.text(id if "." in id else f"label.{id}")
        return self.page.get_by_role("button", name=f"{sign} {label}".strip(), exact=True).last

    async def press(self, id: str, *, sign: str = "") -> None:
        await self.button(id, sign=sign).click()

    async def sees(self, id: str, **values: object) -> None:
        await expect(self.page.get_by_text(self.text(id, **values)).last).to_be_visible()

    async def sees_english(self, id: str) -> None:
        await expect(self.page.get_by_text(translations("en")(id)).last).to_be_visible()

    async def shot(self, what: str) -> None:
        if SHOTS:
            self.shots += 1
            await self.page.screenshot(path=f"{SHOTS}/{self.name}-{self.shots:02}-{what}.png")


async def serving(port: int, process: asyncio.subprocess.Process) -> str:
    """The address of the playground, once it answers."""
    url = f"http://localhost:{port}"
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            if process.returncode is not None:
                pytest.skip("the playground does not start")
            try:
                async with session.get(url):
                    return url
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    pytest.skip("the playground does not answer")


@fixture(loop_scope="session")
async def playground(tmp_path: Path) -> AsyncIterator[str]:
    """The real application, the door open on this machine, and Microsoft's playground before it."""
    node = shutil.which("node", path=PATH)
    if not node:
        pytest.skip("Node is not installed")
    home = await asyncio.to_thread(package, "@microsoft/m365agentsplayground", "0.2.28")
    teams = {"dangerously_allow_unauthenticated_teams": True, "teams_service_url_hosts": ()}
    server = await start(make_settings(f"sqlite:///{tmp_path}/x.db", teams))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [node, str(home / "cli.js"), "start", "-e", endpoint(server), "-c", "msteams", "-p", str(port), "--dt"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield await serving(port, process)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # it starts another process, which outlives it
        await process.wait()
        await server.stop()


@fixture(loop_scope="session")
async def teams(playground: str, browser: Browser, language: str, request: pytest.FixtureRequest) -> Teams:
    page = await browser.new_page(viewport={"width": 1400, "height": 1200})
    page.set_default_timeout(TIMEOUT)
    teams = Teams(page, translations(language), f"{request.node.name}".replace("/", "-"))
    await teams.open(playground)
    return teams


@pytest.mark.parametrize(("where", "language"), [("channel", "fr"), ("personal", "en")])
async def test_the_whole_dialog_by_clicking(teams: Teams, where: str) -> None:
    if where == "personal":
        await teams.go("channel")  # a post needs one that the bot knows
    await teams.go(where)
    if where != "personal":
        # The playground's people are all American: who wants French says so.
        await teams.mention(f"lang {teams.text.language}")
        await teams.sees("notice.language")
        await teams.mention("check")
    else:
        await expect(teams.page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        await teams.shot("welcome")
        await teams.write(f"lang {teams.text.language}")
        await teams.sees("notice.language")
        await teams.press("start")
    await teams.sees("question.orientation.text")
    await teams.shot("question")
    await teams.press("why")
    await teams.sees("question.orientation.why")
    await teams.shot("why")
    for question, option in SHORT.items():
        await teams.sees(f"question.{question}.text")
        await teams.press(f"option.{question}.{option}")
    await teams.sees("recommendation.steps")
    await teams.shot("recommendation")
    await teams.press("details")
    await teams.sees("details.options")
    await teams.shot("details")
    await teams.press("see_recommendation")
    await teams.sees("recommendation.steps")
    await teams.press("review")
    await teams.sees("review.title")
    await teams.shot("review")
    await teams.press("back", sign=SIGNS["back"])
    await teams.sees("recommendation.steps")
    await teams.press("post")
    if where == "personal":
        await teams.sees("label.choose_channel")
        await teams.shot("channels")
        await teams.press("back", sign=SIGNS["back"])
        await teams.press("keep_private")
        await teams.sees("notice.kept")
        await teams.shot("kept")
        return
    await teams.sees("announcement.by", person="Alex Wilber")
    await teams.sees("notice.posted")
    await teams.shot("post")
    await teams.press("details")
    await teams.sees("recommendation.what_if")
    await teams.shot("details-of-the-post")
