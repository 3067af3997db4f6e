"""Where cards stand: sending, editing in place, moving down, and saying something to one person alone."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from adapters.ports import Advisor, Later, Lost, Refused, Unavailable
from adapters.teams import cards
from adapters.teams.connector import Connector, message
from adapters.teams.elements import Json
from adapters.teams.heard import Heard
from adapters.teams.place import Place
from dialogs.session import Session
from dialogs.views import Button, Notice, View
from dialogs.words import words

EDIT_WITHIN = 1.0
"""Seconds an answer to a press waits for the shared card, so that everybody sees it before the one who pressed."""
FAILURES = (Later, Lost, Refused, Unavailable)

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Standing:
    """A card being edited: edits go out one after another, and one overtaken by a later revision not at all."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = -1


class Stage:
    """One for the process. What fails here stays a row of the application, which shows the card later."""

    def __init__(self, advisor: Advisor, connector: Connector) -> None:
        self._advisor = advisor
        self.connector = connector
        self._standing: WeakValueDictionary[tuple[str, str | None], _Standing] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- The card of a dialog, as the application wants it drawn ---

    async def draw(self, session: Session, view: View, place: Place, *notes: str) -> Place:
        """Edit a dialog's card where it is, or send it where it belongs or is gone. Return where it is now.

        Raises what the connector raises.
        """
        if place.activity:
            try:
                await self._edit(session, view, place)
                return place
            except Refused as refused:
                if refused.reason != "gone":
                    raise
        card = cards.with_note(cards.for_all(view, session, shared=place.shared), *notes)
        try:
            return place.at(await self.connector.send(place, message(card)))
        except Lost:
            # It may be there: its buttons work. If it is not, the person will ask again, and gets it then.
            return place.at(None)

    async def _edit(self, session: Session, view: View, place: Place) -> None:
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

    async def place(self, session: Session, view: View, place: Place, *notes: str, noted: bool = False) -> Place:
        """Draw a dialog's card, and note where, unless it is `noted` already. Raises what the connector raises."""
        try:
            found = await self.draw(session, view, place, *notes)
        except Refused:
            # Drawing it later would be refused just so, and a word about why must not have to wait for that.
            await self._advisor.shown(session.id, session.revision)
            raise
        moved = None if noted and found == place else found.to_json()
        await self._advisor.shown(session.id, session.revision, moved)
        return found

    async def edit_soon(self, session: Session, view: View, place: Place, *, noted: bool) -> None:
        """Draw the card, and wait for it a little; it goes on in the background if that takes longer."""
        task = self.later(self.place(session, view, place, noted=noted))
        await asyncio.wait({task}, timeout=EDIT_WITHIN)

    async def move(self, session: Session, view: View, old: Place | None, place: Place, *notes: str) -> None:
        """Send the card below what was typed, and leave a word where it was."""
        new = await self.place(session, view, place.at(None), *notes)
        if old and old.activity and new.activity:
            self.later(self.connector.update(old, message(cards.moved(session.language))))

    # --- Words ---

    async def say(self, place: Place, card: Json) -> None:
        """Send a card that belongs to no dialog. Raises what the connector raises."""
        await self.connector.send(place.at(None), message(card))

    async def whisper(self, heard: Heard, card: Json, word: str) -> None:
        """Show a card to one person alone: in the personal chat. `word` alone is said here where that cannot be."""
        if not heard.place.shared:
            return await self.say(heard.place, card)
        text = heard.words
        try:
            chat = await self.connector.open_personal(heard.place, heard.bot, heard.actor.person)
            await self.say(chat, cards.with_note(card, text.text("teams.elsewhere")))
        except Refused:
            start = (Button("start", text.text("label.start")),)
            await self.say(heard.place, cards.draw(Notice("no_private", text.text("teams.no_private"), start)))
        else:
            if word:
                await self.say(heard.place, cards.draw(Notice("in_private", word)))
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
    text = words(language)
    return Notice(id, text.text(f"teams.{id}"), tuple(Button(one, text.text(f"label.{one}")) for one in actions))
