"""Drawing cards where they are, and the courier: posts, edits and words that the application sees to.

A card is noted as ``{"channel", "ts"}`` for a message, with ``user`` instead of ``ts`` for one that a single person
sees; ``thread`` where it stands in one. The latter changes only through a ``url`` that is good until ``till``; ``adds``
says that this one, a command's, can only add.
"""

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from adapters.ports import Json, OutcomeUnknown, OutgoingMessage, PermanentFailure, RetryLater
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.web_api import DEAD_TOKEN, SlackError, WebApi
from dialogs.session import Session, Status
from dialogs.translations import Translations, translations
from dialogs.views import Announcement, Button, Notice, View

URL_LIFE = 29 * 60.0
"""Seconds a response URL is used; Slack ends it after 30 minutes."""
UNEDITABLE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_inactive"}
)
REASONS = {
    "not_in_channel": "not_in_channel",
    "channel_not_found": "not_in_channel",
    "is_archived": "archived",
    "missing_scope": "missing_scope",
} | dict.fromkeys(DEAD_TOKEN, "uninstalled")
MARKED = "cm_advisor_recommendation"
"""The event type of a post's metadata, which nobody sees."""
SKEW = 60.0
"""Seconds that our clock may be ahead of Slack's."""
PAGE, MAX_PAGES = 15, 10
"""How much of a channel is looked through; 15 is all that an app outside the Marketplace is given at once."""
FORBIDDEN = "forbidden"
"""Why Slack refuses a post -> our word for it (``slack.refused.*``); anything else is `FORBIDDEN`."""


class SlackGateway:
    """The `adapters.ports.Gateway` of Slack, and the listeners' way to draw."""

    def __init__(self, api: WebApi) -> None:
        self.api = api
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # --- What the application asks for ------------------------------------------------------------

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """One queue a channel: Slack takes one message a second there."""
        return f"{outgoing.session.tenant}:{outgoing.destination or (outgoing.card or {}).get('channel', '')}"

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        """Post into the channel. See `adapters.ports.Gateway`."""
        session, where = outgoing.session, outgoing.destination or ""
        said = block_kit.message(announcement, ButtonContext("post", session.id), translations(session.language))
        if not outgoing.lease_held():
            raise RetryLater
        try:
            answer = await self.api.call(
                session.tenant,
                "chat.postMessage",
                channel=where,
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": MARKED, "event_payload": {"key": outgoing.marker}},
                **said,
            )
        except SlackError as refusal:
            raise PermanentFailure(REASONS.get(refusal.error, FORBIDDEN)) from None
        # It is out: nothing that follows may make it look lost.
        return await self._note(session.tenant, answer.get("channel", where), answer.get("ts", ""))

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> Json | None:
        """Look for the mark in what the channel's members can read. See `adapters.ports.Gateway`."""
        tenant, channel = outgoing.session.tenant, outgoing.destination or ""
        oldest, cursor = f"{since.timestamp() - SKEW:.6f}", None
        for _ in range(MAX_PAGES):
            try:
                page = await self.api.get(
                    tenant,
                    "conversations.history",
                    channel=channel,
                    oldest=oldest,
                    limit=PAGE,
                    include_all_metadata="true",
                    cursor=cursor,
                )
            except SlackError:
                raise PermanentFailure(
                    "lost"
                ) from None  # not allowed to look: an optional scope, or not in the channel
            except OutcomeUnknown:
                raise RetryLater from None
            for found in _objects(page.get("messages")):
                mark = found.get("metadata")
                if isinstance(mark, dict) and mark.get("event_type") == MARKED:
                    payload = mark.get("event_payload")
                    if isinstance(payload, dict) and payload.get("key") == outgoing.marker:
                        return await self._note(tenant, channel, found.get("ts"))
            [more] = _objects([page.get("response_metadata")]) or [{}]
            cursor = more.get("next_cursor")
            if not cursor:
                return None
        raise PermanentFailure("lost")

    async def _note(self, tenant: str, channel: object, ts: object) -> Json:
        return {"channel": channel, "ts": ts, "link": await self._link(tenant, channel, ts)}

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> Json | None:
        """Draw the card. See `adapters.ports.Gateway`."""
        card = outgoing.card or {}
        if isinstance(view, Notice) and view.id == Status.EXPIRED and "ts" not in card:
            return card  # nobody sees it any more; a new message would only disturb
        try:
            return await self.draw(outgoing.session, card, view)
        except SlackError as refusal:
            raise PermanentFailure(REASONS.get(refusal.error, FORBIDDEN)) from None
        except OutcomeUnknown:
            raise RetryLater from None  # drawing twice does no harm

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Say privately why the post is held back, with a button that tries again."""
        session = outgoing.session
        t = translations(session.language)
        channel = f"<#{outgoing.destination}>"
        bot = f"<@{await self.bot(session.tenant)}>"
        id = f"slack.refused.{reason}"
        said = t(id if id in t else f"slack.refused.{FORBIDDEN}", channel=channel, bot=bot)
        again = Button("retry_post", t("label.retry_post"), option=outgoing.destination, primary=True)
        mark = ButtonContext("notice", session.id, session.revision)
        message = {"text": said, "blocks": [block_kit.section(said), block_kit.actions([again], mark)]}
        card = outgoing.card or {}
        try:
            if not await self._add(card, message):
                await self.api.call(session.tenant, "chat.postMessage", channel=session.owner, **message)
        except SlackError as refusal:
            raise PermanentFailure(REASONS.get(refusal.error, FORBIDDEN)) from None
        except OutcomeUnknown:
            raise RetryLater from None

    # --- What the listeners ask for ---------------------------------------------------------------

    async def draw(self, session: Session, card: Json, view: View) -> Json:
        """Draw a session's card where it is, or anew where it belongs; return where it is now.

        One drawing of a session after the other, so that the last one drawn is the last one asked for.
        """
        lock = self._locks.setdefault(session.id, asyncio.Lock())
        async with lock:
            message = self.message(session, view, card)
            return await self.put(session.tenant, session.owner, card, message, session.language)

    def message(self, session: Session, view: View, card: Json) -> block_kit.Message:
        """Return the card as a message."""
        t = translations(session.language)
        mark = ButtonContext("card", session.id, session.revision)
        return block_kit.message(view, mark, t, post_destination_line(t, str(card.get("channel", ""))))

    async def put(self, tenant: str, person: str, card: Json, message: block_kit.Message, language: str) -> Json:
        """Put a message where the card says: change it there if that can be done, else send it."""
        if "ts" in card:
            try:
                await self.api.call(tenant, "chat.update", channel=card["channel"], ts=card["ts"], **message)
                return card
            except SlackError as refusal:
                if refusal.error not in UNEDITABLE:
                    raise
        elif "url" in card and not card.get("adds"):
            if _alive(card) and await self.api.respond(str(card["url"]), {"replace_original": True, **message}):
                return card
        elif await self._add(card, message):
            return card
        return await self._anew(tenant, person, card, message, language)

    async def whisper(self, tenant: str, person: str, card: Json, message: block_kit.Message, language: str) -> None:
        """Say something to one person, beside the card."""
        if not await self._add(card, message):
            channel = str(card.get("channel", ""))
            private = not channel or channel.startswith("D")
            away = {name: card[name] for name in ("channel", "thread") if name in card}
            await self._anew(tenant, person, away if private else away | {"user": person}, message, language)

    async def fold(self, tenant: str, card: Json, said: str) -> None:
        """Leave a quiet line where a card was that goes on elsewhere."""
        folded = {"text": block_kit.escape(said), "blocks": [block_kit.context(said)]}
        with suppress(RetryLater, OutcomeUnknown, SlackError):
            await self.api.call(tenant, "chat.update", channel=card["channel"], ts=card["ts"], **folded)

    async def drop(self, tenant: str, card: Json) -> None:
        """Take a word away that has done its duty."""
        with suppress(RetryLater, OutcomeUnknown, SlackError):
            if "ts" in card:
                await self.api.call(tenant, "chat.delete", channel=card["channel"], ts=card["ts"])
            elif "url" in card and not card.get("adds"):
                await self.api.respond(str(card["url"]), {"delete_original": True})

    async def bot(self, tenant: str) -> str:
        """Return the bot's user id."""
        return await self.api.bot(tenant)

    async def _add(self, card: Json, message: block_kit.Message) -> bool:
        if "url" not in card or not _alive(card):
            return False
        return await self.api.respond(
            str(card["url"]), {"response_type": "ephemeral", "replace_original": False, **message}
        )

    async def _anew(self, tenant: str, person: str, card: Json, message: block_kit.Message, language: str) -> Json:
        channel, thread = str(card.get("channel", "")), card.get("thread")
        place: dict[str, object] = {"channel": channel} | ({"thread": thread} if thread else {})
        try:
            if "user" in card and not channel.startswith("D"):
                here = {"channel": channel, "user": person, "thread_ts": thread}
                await self.api.call(tenant, "chat.postEphemeral", **here, **message)
                return place | {"user": person}
            if channel:
                sent = await self._send(tenant, channel, thread, message)
                return place | {"ts": sent["ts"]}
        except SlackError as refusal:
            if refusal.error in DEAD_TOKEN or refusal.error == "missing_scope":
                raise
        moved = [block_kit.context(translations(language)("slack.moved_here"))] if channel else []
        sent = await self._send(tenant, person, None, message | {"blocks": [*moved, *message["blocks"]]})
        return {"channel": sent["channel"], "ts": sent["ts"]}

    async def _send(self, tenant: str, channel: str, thread: Any, message: block_kit.Message) -> Json:
        return await self.api.call(
            tenant, "chat.postMessage", channel=channel, thread_ts=thread, unfurl_links=False, **message
        )

    async def _link(self, tenant: str, channel: object, ts: object) -> object:
        try:
            answer = await self.api.get(tenant, "chat.getPermalink", channel=channel, message_ts=ts)
        except (RetryLater, OutcomeUnknown, SlackError):
            return None  # a post without a link is still a post
        return answer.get("permalink")


def _objects(found: object) -> list[Json]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def post_destination_line(t: Translations, channel: str) -> str:
    """Return the line that says where a post from this channel would go."""
    if channel[:1] in {"C", "G"}:
        return t("slack.post_where", channel=f"<#{channel}>")
    return t("slack.post_where_later")


def private_card(channel: str, person: str, url: str, *, thread: str | None = None, adds: bool = False) -> Json:
    """Return the note of a card that one person sees."""
    card: dict[str, object] = {"channel": channel, "user": person, "url": url, "till": time.time() + URL_LIFE}
    return card | ({"thread": thread} if thread else {}) | ({"adds": True} if adds else {})


def _alive(card: Json) -> bool:
    till = card.get("till")
    return isinstance(till, int | float) and time.time() < till
