"""Every message that any path can lead to is one that Slack takes, and that a phone can live on, in both languages."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from adapters.playground.slack.rules import check_message, check_view
from adapters.slack import block_kit, modals, replies
from adapters.slack.button_value import ButtonContext, parse_button
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Change, Resume, Start, Why
from dialogs.recommend import recommend
from dialogs.reducer import step
from dialogs.session import Actor, Session, Status
from dialogs.text.parse import Ambiguous, Command, Parsed, Problems, QuickCheck, parse
from dialogs.translations import translations
from dialogs.views import Announcement, Button, View
from dialogs.walk import walk

LANGUAGES = ("fr", "en")
SHARE = "À publier dans <#C0123456789>"
MARK = ButtonContext("card", "A" * 24, 123)


def paths(given: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Every set of answers on the way to an end, the ends included."""
    given = given or {}
    yield given
    here = walk(FLOW, given).next_question
    for option in here.options if here else ():
        assert here
        yield from paths({**given, here.id: option})


@cache
def telling() -> tuple[dict[str, str], ...]:
    """One path for each view that differs in more than a word: by question, or by outcome and advice.

    Of two alike the one with more open questions, whose view is the longer.
    """
    found: dict[object, tuple[int, dict[str, str]]] = {}
    for answers in paths():
        at = walk(FLOW, answers)
        result = recommend(FLOW, at)
        key: object = (
            (result.outcome.id, result.advice) if result else (at.next_question and at.next_question.id, len(answers))
        )
        size = len(result.open_questions) if result else 0
        if key not in found or size > found[key][0]:
            found[key] = (size, answers)
    return tuple(answers for _, answers in found.values())


def views(answers: dict[str, str], language: str) -> Iterator[View | Announcement]:
    """Everything that can be shown of these answers."""
    actor = Actor("slack:T1", "U1", language)
    session = Session("s1", "slack:T1", "U1", language, FLOW.version, answers)
    # Answers that no longer count are shown too.
    everything = {question.id: question.options[-1] for question in FLOW.questions} | answers
    for given in (answers, everything) if walk(FLOW, answers).next_question is None else (answers,):
        for status in Status:
            yield presenter.current(FLOW, replace(session, status=status, answers=given))
        yield presenter.announcement(FLOW, replace(session, answers=given), walk(FLOW, given))
    for event in (Why(actor), Resume(actor), *(Change(actor, question) for question in list(answers)[-1:])):
        _, effects = step(FLOW, session, event)
        yield from (effect.view for effect in effects if hasattr(effect, "view"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_view_of_every_path(language: str) -> None:
    t = translations(language)
    drawn: set[str] = set()
    for answers in telling():
        for view in views(answers, language):
            message = block_kit.message(view, MARK, t, SHARE)
            seen = repr(message)
            if seen in drawn:
                continue
            drawn.add(seen)
            assert check_message(message) == [], view
            assert len(message["text"]) >= 20, "the text alone must do"
            assert "{" not in seen.replace("{'", "").replace("{date_short_pretty}", ""), "a placeholder was not filled"
            elements = [element for block in message["blocks"] for element in block.get("elements", ())]
            assert all(parse_button(element) for element in elements if element["type"] == "button")
    assert len(drawn) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_form(language: str) -> None:
    about = "x" * 900
    for answers in telling():
        assert check_view(modals.form(translations(language), answers, about)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_reply(language: str) -> None:
    actor = Actor("slack:T1", "U1", language)
    long = QuickCheck({question.id: question.options[0] for question in FLOW.questions})
    several = (long, Command("help"), Command("form"), Command("language", "fr"), Command("resume"))
    readings: list[Parsed] = [Ambiguous(several)]
    for typed in ("a=b", "marque=peutetre", "marque=oui marque=non", "oui non oui non oui", "mode=", "x" * 299):
        readings.append(replies.parse_typed(typed, loose=True))
    offered = [found for found in readings if isinstance(found, Ambiguous | Problems)]
    assert len(offered) > 3
    for found in offered:
        assert check_message(replies.nearest(actor, found)) == []
    assert check_message(replies.help_card(actor)) == []
    assert check_message(replies.checks(actor, [])) == []


def test_texts_of_people_are_escaped() -> None:
    said = block_kit.words_only("<!channel> & <@U1>", ButtonContext("notice"), (Button("help", "Aide"),))
    assert "<!" not in repr(said)
    assert said["text"] == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_a_review_offers_both_ways_on_and_a_change_of_each_answer() -> None:
    answers = next(each for each in telling() if walk(FLOW, each).next_question is None)
    session = Session("s1", "slack:T1", "U1", "fr", FLOW.version, answers)
    drawn = block_kit.message(presenter.current(FLOW, session), MARK, translations("fr"), SHARE)["blocks"]
    labels = [e["text"]["text"] for block in drawn if block["type"] == "actions" for e in block["elements"]]
    assert labels[:2] == [translations("fr")("label.post"), translations("fr")("label.keep_private")]
    styles = [e.get("style") for block in drawn if block["type"] == "actions" for e in block["elements"]]
    assert styles.count("primary") == 1
    changes = [block["accessory"] for block in drawn if "accessory" in block]
    assert [each["action_id"] for each in changes] == [f"change:{question}" for question in answers]
    assert all(each["accessibility_label"] for each in changes)
    quiet = [element["text"] for block in drawn if block["type"] == "context" for element in block["elements"]]
    assert SHARE in quiet


def test_no_answer_is_made_to_look_better_than_another() -> None:
    actor = Actor("slack:T1", "U1", "fr")
    session, effects = step(FLOW, None, Start(actor, "s1"))
    for option in ("key", "yes"):
        view = next(effect.view for effect in effects if hasattr(effect, "view"))
        drawn = block_kit.message(view, MARK, translations("fr"))["blocks"]
        first = next(block for block in drawn if block["type"] == "actions")
        assert all("style" not in element for element in first["elements"])
        here = walk(FLOW, session.answers).next_question
        assert here
        session, effects = step(FLOW, session, Answer(actor, here.id, option))


def test_reading_is_loose_only_where_asked() -> None:
    assert isinstance(replies.parse_typed("oui", loose=True), QuickCheck)
    assert not isinstance(replies.parse_typed("oui", loose=False), QuickCheck)
    assert isinstance(parse("aide", FLOW, None), Command)
