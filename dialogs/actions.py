"""What a button of a view stands for: the one place where the id of a press becomes an event."""

from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    Details,
    Event,
    Help,
    KeepPrivate,
    Restart,
    Resume,
    Review,
    SetLanguage,
    Why,
)
from dialogs.session import Actor

START_ACTIONS = frozenset({"new_check", "run_own", "start"})
"""Buttons that begin a dialog; where and under which id is for the adapter to say."""

# These move the dialog on from the card that was seen, so that they are tied to its revision; the others are not.
_FROM_CARD: dict[str, type[Event]] = {
    "back": Back,
    "cancel": Cancel,
    "continue": Resume,
    "keep_private": KeepPrivate,
    "restart": Restart,
    "review": Review,
    "why": Why,
}
_AT_ANY_TIME: dict[str, type[Event]] = {
    "details": Details,
    "help": Help,
    "resume": Resume,
    "see_recommendation": Resume,
}


def event_for_action(
    action: str, actor: Actor, question: str | None, option: str | None, revision: int | None
) -> Event | None:
    """Return the event of a press on a card of `revision`; None for what is unknown, or is about more than a dialog."""
    match action:
        case "answer" if question and option:
            return Answer(actor, question, option, revision=revision)
        case "change" if question:
            return Change(actor, question, revision=revision)
        case "language" if option:
            return SetLanguage(actor, option)
    if action in _FROM_CARD:
        return _FROM_CARD[action](actor, revision=revision)
    return _AT_ANY_TIME[action](actor) if action in _AT_ANY_TIME else None
