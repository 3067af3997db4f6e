"""The dialog itself: ``step(flow, session, event) -> (session, effects)``, pure and total.

What may arrive, and when it changes something:

    event          running   kept      posted    cancelled, expired   whose
    Start          always begins a new session                        anybody's
    Answer, Fill   yes       -         -         -                    the owner's
    Back, Change   yes       reopens   -         -                    the owner's
    Restart        yes       -         -         -                    the owner's
    ConfirmPost    complete  yes       once      -                    the owner's
    KeepPrivate    complete  again     -         -                    the owner's
    Cancel, Expire yes       -         -         -                    the owner's
    SetLanguage    yes       yes       yes       yes                  the owner's
    Resume         shows where the dialog is; a quick check goes on   the owner's
    Typed          is read (`dialogs.text.parse`), then as above      the owner's
    Why, Review, Help    show something, change nothing               the owner's
    Details        shows a posted recommendation                      the tenant's

Everything else, a press by someone else, on an old card or for an unknown id included, answers with a kind word and
returns the very same session.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import overload

from dialogs import presenter
from dialogs.effects import Effect, Notify, Post, Schedule, Show
from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    ConfirmPost,
    Details,
    Event,
    Expire,
    Fill,
    Help,
    KeepPrivate,
    Restart,
    Resume,
    Review,
    SetLanguage,
    Start,
    Typed,
    Why,
)
from dialogs.flow import Flow
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.text.interpret import interpret
from dialogs.translations import languages, translations
from dialogs.views import Card, Notice, PartialResultCard, RecommendationCard, with_note
from dialogs.walk import walk

OptionalSessionAndEffects = tuple[Session | None, list[Effect]]
SessionAndEffects = tuple[Session, list[Effect]]


@overload
def step(flow: Flow, session: Session, event: Event) -> SessionAndEffects: ...
@overload
def step(flow: Flow, session: None, event: Start) -> SessionAndEffects: ...
@overload
def step(flow: Flow, session: Session | None, event: Event) -> OptionalSessionAndEffects: ...
def step(flow: Flow, session: Session | None, event: Event) -> OptionalSessionAndEffects:
    """Return the session after `event` and what has to be done. Never raises; see the table above.

    `session` is None when there is none under the id that the event is about.
    """
    if isinstance(event, Start):
        return _start(flow, event)
    own = translations(event.actor.language)
    if session is None or session.tenant != event.actor.tenant:
        return session, [Notify(presenter.notice(own, "gone", presenter.buttons(own, "start", primary="start")))]
    session, again = upgrade(flow, session)
    if isinstance(event, Details):
        return session, [_details(flow, session, event)]
    if session.owner != event.actor.person:
        return session, [Notify(presenter.notice(own, "not_yours", presenter.buttons(own, "run_own")))]
    if event.revision is not None and event.revision != session.revision:
        return _stale(flow, session, event)
    if isinstance(event, Typed):
        meant = interpret(flow, session, event)
        if isinstance(meant, Notice):
            return session, [Notify(meant)]
        return _act(flow, session, meant)
    session, effects = _act(flow, session, event)
    if again:
        note = _say(session, "asked_again", questions=presenter.question_names(translations(session.language), again))
        effects = [_noted(effect, note) for effect in effects]
    return session, effects


def upgrade(flow: Flow, session: Session) -> tuple[Session, tuple[str, ...]]:
    """Move a running session to this version of the flow; return with it the questions that are asked again.

    Answers stay whose question and option are still there and have kept their meaning. A finished one is never moved.
    """
    if session.version == flow.version or not session.status.running:
        return session, ()
    kept = {
        question.id: session.answers[question.id]
        for question in flow.questions
        if session.answers.get(question.id) in question.options and question.revised_in_version <= session.version
    }
    known = {question.id for question in flow.questions}
    again = tuple(question for question in session.answers if question not in kept and question in known)
    changing = session.changing if session.changing in kept else None
    return replace(session, answers=kept, changing=changing, version=flow.version), again


def valid_answers(flow: Flow, answers: object) -> dict[str, str]:
    """Return those of `answers` that name a question and one of its options."""
    if not isinstance(answers, dict):
        return {}
    return {
        question.id: answers[question.id] for question in flow.questions if answers.get(question.id) in question.options
    }


def _act(flow: Flow, session: Session, event: Event) -> SessionAndEffects:  # noqa: PLR0912 - the table above
    match event:
        case Answer(question=question, option=option):
            return _answer(flow, session, question, option)
        case Fill(answers=answers):
            return _fill(flow, session, answers)
        case Back():
            return _back(flow, session)
        case Change(question=question):
            return _change(flow, session, question)
        case Restart():
            return _restart(flow, session)
        case Why():
            return _why(flow, session)
        case Review():
            return _review(flow, session)
        case Resume():
            return _resume(flow, session)
        case ConfirmPost(destination=destination):
            return _post(flow, session, destination)
        case KeepPrivate():
            return _keep(flow, session)
        case SetLanguage(language=language):
            return _set_language(flow, session, language)
        case Help():
            return _help(flow, session)
        case Cancel():
            return _close(flow, session, Status.CANCELLED)
        case Expire():
            return _close(flow, session, Status.EXPIRED)
    return _refuse(session, "unknown")


# --- Beginning and showing ----------------------------------------------------------------------------------------


def _start(flow: Flow, event: Start) -> SessionAndEffects:
    session = Session(
        id=event.session,
        tenant=event.actor.tenant,
        owner=event.actor.person,
        language=translations(event.actor.language).language,
        version=flow.version,
        answers=valid_answers(flow, dict(event.answers)),
    )
    if event.quick:
        done = walk(flow, session.answers).next_question is None
        session = replace(session, status=Status.KEPT if done else Status.QUICK)
    return session, [Show(presenter.current(flow, session)), Schedule(session.id)]


def _show(flow: Flow, session: Session, *note: str) -> list[Effect]:
    view = presenter.current(flow, session)
    if note and isinstance(view, Card):
        view = with_note(view, *note)
    return [Show(view)]


def _remind(flow: Flow, session: Session, id: str) -> SessionAndEffects:
    """Say a word in private and show the present card; nothing changes."""
    return session, [Notify(presenter.notice(translations(session.language), id)), *_show(flow, session)]


def _say(session: Session, id: str, **values: object) -> str:
    return translations(session.language)(f"notice.{id}", **values)


def _noted(effect: Effect, note: str) -> Effect:
    if isinstance(effect, Show) and isinstance(effect.view, Card):
        return Show(with_note(effect.view, note))
    return effect


def _refuse(session: Session, id: str, *actions: str) -> SessionAndEffects:
    t = translations(session.language)
    return session, [Notify(presenter.notice(t, id, presenter.buttons(t, *actions)))]


def _stale(flow: Flow, session: Session, event: Event) -> SessionAndEffects:
    """An old card gets the present one. A second press of the same button has already been heard: no word is due."""
    again = event.revision == session.revision - 1 and (
        (isinstance(event, Answer) and session.answers.get(event.question) == event.option)
        or (isinstance(event, ConfirmPost) and session.status is Status.POSTED)
        or (isinstance(event, KeepPrivate) and session.status is Status.KEPT)
    )
    return (session, _show(flow, session)) if again else _remind(flow, session, "stale")


def _details(flow: Flow, session: Session, event: Event) -> Effect:
    own = translations(event.actor.language)
    if session.status is not Status.POSTED:
        return Notify(presenter.notice(own, "gone", presenter.buttons(own, "run_own")))
    view = presenter.current(flow, replace(session, language=own.language))
    if isinstance(view, RecommendationCard | PartialResultCard):
        view = replace(view, share=None, buttons=presenter.buttons(own, "run_own"))
    return Notify(view)


# --- Answering ----------------------------------------------------------------------------------------------------


def _answer(flow: Flow, session: Session, asked: str, option: str) -> SessionAndEffects:
    question = flow.question(asked)
    if question is None or option not in question.options:
        return _refuse(session, "unknown")
    if not session.status.running:
        return _finished(session)
    here = walk(flow, session.answers).next_question
    expected = session.changing or (here.id if here else None)
    if question.id != expected:
        return _remind(flow, session, "stale")
    return _with_answers(flow, session, {question.id: option})


def _fill(flow: Flow, session: Session, given: Mapping[str, str]) -> SessionAndEffects:
    answers = valid_answers(flow, dict(given))
    if not answers or len(answers) != len(given):
        return _refuse(session, "unknown")
    if not session.status.running:
        return _finished(session)
    return _with_answers(flow, session, answers)


def _with_answers(flow: Flow, session: Session, given: dict[str, str]) -> SessionAndEffects:
    before = walk(flow, session.answers)
    answers = {**session.answers, **given}
    after = walk(flow, answers)
    t = translations(session.language)
    note = []
    if session.changing and answers != session.answers:
        option = presenter.option_label(t, session.changing, answers[session.changing])
        name = t(f"question.{session.changing}.short")
        note.append(_say(session, "changed", question=name, answer=option))
    lost = [question for question in after.unused if question in before.answers]
    back = [question for question in before.unused if question in after.answers and question not in given]
    if lost:
        note.append(_say(session, "no_longer_counts", questions=presenter.question_names(t, lost)))
    if back:
        note.append(_say(session, "counts_again", questions=presenter.question_names(t, back)))
    session = replace(session, answers=answers, changing=None, status=Status.OPEN, revision=session.revision + 1)
    return session, _show(flow, session, *note)


def _back(flow: Flow, session: Session) -> SessionAndEffects:
    if session.status is Status.KEPT:
        return _reopen(flow, session)
    if not session.status.running:
        return _finished(session)
    if session.changing:
        session = replace(session, changing=None, revision=session.revision + 1)
        return session, _show(flow, session)
    last = walk(flow, session.answers).last_step
    if last is None:
        return _remind(flow, session, "nothing_back")
    answers = {question: option for question, option in session.answers.items() if question != last.question}
    session = replace(session, answers=answers, status=Status.OPEN, revision=session.revision + 1)
    return session, _show(flow, session)


def _reopen(flow: Flow, session: Session) -> SessionAndEffects:
    session = replace(session, status=Status.OPEN, changing=None, revision=session.revision + 1)
    return session, _show(flow, session)


def _change(flow: Flow, session: Session, question: str) -> SessionAndEffects:
    if not (session.status.running or session.status is Status.KEPT):
        return _finished(session)
    if question not in walk(flow, session.answers).answers:
        return _refuse(session, "unknown")
    session = replace(session, changing=question, status=Status.OPEN, revision=session.revision + 1)
    return session, _show(flow, session)


def _restart(flow: Flow, session: Session) -> SessionAndEffects:
    if not session.status.running:
        return _finished(session)
    session = replace(session, answers={}, changing=None, status=Status.OPEN, revision=session.revision + 1)
    return session, _show(flow, session)


def _finished(session: Session) -> SessionAndEffects:
    """A finished dialog is not moved; a new one may begin at any time."""
    id = "finished" if session.status in {Status.POSTED, Status.KEPT} else session.status.value
    return _refuse(session, id, "new_check")


# --- Looking, without changing ------------------------------------------------------------------------------------


def _why(flow: Flow, session: Session) -> SessionAndEffects:
    found = walk(flow, session.answers)
    if session.status.running and (session.changing or found.next_question):
        return session, [Show(presenter.prompt(flow, session, found, with_help=True))]
    return session, _show(flow, session)


def _review(flow: Flow, session: Session) -> SessionAndEffects:
    if session.status is Status.KEPT:
        return _reopen(flow, session)
    if not session.status.running:
        return session, _show(flow, session)
    return session, [Show(presenter.review(flow, session, walk(flow, session.answers)))]


def _resume(flow: Flow, session: Session) -> SessionAndEffects:
    if session.status is Status.QUICK:
        session = replace(session, status=Status.OPEN, revision=session.revision + 1)
    return session, _show(flow, session)


def _help(flow: Flow, session: Session) -> SessionAndEffects:
    card = presenter.help_card(translations(session.language))
    if session.status.running:
        card = replace(card, buttons=presenter.buttons(translations(session.language), "continue", primary="continue"))
    return session, [Notify(card)]


def _set_language(flow: Flow, session: Session, language: str) -> SessionAndEffects:
    if language not in languages():
        return _refuse(session, "unknown")
    session = replace(session, language=language)
    return session, _show(flow, session, _say(session, "language"))


# --- Finishing ----------------------------------------------------------------------------------------------------


def _post(flow: Flow, session: Session, destination: str) -> SessionAndEffects:
    found = walk(flow, session.answers)
    if session.status is Status.POSTED:
        return _remind(flow, session, "already_posted")
    if session.status in {Status.CANCELLED, Status.EXPIRED}:
        return _finished(session)
    if session.status is not Status.QUICK and recommend(flow, found) is None:
        return _remind(flow, session, "not_complete")
    session = replace(session, status=Status.POSTED, changing=None, revision=session.revision + 1)
    post = Post(presenter.announcement(flow, session, found), destination, key=f"{session.id}:post")
    return session, [post, *_show(flow, session, _say(session, "posting"))]


def _keep(flow: Flow, session: Session) -> SessionAndEffects:
    if session.status is Status.KEPT:
        return session, _show(flow, session)
    if not session.status.running:
        return _finished(session)
    if walk(flow, session.answers).next_question:
        return _remind(flow, session, "not_complete")
    session = replace(session, status=Status.KEPT, changing=None, revision=session.revision + 1)
    return session, _show(flow, session, _say(session, "kept"))


def _close(flow: Flow, session: Session, status: Status) -> SessionAndEffects:
    if not session.status.running:
        return _finished(session)
    session = replace(session, status=status, changing=None, revision=session.revision + 1)
    return session, _show(flow, session)
