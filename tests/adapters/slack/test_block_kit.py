"""Slack accepts every message that any path leads to, in both languages."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from adapters.playground.slack.rules import check_message, check_view
from adapters.shared.router import parse_outside_dialog
from adapters.slack import block_kit, cards, modals
from adapters.slack.button_value import ButtonContext, ButtonValue
from adapters.slack.request import parse_button
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Change, Details, Resume, Review, Start, Why
from dialogs.recommend import recommend
from dialogs.reducer import step
from dialogs.session import Actor, Session, Status
from dialogs.text.parse import Ambiguous, Command, Parsed, Problems, QuickCheck, parse
from dialogs.translations import translations
from dialogs.views import SIGNS, Announcement, Button, Notice, View
from dialogs.walk import walk

LANGUAGES = ("fr", "en")
CHANNEL = "C0123456789"
CARD = ButtonContext("card", "A" * 24, 123)


def paths(answers: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Yield every set of answers on the way to an end, ends included."""
    answers = answers or {}
    yield answers
    question = walk(FLOW, answers).next_question
    for option in question.options if question else ():
        assert question
        yield from paths({**answers, question.id: option})


@cache
def distinct_paths() -> tuple[dict[str, str], ...]:
    """Return one path for each kind of view: by question, or by outcome and advice.

    Of two alike it is the one with more open questions, whose view is longer.
    """
    longest: dict[object, tuple[int, dict[str, str]]] = {}
    for answers in paths():
        walked = walk(FLOW, answers)
        result = recommend(FLOW, walked)
        key: object = (
            (result.outcome.id, result.advice)
            if result
            else (walked.next_question and walked.next_question.id, len(answers))
        )
        size = len(result.open_questions) if result else 0
        if key not in longest or size > longest[key][0]:
            longest[key] = (size, answers)
    return tuple(answers for _, answers in longest.values())


def views(answers: dict[str, str], language: str) -> Iterator[View | Announcement]:
    """Yield everything that can be shown with these answers."""
    actor = Actor("slack:T1", "U1", language)
    session = Session("s1", "slack:T1", "U1", language, FLOW.version, answers)
    # Answers that no longer count are shown as well.
    all_answered = {question.id: question.options[-1] for question in FLOW.questions} | answers
    for shown in (answers, all_answered) if walk(FLOW, answers).next_question is None else (answers,):
        for status in Status:
            yield presenter.current(FLOW, replace(session, status=status, answers=shown))
        yield presenter.announcement(FLOW, replace(session, answers=shown), walk(FLOW, shown))
    for event in (
        Why(actor),
        Resume(actor),
        Review(actor),
        Details(actor),
        *(Change(actor, question) for question in list(answers)[-1:]),
    ):
        _, effects = step(FLOW, session, event)
        yield from (effect.view for effect in effects if hasattr(effect, "view"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_accepts_every_view_of_every_path(language: str) -> None:
    t = translations(language)
    rendered: set[str] = set()
    for answers in distinct_paths():
        for view in views(answers, language):
            message = block_kit.render(view, CARD, t, CHANNEL)
            text = repr(message)
            if text in rendered:
                continue
            rendered.add(text)
            assert check_message(message) == [], view
            assert len(message["text"]) >= 20, "the text alone is enough"
            assert "{" not in text.replace("{'", "").replace("{date_short_pretty}", ""), "a placeholder was not filled"
            assert all(parse_button(element) for element in elements(message["blocks"]))
    assert len(rendered) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_accepts_every_form(language: str) -> None:
    everything = {question.id: question.options[-1] for question in FLOW.questions}
    for answers in distinct_paths():
        for metadata in ({"card": "x" * 900}, {"card": "x" * 900, "help": True}):
            given = everything | dict(answers)
            assert check_view(modals.form(translations(language), answers, metadata)) == []
            assert check_view(modals.form(translations(language), given, metadata)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_accepts_every_reply(language: str) -> None:
    actor = Actor("slack:T1", "U1", language)
    long = QuickCheck({question.id: question.options[0] for question in FLOW.questions})
    several = (long, Command("help"), Command("form"), Command("language", "fr"), Command("resume"))
    readings: list[Parsed] = [Ambiguous(several)]
    for text in ("a=b", "marque=peutetre", "marque=oui marque=non", "oui non oui non oui", "mode=", "x" * 299):
        readings.append(parse_outside_dialog(text, single_answer=True))
    unclear = [parsed for parsed in readings if isinstance(parsed, Ambiguous | Problems)]
    assert len(unclear) > 3
    for parsed in unclear:
        assert check_message(cards.suggestions(actor, parsed)) == []
    assert check_message(cards.help_message(actor)) == []
    assert check_message(cards.check_list(actor, [])) == []


def test_typed_text_is_escaped() -> None:
    message = cards.notice(Notice("any", "<!channel> & <@U1>", (Button("help", "Aide"),)), None, "fr")
    assert "<!" not in repr(message)
    assert message["text"] == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def elements(blocks: list[block_kit.Block]) -> list[block_kit.Block]:
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def test_recommendation_offers_both_ways_on_and_names_the_channel() -> None:
    t = translations("fr")
    answers = next(path for path in distinct_paths() if walk(FLOW, path).next_question is None)
    session = Session("s1", "slack:T1", "U1", "fr", FLOW.version, answers)
    blocks = block_kit.render(presenter.current(FLOW, session), CARD, t, CHANNEL)["blocks"]
    rows = [
        [element["text"]["text"] for element in block["elements"]] for block in blocks if block["type"] == "actions"
    ]
    actions = (("post", "keep_private"), ("review", "details", "cancel"))
    assert rows == [[f"{SIGNS.get(action, '')} {t(f'label.{action}')}".strip() for action in row] for row in actions]
    assert [button.get("style") for button in elements(blocks)].count("primary") == 1
    assert blocks[0]["type"] == "header"
    context = [element["text"] for block in blocks if block["type"] == "context" for element in block["elements"]]
    assert block_kit.post_destination(t, CHANNEL) in context


def test_navigation_has_signs_that_are_not_read_aloud_and_the_present_answer_has_a_mark() -> None:
    t = translations("fr")
    session = Session("s1", "slack:T1", "U1", "fr", FLOW.version, {"orientation": "key"}, changing="orientation")
    message = block_kit.render(presenter.current(FLOW, session), CARD, t, CHANNEL)
    rows = [
        [element["text"]["text"] for element in block["elements"]]
        for block in message["blocks"]
        if block["type"] == "actions"
    ]
    answers = [t(f"option.orientation.{option}") for option in ("seo", "key", "unknown")]
    assert rows[0] == [answers[0], f"✓ {answers[1]}", answers[2]]
    assert rows[1] == ["‹ Retour", t("label.why"), "↺ Recommencer", "✕ Arrêter"]
    aloud = {element["action_id"]: element.get("accessibility_label") for element in elements(message["blocks"])}
    assert (aloud["back"], aloud["restart"], aloud["cancel"]) == ("Retour", "Recommencer", "Arrêter")


def test_progress_is_a_bar_and_in_words() -> None:
    t = translations("en")
    session = Session("s1", "slack:T1", "U1", "en", FLOW.version, {"orientation": "key"})
    message = block_kit.render(presenter.current(FLOW, session), CARD, t, CHANNEL)
    progress, question = message["blocks"][0]["text"]["text"].split("\n")
    assert progress == "▰▰▱▱▱▱▱▱  Question 2 of at most 8"
    assert question == f"*{t('question.brand.text')}*"
    assert message["text"].startswith("Question 2 of at most 8\n"), "without signs, for screen readers"


def test_review_offers_a_change_of_each_answer_in_one_menu() -> None:
    answers = next(path for path in distinct_paths() if walk(FLOW, path).next_question is None)
    session = Session("s1", "slack:T1", "U1", "fr", FLOW.version, answers)
    _, effects = step(FLOW, session, Review(Actor("slack:T1", "U1", "fr")))
    view = next(effect.view for effect in effects if hasattr(effect, "view"))
    blocks = block_kit.render(view, CARD, translations("fr"), CHANNEL)["blocks"]
    (menu,) = [block["accessory"] for block in blocks if "accessory" in block]
    chosen = [parse_button({"action_id": menu["action_id"], "selected_option": each}) for each in menu["options"]]
    assert chosen == [ButtonValue("change", CARD, question, "") for question in answers]
    assert len(elements(blocks)) <= 4


def test_no_answer_is_emphasized() -> None:
    actor = Actor("slack:T1", "U1", "fr")
    session, effects = step(FLOW, None, Start(actor, "s1"))
    for option in ("key", "yes"):
        view = next(effect.view for effect in effects if hasattr(effect, "view"))
        blocks = block_kit.render(view, CARD, translations("fr"))["blocks"]
        choices = next(block for block in blocks if block["type"] == "actions")
        assert all("style" not in element for element in choices["elements"])
        question = walk(FLOW, session.answers).next_question
        assert question
        session, effects = step(FLOW, session, Answer(actor, question.id, option))


def test_single_answer_is_a_quick_check_only_where_allowed() -> None:
    assert isinstance(parse_outside_dialog("oui", single_answer=True), QuickCheck)
    assert not isinstance(parse_outside_dialog("oui", single_answer=False), QuickCheck)
    assert isinstance(parse("aide", FLOW, None), Command)
