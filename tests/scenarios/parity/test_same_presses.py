"""The same presses give the same recommendation on Slack, in Teams and at a terminal, path by path from one list."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.teams.adaptive_cards import MAX_ACTIONS
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import check
from dialogs.session import Session, Status
from dialogs.translations import Translations, translations
from dialogs.verify import all_paths
from dialogs.views import Announcement
from dialogs.walk import walk
from tests.scenarios.parity.conftest import AllPlatforms
from tests.scenarios.parity.journeys import BACK, CHANGE, RESTART, WHY, Journey, chosen, journeys, seen, told
from tests.scenarios.parity.platforms import hold
from tests.scenarios.parity.readers import Asked, Posted, Result, Shown, flat, rows, wanted, without_notes


def test_the_list_shows_everything_there_is() -> None:
    every = set().union(*(told(path) for path in all_paths(FLOW)))
    assert set().union(*(told(path) for path in chosen())) == every
    assert {("outcome", outcome.id) for outcome in FLOW.outcomes} <= every, "so that this is not a proof of nothing"
    assert {("control", level) for level in range(len(FLOW.control) + 1)} <= every
    assert {("advice", advice.id) for advice in FLOW.advice} <= every
    assert {(q.id, option) for q in FLOW.questions for option in q.options} <= every
    pressed = Counter(press.split(">")[0] + ">" for each in journeys() for press in each.presses if press[0] == "<")
    assert set(pressed) == {BACK, WHY, RESTART, CHANGE}
    assert set(Counter((each.language, each.ends) for each in journeys()).values()) <= {6, 7}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_same_presses_give_the_same_recommendation(
    make_all_platforms: Callable[[str], Awaitable[AllPlatforms]], language: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = await make_all_platforms(language)
    with caplog.at_level(logging.ERROR):
        for journey in (each for each in journeys() if each.language == language):
            await same_everywhere(world, journey)
    assert [record.getMessage() for record in caplog.records if record.name.startswith(("adapters", "bot"))] == []


async def same_everywhere(world: AllPlatforms, journey: Journey) -> None:
    expected = [(press, wanted(view), dict(answers)) for press, view, answers in seen(journey)]
    presses = [press for press, _, _ in expected]
    platforms = world.for_journey(journey)
    runs = await asyncio.gather(*(hold(each, presses) for each in platforms.values()))
    held = dict(zip(platforms, runs, strict=True))

    for number, (press, view, _) in enumerate(expected):
        for name, (showed, _) in held.items():
            at = f"{name}, {journey}, after {press}"
            assert without_notes(showed[number]) == on(name, view), at
            # Words above a card, such as what became of a changed answer, are nobody's own either.
            assert showed[number] == on(name, held["Slack"][0][number]), at

    answers = expected[-1][2]
    for name, (showed, _) in held.items():
        result = showed[-1]
        assert isinstance(result, Result), (name, journey)
        assert_says(result, answers, translations(journey.language))
    if journey.ends == "post":
        wanted_post = announced(journey.language, answers)
        assert held["Slack"][1] == held["Teams"][1] == wanted_post, journey
        assert wanted_post.outcome == (expected[-1][1].outcome,)  # type: ignore[union-attr]


def on(platform: str, shown: Shown) -> Shown:
    """In Teams a card has six buttons at most: the options first, and of the ways back what still fits."""
    if platform != "Teams" or not isinstance(shown, Asked):
        return shown
    return replace(shown, ways=shown.ways[: MAX_ACTIONS - len(shown.choices)])


def assert_says(result: Result, answers: dict[str, str], t: Translations) -> None:
    """The very thing that one check as JSON says, in words."""
    found: Any = check(FLOW, answers)
    assert found["status"] == "complete"
    assert result.outcome == flat(t(f"outcome.{found['outcome']}.title"))
    assert result.provisional == found["provisional"]
    assert result.bar == ("●" * found["control"] + "○" * (4 - found["control"]),)
    assert result.control == (flat(t(f"control.{found['control']}")),)
    assert result.advice == tuple(flat(t(f"advice.{id}.title")) for id in found["advice"])
    because = [
        (flat(t(f"question.{e['question']}.short")), flat(t(f"option.{e['question']}.{e['answer']}")))
        for e in found["because"]
    ]
    assert sorted(result.because + result.others) == sorted(because)
    assert [row for row in because if row in result.because] == list(result.because), "in the order asked"
    assert [row for row in because if row in result.others] == list(result.others)
    open_questions = [t(f"question.{id}.short") for id in found["open_questions"]]
    assert list(result.open) == [flat(t("recommendation.open_item", question=name)) for name in open_questions]
    assert len(result.unused) == len(found["unused"])
    sentences = {sentence(change, t): change for change in found["what_if"]}
    if not sentences:
        assert result.what_if == (flat(t("recommendation.stable")),)
        return
    assert [each for each in sentences if each in result.what_if] == list(result.what_if)
    for each in set(sentences) - set(result.what_if):
        assert sentences[each]["answer"] == "unknown", "only what another sentence says already is left out"
        same = [(sentences[said]["question"], sentences[said]["outcomes"]) for said in result.what_if]
        assert (sentences[each]["question"], sentences[each]["outcomes"]) in same


def sentence(change: dict[str, Any], t: Translations) -> str:
    clause = t(f"option.{change['question']}.{change['answer']}.if")
    phrases = [t(f"outcome.{outcome}.phrase") for outcome in change["outcomes"]]
    if len(phrases) == 1:
        return flat(t("what_if.one", clause=clause, outcome=phrases[0]))
    return flat(t("what_if.several", clause=clause, outcomes=presenter.join_or(t, phrases)))


def announced(language: str, answers: dict[str, str]) -> Posted:
    """What the channel is to read."""
    session = Session("s", "t", "p", language, FLOW.version, answers, status=Status.POSTED)
    view: Announcement = presenter.announcement(FLOW, session, walk(FLOW, answers))
    assert view.control
    return Posted(
        (flat(view.headline),),
        (flat(view.summary),),
        (view.control.bar,),
        (flat(view.control.text),),
        rows(view.because),
        tuple(flat(line.title) for line in view.steps),
        True,
    )
