"""The same presses give the same cards, recommendation and post in Slack, in Teams and at a terminal."""

import asyncio
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
from tests.scenarios.parity.journeys import (
    BACK,
    CHANGE,
    RESTART,
    WHY,
    Journey,
    chosen_paths,
    expected_views,
    features,
    journeys,
)
from tests.scenarios.parity.platforms import run_dialog
from tests.scenarios.parity.readers import (
    ShownCard,
    ShownPost,
    ShownQuestion,
    ShownRecommendation,
    expected_card,
    normalize,
    rows,
    without_notes,
)


def test_the_journeys_cover_all_features() -> None:
    every = set().union(*(features(path) for path in all_paths(FLOW)))
    assert set().union(*(features(path) for path in chosen_paths())) == every
    assert {("outcome", outcome.id) for outcome in FLOW.outcomes} <= every, "the features are complete"
    assert {("control", level) for level in range(len(FLOW.control) + 1)} <= every
    assert {("advice", advice.id) for advice in FLOW.advice} <= every
    assert {(q.id, option) for q in FLOW.questions for option in q.options} <= every
    pressed = {press.split(">")[0] + ">" for each in journeys() for press in each.presses if press[0] == "<"}
    assert pressed == {BACK, WHY, RESTART, CHANGE}
    assert set(Counter((journey.language, journey.ends) for journey in journeys()).values()) <= {6, 7}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_same_presses_give_the_same_recommendation(
    make_all_platforms: Callable[[str], Awaitable[AllPlatforms]], language: str
) -> None:
    platforms = await make_all_platforms(language)
    for journey in (journey for journey in journeys() if journey.language == language):
        await assert_same(platforms, journey)


async def assert_same(platforms: AllPlatforms, journey: Journey) -> None:
    expected = [(press, expected_card(view), dict(answers)) for press, view, answers in expected_views(journey)]
    presses = [press for press, _, _ in expected]
    dialogs = platforms.for_journey(journey)
    results = await asyncio.gather(*(run_dialog(dialog, presses) for dialog in dialogs.values()))
    runs = dict(zip(dialogs, results, strict=True))

    for number, (press, view, _) in enumerate(expected):
        for name, (cards, _) in runs.items():
            at = f"{name}, {journey}, after {press}"
            assert without_notes(cards[number]) == limited(name, view), at
            # The notes above a card, such as the result of a changed answer, are the same, too.
            assert cards[number] == limited(name, runs["Slack"][0][number]), at

    answers = expected[-1][2]
    for name, (cards, _) in runs.items():
        result = cards[-1]
        assert isinstance(result, ShownRecommendation), (name, journey)
        assert_says(result, answers, translations(journey.language))
    if journey.ends == "post":
        post = expected_post(journey.language, answers)
        assert runs["Slack"][1] == runs["Teams"][1] == post, journey
        assert post.outcome == (expected[-1][1].outcome,)  # type: ignore[union-attr]


def limited(platform: str, card: ShownCard) -> ShownCard:
    """Return the card with at most six buttons for Teams: the options first, then as many others as fit."""
    if platform != "Teams" or not isinstance(card, ShownQuestion):
        return card
    return replace(card, navigation=card.navigation[: MAX_ACTIONS - len(card.choices)])


def assert_says(result: ShownRecommendation, answers: dict[str, str], t: Translations) -> None:
    """The recommendation says what the JSON of ``cm-advisor check`` says."""
    expected: Any = check(FLOW, answers)
    assert expected["status"] == "complete"
    assert result.outcome == normalize(t(f"outcome.{expected['outcome']}.title"))
    assert result.provisional == expected["provisional"]
    assert result.bar == ("●" * expected["control"] + "○" * (4 - expected["control"]),)
    assert result.control == (normalize(t(f"control.{expected['control']}")),)
    assert result.advice == tuple(normalize(t(f"advice.{id}.title")) for id in expected["advice"])
    because = [
        (normalize(t(f"question.{e['question']}.short")), normalize(t(f"option.{e['question']}.{e['answer']}")))
        for e in expected["because"]
    ]
    assert sorted(result.because + result.others) == sorted(because)
    assert [row for row in because if row in result.because] == list(result.because), "in the order asked"
    assert [row for row in because if row in result.others] == list(result.others)
    open_questions = [t(f"question.{id}.short") for id in expected["open_questions"]]
    assert list(result.open) == [normalize(t("recommendation.open_item", question=name)) for name in open_questions]
    assert len(result.unused) == len(expected["unused"])
    sentences = {sentence(change, t): change for change in expected["what_if"]}
    if not sentences:
        assert result.what_if == (normalize(t("recommendation.stable")),)
        return
    assert [each for each in sentences if each in result.what_if] == list(result.what_if)
    for each in set(sentences) - set(result.what_if):
        assert sentences[each]["answer"] == "unknown", "only what another sentence already says is left out"
        same = [(sentences[text]["question"], sentences[text]["outcomes"]) for text in result.what_if]
        assert (sentences[each]["question"], sentences[each]["outcomes"]) in same


def sentence(change: dict[str, Any], t: Translations) -> str:
    clause = t(f"option.{change['question']}.{change['answer']}.if")
    phrases = [t(f"outcome.{outcome}.phrase") for outcome in change["outcomes"]]
    if len(phrases) == 1:
        return normalize(t("what_if.one", clause=clause, outcome=phrases[0]))
    return normalize(t("what_if.several", clause=clause, outcomes=presenter.join_or(t, phrases)))


def expected_post(language: str, answers: dict[str, str]) -> ShownPost:
    session = Session("s", "t", "p", language, FLOW.version, answers, status=Status.POSTED)
    view: Announcement = presenter.announcement(FLOW, session, walk(FLOW, answers))
    assert view.control
    return ShownPost(
        (normalize(view.headline),),
        (normalize(view.summary),),
        (view.control.bar,),
        (normalize(view.control.text),),
        rows(view.because),
        tuple(normalize(line.title) for line in view.steps),
        True,
    )
