"""Take the README's screenshots of the playground: ``make pictures``.

One of the whole page, and for each platform the begin of a check, in each language.
"""

import asyncio
import re
import shutil
import signal
import sys
from pathlib import Path

from playwright.async_api import Browser, Locator, async_playwright, expect

from tests.browser.conftest import CHROMIUM
from tests.browser.playground.test_page import Visitor, visit

DOCS = Path("deploy/docs")
OPTIPNG = shutil.which("optipng")


async def take(where: Locator, name: str) -> None:
    """Write a screenshot, compressed if Debian's `optipng` is installed."""
    file = DOCS / f"{name}.png"
    await where.screenshot(path=file)
    if OPTIPNG:
        process = await asyncio.create_subprocess_exec(OPTIPNG, "-quiet", "-o3", "-strip", "all", file)
        assert await process.wait() == 0


async def in_slack(visitor: Visitor) -> None:
    """The suggestions while the command is typed, then the first question."""
    await visitor.page.set_viewport_size({"width": 1180, "height": 420})
    box = visitor.slack.get_by_role("combobox")
    await box.fill("/cm")
    await expect(visitor.slack.get_by_role("option")).to_be_visible()
    await take(visitor.slack, f"slack-command.{visitor.language}")
    await box.press("Enter")
    await expect(visitor.slack.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    await take(visitor.slack, f"slack-question.{visitor.language}")


async def in_teams(visitor: Visitor) -> None:
    """The first question, below the post that started it."""
    await visitor.page.set_viewport_size({"width": 1180, "height": 680})
    await visitor.write(visitor.teams, visitor.text("label.start"))
    await expect(visitor.teams.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    await take(visitor.teams, f"teams-question.{visitor.language}")


async def whole(visitor: Visitor) -> None:
    """Both panes with a recommendation in the channel."""
    await visitor.page.set_viewport_size({"width": 1440, "height": 900})
    for pane in (visitor.slack, visitor.teams):
        await visitor.answer_all(pane)
        await visitor.press(pane, "label.post")
        await visitor.posted(pane)
    await take(visitor.page.locator("body"), f"playground.{visitor.language}")


async def run(url: str, browser: Browser) -> None:
    for language in ("fr", "en"):
        visitor = await visit(browser, url, language)
        await visitor.page.get_by_role("button", name=visitor.text("playground.close"), exact=True).click()
        await in_slack(visitor)
        await in_teams(visitor)
        await whole(visitor)
        await visitor.page.request.post(
            f"{url}api/do",
            headers={"Origin": url.rstrip("/"), "Content-Type": "application/json"},
            data={"as": "lea", "platform": "page", "do": "reset"},
        )
        await visitor.page.close()


async def main() -> None:
    command = [str(Path(sys.executable).with_name("cm-advisor")), "playground", "--no-browser", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/", (await process.stdout.readline()).decode())
        assert found
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            await run(found[0], browser)
            await browser.close()
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
