"""Decide what a button or typed text means, once for every platform.

`route_button` and `route_text` are pure. They return an `Intent`; the listeners of a platform carry it out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dialogs import events
from dialogs.community_flow import FLOW
from dialogs.session import Actor
from dialogs.text.lexicon import SMALL_TALK_ORDER, has_words
from dialogs.text.parse import Ambiguous, Command, NoMatch, Parsed, QuickCheck, parse, parse_single_answer
from dialogs.translations import languages, next_language

PERSONAL_COMMANDS = frozenset({"my_checks", "forget_me", "form"})
"""Commands about the person, not about one dialog."""
SMALL_TALK = frozenset(SMALL_TALK_ORDER)
QUICK_CHECK = re.compile(r"(?:check|(?:bilan|diagnostic)(?: express)?|quick(?: check)?)\b[\s:]*", re.IGNORECASE)
"""The start of a text that is a quick check, also during a dialog."""
_SHOWS_THE_CARD = frozenset({"hello", "resume", "start"})
_ANSWERED_ALONE = (SMALL_TALK - {"hello"}) | {"help", "language"}
"""Commands that do not concern the running dialog."""
_START_NOTHING = frozenset({"cancel", "details", "hello", "keep_private", "post"})
"""Commands that start no dialog: there is nothing that they could be about."""
START_ACTIONS = frozenset({"new_check", "run_own", "start"})
"""Actions that begin a dialog. The adapter creates the `Start` event, because it chooses the id of the session."""

# These continue from the card they are on, so their events carry its revision.
_WITH_REVISION: dict[str, type[events.Event]] = {
    "back": events.Back,
    "cancel": events.Cancel,
    "continue": events.Resume,
    "keep_private": events.KeepPrivate,
    "more": events.More,
    "restart": events.Restart,
    "review": events.Review,
    "take_back": events.TakeBack,
    "update_post": events.UpdatePost,
    "why": events.Why,
}
_WITHOUT_REVISION: dict[str, type[events.Event]] = {
    "details": events.Details,
    "help": events.Help,
    "open_check": events.Resume,
    "resume": events.Resume,
}


@dataclass(frozen=True, slots=True)
class StartDialog:
    """Start a dialog with `answers`. `resume`: continue the running dialog of the conversation if there is one."""

    answers: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class ApplyEvent:
    """Apply an event to the dialog that the button or the conversation belongs to."""

    event: events.Event


@dataclass(frozen=True, slots=True)
class PostRecommendation:
    """Post the recommendation of the button's dialog, or ask for a channel first."""


@dataclass(frozen=True, slots=True)
class RetryPost:
    """Retry the held post of the button's dialog."""


@dataclass(frozen=True, slots=True)
class GoPrivate:
    """Show the button's dialog to its owner only from now on."""


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Open the form with all questions."""


@dataclass(frozen=True, slots=True)
class ChangeLanguage:
    """Store the person's language, and switch the dialog if there is one."""

    language: str


@dataclass(frozen=True, slots=True)
class ForgetPerson:
    """Delete everything about the person, who has confirmed it."""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Close the message with the button."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer text or a button that is not about one dialog: help, own checks, data deletion, or what was not clear."""

    parsed: Parsed


@dataclass(frozen=True, slots=True)
class UnknownButton:
    """The button is not one of ours, or its value is not valid."""


Intent = (
    StartDialog
    | ApplyEvent
    | PostRecommendation
    | RetryPost
    | GoPrivate
    | OpenForm
    | ChangeLanguage
    | ForgetPerson
    | Dismiss
    | Reply
    | UnknownButton
)

_BY_ACTION: Mapping[str, Intent] = {
    "post": PostRecommendation(),
    "retry_post": RetryPost(),
    "go_private": GoPrivate(),
    "open_form": OpenForm(),
    "forget_confirm": ForgetPerson(),
    "close": Dismiss(),
    **{name: Reply(Command(name)) for name in PERSONAL_COMMANDS},
    **{action: StartDialog(resume=action == "start") for action in START_ACTIONS},
}


def route_button(
    action: str, actor: Actor, question: str | None, option: str | None, revision: int | None, *, has_session: bool
) -> Intent:
    """Return what a button means.

    `revision`: of the card with the button. `has_session`: whether the button belongs to a dialog.
    """
    if action in _BY_ACTION:
        return _BY_ACTION[action]
    if action == "help" and not has_session:
        return Reply(Command("help"))
    if action == "language":
        return ChangeLanguage(option if option in languages() else next_language(actor.language))
    if action == "quick":
        answers = decode_answers(option or "")
        return StartDialog(answers, quick=True) if answers else UnknownButton()
    event = event_for_action(action, actor, question, option, revision)
    return ApplyEvent(event) if event else UnknownButton()


def event_for_action(
    action: str, actor: Actor, question: str | None, option: str | None, revision: int | None
) -> events.Event | None:
    """Return the event for a press on a card of `revision`; None if no event of a single dialog has this action."""
    match action:
        case "answer" if question and option:
            return events.Answer(actor, question, option, revision=revision)
        case "change" if question:
            return events.Change(actor, question, revision=revision)
        case "language" if option:
            return events.SetLanguage(actor, option)
        case "restart_confirm":
            return events.Restart(actor, confirmed=True, revision=revision)
    if action in _WITH_REVISION:
        return _WITH_REVISION[action](actor, revision=revision)
    return _WITHOUT_REVISION[action](actor) if action in _WITHOUT_REVISION else None


@dataclass(frozen=True, slots=True)
class TextRules:
    """How typed text is read in one kind of conversation.

    `single_answer`: one bare answer ("yes") is a quick check. `continues`: what goes to the running dialog: all text
    or only commands. `start_commands`: commands that start a dialog; None for all but help.
    `start_on_empty`, `start_on_no_match`: whether empty or unclear text starts one.
    """

    single_answer: bool = False
    continues: Literal["text", "commands"] = "text"
    start_commands: frozenset[str] | None = None
    start_on_empty: bool = True
    start_on_no_match: bool = False


def route_text(text: str, actor: Actor, *, running: bool, rules: TextRules) -> Intent:
    """Return what typed text means. `running`: whether the person has a running dialog in this conversation."""
    if not text and running:
        return ApplyEvent(events.Resume(actor))
    if not text:
        return StartDialog() if rules.start_on_empty else Reply(Command("hello"))
    parsed = parse_outside_dialog(text, single_answer=rules.single_answer)
    match parsed:
        case Command(name) if name in PERSONAL_COMMANDS:
            return Reply(parsed)
        case Command("language", str(language)):
            return ChangeLanguage(language)
    parsed = _after_prefix(text, parsed, take_single=not running or rules.continues != "text")
    if isinstance(parsed, QuickCheck) and QUICK_CHECK.match(text):
        return StartDialog(parsed.answers, quick=True)
    if running and rules.continues == "text":
        return ApplyEvent(events.Typed(actor, text))
    match parsed:
        case QuickCheck(answers):
            return StartDialog(answers, quick=True)
        case Command(name) if running and rules.continues == "commands" and name not in _ANSWERED_ALONE:
            return ApplyEvent(events.Resume(actor) if name in _SHOWS_THE_CARD else events.Typed(actor, text))
        case Command(name) if name not in _ANSWERED_ALONE | _START_NOTHING:
            if rules.start_commands is None or name in rules.start_commands:
                return StartDialog()
        case NoMatch() if rules.start_on_no_match:
            return StartDialog()
    return Reply(parsed)


def _after_prefix(text: str, parsed: Parsed, *, take_single: bool) -> Parsed:
    """Return what ``check yes no`` means. `take_single`: take the answer of ``check the key`` as a quick check."""
    prefix = QUICK_CHECK.match(text)
    if prefix is None or isinstance(parsed, Command):
        return parsed
    match parse_outside_dialog(text[prefix.end() :], single_answer=True):
        case Ambiguous((QuickCheck() as single,)) if take_single:
            return single
        case Command():
            return parsed
        case reading:
            return reading


def parse_outside_dialog(text: str, *, single_answer: bool) -> Parsed:
    """Parse text without a current question.

    `single_answer`: one bare answer ("yes") is a quick check, and what names one answer ("an agency") may be one.
    """
    parsed = parse(text, FLOW, None)
    if not isinstance(parsed, NoMatch):
        return parsed
    if not has_words(text):
        return Command("hello") if text else parsed
    return parse_single_answer(text, FLOW) if single_answer else parsed


def decode_answers(option: str) -> dict[str, str]:
    """Return the valid answers in the option of a *quick* button: ``question=option,question=option``."""
    pairs = (pair.partition("=") for pair in re.split("[ ,]+", option))
    questions = ((FLOW.questions_by_id.get(id), answer) for id, _, answer in pairs)
    return {question.id: answer for question, answer in questions if question and answer in question.options}
