"""Typed words, read as what a button would have said: an event, or a word about what was not understood."""

from dialogs import presenter
from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    Event,
    Fill,
    Help,
    KeepPrivate,
    Restart,
    Resume,
    Review,
    SetLanguage,
    Typed,
    Why,
)
from dialogs.flow import Flow
from dialogs.session import Session
from dialogs.text.parse import Ambiguous, Command, Parsed, ParsedAnswer, Problems, QuickCheck, parse
from dialogs.translations import translations
from dialogs.views import Button, Notice, QuestionCard, ReviewCard
from dialogs.walk import walk

_COMMANDS: dict[str, type[Event]] = {
    "back": Back,
    "cancel": Cancel,
    "hello": Help,
    "help": Help,
    "keep_private": KeepPrivate,
    "post": Resume,  # typed words never post: they show the card with the button that does
    "restart": Restart,
    "resume": Resume,
    "review": Review,
    "start": Resume,
    "why": Why,
}
"""What typed commands mean in a dialog. The others ("my checks", "forget me") are about more than one dialog."""


def interpret(flow: Flow, session: Session, event: Typed) -> Event | Notice:
    """Return what was meant by words typed in this session."""
    here = flow.question(session.changing or "") or walk(flow, session.answers).next_question
    t, actor = translations(session.language), event.actor
    match parse(event.text, flow, here if session.status.running else None):
        case ParsedAnswer(question, option):
            return Answer(actor, question, option)
        case QuickCheck(answers):
            return Fill(actor, answers)
        case Command("change", str(question)):
            return Change(actor, question)
        case Command("change", None):
            return Review(actor)
        case Command("language", str(language)):
            return SetLanguage(actor, language)
        case Command(name) if name in _COMMANDS:
            return _COMMANDS[name](actor)
        case Ambiguous(readings):
            return presenter.notice(t, "did_you_mean", tuple(_offers(session, readings)))
        case Problems(problems):
            lines = "\n".join(presenter.problem(flow, t, problem) for problem in problems)
            return Notice("not_understood", lines, presenter.buttons(t, "help"))
    return _not_understood(flow, session)


def _not_understood(flow: Flow, session: Session) -> Notice:
    t = translations(session.language)
    view = presenter.current(flow, session)
    if isinstance(view, QuestionCard):
        named = [t("list.quoted", item=choice.label) for choice in view.choices]
        return presenter.notice(t, "not_understood", view.choices, choices=presenter.join_or(t, named))
    also = () if isinstance(view, ReviewCard) else presenter.buttons(t, "help")
    return presenter.notice(t, "nothing_understood", also)


def _offers(session: Session, readings: tuple[Parsed, ...]) -> list[Button]:
    t = translations(session.language)
    found = []
    for reading in readings:
        match reading:
            case ParsedAnswer(question, option):
                label = presenter.option_label(t, question, option)
                found.append(Button("answer", label, question, option))
            case Command("change", str(question)):
                label = f"{t('label.change')} · {t(f'question.{question}.short')}"
                found.append(Button("change", label, question))
            case Command("language", str(language)):
                found.append(Button("language", translations(language)("language.own"), option=language))
            case Command(name) if f"label.{name}" in t:
                found.append(Button(name, t(f"label.{name}")))
    return found
