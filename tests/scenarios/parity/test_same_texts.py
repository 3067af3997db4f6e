"""Every text of every recommendation and post is on every platform. Rendered for all paths, not sent."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from dialogs.presenter import MAX_STEPS
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import AdviceLine, Announcement, Control, DetailsCard, RecommendationCard
from dialogs.walk import walk
from tests.scenarios.parity.content import expected_card, normalize, parse_card, parse_post, steps
from tests.scenarios.parity.readers import read_slack, read_teams

CONTEXT = ButtonContext("card", "A" * 24, 9)
PERSON = "Anna Roux"


@dataclass(frozen=True)
class Result:
    """What is shown at the end of one path."""

    session: Session
    recommendation: RecommendationCard
    details: DetailsCard
    post: Announcement

    @property
    def cards(self) -> tuple[RecommendationCard, DetailsCard]:
        return self.recommendation, self.details


@lru_cache(maxsize=1)
def all_results() -> list[Result]:
    """Return the result of every path; languages and statuses alternate."""
    results = []
    for path, number in zip(all_paths(FLOW), count()):
        status = (Status.KEPT, Status.POSTED)[number // 2 % 2]
        session = Session("s", "t", "p", ("fr", "en")[number % 2], FLOW.version, dict(path), status=status)
        position = walk(FLOW, session.answers)
        result = recommend(FLOW, position)
        assert result
        results.append(
            Result(
                session,
                presenter.recommendation(FLOW, session, position, result),
                presenter.details(FLOW, session, position, result),
                presenter.announcement(FLOW, session, position),
            )
        )
        assert results[-1].recommendation == presenter.current(FLOW, session)
    assert len(results) == 7_944
    return results


def one_of_each_kind() -> list[Result]:
    """Return one result for each outcome, list of advice, level of control and language that occur together."""
    results: dict[object, Result] = {}
    for result in all_results():
        advice = tuple(line.id for line in result.details.advice)
        kind = (result.session.language, result.recommendation.outcome, advice, result.recommendation.control)
        results.setdefault(kind, result)
    assert len(results) > 100
    return list(results.values())


def texts_of(view: RecommendationCard | DetailsCard | Announcement) -> Iterator[str]:
    """Yield the texts that every platform must show."""
    match view:
        case RecommendationCard():
            yield from (view.mark, view.outcome, view.because, view.summary, *_control(view.control))
            yield from _steps(view.steps_title, view.steps)
        case DetailsCard():
            yield from (view.title, view.mark, view.outcome, view.options_title, view.caveat)
            for option in view.options:
                yield from (option.title, *option.pros, *option.cons)
            yield from (view.challengers,) if view.challengers else ()
            yield view.advice_title
            for line in view.advice:
                yield from (line.title, line.reason, line.text, line.step, line.source)
            yield from (view.what_if_title, *view.what_if, view.rows_title)
            yield from (view.open_title, *view.open) if view.open else ()
            yield from (text for row in view.rows for text in (row.name, row.answer, row.source))
        case Announcement():
            yield from (view.mark, view.headline, view.because)
            yield from (view.control.title, view.control.bar) if view.control else ()
            yield from _steps(view.steps_title, view.steps)
    yield from (view.provisional,) if view.provisional else ()


def _control(control: Control | None) -> Iterator[str]:
    assert control
    yield from (control.title, control.bar, control.text)


def _steps(title: str, lines: Iterable[AdviceLine]) -> Iterator[str]:
    yield title
    yield from (text for line in lines for text in (line.title, line.step))


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
    for result in all_results():
        session = result.session
        t = translations(session.language)
        views: tuple[RecommendationCard | DetailsCard | Announcement, ...] = (*result.cards, result.post)
        if platform == "Slack":
            shown = [in_slack(slack.render(view, CONTEXT, t)["blocks"]) for view in views]
        else:
            shown = [in_teams(teams.render(view, session)) for view in result.cards]
            shown.append(in_teams(teams.announcement(result.post, PERSON)))
        for view, text in zip(views, shown, strict=True):
            assert missing(texts_of(view), text) == [], (session.language, session.answers)


def test_recommendations_have_the_same_structure() -> None:
    """Each text is at the same place on both platforms."""
    for result in one_of_each_kind():
        session = result.session
        t = translations(session.language)
        for view in result.cards:
            on_slack, on_teams = slack.render(view, CONTEXT, t)["blocks"], teams.render(view, session)
            expected = expected_card(view, t)
            assert parse_card(read_slack(on_slack), t) == parse_card(read_teams(on_teams), t) == expected, session
        post = result.post
        slack_post, teams_post = slack.render(post, CONTEXT, t)["blocks"], teams.announcement(post, PERSON)
        parsed = parse_post(read_slack(slack_post), t)
        assert parsed == parse_post(read_teams(teams_post), t), session
        assert parsed.because == normalize(post.because)
        assert parsed.steps == steps(post.steps)
        assert len(parsed.steps) == min(MAX_STEPS, len(result.details.advice))


def test_a_terminal_wraps_lines_without_loss() -> None:
    for result, width in zip(one_of_each_kind(), cycle((40, 60, 80))):
        for view in result.cards:
            printed = io.StringIO()
            screen = TerminalPage(Console(file=printed, width=width, force_terminal=False))
            render(screen, view, translations(result.session.language))
            lines = printed.getvalue().splitlines()
            # On a wide terminal, the arguments of the details are in a column beside the options.
            middle = width * 2 // 5
            columns = (lines, [line[:middle] for line in lines], [line[middle:] for line in lines])
            text = "\n".join(normalize("\n".join(column)) for column in columns)
            assert missing(texts_of(view), text) == [], result.session
            assert max(map(len, lines)) <= width
