"""The playground in a real browser: the command and the built page.

``SCREENSHOTS=folder`` writes screenshots there.
"""

import asyncio
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from pytest_asyncio import fixture

from adapters.playground.server import BUILT
from adapters.slack.manifest import build_manifest
from bot.commands.playground import manifest_features
from dialogs.translations import Translations, translations
from tests.browser.conftest import TIMEOUT
from tests.npm import package
from tests.scenarios.scene import SHORT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]
SHOTS = os.environ.get("SCREENSHOTS")


@fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[str]:
    """The address that the command prints."""
    if not (BUILT / "index.html").exists():
        pytest.skip("the page is not built: make page")
    command = [str(Path(sys.executable).with_name("cm-advisor")), "playground", "--no-browser", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    yield found[0]
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0


@fixture(loop_scope="session")
async def url(running: str) -> str:
    """The same address after a reset."""
    await reset(running)
    return running


async def reset(url: str) -> None:
    """Delete everything, as a press of the page's button does."""
    body, headers = {"as": "lea", "platform": "page", "do": "reset"}, {"Origin": url.rstrip("/")}
    async with aiohttp.ClientSession() as http, http.post(f"{url}api/do", json=body, headers=headers) as answer:
        assert (await answer.json())["ok"]


CUT = """[...document.querySelectorAll(".card button")].map((one) => [one, one.closest(".card")])
    .filter(([one, card]) => one.getBoundingClientRect().right > card.getBoundingClientRect().right)
    .map(([one]) => one.innerText)"""


class Visitor:
    """A person using the page. `text`: translations in their language."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.language, self.text = page, language, translations(language)
        self.slack = page.get_by_role("region", name="Slack", exact=True)
        self.teams = page.get_by_role("region", name="Teams", exact=True)

    async def go(self, pane: Locator, place: str) -> None:
        await pane.get_by_role("navigation").get_by_role("button", name=place, exact=True).click()

    async def write(self, pane: Locator, text: str) -> None:
        box = pane.get_by_role("combobox")
        await box.fill(text)
        await box.press("Enter")

    async def press(self, pane: Locator, id: str) -> None:
        label = self.text(id)
        await pane.get_by_role("button", name=label, exact=True).last.click()

    async def answer_all(self, pane: Locator) -> None:
        for question, option in SHORT.items():
            await expect(pane.get_by_text(self.text(f"question.{question}.text")).last).to_be_visible()
            await self.press(pane, f"option.{question}.{option}")

    async def posted(self, pane: Locator) -> None:
        await expect(pane.get_by_text(self.text("announcement.steps")).last).to_be_visible()

    async def shot(self, name: str) -> None:
        if SHOTS:
            await self.page.screenshot(path=f"{SHOTS}/playground-{self.language}-{name}.png")


async def visit(
    browser: Browser, url: str, language: str, *, theme: str = "light", who: str = "", width: int = 1440
) -> Visitor:
    page = await browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=theme)  # type: ignore[arg-type]
    page.set_default_timeout(TIMEOUT)
    person = who or {"fr": "lea", "en": "tom"}[language]
    await page.add_init_script(f"localStorage.who ??= '{person}'")
    await page.goto(url)
    await expect(page.get_by_role("heading", name=translations(language)("playground.title"), level=1)).to_be_visible()
    return Visitor(page, language)


async def in_slack(visitor: Visitor) -> None:
    await visitor.write(visitor.slack, "/cm")
    await visitor.answer_all(visitor.slack)
    await visitor.press(visitor.slack, "label.post")
    await visitor.posted(visitor.slack)


async def in_teams(visitor: Visitor) -> None:
    await visitor.write(visitor.teams, visitor.text("label.start"))
    await visitor.answer_all(visitor.teams)
    await visitor.press(visitor.teams, "label.post")
    await visitor.posted(visitor.teams)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_whole_dialog_in_each_pane(url: str, browser: Browser, language: str) -> None:
    visitor = await visit(browser, url, language)
    await in_slack(visitor)
    await in_teams(visitor)
    await visitor.shot("light")
    await visitor.page.get_by_role("button", name=visitor.text("playground.wire")).click()
    entries = visitor.page.get_by_role("complementary").get_by_role("group")
    await expect(entries.nth(20)).to_be_attached()
    await visitor.shot("wire")
    # Messages stay after a reload.
    await visitor.page.reload()
    await visitor.posted(visitor.slack)
    await visitor.posted(visitor.teams)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_link_to_a_post_shows_it(url: str, browser: Browser, language: str) -> None:
    visitor = await visit(browser, url, language)
    await visitor.write(visitor.slack, f"@CM Advisor {visitor.text('playground.word')}")
    await visitor.shot("thread")
    await visitor.answer_all(visitor.slack)
    await visitor.press(visitor.slack, "label.post")
    await in_teams(visitor)
    await visitor.shot("folded")
    for pane in (visitor.slack, visitor.teams):
        link = pane.get_by_role("button", name=visitor.text("label.open_post")).or_(
            pane.get_by_role("link", name=visitor.text("label.open_post"))
        )
        await link.last.click()
        focused = visitor.page.locator("article:focus")
        await expect(focused.get_by_text(visitor.text("announcement.steps"))).to_be_visible()
    await visitor.shot("link")
    assert len(visitor.page.context.pages) == 1, "the link stays on the page"


async def test_an_answer_is_changed_with_the_menu(url: str, browser: Browser) -> None:
    visitor = await visit(browser, url, "en")
    await visitor.write(visitor.slack, "/cm")
    await visitor.answer_all(visitor.slack)
    await visitor.press(visitor.slack, "label.review")
    menu = visitor.slack.get_by_role("combobox", name=visitor.text("label.change"))
    await menu.select_option(label=visitor.text("question.person.short"))
    await expect(visitor.slack.get_by_text(visitor.text("question.person.text"))).to_be_visible()
    await visitor.shot("menu")


async def test_two_people_and_a_reload(url: str, browser: Browser) -> None:
    lea, tom = await visit(browser, url, "fr"), await visit(browser, url, "en")
    await lea.write(lea.slack, "/cm")
    await tom.write(tom.slack, "/cm")
    first, second = "option.orientation.key", "question.brand.text"
    await lea.press(lea.slack, first)
    await lea.page.reload()
    await expect(lea.slack.get_by_text(lea.text(second))).to_be_visible()
    await tom.press(tom.slack, first)
    await expect(tom.slack.get_by_text(tom.text(second))).to_be_visible()
    # One person's ephemeral card is not shown to the other.
    await expect(tom.slack.get_by_text(lea.text(second))).to_have_count(0)


async def test_every_open_page_goes_on_after_a_reset(url: str, browser: Browser) -> None:
    lea, tom = await visit(browser, url, "fr"), await visit(browser, url, "en")
    errors: list[str] = []
    for visitor in (lea, tom):
        visitor.page.on("pageerror", lambda error: errors.append(str(error)))
        await visitor.write(visitor.slack, "/cm")
        await visitor.write(visitor.teams, visitor.text("playground.word"))
        for pane in (visitor.slack, visitor.teams):
            await expect(pane.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    tom.page.on("dialog", lambda dialog: dialog.accept())
    await tom.page.get_by_role("button", name=tom.text("playground.reset")).click()
    for visitor in (lea, tom):
        await expect(visitor.page.get_by_text(visitor.text("question.orientation.text"))).to_have_count(0)
        for pane, empty in ((visitor.slack, "slack.empty"), (visitor.teams, "teams.empty")):
            await expect(pane.get_by_text(visitor.text(f"playground.{empty}"))).to_be_visible()
        await visitor.write(visitor.slack, "/cm")
        await expect(visitor.slack.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    assert errors == []


@pytest.mark.parametrize(("locale", "language"), [("fr-CA", "fr"), ("en-US", "en"), ("de-DE", "en")])
async def test_the_page_has_the_language_of_the_browser(url: str, browser: Browser, locale: str, language: str) -> None:
    context = await browser.new_context(locale=locale)
    page = await context.new_page()
    await page.goto(url)
    t, other = translations(language), translations({"fr": "en", "en": "fr"}[language])
    await expect(page.get_by_text(t("playground.intro"))).to_be_visible()
    # The menu overrides it, also after a reload and a reset.
    await page.get_by_role("combobox", name=t("playground.language")).select_option(
        label={"fr": "Français", "en": "English"}[other.language]
    )
    await expect(page.get_by_text(other("playground.intro"))).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(other("playground.intro"))).to_be_visible()
    async with page.expect_response(f"{url}api/do"):  # the page chooses the language again
        await reset(url)
    await expect(page.get_by_text(other("playground.intro"))).to_be_visible()
    pane = page.get_by_role("region", name="Slack", exact=True)
    await pane.get_by_role("button", name=other("playground.type", text="/cm"), exact=True).click()
    await expect(pane.get_by_text(other("question.orientation.text"))).to_be_visible()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_thing_to_try(url: str, browser: Browser, language: str) -> None:
    visitor = await visit(browser, url, language, width=390)
    slack, teams, press = visitor.slack, visitor.teams, visitor.text
    await visitor.go(slack, "CM Advisor")
    await visitor.page.get_by_role("button", name=press("playground.try.private"), exact=True).click()
    await expect(slack.get_by_text(press("question.orientation.text"))).to_be_visible()
    await visitor.page.get_by_role("button", name=press("playground.try.quick"), exact=True).click()
    await expect(slack.get_by_text(press("partial.title"))).to_be_visible()
    await expect(teams).to_be_hidden()
    await visitor.page.get_by_role("button", name=press("playground.try.channel"), exact=True).click()
    await expect(teams.get_by_text(press("question.orientation.text"))).to_be_visible()
    await visitor.shot("tries")
    # The introduction stays closed after a reload, and can be opened again.
    intro = visitor.page.get_by_text(press("playground.intro"))
    await visitor.page.get_by_role("button", name=press("playground.close"), exact=True).click()
    await expect(intro).to_have_count(0)
    await visitor.page.reload()
    await expect(teams.get_by_text(press("question.orientation.text"))).to_be_visible()
    await expect(intro).to_have_count(0)
    await visitor.page.get_by_role("button", name=press("playground.about"), exact=True).click()
    await expect(intro).to_be_visible()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_direct_message_says_what_to_write(url: str, browser: Browser, language: str) -> None:
    visitor = await visit(browser, url, language)
    await visitor.go(visitor.slack, "CM Advisor")
    await expect(visitor.slack.get_by_text(visitor.text("playground.slack.empty_dm"))).to_be_visible()
    word = visitor.text("playground.word")
    await visitor.slack.get_by_role("button", name=visitor.text("playground.type", text=word), exact=True).click()
    await expect(visitor.slack.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    await visitor.go(visitor.teams, "CM Advisor")
    await expect(visitor.teams.get_by_text(visitor.text("welcome.text"))).to_be_visible()


async def test_a_form_on_each_side(url: str, browser: Browser) -> None:
    visitor = await visit(browser, url, "en")
    await visitor.slack.get_by_role("button", name="Decide on social media").click()
    form = visitor.page.get_by_role("dialog")
    await form.get_by_role("radio", name=label(visitor.text, "orientation", "key")).check()
    await visitor.shot("form")
    await form.get_by_role("button", name=visitor.text("playground.close")).first.click()
    await expect(form).to_have_count(0)
    await visitor.teams.locator(".composer button[type=button]").first.click()
    await form.get_by_text(label(visitor.text, "orientation", "key")).first.click()
    await visitor.shot("task")


def label(t: Translations, question: str, option: str) -> str:
    return t(f"option.{question}.{option}")


async def test_with_the_keyboard_alone(url: str, browser: Browser) -> None:
    visitor = await visit(browser, url, "en")
    keys = visitor.page.keyboard

    async def to(name: str) -> None:
        """Press Tab until the element with this name has the focus."""
        for _ in range(120):
            await keys.press("Tab")
            if (
                await visitor.page.evaluate(
                    "(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()"
                )
                == name
            ):
                return
        raise AssertionError(f"{name} cannot be reached")

    await to(visitor.text("playground.slack.write"))
    await keys.type("/cm")
    await keys.press("Enter")
    for question, option in list(SHORT.items())[:2]:
        await expect(visitor.slack.get_by_text(visitor.text(f"question.{question}.text"))).to_be_visible()
        await to(label(visitor.text, question, option))
        await keys.press("Enter")
    await expect(visitor.slack.get_by_text(visitor.text("question.transformation.text"))).to_be_visible()


async def test_commands_are_autocompleted(url: str, browser: Browser) -> None:
    visitor = await visit(browser, url, "en")
    box, options = visitor.slack.get_by_role("combobox"), visitor.slack.get_by_role("option")
    await box.press_sequentially("/")
    await expect(options).to_have_count(1)
    await expect(options.first).to_contain_text(
        build_manifest("https://localhost")["features"]["slash_commands"][0]["description"]
    )
    await expect(options.first).to_have_attribute("aria-selected", "true")
    assert await box.get_attribute("aria-activedescendant") == await options.first.get_attribute("id")
    await box.press("Escape")
    await expect(options).to_have_count(0)
    await box.press_sequentially("c")
    await box.press("Tab")
    await expect(box).to_have_value(re.compile("^/cm "))
    await expect(box).to_be_focused()
    await box.press("Enter")
    await expect(visitor.slack.get_by_text(visitor.text("question.orientation.text"))).to_be_visible()
    # The commands in Teams are suggested too; the arrow keys select one.
    box, options = visitor.teams.get_by_role("combobox"), visitor.teams.get_by_role("option")
    first = manifest_features().teams["en"]["commands"][0]["title"]
    await box.press_sequentially(first[:1])
    await box.press("ArrowDown")
    await box.press("ArrowUp")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await box.press("Enter")
    await expect(box).to_have_value(re.compile(f"^{re.escape(first)}"))


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_slash_command_in_teams(url: str, browser: Browser, language: str) -> None:
    features = manifest_features().teams[language]
    mine = await visit(browser, url, language)
    other = await visit(browser, url, {"fr": "en", "en": "fr"}[language])
    box, options = mine.teams.get_by_role("combobox"), mine.teams.get_by_role("option")
    await box.press_sequentially("/")
    await expect(options).to_have_count(len(features["slash"]) + 2)  # and the form, and the app
    await expect(options.first).to_contain_text(features["slash"][0]["description"])
    await mine.shot("slash")
    word = features["slash"][0]["title"]
    await box.fill(f"/{word}")
    await box.press("Enter")
    article = mine.teams.get_by_role("article").filter(has_text=mine.text("playground.teams.only_you")).first
    await expect(article.get_by_text(word, exact=True)).to_be_visible()
    await expect(article.get_by_role("button", name=mine.text("playground.reply"))).to_have_count(0)
    await mine.shot("slash-sent")
    # Other people in the channel do not see it, also not after a reload.
    await other.write(other.teams, "/nothing of this app")
    await expect(mine.teams.get_by_text("/nothing of this app")).to_be_visible()
    await other.page.reload()
    await expect(other.teams.get_by_text("/nothing of this app")).to_be_visible()
    await expect(other.teams.get_by_text(word, exact=True)).to_have_count(0)
    # A command of the message extension opens its form.
    await mine.write(mine.teams, f"/{features['extension'][0]['title']}")
    await expect(mine.page.get_by_role("dialog")).to_be_visible()
    await mine.page.get_by_role("dialog").get_by_role("button", name=mine.text("playground.close")).first.click()
    # A personal chat has no such commands.
    await mine.go(mine.teams, "CM Advisor")
    await box.press_sequentially("/")
    await expect(options).to_have_count(0)


async def test_focus_stays_on_the_card(url: str, browser: Browser) -> None:
    visitor = await visit(browser, url, "en")
    start = visitor.text("playground.type", text=visitor.text("playground.word"))
    await visitor.teams.get_by_role("button", name=start, exact=True).click()
    await visitor.page.get_by_role("button", name=label(visitor.text, "orientation", "key"), exact=True).press("Enter")
    await expect(visitor.teams.get_by_text(visitor.text("question.brand.text"))).to_be_visible()
    await visitor.page.keyboard.press("Tab")
    assert await visitor.page.evaluate("!!document.activeElement.closest('.card')")


async def serious_violations(visitor: Visitor) -> list[Any]:
    found = await visitor.page.evaluate("axe.run().then((result) => result.violations)")
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


async def test_no_serious_accessibility_violation(url: str, browser: Browser) -> None:
    axe = (await asyncio.to_thread(package, "axe-core", "4.10.3") / "axe.min.js").read_text(encoding="utf-8")
    for language, theme, width in itertools.product(("fr", "en"), ("light", "dark"), (1440, 390)):
        visitor = await visit(browser, url, language, theme=theme, width=width)
        await visitor.page.evaluate(axe)  # not subject to the page's content security policy
        box = visitor.slack.get_by_role("combobox")
        await box.fill("/")
        assert await serious_violations(visitor) == [], (language, theme, width, "a list of commands")
        await visitor.write(visitor.slack, "/cm")
        await expect(visitor.slack.get_by_text(visitor.text("question.orientation.text")).last).to_be_visible()
        await visitor.shot(f"{theme}-{width}")
        assert await serious_violations(visitor) == [], (language, theme, width, "Slack")
        if width < 900:
            await visitor.page.get_by_role("button", name="Teams", exact=True).click()
        await visitor.go(visitor.teams, "CM Advisor")
        await expect(visitor.teams.get_by_text(visitor.text("welcome.title"))).to_be_visible()
        await visitor.write(visitor.teams, visitor.text("label.start"))
        await expect(visitor.teams.get_by_text(visitor.text("question.orientation.text")).last).to_be_visible()
        # Each button is inside its card; a cut-off button cannot be pressed.
        assert await visitor.page.evaluate(CUT) == []
        await visitor.shot(f"{theme}-{width}-teams")
        assert await serious_violations(visitor) == [], (language, theme, width, "Teams")
        await visitor.page.close()
