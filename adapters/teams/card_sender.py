"""Where cards stand: sending, editing in place, moving down, and saying something to one person alone."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from adapters.ports import Application, OutcomeUnknown, PermanentFailure, RetryLater, ServiceUnavailable
from adapters.teams import cards
from adapters.teams.adaptive_cards import Json
from adapters.teams.connector import Connector, message
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest
from dialogs.session import Session
from dialogs.translations import translations
from dialogs.views import Button, Notice, View

EDIT_WITHIN = 1.0
"""Seconds an answer to a press waits for the shared card, so that everybody sees it before the one who pressed."""
FAILURES = (RetryLater, OutcomeUnknown, PermanentFailure, ServiceUnavailable)

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Standing:
    """A card being edited: edits go out one after another, and one overtaken by a later revision not at all."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = -1


class CardSender:
    """One for the process. What fails here stays a row of the application, which shows the card later."""

    def __init__(self, application: Application, connector: Connector) -> None:
        self._application = application
        self.connector = connector
        self._standing: WeakValueDictionary[tuple[str, str | None], _Standing] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- The card of a dialog, as the application wants it drawn ---

    async def draw(self, session: Session, view: View, place: ConversationRef, *notes: str) -> ConversationRef:
        """Edit a dialog's card where it is, or send it where it belongs or is gone. Return where it is now.

        Raises what the connector raises.
        """
        if place.activity:
            try:
                await self._edit(session, view, place)
                return place
            except PermanentFailure as refused:
                if refused.reason != "gone":
                    raise
        card = cards.with_note(cards.for_all(view, session, shared=place.shared), *notes)
        try:
            return place.at(await self.connector.send(place, message(card)))
        except OutcomeUnknown:
            # It may be there: its buttons work. If it is not, the person will ask again, and gets it then.
            return place.at(None)

    async def _edit(self, session: Session, view: View, place: ConversationRef) -> None:
        key = place.conversation, place.activity
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = _Standing()
        standing.wanted = max(standing.wanted, session.revision)
        async with standing.lock:
            if standing.wanted > session.revision:
                return
            card = cards.for_all(view, session, shared=place.shared)
            await self.connector.update(place, message(card))

    # --- The same within a turn: what is drawn is noted ---

    async def place(
        self, session: Session, view: View, place: ConversationRef, *notes: str, noted: bool = False
    ) -> ConversationRef:
        """Draw a dialog's card, and note where, unless it is `noted` already. Raises what the connector raises."""
        try:
            found = await self.draw(session, view, place, *notes)
        except PermanentFailure:
            # Drawing it later would be refused just so, and a word about why must not have to wait for that.
            await self._application.mark_shown(session.id, session.revision)
            raise
        moved = None if noted and found == place else found.to_json()
        await self._application.mark_shown(session.id, session.revision, moved)
        return found

    async def edit_soon(self, session: Session, view: View, place: ConversationRef, *, noted: bool) -> None:
        """Draw the card, and wait for it a little; it goes on in the background if that takes longer."""
        task = self.later(self.place(session, view, place, noted=noted))
        await asyncio.wait({task}, timeout=EDIT_WITHIN)

    async def move(
        self, session: Session, view: View, old: ConversationRef | None, place: ConversationRef, *notes: str
    ) -> None:
        """Send the card below what was typed, and leave a word where it was."""
        new = await self.place(session, view, place.at(None), *notes)
        if old and old.activity and new.activity:
            self.later(self.connector.update(old, message(cards.moved(session.language))))

    # --- Words ---

    async def say(self, place: ConversationRef, card: Json) -> None:
        """Send a card that belongs to no dialog. Raises what the connector raises."""
        await self.connector.send(place.at(None), message(card))

    async def whisper(self, request: IncomingRequest, card: Json, word: str) -> None:
        """Show a card to one person alone: in the personal chat. `word` alone is said here where that cannot be."""
        if not request.place.shared:
            return await self.say(request.place, card)
        t = request.t
        try:
            chat = await self.connector.open_personal(request.place, request.bot, request.actor.person)
            await self.say(chat, cards.with_note(card, t("teams.elsewhere")))
        except PermanentFailure:
            start = (Button("start", t("label.start")),)
            await self.say(request.place, cards.draw(Notice("no_private", t("teams.no_private"), start)))
        else:
            if word:
                await self.say(request.place, cards.draw(Notice("in_private", word)))
        return None

    # --- In the background ---

    def later(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        """Do it in the background; what fails there is logged, and the rows of the application see to it."""
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self) -> None:
        """Wait for all that is under way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except FAILURES as error:
        log.warning("A card is not drawn yet: %r", error)
    except Exception:
        log.exception("A card is not drawn")


def notice(language: str, id: str, *actions: str) -> Notice:
    """Return a word of ours, by an id of the Teams catalogue, with buttons."""
    t = translations(language)
    return Notice(id, t(f"teams.{id}"), tuple(Button(one, t(f"label.{one}")) for one in actions))
