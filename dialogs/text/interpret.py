"""Interpret a typed message in a session: the event it stands for, or a notice if it is unclear."""

from dialogs import events, presenter
from dialogs.flow import Flow
from dialogs.session import RUNNING, Page, Session
from dialogs.text import notices
from dialogs.text.lexicon import NO, SMALL_TALK_ORDER, YES, commands, prepared, words_of
from dialogs.text.parse import Ambiguous, Command, Parsed, ParsedAnswer, Problems, QuickCheck, parse
from dialogs.text.problems import problem_text
from dialogs.translations import translations
from dialogs.views import Button, Notice
from dialogs.walk import walk

_COMMANDS: dict[str, type[events.Event]] = {
    "back": events.Back,
    "cancel": events.Cancel,
    "details": events.Details,
    "hello": events.Resume,
    "help": events.Help,
    "keep_private": events.KeepPrivate,
    "post": events.Resume,  # typed text never posts: this shows the card with the button that does
    "restart": events.Restart,
    "resume": events.Resume,
    "review": events.Review,
    "start": events.Resume,
    "why": events.Why,
}
"""What commands mean in a dialog. The adapters handle those that concern more than one dialog, such as "my checks"."""


def interpret(flow: Flow, session: Session, event: events.Typed) -> events.Event | Notice:
    """Return the event that the typed text stands for, or a notice with suggestions."""
    t, actor = translations(session.language), event.actor
    if session.page is Page.RESTART and (reply := _reply_to_restart(event)):
        return reply
    question = flow.questions_by_id.get(session.changing or "") or walk(flow, session.answers).next_question
    match parse(event.text, flow, question if session.status in RUNNING else None):
        case ParsedAnswer(question_id, option):
            return events.Answer(actor, question_id, option)
        case QuickCheck(answers):
            return events.Fill(actor, answers)
        case Command("change", str(question_id)):
            return events.Change(actor, question_id)
        case Command("change", None):
            return events.Review(actor)
        case Command("language", str(language)):
            return events.SetLanguage(actor, language)
        case Command("language"):
            return notices.which_language(t)
        case Command("post" | "details" as name) if early := notices.too_early(flow, session, name):
            return early
        case Command(name) if name in _COMMANDS:
            return _COMMANDS[name](actor)
        case Command(name) if name in SMALL_TALK_ORDER:
            return notices.small_talk(t, name, "continue" if session.status in RUNNING else "new_check")
        case Ambiguous(candidates):
            return notices.did_you_mean(flow, session, _candidate_buttons(session, candidates))
        case Problems(problems):
            lines = "\n".join(problem_text(flow, t, problem) for problem in problems)
            return notices.below_question(flow, session, Notice("problems", lines, presenter.buttons(t, "help")))
    return notices.not_understood(flow, session)


def _reply_to_restart(event: events.Typed) -> events.Event | None:
    """Return the event of an answer to "Clear your answers?"; None for any other text."""
    words = words_of(event.text)
    if words in prepared(YES) or commands().get(words) == ("restart", None):
        return events.Restart(event.actor, confirmed=True)
    return events.Resume(event.actor) if words in prepared(NO) else None


def _candidate_buttons(session: Session, candidates: tuple[Parsed, ...]) -> list[Button]:
    t = translations(session.language)
    buttons = []
    for candidate in candidates:
        match candidate:
            case ParsedAnswer(question, option):
                label = presenter.option_label(t, question, option)
                buttons.append(Button("answer", label, question, option))
            case Command("change", str(question)):
                label = f"{t('label.change')} · {t(f'question.{question}.short')}"
                buttons.append(Button("change", label, question))
            case Command("language", str(language)):
                buttons.append(Button("language", translations(language)("language.own"), option=language))
            case Command(name) if f"label.{name}" in t:
                buttons.append(Button(name, t(f"label.{name}")))
    return buttons
