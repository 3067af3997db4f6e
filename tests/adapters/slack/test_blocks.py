"""Every message that any path can lead to is one that Slack takes, and that a phone can live on, in both languages."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from adapters.playground.standins.slack_rules import check_message, check_view
from adapters.slack import blocks, modal, replies
from adapters.slack.press import Mark, pressed
from dialogs import compose
from dialogs.community import FLOW
from dialogs.machine import step
from dialogs.recommend import recommend
from dialogs.session import Actor, Answer, Change, Resume, Session, Start, Status, Why
from dialogs.understand import Command, Company, Problems, Reading, Unsure, read
from dialogs.views import Announcement, Button, View
from dialogs.walk import walk
from dialogs.words import words

LANGUAGES = ("fr", "en")
SHARE = "À publier dans <#C0123456789>"
MARK = Mark("card", "A" * 24, 123)


def paths(given: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Every set of answers on the way to an end, the ends included."""
    given = given or {}
    yield given
    here = walk(FLOW, given).here
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
        key: object = (result.outcome.id, result.advice) if result else (at.here and at.here.id, len(answers))
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
    for given in (answers, everything) if walk(FLOW, answers).here is None else (answers,):
        for status in Status:
            yield compose.current(FLOW, replace(session, status=status, answers=given))
        yield compose.announcement(FLOW, replace(session, answers=given), walk(FLOW, given))
    for event in (Why(actor), Resume(actor), *(Change(actor, question) for question in list(answers)[-1:])):
        _, effects = step(FLOW, session, event)
        yield from (effect.view for effect in effects if hasattr(effect, "view"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_view_of_every_path(language: str) -> None:
    text = words(language)
    drawn: set[str] = set()
    for answers in telling():
        for view in views(answers, language):
            message = blocks.message(view, MARK, text, SHARE)
            seen = repr(message)
            if seen in drawn:
                continue
            drawn.add(seen)
            assert check_message(message) == [], view
            assert len(message["text"]) >= 20, "the text alone must do"
            assert "{" not in seen.replace("{'", "").replace("{date_short_pretty}", ""), "a placeholder was not filled"
            elements = [element for block in message["blocks"] for element in block.get("elements", ())]
            assert all(pressed(element) for element in elements if element["type"] == "button")
    assert len(drawn) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_form(language: str) -> None:
    about = "x" * 900
    for answers in telling():
        assert check_view(modal.form(words(language), answers, about)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_every_reply(language: str) -> None:
    actor = Actor("slack:T1", "U1", language)
    long = Company({question.id: question.options[0] for question in FLOW.questions})
    several = (long, Command("help"), Command("form"), Command("language", "fr"), Command("resume"))
    readings: list[Reading] = [Unsure(several)]
    for typed in ("a=b", "marque=peutetre", "marque=oui marque=non", "oui non oui non oui", "mode=", "x" * 299):
        readings.append(replies.reading(typed, loose=True))
    offered = [found for found in readings if isinstance(found, Unsure | Problems)]
    assert len(offered) > 3
    for found in offered:
        assert check_message(replies.nearest(actor, found)) == []
    assert check_message(replies.help_card(actor)) == []
    assert check_message(replies.checks(actor, [])) == []


def test_texts_of_people_are_escaped() -> None:
    said = blocks.words_only("<!channel> & <@U1>", Mark("notice"), (Button("help", "Aide"),))
    assert "<!" not in repr(said)
    assert said["text"] == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_a_review_offers_both_ways_on_and_a_change_of_each_answer() -> None:
    answers = next(each for each in telling() if walk(FLOW, each).here is None)
    session = Session("s1", "slack:T1", "U1", "fr", FLOW.version, answers)
    drawn = blocks.message(compose.current(FLOW, session), MARK, words("fr"), SHARE)["blocks"]
    labels = [e["text"]["text"] for block in drawn if block["type"] == "actions" for e in block["elements"]]
    assert labels[:2] == [words("fr").text("label.post"), words("fr").text("label.keep_private")]
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
        drawn = blocks.message(view, MARK, words("fr"))["blocks"]
        first = next(block for block in drawn if block["type"] == "actions")
        assert all("style" not in element for element in first["elements"])
        here = walk(FLOW, session.answers).here
        assert here
        session, effects = step(FLOW, session, Answer(actor, here.id, option))


def test_reading_is_loose_only_where_asked() -> None:
    assert isinstance(replies.reading("oui", loose=True), Company)
    assert not isinstance(replies.reading("oui", loose=False), Company)
    assert isinstance(read("aide", FLOW, None), Command)
