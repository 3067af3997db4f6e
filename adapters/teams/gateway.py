"""Send, update and move cards in Teams, and post recommendations."""

import asyncio
import json
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary

from adapters.ports import (
    Application,
    CardRef,
    OutcomeUnknown,
    OutgoingMessage,
    PermanentFailure,
    RetryLater,
    TurnResult,
)
from adapters.shared.background import BackgroundTasks
from adapters.teams import cards
from adapters.teams.adaptive_cards import Json, mark_buttons
from adapters.teams.channels import is_archived
from adapters.teams.connector import Connector, card_message
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import PRIVATE, IncomingRequest
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.session import Session
from dialogs.text.notices import passed_card
from dialogs.views import Announcement, Notice, View

MAX_UPDATE_SECONDS = 1.0
"""How long the response to a button waits for the update of the card, so that others see the card at the same time."""
PAUSES = (2.0, 8.0)
"""Seconds before the next attempts of `send_patiently`. Each attempt is repeated by the connector."""
SENT_BY_PERSON = "sent"
"""The destination of a recommendation that the person sends from the compose box."""
_FAILURE_TEXTS = frozenset(
    {
        *("archived", "blocked", "disabled", "failed", "forbidden", "gone", "lost", "not_installed", "not_member"),
        *("refused", "too_long"),
    }
)
_UNCHANGED = frozenset({"not_edited", "not_deleted"})

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _CardUpdates:
    """The updates of one card: one at a time. An update to an older revision than `newest` is skipped."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: int = -1


class TeamsGateway:
    """Implements `ports.Gateway`. The methods for listeners come after it. `bot`: the bot's account id."""

    def __init__(self, application: Application, connector: Connector, tasks: BackgroundTasks, bot: str) -> None:
        self._application = application
        self._connector = connector
        self._tasks = tasks
        self._bot = bot
        self._updates: WeakValueDictionary[tuple[str, str | None], _CardUpdates] = WeakValueDictionary()

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """Return a queue per conversation. The threads of a channel share one, because Teams limits them together."""
        ref = _destination(outgoing) or ConversationRef.from_json(outgoing.card)
        return f"teams:{ref.base if ref else 'nowhere'}"

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> CardRef:
        """Post into a channel or chat, with the author's name as Teams has it."""
        if outgoing.destination == SENT_BY_PERSON:
            return {}
        try:
            return await self._post(outgoing, announcement)
        except PermanentFailure as failure:
            team, refused = _said(outgoing, "team"), failure.reason in ("forbidden", "refused")
            if team and refused and await is_archived(self._application, outgoing.session.tenant, team):
                raise PermanentFailure("archived") from failure
            raise

    async def _post(self, outgoing: OutgoingMessage, announcement: Announcement) -> CardRef:
        ref = _destination(outgoing)
        if ref is None:
            raise PermanentFailure("gone")
        name = await self._author(ref, outgoing)
        if not outgoing.lease_held():
            raise RetryLater
        try:
            id = await self._connector.send(ref.root, card_message(cards.announcement(announcement, name)))
        except PermanentFailure as failure:
            if failure.reason != "too_long":
                raise
            short = cards.announcement(announcement, name, short=True)
            id = await self._connector.send(ref.root, card_message(short))
        if id is None:
            return ref.to_json()
        thread = f"{ref.base};messageid={id}" if ref.kind == "channel" else ref.conversation
        post = replace(ref, conversation=thread, activity=id)
        return {**post.to_json(), "link": post.link, "name": _said(outgoing, "name")}

    async def edit_post(self, outgoing: OutgoingMessage, post: CardRef, announcement: Announcement) -> None:
        """Replace the card of the post. A recommendation that the person sent from the compose box is theirs."""
        ref = ConversationRef.from_json(post)
        if ref is None or not ref.activity:
            raise PermanentFailure("gone")
        name = await self._author(ref, outgoing)
        await self._connector.update(ref, card_message(cards.announcement(announcement, name)))

    async def delete_post(self, outgoing: OutgoingMessage, post: CardRef) -> None:
        """Delete the message of the post."""
        ref = ConversationRef.from_json(post)
        if ref is None or not ref.activity:
            raise PermanentFailure("gone")
        try:
            await self._connector.delete(ref)
        except PermanentFailure as failure:
            if failure.reason != "gone":
                raise

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> CardRef | None:
        """Raise `PermanentFailure`: a bot cannot read a conversation in Teams, so that a person has to look."""
        raise PermanentFailure("lost")

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> CardRef | None:
        """Update the session's card, or send it again. A form has no card: the person sent its result."""
        ref = ConversationRef.from_json(outgoing.card)
        return (await self._update_or_send(outgoing.session, view, ref)).to_json() if ref else None

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Send the notice to the conversation of the dialog; if Teams refuses, to the personal chat."""
        session = outgoing.session
        if reason in _UNCHANGED:
            notice = cards.notice(session.language, f"post_{reason}")
        else:
            id = f"held.{reason if reason in _FAILURE_TEXTS else 'refused'}"
            notice = cards.notice(session.language, id, "retry_post")
        card = cards.render(notice, session)
        ref = ConversationRef.from_json(outgoing.card) or _destination(outgoing)
        if ref is None:
            raise PermanentFailure("gone")
        try:
            await self.send(ref, card)
        except OutcomeUnknown:
            raise RetryLater from None  # the post waits for the person, so that two notices are better than none
        except PermanentFailure:
            if not ref.shared:
                raise
            chat = await self._connector.open_personal(ref, self._bot, session.owner)
            await self.send(chat, cards.with_notes(card, cards.notice(session.language, "elsewhere").text))

    async def _author(self, ref: ConversationRef, outgoing: OutgoingMessage) -> str:
        """Return the name of the author, who must be a member of the conversation."""
        known = _said(outgoing, "by")
        try:
            return await self.member_name(ref, outgoing.session.owner) or known or "?"
        except PermanentFailure as failure:
            if failure.reason == "not_member" or not known:
                raise
            return known  # no access to the members, but the author pressed a button in this conversation

    # --- Cards of a dialog ---

    async def show(
        self,
        session: Session,
        view: View,
        ref: ConversationRef,
        *notes: str,
        stored: bool = False,
        card: Json | None = None,
    ) -> ConversationRef:
        """Update the card at `ref`, or send it. Record that it is shown. Return where it is.

        `stored`: the application has `ref` already. `card`: the public card, if it is rendered already.
        """
        try:
            shown = await self._update_or_send(session, view, ref, *notes, card=card)
        except PermanentFailure:
            # The outbox would be refused as well, and would delay the notice about the failure.
            await self._application.mark_shown(session.id, session.revision)
            raise
        unchanged = stored and shown == ref
        await self._application.mark_shown(session.id, session.revision, None if unchanged else shown.to_json())
        return shown

    async def show_new(self, result: TurnResult, ref: ConversationRef) -> None:
        """Send the card of a new dialog, unless the turn is a duplicate."""
        view = shown_view(result)
        if result.session and view and not result.duplicate:
            await self.show(result.session, view, ref)

    async def update_soon(
        self, session: Session, view: View, ref: ConversationRef, *, stored: bool, card: Json | None = None
    ) -> None:
        """Update the card like `show`, in the background. Wait for it for at most `MAX_UPDATE_SECONDS`."""
        task = self._tasks.start(self.show(session, view, ref, stored=stored, card=card))
        await asyncio.wait({task}, timeout=MAX_UPDATE_SECONDS)

    async def move(
        self, before: Session, session: Session, view: View, card: CardRef | None, ref: ConversationRef, *notes: str
    ) -> None:
        """Send the card again below the latest message. Fold the old `card`, which showed `before`."""
        new = await self.show(session, view, ref.at(None), *notes)
        old = ConversationRef.from_json(card)
        if old and old.activity and new.activity:
            self._tasks.start(
                self._connector.update(old, card_message(cards.passed(passed_card(FLOW, before, session))))
            )

    async def _update_or_send(
        self, session: Session, view: View, ref: ConversationRef, *notes: str, card: Json | None = None
    ) -> ConversationRef:
        card = card or cards.render_public(view, session, ref)
        if ref.activity:
            try:
                await self._update(ref, session.revision, card)
                return ref
            except PermanentFailure as failure:
                if failure.reason != "gone":
                    raise
        try:
            return await self._send(ref, cards.with_notes(card, *notes), session.language)
        except OutcomeUnknown:
            # If it was sent, its buttons work. If not, the person will ask again and get it then.
            return ref.at(None)

    async def _update(self, ref: ConversationRef, revision: int, card: Json) -> None:
        key = ref.conversation, ref.activity
        updates = self._updates.get(key)
        if updates is None:
            updates = self._updates[key] = _CardUpdates()
        updates.newest = max(updates.newest, revision)
        async with updates.lock:
            if updates.newest == revision:
                await self._connector.update(ref, card_message(_marked(card, ref)))

    async def _send(self, ref: ConversationRef, card: Json, language: str = "") -> ConversationRef:
        """Send a card. Where Teams refuses to send it to one person only, use the personal chat. Return where it is.

        `language`: of the note in the personal chat that says where the card comes from.
        """
        try:
            return ref.at(await self._connector.send(ref, card_message(_marked(card, ref))))
        except PermanentFailure:
            if not ref.only:
                raise
            chat = await self._connector.open_personal(ref, self._bot, ref.only)
            note = cards.notice(language, "elsewhere").text
            return chat.at(await self._connector.send(chat, card_message(cards.with_notes(card, note))))

    # --- Other messages, and members ---

    async def send(self, ref: ConversationRef, card: Json) -> None:
        """Send a card that belongs to no dialog."""
        await self._send(ref.at(None), card)

    async def send_patiently(self, ref: ConversationRef, card: Json) -> None:
        """Send a card that belongs to no dialog, again after a while if Teams does not answer."""
        for pause in PAUSES:
            try:
                return await self.send(ref, card)
            except RetryLater as error:
                await asyncio.sleep(max(pause, min(error.retry_after or 0, PAUSES[-1])))
        return await self.send(ref, card)

    async def send_privately(self, request: IncomingRequest, card: Json, notice: str = "") -> None:
        """Send a card to the person's personal chat. `notice`: what is sent to the conversation as well.

        Without a personal chat, only a text about that is sent to the conversation.
        """
        ref, language = request.ref, request.actor.language
        if not ref.shared:
            return await self.send(ref, card)
        try:
            chat = await self._connector.open_personal(ref, request.bot, request.actor.person)
            await self.send(chat, cards.with_notes(card, cards.notice(language, "elsewhere").text))
        except PermanentFailure:
            return await self.send(ref, cards.render(cards.notice(language, "no_private", "start")))
        if notice:
            await self.send(ref, cards.render(Notice("in_private", notice)))
        return None

    async def member_name(self, ref: ConversationRef, person: str) -> str:
        """Return the name of a member of a conversation; it may be empty. Raises `PermanentFailure` for others."""
        return str((await self._connector.member(ref, person)).get("name") or "")


def shown_view(result: TurnResult) -> View | None:
    """Return the view that the card of the session has after a turn; None if it stays the same."""
    return next((effect.view for effect in reversed(result.effects) if isinstance(effect, Show)), None)


def _marked(card: Json, ref: ConversationRef) -> Json:
    """Return a card whose buttons say that only one person sees it, if that is so."""
    return mark_buttons(card, PRIVATE) if ref.only else card


def _said(outgoing: OutgoingMessage, key: str) -> str:
    """Return what the listener added to the destination: ``by``, the author, or ``name``, of the chosen channel."""
    destination = json.loads(outgoing.destination or "{}")
    return str(destination.get(key) or "") if isinstance(destination, dict) else ""


def _destination(outgoing: OutgoingMessage) -> ConversationRef | None:
    try:
        return ConversationRef.from_json(json.loads(outgoing.destination or "null"))
    except (ValueError, RecursionError):
        return None
