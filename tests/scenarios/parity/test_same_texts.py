"""Every text of every recommendation and post is on every platform. Rendered for all paths, not sent."""

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
from tests.scenarios.parity.readers import (
    expected_card,
    normalize,
    parse_card,
    parse_post,
    read_slack,
    read_teams,
    rows,
)

CONTEXT = ButtonContext("card", "A" * 24, 9)


@lru_cache(maxsize=1)
def all_results() -> list[tuple[Session, RecommendationCard, Announcement]]:
    """Return session, recommendation and post of every path; languages and statuses alternate."""
    results = []
    for path, number in zip(all_paths(FLOW), count()):
        status = (Status.KEPT, Status.POSTED)[number // 2 % 2]
        session = Session("s", "t", "p", ("fr", "en")[number % 2], FLOW.version, dict(path), status=status)
        view = presenter.current(FLOW, session)
        assert isinstance(view, RecommendationCard)
        results.append((session, view, presenter.announcement(FLOW, session, walk(FLOW, session.answers))))
    assert len(results) == 7_944
    return results


def one_of_each_kind() -> list[tuple[Session, RecommendationCard, Announcement]]:
    """Return one result for each outcome, list of advice, level of control and language that occur together."""
    results: dict[object, tuple[Session, RecommendationCard, Announcement]] = {}
    for session, view, post in all_results():
        advice = tuple(line.id for line in view.advice)
        results.setdefault((session.language, view.outcome, advice, view.control), (session, view, post))
    assert len(results) > 100
    return list(results.values())


def texts_of(view: RecommendationCard) -> Iterator[str]:
    """Yield the texts of a recommendation that every platform must show."""
    yield from (view.title, view.outcome, view.summary, view.caveat, view.what_if_title)
    yield from (view.advice_title,) if view.advice else ()
    for line in view.advice:
        yield from (line.title, line.text, line.step, line.source)
    if view.control:
        yield from (view.control.title, view.control.bar, view.control.text)
    for title, items in ((view.because_title, view.because), (view.others_title, view.others)):
        yield from (title,) if items else ()
        yield from (text for row in items for text in (row.name, row.answer))
    yield from view.what_if
    yield from (view.open_title, *view.open) if view.open else ()
    yield from (view.provisional,) if view.provisional else ()


def texts_of_post(view: Announcement) -> Iterator[str]:
    """Yield the texts of a post, without the name of its author."""
    yield from (view.title, view.headline, view.summary, view.because_title, view.caveat)
    yield from (view.steps_title,) if view.steps else ()
    yield from (text for line in view.steps for text in (line.title, line.step))
    yield from (text for row in view.because for text in (row.name, row.answer))
    if view.control:
        yield from (view.control.title, view.control.bar, view.control.text)


def missing(texts: Iterator[str], rendered: str) -> list[str]:
    return [text for text in texts if text not in rendered and normalize(text) not in rendered]


def in_slack(blocks: list[dict[str, Any]]) -> str:
    joined = _strings(blocks, ("text",)).replace("&lt;", "<").replace("&gt;", ">")
    return joined.replace("&amp;", "&")


def in_teams(card: dict[str, Any]) -> str:
    return _strings(card["body"], ("text", "title", "value"))


def _strings(nodes: list[Any], keys: tuple[str, ...]) -> str:
    """Return all visible text except buttons, in no particular order."""
    pending, strings = list(nodes), []
    while pending:
        node = pending.pop()
        if node.get("type") in ("actions", "ActionSet", "button"):
            continue
        for key, value in node.items():
            if isinstance(value, dict):
                pending.append(value)
            elif isinstance(value, list):
                pending += value
            elif key in keys:
                strings.append(value)
    return normalize("\n".join(strings))


@pytest.mark.parametrize("platform", ["Slack", "Teams"])
def test_every_recommendation_and_post_is_complete(platform: str) -> None:
    for session, view, post in all_results():
        t = translations(session.language)
        if platform == "Slack":
            card, shared = (in_slack(slack.render(each, CONTEXT, t)["blocks"]) for each in (view, post))
        else:
            card, shared = in_teams(teams.render(view, session)), in_teams(teams.announcement(post, "Anna Roux"))
        assert missing(texts_of(view), card) == [], (session.language, session.answers)
        assert missing(texts_of_post(post), shared) == [], (session.language, session.answers)


def test_recommendations_have_the_same_structure() -> None:
    """Each text is at the same place on both platforms."""
    for session, view, post in one_of_each_kind():
        t = translations(session.language)
        on_slack, on_teams = slack.render(view, CONTEXT, t)["blocks"], teams.render(view, session)
        assert parse_card(read_slack(on_slack), t) == parse_card(read_teams(on_teams), t) == expected_card(view), (
            session.answers
        )
        slack_post, teams_post = slack.render(post, CONTEXT, t)["blocks"], teams.announcement(post, "Anna Roux")
        parsed = parse_post(read_slack(slack_post), t)
        assert parsed == parse_post(read_teams(teams_post), t), session.answers
        assert parsed.because == rows(post.because)
        assert parsed.steps == tuple(normalize(line.title) for line in post.steps)


def test_a_terminal_wraps_lines_without_loss() -> None:
    for (session, view, _), width in zip(one_of_each_kind(), cycle((40, 60, 80))):
        printed = io.StringIO()
        render(
            TerminalPage(Console(file=printed, width=width, force_terminal=False)), view, translations(session.language)
        )
        assert missing(texts_of(view), normalize(printed.getvalue())) == [], (session.language, session.answers)
        assert max(map(len, printed.getvalue().splitlines())) <= width
