"""What a button or typed text means beyond one dialog."""

import pytest

from adapters.shared.router import (
    ApplyEvent,
    ChangeLanguage,
    Dismiss,
    ForgetPerson,
    Intent,
    OpenForm,
    PostRecommendation,
    Reply,
    RetryPost,
    StartDialog,
    TextRules,
    UnknownButton,
    decode_answers,
    route_button,
    route_text,
)
from dialogs.events import Answer, Help, Resume, Typed
from dialogs.session import Actor
from dialogs.text.parse import Ambiguous, Command, NoMatch, Problems, QuickCheck

ANNA = Actor("slack:T1", "U1", "en")
CHAT = TextRules()
MENTION = TextRules(single_answer=True, start_on_no_match=True)
SLASH = TextRules(single_answer=True, continues="commands")
ONLY_START = TextRules(start_commands=frozenset({"start"}))
QUICK = {"brand": "yes", "transformation": "no"}
KEY, NO = {"orientation": "key"}, {"brand": "no"}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("post", PostRecommendation()),
        ("retry_post", RetryPost()),
        ("open_form", OpenForm()),
        ("forget_confirm", ForgetPerson()),
        ("close", Dismiss()),
        ("my_checks", Reply(Command("my_checks"))),
        ("start", StartDialog(resume=True)),
        ("new_check", StartDialog()),
        ("run_own", StartDialog()),
        ("help", Reply(Command("help"))),
        ("nonsense", UnknownButton()),
    ],
)
def test_buttons(action: str, expected: Intent) -> None:
    assert route_button(action, ANNA, None, None, None, has_session=False) == expected


def test_buttons_of_a_dialog_are_events() -> None:
    answer = route_button("answer", ANNA, "brand", "yes", 3, has_session=True)
    assert answer == ApplyEvent(Answer(ANNA, "brand", "yes", revision=3))
    assert route_button("help", ANNA, None, None, 3, has_session=True) == ApplyEvent(Help(ANNA))


def test_the_language_button_switches_to_the_next_one() -> None:
    assert route_button("language", ANNA, None, "fr", None, has_session=False) == ChangeLanguage("fr")
    assert route_button("language", ANNA, None, "xx", None, has_session=False) == ChangeLanguage("fr")


def test_a_quick_check_button_has_valid_answers_only() -> None:
    intent = route_button("quick", ANNA, None, "brand=yes,transformation=no,brand=maybe,x=y", None, has_session=False)
    assert intent == StartDialog(QUICK, quick=True)
    assert route_button("quick", ANNA, None, "x=y", None, has_session=False) == UnknownButton()
    assert decode_answers("brand=yes transformation=no") == QUICK


@pytest.mark.parametrize(
    ("text", "rules", "idle", "running"),
    [
        ("", CHAT, StartDialog(), ApplyEvent(Resume(ANNA))),
        ("", TextRules(start_on_empty=False), Reply(Command("hello")), ApplyEvent(Resume(ANNA))),
        ("my checks", CHAT, Reply(Command("my_checks")), Reply(Command("my_checks"))),
        ("lang fr", CHAT, ChangeLanguage("fr"), ChangeLanguage("fr")),
        ("start", CHAT, StartDialog(), ApplyEvent(Typed(ANNA, "start"))),
        ("start", SLASH, StartDialog(), ApplyEvent(Resume(ANNA))),
        ("back", SLASH, StartDialog(), ApplyEvent(Typed(ANNA, "back"))),
        (
            "back",
            TextRules(start_commands=frozenset({"start"})),
            Reply(Command("back")),
            ApplyEvent(Typed(ANNA, "back")),
        ),
        ("help", SLASH, Reply(Command("help")), Reply(Command("help"))),
        ("yes no", SLASH, StartDialog(QUICK, quick=True), StartDialog(QUICK, quick=True)),
        ("yes no", CHAT, StartDialog(QUICK, quick=True), ApplyEvent(Typed(ANNA, "yes no"))),
        ("thanks a lot!", MENTION, Reply(Command("thanks")), ApplyEvent(Typed(ANNA, "thanks a lot!"))),
        ("no thanks", MENTION, Reply(Command("thanks")), ApplyEvent(Typed(ANNA, "no thanks"))),
        ("thanks", SLASH, Reply(Command("thanks")), Reply(Command("thanks"))),
        ("👍", MENTION, Reply(Command("hello")), ApplyEvent(Typed(ANNA, "👍"))),
        ("hello", CHAT, Reply(Command("hello")), ApplyEvent(Typed(ANNA, "hello"))),
        ("hello", SLASH, Reply(Command("hello")), ApplyEvent(Resume(ANNA))),
        ("post", SLASH, Reply(Command("post")), ApplyEvent(Typed(ANNA, "post"))),
        ("stop", MENTION, Reply(Command("cancel")), ApplyEvent(Typed(ANNA, "stop"))),
        ("never mind", MENTION, Reply(Command("goodbye")), ApplyEvent(Typed(ANNA, "never mind"))),
        ("no problem", MENTION, Reply(Command("thanks")), ApplyEvent(Typed(ANNA, "no problem"))),
        ("lang de", SLASH, Reply(Command("language")), Reply(Command("language"))),
        ("lang de", CHAT, Reply(Command("language")), ApplyEvent(Typed(ANNA, "lang de"))),
        ("check yes no", CHAT, StartDialog(QUICK, quick=True), StartDialog(QUICK, quick=True)),
        ("check the key", CHAT, StartDialog(KEY, quick=True), ApplyEvent(Typed(ANNA, "check the key"))),
        ("check the key", SLASH, StartDialog(KEY, quick=True), StartDialog(KEY, quick=True)),
        ("diagnostic oui non", SLASH, StartDialog(QUICK, quick=True), StartDialog(QUICK, quick=True)),
        ("the key", SLASH, Reply(Ambiguous((QuickCheck(KEY),))), Reply(Ambiguous((QuickCheck(KEY),)))),
        ("not really", SLASH, Reply(Ambiguous((QuickCheck(NO),))), Reply(Ambiguous((QuickCheck(NO),)))),
        ("yes", MENTION, StartDialog({"brand": "yes"}, quick=True), ApplyEvent(Typed(ANNA, "yes"))),
        ("what a lovely day", CHAT, Reply(NoMatch()), ApplyEvent(Typed(ANNA, "what a lovely day"))),
        ("what a lovely day", MENTION, StartDialog(), ApplyEvent(Typed(ANNA, "what a lovely day"))),
    ],
)
def test_text(text: str, rules: TextRules, idle: Intent, running: Intent) -> None:
    assert route_text(text, ANNA, running=False, rules=rules) == idle
    assert route_text(text, ANNA, running=True, rules=rules) == running


def test_unclear_text_is_answered_with_what_is_wrong() -> None:
    problems = route_text("brand=perhaps", ANNA, running=False, rules=SLASH)
    assert isinstance(problems, Reply)
    assert isinstance(problems.parsed, Problems)
    ambiguous = route_text("hepl", ANNA, running=False, rules=CHAT)
    assert isinstance(ambiguous, Reply)
    assert isinstance(ambiguous.parsed, Ambiguous)
