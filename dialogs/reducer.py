"""The reducer: ``step(flow, session, event) -> (session, effects)``. It is pure and handles any event in any state.

What each event does, by the status of the session (``open`` and ``quick`` are running):

    event           running                      kept             posted           cancelled, expired
    Start           begins a new session
    Answer, Fill    sets answers                 -                -                -
    Back            undoes the last answer       shows the card   -                -
    Change          asks one question again (+)  reopens          reopens          -
    Restart         asks, then clears answers    -                -                -
    ConfirmPost     posts if complete or quick   posts            -                -
    UpdatePost      edits the post (*)           -                -                -
    TakeBack        deletes the post (*)         -                deletes it       -
    KeepPrivate     finishes if complete         shows the card   -                -
    Cancel, Expire  closes, or drops changes (*) -                -                -
    Review          shows the answers            shows them       shows them       shows the card
    Why             shows the card with help     shows the card   shows the card   shows the card
    More            shows more choices           shows the card   shows the card   shows the card
    Resume          shows the card; a quick check becomes an open dialog; a cancelled one goes on
    SetLanguage     changes the language
    Help            shows help
    Typed           is parsed (`dialogs.text.parse`), then handled as the event it stands for
    Details         shows them if complete       shows them       shows them to anyone of the tenant

Back also leaves a page (`Session.page`) and brings back what Restart cleared. (*) a posted recommendation that was
reopened: its post stays as it is until it is updated or taken back. (+) or the next one. ``-``: not allowed. All
events but Start, and Details of a post, are for the owner only. An event that is not allowed, comes from another
person or an older card, or names an unknown id returns the same session and a notice.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, overload

from dialogs import events, presenter
from dialogs.effects import DeletePost, EditPost, Effect, Notify, Post, Schedule, Show
from dialogs.events import Event
from dialogs.flow import Flow
from dialogs.recommend import recommend
from dialogs.session import RUNNING, Actor, Page, Publication, Session, Status, upgrade, valid_answers
from dialogs.text.interpret import interpret
from dialogs.translations import languages, translations
from dialogs.views import Card, Notice, with_note
from dialogs.walk import Walk, last_asked, walk

OptionalSessionAndEffects = tuple[Session | None, list[Effect]]
SessionAndEffects = tuple[Session, list[Effect]]


@overload
def step(flow: Flow, session: Session, event: Event) -> SessionAndEffects: ...
@overload
def step(flow: Flow, session: None, event: events.Start) -> SessionAndEffects: ...
@overload
def step(flow: Flow, session: Session | None, event: Event) -> OptionalSessionAndEffects: ...
def step(flow: Flow, session: Session | None, event: Event) -> OptionalSessionAndEffects:
    """Return the session after `event` and the effects to perform. Never raises; see the table above.

    `session` is None when the event names a session that does not exist.
    """
    if isinstance(event, events.Start):
        return _start(flow, event)
    t = translations(event.actor.language)
    if session is None or session.tenant != event.actor.tenant:
        if isinstance(event, events.Details):  # of a post, which outlives the check
            return session, [Notify(presenter.notice(t, "details_gone", presenter.buttons(t, "run_own")))]
        return session, [Notify(presenter.notice(t, "gone", presenter.buttons(t, "start", primary="start")))]
    upgraded, asked_again = upgrade(flow, session)
    after, effects = _handle(flow, upgraded, event)
    if asked_again:
        names = presenter.question_names(translations(after.language), asked_again)
        noted = [_add_note(effect, _notice_text(after, "asked_again", questions=names)) for effect in effects]
        # Without a card that says so, the upgrade waits for the next event.
        after = session if after is upgraded and noted == effects else after
        effects = noted
    return after, effects


def _handle(flow: Flow, session: Session, event: Event) -> SessionAndEffects:
    """Check who sends the event, and from which card; then apply it."""
    if isinstance(event, events.Details):
        return _details(flow, session, event.actor)
    if session.owner != event.actor.person:
        t = translations(event.actor.language)
        return session, [Notify(presenter.notice(t, "not_yours", presenter.buttons(t, "run_own")))]
    if event.revision is not None and event.revision != session.revision:
        return _stale(flow, session, event)
    if isinstance(event, events.Typed):
        meaning = interpret(flow, session, event)
        return (session, [Notify(meaning)]) if isinstance(meaning, Notice) else _apply(flow, session, meaning)
    return _apply(flow, session, event)


def _apply(flow: Flow, session: Session, event: Event) -> SessionAndEffects:  # noqa: PLR0912 - one case per event
    match event:
        case events.Answer(question=question, option=option):
            return _answer(flow, session, question, option)
        case events.Fill(answers=answers, asked=asked):
            return _fill(flow, session, dict(answers), asked=asked)
        case events.Back():
            return _back(flow, session)
        case events.Change(question=question):
            return _change(flow, session, question)
        case events.Restart(confirmed=confirmed):
            return _restart(flow, session, confirmed=confirmed)
        case events.Why():
            return _why(flow, session)
        case events.Review():
            return _show_page(flow, session, Page.REVIEW, RUNNING | {Status.KEPT, Status.POSTED})
        case events.More():
            return _show_page(flow, session, Page.MORE, RUNNING)
        case events.Details():
            return _details(flow, session, event.actor)
        case events.Resume():
            return _resume(flow, session)
        case events.ConfirmPost(destination=destination):
            return _post(flow, session, destination)
        case events.UpdatePost():
            return _update_post(flow, session)
        case events.TakeBack():
            return _take_back(flow, session)
        case events.KeepPrivate():
            return _keep_private(flow, session)
        case events.SetLanguage(language=language):
            return _set_language(flow, session, language)
        case events.Help():
            return _help(session)
        case events.Cancel():
            return _close(flow, session, Status.CANCELLED)
        case events.Expire():
            return _close(flow, session, Status.EXPIRED)
    return _notify(session, "unknown")


# --- What handlers return -----------------------------------------------------------------------------------------


def _changed(session: Session, **changes: Any) -> Session:
    """Return the session with these changes, without a page, and the next revision."""
    return replace(session, **{"revision": session.revision + 1, "page": None} | changes)


def _without_page(session: Session) -> Session:
    return session if session.page is None else replace(session, page=None)


def _show(flow: Flow, session: Session, *notes: str, position: Walk | None = None) -> list[Effect]:
    view = presenter.current(flow, session, position)
    return [Show(with_note(view, *notes) if notes and isinstance(view, Card) else view)]


def _notify(session: Session, id: str, *actions: str) -> SessionAndEffects:
    """Change nothing; send a private notice."""
    t = translations(session.language)
    return session, [Notify(presenter.notice(t, id, presenter.buttons(t, *actions)))]


def _notify_and_show(flow: Flow, session: Session, id: str) -> SessionAndEffects:
    """Change nothing; send a private notice and show the current card."""
    return session, [*_notify(session, id)[1], *_show(flow, session)]


def _finished(session: Session) -> SessionAndEffects:
    """Change nothing: the dialog is finished. The notice offers a new one."""
    id = "finished" if session.status in {Status.POSTED, Status.KEPT} else session.status.value
    return _notify(session, id, "new_check")


def _notice_text(session: Session, id: str, **values: object) -> str:
    return translations(session.language)(f"notice.{id}", **values)


def _add_note(effect: Effect, note: str) -> Effect:
    if isinstance(effect, Show) and isinstance(effect.view, Card):
        return Show(with_note(effect.view, note))
    return effect


# --- Events that do not depend on a running dialog ----------------------------------------------------------------


def _start(flow: Flow, event: events.Start) -> SessionAndEffects:
    answers = valid_answers(flow, dict(event.answers))
    position = walk(flow, answers)
    status = Status.OPEN
    if event.quick:
        status = Status.QUICK if position.next_question else Status.KEPT
    session = Session(
        id=event.session,
        tenant=event.actor.tenant,
        owner=event.actor.person,
        language=translations(event.actor.language).language,
        version=flow.version,
        answers=answers,
        status=status,
        ahead=tuple(answers) if event.quick else (),
    )
    return session, [*_show(flow, session, position=position), Schedule(session.id)]


def _stale(flow: Flow, session: Session, event: Event) -> SessionAndEffects:
    """Show the current card. A second press of the same button gets no notice: the first one was handled."""
    pressed_twice = event.revision == session.revision - 1 and (
        (isinstance(event, events.Answer) and session.answers.get(event.question) == event.option)
        or (isinstance(event, events.Restart) and event.confirmed and not session.answers)
        or (isinstance(event, events.ConfirmPost) and _is_posted_to(session, event.destination))
        or (isinstance(event, events.UpdatePost) and session.status is Status.POSTED)
        or (isinstance(event, events.KeepPrivate | events.TakeBack) and session.status is Status.KEPT)
    )
    if pressed_twice:
        return session, _show(flow, session)
    posted = isinstance(event, events.ConfirmPost) and session.publication
    return _notify_and_show(flow, session, "already_posted" if posted else "stale")


def _is_posted_to(session: Session, destination: str) -> bool:
    return session.publication is not None and session.publication.destination == destination


def _details(flow: Flow, session: Session, actor: Actor) -> SessionAndEffects:
    """Show the details: to the owner in place of the card, of a post to anyone in the tenant privately."""
    t = translations(actor.language)
    is_owner = session.owner == actor.person
    shown = session if is_owner else session.as_posted()
    posted = shown.status is Status.POSTED
    if not posted and not is_owner:
        return session, [Notify(presenter.notice(t, "not_yours", presenter.buttons(t, "run_own")))]
    flow = flow.at(shown.version) if shown.status not in RUNNING else flow
    position = walk(flow, shown.answers)
    if posted:
        shown = replace(shown, language=t.language)
        return session, [Notify(presenter.details_of_post(flow, shown, position, is_owner=is_owner))]
    result = recommend(flow, position)
    if result and session.status in {*RUNNING, Status.KEPT}:
        view = presenter.details(flow, session, position, result)
        return replace(session, page=Page.DETAILS), [Show(view)]
    return session, _show(flow, session, position=position)


# --- Answering ----------------------------------------------------------------------------------------------------


def _answer(flow: Flow, session: Session, question_id: str, option: str) -> SessionAndEffects:
    question = flow.questions_by_id.get(question_id)
    if question is None or option not in question.options:
        return _notify(session, "unknown")
    if session.status not in RUNNING:
        return _finished(session)
    before = walk(flow, session.answers)
    expected = session.changing or (before.next_question.id if before.next_question else None)
    if question_id != expected:
        return _notify_and_show(flow, session, "stale")
    return _set_answers(flow, session, {question_id: option}, before)


def _fill(flow: Flow, session: Session, answers: dict[str, str], *, asked: bool) -> SessionAndEffects:
    if not answers or valid_answers(flow, answers) != answers:
        return _notify(session, "unknown")
    if session.status not in RUNNING:
        return _finished(session)
    return _set_answers(flow, session, answers, walk(flow, session.answers), asked=asked)


def _set_answers(
    flow: Flow, session: Session, new: dict[str, str], before: Walk, *, asked: bool = True
) -> SessionAndEffects:
    """Set the answers `new`, and say what they change. `asked`: not given ahead of their questions."""
    answers = {**session.answers, **new}
    after = walk(flow, answers)
    t = translations(session.language)
    notes = []
    if session.changing and answers != session.answers:
        label = presenter.option_label(t, session.changing, answers[session.changing])
        name = t(f"question.{session.changing}.short")
        notes.append(_notice_text(session, "changed", question=name, answer=label))
    newly_unused = [question for question in after.unused if question in before.answers]
    used_again = [question for question in before.unused if question in after.answers and question not in new]
    if newly_unused:
        notes.append(_notice_text(session, "no_longer_counts", questions=presenter.question_names(t, newly_unused)))
    if used_again:
        notes.append(_notice_text(session, "counts_again", questions=presenter.question_names(t, used_again)))
    given_ahead = set(session.ahead) & set(session.answers)
    given_ahead = given_ahead - set(new) if asked else given_ahead | (set(new) - set(session.answers))
    ahead = tuple(question for question in answers if question in given_ahead)
    session = _changed(session, answers=answers, changing=None, status=Status.OPEN, ahead=ahead, cleared={})
    return session, _show(flow, session, *notes, position=after)


def _back(flow: Flow, session: Session) -> SessionAndEffects:
    if session.page:
        session = _changed(session)
        return session, _show(flow, session)
    if session.status is Status.KEPT:
        return session, _show(flow, session)
    if session.status not in RUNNING:
        return _finished(session)
    changes = _changes_of_back(flow, session)
    if not changes:
        return _notify_and_show(flow, session, "nothing_back")
    session = _changed(session, **changes)
    return session, _show(flow, session)


def _changes_of_back(flow: Flow, session: Session) -> dict[str, Any]:
    """Return what *Back* changes in a running session; nothing if there is nothing before."""
    if session.changing:
        return {"changing": None}
    if session.cleared and not session.answers:
        return {"answers": session.cleared, "cleared": {}, "status": Status.OPEN}
    last = last_asked(walk(flow, session.answers), session.ahead)
    if last:
        answers = {question: option for question, option in session.answers.items() if question != last.question}
        return {"answers": answers, "status": Status.OPEN}
    if session.status is Status.OPEN and presenter.has_answers_ahead(session):
        return {"status": Status.QUICK}
    return {}


def _change(flow: Flow, session: Session, question: str) -> SessionAndEffects:
    if session.status not in RUNNING | {Status.KEPT, Status.POSTED}:
        return _finished(session)
    position = walk(flow, session.answers)
    is_next = position.next_question is not None and question == position.next_question.id
    if question not in position.answers and not is_next:
        return _notify(session, "unknown")
    session = _changed(session, changing=None if is_next else question, status=Status.OPEN)
    return session, _show(flow, session, position=position)


def _restart(flow: Flow, session: Session, *, confirmed: bool) -> SessionAndEffects:
    if session.status not in RUNNING:
        return _finished(session)
    if session.answers and not confirmed:
        return _show_page(flow, session, Page.RESTART, RUNNING)
    notes = [_notice_text(session, "cleared")] if session.answers else []
    cleared = session.answers or session.cleared
    session = _changed(session, answers={}, cleared=cleared, changing=None, status=Status.OPEN)
    return session, _show(flow, session, *notes)


# --- Showing ------------------------------------------------------------------------------------------------------


def _show_page(flow: Flow, session: Session, page: Page, statuses: Collection[Status]) -> SessionAndEffects:
    """Show a page in place of the card; the card itself if the session has another status."""
    if session.status in statuses:
        session = replace(session, page=page)
    return session, _show(flow, session)


def _why(flow: Flow, session: Session) -> SessionAndEffects:
    session = _without_page(session)
    position = walk(flow, session.answers)
    if session.status in RUNNING and (session.changing or position.next_question):
        return session, [Show(presenter.prompt(flow, session, position, with_help=True))]
    return session, _show(flow, session, position=position)


def _resume(flow: Flow, session: Session) -> SessionAndEffects:
    session = _without_page(session)
    if session.status is Status.QUICK or (session.status is Status.CANCELLED and session.answers):
        session = _changed(session, status=Status.OPEN)
    return session, _show(flow, session)


def _help(session: Session) -> SessionAndEffects:
    t = translations(session.language)
    card = presenter.help_card(t)
    if session.status in RUNNING:
        card = replace(card, buttons=presenter.buttons(t, "continue", primary="continue"))
    return session, [Notify(card)]


def _set_language(flow: Flow, session: Session, language: str) -> SessionAndEffects:
    if language not in languages():
        return _notify(session, "unknown")
    session = replace(_without_page(session), language=language)
    return session, _show(flow, session, _notice_text(session, "language"))


# --- Finishing ----------------------------------------------------------------------------------------------------


def _post(flow: Flow, session: Session, destination: str) -> SessionAndEffects:
    if session.publication:
        return _notify_and_show(flow, session, "already_posted")
    if session.status in {Status.CANCELLED, Status.EXPIRED}:
        return _finished(session)
    position = walk(flow, session.answers)
    if session.status is not Status.QUICK and recommend(flow, position) is None:
        return _notify_and_show(flow, session, "not_complete")
    key = f"{session.id}:post:{session.revision}"
    publication = Publication(key, destination, session.answers, session.version)
    session = _changed(session, status=Status.POSTED, changing=None, publication=publication)
    post = Post(presenter.announcement(flow, session, position), destination, key)
    return session, [post, *_show(flow, session, _notice_text(session, "posting"), position=position)]


def _update_post(flow: Flow, session: Session) -> SessionAndEffects:
    post = session.publication
    if post is None or session.status not in RUNNING:
        return _finished(session) if session.status not in RUNNING else _notify(session, "unknown")
    position = walk(flow, session.answers)
    if recommend(flow, position) is None:
        return _notify_and_show(flow, session, "not_complete")
    post = replace(post, answers=session.answers, version=session.version)
    session = _changed(session, status=Status.POSTED, changing=None, publication=post)
    notice = _notice_text(session, "updating")
    return session, [EditPost(post.destination), *_show(flow, session, notice, position=position)]


def _take_back(flow: Flow, session: Session) -> SessionAndEffects:
    """Delete the post. Changes since then stay; incomplete answers are asked on."""
    post = session.publication
    if post is None:
        return _finished(session) if session.status not in RUNNING else _notify(session, "unknown")
    if session.status in RUNNING:
        status = Status.OPEN
    else:
        finished = flow.at(session.version)
        status = Status.KEPT if recommend(finished, walk(finished, session.answers)) else Status.QUICK
    session = _changed(session, status=status, publication=None)
    return session, [DeletePost(post.destination), *_show(flow, session, _notice_text(session, "taken_back"))]


def _keep_private(flow: Flow, session: Session) -> SessionAndEffects:
    if session.status is Status.KEPT:
        return session, _show(flow, session)
    if session.status not in RUNNING:
        return _finished(session)
    if session.publication:
        return _notify_and_show(flow, session, "already_posted")
    position = walk(flow, session.answers)
    if position.next_question:
        return _notify_and_show(flow, session, "not_complete")
    session = _changed(session, status=Status.KEPT, changing=None)
    return session, _show(flow, session, _notice_text(session, "kept"), position=position)


def _close(flow: Flow, session: Session, status: Status) -> SessionAndEffects:
    if session.status not in RUNNING:
        return _finished(session)
    if post := session.publication:
        session = _changed(session.as_posted(), publication=post)
        return session, _show(flow, session, _notice_text(session, "post_unchanged"))
    session = _changed(session, status=status, changing=None)
    return session, _show(flow, session)
