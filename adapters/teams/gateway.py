"""The application's deliveries to Teams: the post in a channel, a card drawn anew, a word about what is held back."""

import json
from dataclasses import replace
from datetime import datetime

from adapters.ports import Json, OutcomeUnknown, OutgoingMessage, PermanentFailure, RetryLater
from adapters.teams import cards
from adapters.teams.card_sender import CardSender, notice
from adapters.teams.connector import message
from adapters.teams.conversation import ConversationRef
from adapters.teams.task_modules import SENT_BY_USER
from dialogs.session import Session
from dialogs.views import Announcement, View

_TELLABLE = frozenset(
    {"blocked", "failed", "forbidden", "gone", "lost", "not_installed", "not_member", "refused", "too_long"}
)


class TeamsGateway:
    """Teams' side of `ports.Courier`."""

    def __init__(self, sender: CardSender, bot: str) -> None:
        self._sender = sender
        self._bot = bot

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """One queue a conversation; all threads of a channel share theirs."""
        place = _where(outgoing) or ConversationRef.from_json(outgoing.card)
        return f"teams:{place.base if place else 'nowhere'}"

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        """Post into a channel or group, under the name Teams itself has of who ran it."""
        if outgoing.destination == SENT_BY_USER:
            return {}
        place = _where(outgoing)
        if place is None:
            raise PermanentFailure("gone")
        name = await self._name(place, outgoing)
        if not outgoing.lease_held():
            raise RetryLater
        try:
            id = await self._send(place, cards.announcement(announcement, name))
        except PermanentFailure as refused:
            if refused.reason != "too_long":
                raise
            id = await self._send(place, cards.announcement(announcement, name, short=True))
        if id is None:
            return place.to_json()
        thread = f"{place.base};messageid={id}" if place.kind == "channel" else place.conversation
        posted = replace(place, conversation=thread, activity=id)
        return {**posted.to_json(), "link": posted.link}

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> Json | None:
        """A bot cannot read a conversation in Teams: a person has to look. See `ports.Courier`."""
        raise PermanentFailure("lost")

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> Json | None:
        """Edit the card where it is, or send it again where it was."""
        place = ConversationRef.from_json(outgoing.card)
        if place is None:
            return None  # a form's: its card is the person's own message
        return (await self._sender.draw(outgoing.session, view, place)).to_json()

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Say it where the dialog is; where we may not write any more, in the personal chat."""
        session = outgoing.session
        id = f"held.{reason if reason in _TELLABLE else 'refused'}"
        card = cards.draw(notice(session.language, id, "retry_post"), session)
        place = ConversationRef.from_json(outgoing.card) or _where(outgoing)
        if place is None:
            raise PermanentFailure("gone")
        try:
            await self._sender.say(place, card)
        except OutcomeUnknown:
            raise RetryLater from None  # told twice is better than never: the post waits for their word
        except PermanentFailure:
            if not place.shared:
                raise
            chat = await self._sender.connector.open_personal(place, self._bot, session.owner)
            await self._sender.say(chat, cards.with_note(card, _elsewhere(session)))

    async def _name(self, place: ConversationRef, outgoing: OutgoingMessage) -> str:
        """Return the name of who ran it, who must be a member of where it goes."""
        told = str(json.loads(outgoing.destination or "{}").get("by") or "")
        try:
            member = await self._sender.connector.member(place, outgoing.session.owner)
        except PermanentFailure as refused:
            if refused.reason == "not_member" or not told:
                raise
            return told  # the roster cannot be had; they pressed here, and whether we may post shows when we do
        return str(member.get("name") or told or "?")

    async def _send(self, place: ConversationRef, card: Json) -> str | None:
        return await self._sender.connector.send(place.root, message(card))


def _elsewhere(session: Session) -> str:
    return notice(session.language, "elsewhere").text


def _where(outgoing: OutgoingMessage) -> ConversationRef | None:
    try:
        return ConversationRef.from_json(json.loads(outgoing.destination or "null"))
    except (ValueError, RecursionError):
        return None
