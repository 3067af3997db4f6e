"""One card of each kind, for the screenshots."""

from collections.abc import Iterator
from dataclasses import replace

from adapters.slack import block_kit
from adapters.slack import cards as slack_cards
from adapters.slack.button_value import ButtonContext
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import Change, Details, Event, KeepPrivate, Review, Why
from dialogs.reducer import step
from dialogs.session import Actor, Session, Status
from dialogs.translations import translations
from dialogs.walk import walk

MARK = ButtonContext("card", "s1", 3)
FULL = {
    "orientation": "seo",
    "brand": "yes",
    "transformation": "no",
    "presence": "unknown",
    "mode": "agency",
    "agency_link": "unknown",
    "person": "interns",
    "routine": "yes",
    "light_mode": "outsource",
}


def cards(language: str) -> Iterator[tuple[str, block_kit.Message]]:
    """Yield name and message."""
    t = translations(language)
    actor = Actor("slack:T1", "U1", language)
    begun = Session("s1", "slack:T1", "U1", language, FLOW.version, dict(list(FULL.items())[:1]))
    done = replace(begun, answers=FULL)

    def shown(session: Session, event: Event) -> block_kit.Message:
        _, effects = step(FLOW, session, event)
        view = next(effect.view for effect in effects if hasattr(effect, "view"))
        return block_kit.render(view, MARK, t, "C1")

    def current(session: Session) -> block_kit.Message:
        return block_kit.render(presenter.current(FLOW, session), MARK, t, "C1")

    yield "1-question", current(replace(begun, answers={}))
    yield "2-yes-no", current(begun)
    yield "3-why", shown(begun, Why(actor))
    yield "4-change", shown(done, Change(actor, "person"))
    yield "5-recommendation", current(done)
    yield "6-details", shown(done, Details(actor))
    yield "7-review", shown(done, Review(actor))
    yield "8-kept", shown(done, KeepPrivate(actor))
    yield "9-quick", current(replace(done, answers={"brand": "yes", "mode": "agency"}, status=Status.QUICK))
    announcement = presenter.announcement(FLOW, done, walk(FLOW, FULL))
    yield "10-post", block_kit.render(announcement, ButtonContext("post", "s1"), t)
    yield "11-help", slack_cards.help_message(actor)
