"""Whatever a recommendation says, every platform says in full: drawn for every path there is, but not sent."""

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import count, cycle
from typing import Any

import pytest
from rich.console import Console

from adapters.slack import block_kit as slack
from adapters.slack.button_value import ButtonContext
from adapters.teams import cards as teams
from adapters.terminal.render import render
from adapters.terminal.screen import Screen as TerminalPage
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.session import Session, Status
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import Announcement, RecommendationCard
from dialogs.walk import walk
from tests.scenarios.parity.readers import flat, of_slack, of_teams, posted, rows, shown, wanted

MARK = ButtonContext("card", "A" * 24, 9)


@lru_cache(maxsize=1)
def every() -> list[tuple[Session, RecommendationCard, Announcement]]:
    """What every path comes to, in French and in English in turn, kept and posted in turn."""
    found = []
    for path, number in zip(all_paths(FLOW), count()):
        status = (Status.KEPT, Status.POSTED)[number // 2 % 2]
        session = Session("s", "t", "p", ("fr", "en")[number % 2], FLOW.version, dict(path), status=status)
        view = presenter.current(FLOW, session)
        assert isinstance(view, RecommendationCard)
        found.append((session, view, presenter.announcement(FLOW, session, walk(FLOW, session.answers))))
    assert len(found) == 7_944
    return found


def kinds() -> list[tuple[Session, RecommendationCard, Announcement]]:
    """One path for each outcome with each list of advice and each level of control, in each language where it can."""
    found: dict[object, tuple[Session, RecommendationCard, Announcement]] = {}
    for session, view, post in every():
        advice = tuple(line.id for line in view.advice)
        found.setdefault((session.language, view.outcome, advice, view.control), (session, view, post))
    assert len(found) > 100
    return list(found.values())


def said(view: RecommendationCard) -> Iterator[str]:
    """Every word of a recommendation that no platform may leave out."""
    yield from (view.title, view.outcome, view.summary, view.caveat, view.what_if_title)
    yield from (view.advice_title,) if view.advice else ()
    for line in view.advice:
        yield from (line.title, line.text, line.step, line.source)
    if view.control:
        yield from (view.control.title, view.control.bar, view.control.text)
    for title, given in ((view.because_title, view.because), (view.others_title, view.others)):
        yield from (title,) if given else ()
        yield from (translations for row in given for translations in (row.name, row.answer))
    yield from view.what_if
    yield from (view.open_title, *view.open) if view.open else ()
    yield from (view.provisional,) if view.provisional else ()


def announced(view: Announcement) -> Iterator[str]:
    """Every word of a post, but whom it names."""
    yield from (view.title, view.headline, view.summary, view.because_title, view.caveat)
    yield from (view.steps_title,) if view.steps else ()
    yield from (translations for line in view.steps for translations in (line.title, line.step))
    yield from (translations for row in view.because for translations in (row.name, row.answer))
    if view.control:
        yield from (view.control.title, view.control.bar, view.control.text)


def missing(wanted: Iterator[str], there: str) -> list[str]:
    return [translations for translations in wanted if translations not in there and flat(translations) not in there]


def in_slack(blocks: list[dict[str, Any]]) -> str:
    joined = _strings(blocks, ("text",)).replace("&lt;", "<").replace("&gt;", ">")
    return joined.replace("&amp;", "&")


def in_teams(card: dict[str, Any]) -> str:
    return _strings(card["body"], ("text", "title", "value"))


def _strings(nodes: list[Any], keys: tuple[str, ...]) -> str:
    """All there is to read, in no particular order; buttons are not."""
    left, found = list(nodes), []
    while left:
        node = left.pop()
        if node.get("type") in ("actions", "ActionSet", "button"):
            continue
        for key, each in node.items():
            if isinstance(each, dict):
                left.append(each)
            elif isinstance(each, list):
                left += each
            elif key in keys:
                found.append(each)
    return flat("\n".join(found))


@pytest.mark.parametrize("platform", ["Slack", "Teams"])
def test_every_recommendation_and_every_post_is_drawn_in_full(platform: str) -> None:
    for session, view, post in every():
        t = translations(session.language)
        if platform == "Slack":
            drawn, shared = (in_slack(slack.render(each, MARK, t)["blocks"]) for each in (view, post))
        else:
            drawn, shared = in_teams(teams.render(view, session)), in_teams(teams.announcement(post, "Anna Roux"))
        assert missing(said(view), drawn) == [], (session.language, session.answers)
        assert missing(announced(post), shared) == [], (session.language, session.answers)


def test_every_kind_of_recommendation_is_drawn_alike() -> None:
    """Not only in full, but each word in its place."""
    for session, view, post in kinds():
        t = translations(session.language)
        on_slack, on_teams = slack.render(view, MARK, t)["blocks"], teams.render(view, session)
        assert shown(of_slack(on_slack), t) == shown(of_teams(on_teams), t) == wanted(view), session.answers
        sent, put = slack.render(post, MARK, t)["blocks"], teams.announcement(post, "Anna Roux")
        read = posted(of_slack(sent), t)
        assert read == posted(of_teams(put), t), session.answers
        assert read.because == rows(post.because)
        assert read.steps == tuple(flat(line.title) for line in post.steps)


def test_a_terminal_wraps_and_loses_nothing() -> None:
    for (session, view, _), width in zip(kinds(), cycle((40, 60, 80))):
        printed = io.StringIO()
        render(
            TerminalPage(Console(file=printed, width=width, force_terminal=False)), view, translations(session.language)
        )
        assert missing(said(view), flat(printed.getvalue())) == [], (session.language, session.answers)
        assert max(map(len, printed.getvalue().splitlines())) <= width
