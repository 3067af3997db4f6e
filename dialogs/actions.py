"""Translate the action of a button into an event."""

from dialogs import events
from dialogs.session import Actor

START_ACTIONS = frozenset({"new_check", "run_own", "start"})
"""Actions that begin a dialog. The adapter creates the `Start` event, because it chooses the id of the session."""

# These continue from the card they are on, so their events carry its revision.
_WITH_REVISION: dict[str, type[events.Event]] = {
    "back": events.Back,
    "cancel": events.Cancel,
    "continue": events.Resume,
    "keep_private": events.KeepPrivate,
    "restart": events.Restart,
    "review": events.Review,
    "why": events.Why,
}
_WITHOUT_REVISION: dict[str, type[events.Event]] = {
    "details": events.Details,
    "help": events.Help,
    "resume": events.Resume,
    "see_recommendation": events.Resume,
}


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
    if action in _WITH_REVISION:
        return _WITH_REVISION[action](actor, revision=revision)
    return _WITHOUT_REVISION[action](actor) if action in _WITHOUT_REVISION else None
