"""Typed words, read as what a button would have said: an event, or a word about what was not understood."""

from dialogs import compose
from dialogs.model import Flow
from dialogs.session import (
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
    Session,
    SetLanguage,
    Typed,
    Why,
)
from dialogs.understand import Chosen, Command, Company, Problems, Reading, Unsure, read
from dialogs.views import Button, Notice, Prompt
from dialogs.views import Review as ReviewView
from dialogs.walk import walk
from dialogs.words import words

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


def meaning(flow: Flow, session: Session, event: Typed) -> Event | Notice:
    """Return what was meant by words typed in this session."""
    here = flow.question(session.changing or "") or walk(flow, session.answers).here
    text, actor = words(session.language), event.actor
    match read(event.text, flow, here if session.status.running else None):
        case Chosen(question, option):
            return Answer(actor, question, option)
        case Company(answers):
            return Fill(actor, answers)
        case Command("change", str(question)):
            return Change(actor, question)
        case Command("change", None):
            return Review(actor)
        case Command("language", str(language)):
            return SetLanguage(actor, language)
        case Command(name) if name in _COMMANDS:
            return _COMMANDS[name](actor)
        case Unsure(readings):
            return compose.notice(text, "did_you_mean", tuple(_offers(session, readings)))
        case Problems(problems):
            lines = "\n".join(compose.problem(flow, text, problem) for problem in problems)
            return Notice("not_understood", lines, compose.buttons(text, "help"))
    return _not_understood(flow, session)


def _not_understood(flow: Flow, session: Session) -> Notice:
    text = words(session.language)
    view = compose.current(flow, session)
    if isinstance(view, Prompt):
        named = [text.text("list.quoted", item=choice.label) for choice in view.choices]
        return compose.notice(text, "not_understood", view.choices, choices=compose.either(text, named))
    also = () if isinstance(view, ReviewView) else compose.buttons(text, "help")
    return compose.notice(text, "nothing_understood", also)


def _offers(session: Session, readings: tuple[Reading, ...]) -> list[Button]:
    text = words(session.language)
    found = []
    for reading in readings:
        match reading:
            case Chosen(question, option):
                label = compose.option_label(text, question, option)
                found.append(Button("answer", label, question, option))
            case Command("change", str(question)):
                label = f"{text.text('label.change')} · {text.text(f'question.{question}.short')}"
                found.append(Button("change", label, question))
            case Command("language", str(language)):
                found.append(Button("language", words(language).text("language.own"), option=language))
            case Command(name) if f"label.{name}" in text:
                found.append(Button(name, text.text(f"label.{name}")))
    return found
