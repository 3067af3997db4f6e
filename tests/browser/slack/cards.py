"""One of each card, from a true walk: what the screenshots show."""

from collections.abc import Iterator
from dataclasses import replace

from adapters.slack import blocks, replies
from adapters.slack.deliver import where_line
from adapters.slack.press import Mark
from dialogs import compose
from dialogs.community import FLOW
from dialogs.machine import step
from dialogs.session import Actor, Change, Event, KeepPrivate, Session, Status, Why
from dialogs.walk import walk
from dialogs.words import words

MARK = Mark("card", "s1", 3)
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


def cards(language: str) -> Iterator[tuple[str, blocks.Message]]:
    """Yield name and message."""
    text = words(language)
    actor = Actor("slack:T1", "U1", language)
    begun = Session("s1", "slack:T1", "U1", language, FLOW.version, dict(list(FULL.items())[:1]))
    done = replace(begun, answers=FULL)

    def shown(session: Session, event: Event) -> blocks.Message:
        _, effects = step(FLOW, session, event)
        view = next(effect.view for effect in effects if hasattr(effect, "view"))
        return blocks.message(view, MARK, text, where_line(text, "C1"))

    def drawn(session: Session) -> blocks.Message:
        return blocks.message(compose.current(FLOW, session), MARK, text, where_line(text, "C1"))

    yield "1-question", drawn(replace(begun, answers={}))
    yield "2-yes-no", drawn(begun)
    yield "3-why", shown(begun, Why(actor))
    yield "4-change", shown(done, Change(actor, "person"))
    yield "5-review", drawn(done)
    yield "6-recommendation", shown(done, KeepPrivate(actor))
    yield "7-quick", drawn(replace(done, answers={"brand": "yes", "mode": "agency"}, status=Status.QUICK))
    announcement = compose.announcement(FLOW, done, walk(FLOW, FULL))
    yield "8-post", blocks.message(announcement, Mark("post", "s1"), text)
    yield "9-help", replies.help_card(actor)
