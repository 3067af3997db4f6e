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
from dialogs.presenter import MAX_STEPS, OUTCOME_MARKS
from dialogs.recommend import check, recommend
from dialogs.sentences import join_or
from dialogs.session import Session, Status
from dialogs.translations import Translations, translations
from dialogs.verify import all_paths
from dialogs.views import Announcement
from dialogs.walk import walk
from tests.scenarios.parity.conftest import AllPlatforms
from tests.scenarios.parity.content import (
    ShownCard,
    ShownDetails,
    ShownNotice,
    ShownPost,
    ShownQuestion,
    ShownRecommendation,
    expected_card,
    normalize,
    steps,
    without_notes,
)
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

CRITERIA = {"brand", "transformation", "presence"}


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
    t = translations(journey.language)
    expected = [(press, expected_card(view, t), dict(answers)) for press, view, answers in expected_views(journey)]
    presses = [press for press, _, _ in expected]
    dialogs = platforms.for_journey(journey)
    results = await asyncio.gather(*(run_dialog(dialog, presses) for dialog in dialogs.values()))
    runs = dict(zip(dialogs, results, strict=True))

    for number, (press, view, _) in enumerate(expected):
        for name, (cards, _) in runs.items():
            at = f"{name}, {journey}, after {press}"
            card = cards[number]
            if press.action == "post" and isinstance(card, ShownNotice):  # folded, where the post is seen as well
                assert (name, card.text) == ("Teams", normalize(t("notice.posted"))), at
                continue
            assert without_notes(card) == limited(name, view, t), at
            # The notes above a card, such as that an answer was changed, are the same, too. A terminal posts nothing.
            if press.action != journey.ends:
                assert card == limited(name, runs["Slack"][0][number], t), at

    answers = expected[-1][2]
    for cards, _ in runs.values():
        details = [card for card in cards if isinstance(card, ShownDetails)]
        result = next(card for card in reversed(cards) if isinstance(card, ShownRecommendation))
        assert_says(result, details[-1], answers, t)
    if journey.ends == "post":
        post = expected_post(journey.language, answers)
        assert runs["Slack"][1] == runs["Teams"][1] == post, journey
        assert post.outcome == expected[-1][1].outcome  # type: ignore[union-attr]


def limited(platform: str, card: ShownCard, t: Translations) -> ShownCard:
    """Return the card with at most six buttons for Teams: the options first, then as many others as fit, then *More*.

    *Stop* is not compared, because the terminal has *Quit*, but takes up room.
    """
    room = MAX_ACTIONS - len(getattr(card, "choices", ()))
    if platform != "Teams" or not isinstance(card, ShownQuestion) or len(card.navigation) + 1 <= room:
        return card
    return replace(card, navigation=(*card.navigation[: room - 1], t("label.more")))


def assert_says(result: ShownRecommendation, details: ShownDetails, answers: dict[str, str], t: Translations) -> None:
    """The recommendation and its details say what the JSON of ``cm-advisor check`` says."""
    expected: Any = check(FLOW, answers)
    assert expected["status"] == "complete"
    recommended = recommend(FLOW, walk(FLOW, answers))
    assert recommended
    title = presenter.outcome_title(t, recommended)
    outcome = normalize(f"{OUTCOME_MARKS[expected['outcome']]} {title}")
    assert result.outcome == details.outcome == outcome
    assert result.provisional == details.provisional == expected["provisional"]
    assert result.bar == ("●" * expected["control"] + "○" * (4 - expected["control"]),)
    titles = [normalize(t(f"advice.{id}.title")) for id in expected["advice"]]
    assert [advice[0] for advice in details.advice] == titles
    assert [title for title, _ in result.steps] == titles[:MAX_STEPS]
    because = [
        (normalize(t(f"question.{e['question']}.short")), normalize(t(f"option.{e['question']}.{e['answer']}")))
        for e in expected["because"]
    ]
    assert list(details.rows) == because, "in the order asked"
    options = [
        tuple(
            tuple(normalize(t(f"argument.{option['outcome']}.{argument}")) for argument in option[name])
            for name in ("for", "against")
        )
        for option in expected["options"]
    ]
    assert [(option.pros, option.cons) for option in details.options] == options
    is_option = expected["outcome"] in [option["outcome"] for option in expected["options"]]
    titles = [option.title for option in details.options]
    assert titles.count(normalize(t("details.recommended", outcome=title))) == is_option
    challengers = [t(f"outcome.{outcome}.phrase") for outcome in expected["challengers"]]
    text = normalize(t("details.challengers", outcomes=join_or(t, challengers)))
    assert details.challengers == ((text,) if challengers else ())
    open_questions = [t(f"question.{id}.short") for id in expected["open_questions"]]
    assert list(details.open) == [normalize(t("recommendation.open_item", question=name)) for name in open_questions]
    assert len(details.unused) == len(expected["unused"])
    assert_says_what_if(details, expected["what_if"], t)


def assert_says_what_if(details: ShownDetails, changes: list[dict[str, Any]], t: Translations) -> None:
    """Every change that somebody can make is in the one sentence with its outcomes."""
    changes = [change for change in changes if change["answer"] not in {"unknown", "undecided"}]
    if not changes:
        assert details.what_if == (normalize(t("recommendation.stable")),)
        return
    endings = {ending(change["outcomes"], t) for change in changes}
    assert len(details.what_if) == len(endings)
    for change in changes:
        (sentence,) = (line for line in details.what_if if line.endswith(ending(change["outcomes"], t)))
        clause = normalize(t(f"option.{change['question']}.{change['answer']}.if"))
        any_criterion = normalize(t("what_if.any_criterion"))
        is_criterion = change["question"] in CRITERIA and change["answer"] == "yes"
        assert clause.lower() in sentence.lower() or (is_criterion and any_criterion.lower() in sentence.lower())


def ending(outcomes: list[str], t: Translations) -> str:
    """Return the end of the sentence about a change that leads to these outcomes."""
    phrases = [t(f"outcome.{outcome}.phrase") for outcome in outcomes]
    if len(phrases) == 1:
        return normalize(t("what_if.one", clause="", outcome=phrases[0]))
    return normalize(t("what_if.several", clause="", outcomes=join_or(t, phrases)))


def expected_post(language: str, answers: dict[str, str]) -> ShownPost:
    session = Session("s", "t", "p", language, FLOW.version, answers, status=Status.POSTED)
    view: Announcement = presenter.announcement(FLOW, session, walk(FLOW, answers))
    assert view.control
    return ShownPost(
        outcome=normalize(f"{view.mark} {view.headline}"),
        by=True,
        provisional=bool(view.provisional),
        because=normalize(view.because),
        bar=(view.control.bar,),
        steps=steps(view.steps),
    )
