"""The application's deliveries to Teams: the post in a channel, a card drawn anew, a word about what is held back."""

import json
from dataclasses import replace
from datetime import datetime

from adapters.ports import Delivery, Json, Later, Lost, Refused
from adapters.teams import cards
from adapters.teams.connector import message
from adapters.teams.forms import SENT
from adapters.teams.place import Place
from adapters.teams.stage import Stage, notice
from dialogs.session import Session
from dialogs.views import Announcement, View

_TELLABLE = frozenset(
    {"blocked", "failed", "forbidden", "gone", "lost", "not_installed", "not_member", "refused", "too_long"}
)


class TeamsCourier:
    """Teams' side of `ports.Courier`."""

    def __init__(self, stage: Stage, bot: str) -> None:
        self._stage = stage
        self._bot = bot

    def queue(self, delivery: Delivery) -> str:
        """One queue a conversation; all threads of a channel share theirs."""
        place = _where(delivery) or Place.from_json(delivery.card)
        return f"teams:{place.base if place else 'nowhere'}"

    async def post(self, delivery: Delivery, announcement: Announcement) -> Json:
        """Post into a channel or group, under the name Teams itself has of who ran it."""
        if delivery.where == SENT:
            return {}
        place = _where(delivery)
        if place is None:
            raise Refused("gone")
        name = await self._name(place, delivery)
        if not delivery.ours():
            raise Later
        try:
            id = await self._send(place, cards.announcement(announcement, name))
        except Refused as refused:
            if refused.reason != "too_long":
                raise
            id = await self._send(place, cards.announcement(announcement, name, short=True))
        if id is None:
            return place.to_json()
        thread = f"{place.base};messageid={id}" if place.kind == "channel" else place.conversation
        posted = replace(place, conversation=thread, activity=id)
        return {**posted.to_json(), "link": posted.link}

    async def find(self, delivery: Delivery, since: datetime) -> Json | None:
        """A bot cannot read a conversation in Teams: a person has to look. See `ports.Courier`."""
        raise Refused("lost")

    async def show(self, delivery: Delivery, view: View) -> Json | None:
        """Edit the card where it is, or send it again where it was."""
        place = Place.from_json(delivery.card)
        if place is None:
            return None  # a form's: its card is the person's own message
        return (await self._stage.draw(delivery.session, view, place)).to_json()

    async def tell(self, delivery: Delivery, reason: str) -> None:
        """Say it where the dialog is; where we may not write any more, in the personal chat."""
        session = delivery.session
        id = f"held.{reason if reason in _TELLABLE else 'refused'}"
        card = cards.draw(notice(session.language, id, "retry_post"), session)
        place = Place.from_json(delivery.card) or _where(delivery)
        if place is None:
            raise Refused("gone")
        try:
            await self._stage.say(place, card)
        except Lost:
            raise Later from None  # told twice is better than never: the post waits for their word
        except Refused:
            if not place.shared:
                raise
            chat = await self._stage.connector.open_personal(place, self._bot, session.owner)
            await self._stage.say(chat, cards.with_note(card, _elsewhere(session)))

    async def _name(self, place: Place, delivery: Delivery) -> str:
        """Return the name of who ran it, who must be a member of where it goes."""
        told = str(json.loads(delivery.where or "{}").get("by") or "")
        try:
            member = await self._stage.connector.member(place, delivery.session.owner)
        except Refused as refused:
            if refused.reason == "not_member" or not told:
                raise
            return told  # the roster cannot be had; they pressed here, and whether we may post shows when we do
        return str(member.get("name") or told or "?")

    async def _send(self, place: Place, card: Json) -> str | None:
        return await self._stage.connector.send(place.root, message(card))


def _elsewhere(session: Session) -> str:
    return notice(session.language, "elsewhere").text


def _where(delivery: Delivery) -> Place | None:
    try:
        return Place.from_json(json.loads(delivery.where or "null"))
    except (ValueError, RecursionError):
        return None
