"""Sending, updating and finding messages in Slack.

A `CardRef` is ``{"channel", "ts"}`` for a message. A message that one person sees has ``user`` instead of ``ts``; it
changes only through its response URL, ``url``, which is used until ``till`` (seconds since 1970). ``adds``: the URL of
a slash command, which can only add messages. ``thread``: the thread of the message, if any. ``earlier``: the ``ts`` of
earlier cards of the same dialog in a thread.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from weakref import WeakValueDictionary

from adapters.ports import CardRef, Json, OutcomeUnknown, OutgoingMessage, PermanentFailure, RetryLater
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.web_api import INVALID_TOKEN_ERRORS, SlackError, WebApi, Workspace
from dialogs import presenter
from dialogs.session import Session, Status
from dialogs.text.notices import PassedCard
from dialogs.translations import Translations, translations
from dialogs.views import (
    Announcement,
    Button,
    DetailsCard,
    Notice,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

NOT_EDITABLE_ERRORS = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_inactive"}
)
REFUSAL_REASONS = {
    "not_in_channel": "not_in_channel",
    "channel_not_found": "not_in_channel",
    "is_archived": "archived",
    "missing_scope": "missing_scope",
} | dict.fromkeys(INVALID_TOKEN_ERRORS, "uninstalled")
"""Slack's error code to the reason of a `PermanentFailure`, the end of the text id ``slack.refused.<reason>``."""
DEFAULT_REASON = "forbidden"
UNCHANGED_REASONS = frozenset({"not_edited", "not_deleted"})
METADATA_EVENT_TYPE = "cm_advisor_recommendation"
"""The event type of a post's metadata, which Slack does not show."""
CLOCK_SKEW_SECONDS = 60.0
"""How far our clock may be ahead of Slack's."""
HISTORY_PAGE_SIZE, MAX_HISTORY_PAGES = 15, 10
"""How much of a channel is searched. An app outside the Marketplace gets at most 15 messages a call."""


class SlackGateway:
    """Implements `adapters.ports.Gateway`, and sends messages for the listeners.

    Methods for listeners raise what `WebApi` raises.
    """

    def __init__(self, api: WebApi) -> None:
        self.api = api
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # --- For the application: see `adapters.ports.Gateway` --------------------------------------------------------

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """Return one queue for each channel: Slack allows one message a second there."""
        return f"{outgoing.session.tenant}:{outgoing.destination or (outgoing.card or {}).get('channel', '')}"

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> CardRef:
        """Post into the channel, with the marker in the metadata."""
        session, channel = outgoing.session, outgoing.destination or ""
        message = block_kit.render(announcement, ButtonContext("post", session.id), translations(session.language))
        if not outgoing.lease_held():
            raise RetryLater
        try:
            response = await self.api.call(
                session.tenant,
                "chat.postMessage",
                channel=channel,
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": METADATA_EVENT_TYPE, "event_payload": {"key": outgoing.marker}},
                **message,
            )
        except SlackError as error:
            raise _permanent_failure(error) from None
        # The post is sent. Nothing below may raise.
        return await self._post_ref(session.tenant, response.get("channel", channel), response.get("ts", ""))

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> CardRef | None:
        """Look for the marker in the channel's history."""
        tenant, channel = outgoing.session.tenant, outgoing.destination or ""
        oldest, cursor = f"{since.timestamp() - CLOCK_SKEW_SECONDS:.6f}", None
        for _ in range(MAX_HISTORY_PAGES):
            try:
                page = await self.api.get(
                    tenant,
                    "conversations.history",
                    channel=channel,
                    oldest=oldest,
                    limit=HISTORY_PAGE_SIZE,
                    include_all_metadata="true",
                    cursor=cursor,
                )
            except SlackError:  # the scope is optional, or the bot is not in the channel
                raise PermanentFailure("lost") from None
            except OutcomeUnknown:
                raise RetryLater from None
            messages = page.get("messages")
            if not isinstance(messages, list):
                raise RetryLater
            for message in messages:
                if _marker(message) == outgoing.marker:
                    return await self._post_ref(tenant, channel, message.get("ts"))
            metadata = page.get("response_metadata")
            cursor = metadata.get("next_cursor") if isinstance(metadata, dict) else None
            if not cursor:
                return None
        raise PermanentFailure("lost")

    async def edit_post(self, outgoing: OutgoingMessage, post: CardRef, announcement: Announcement) -> None:
        """Update the message. Its metadata stays."""
        session = outgoing.session
        message = block_kit.render(announcement, ButtonContext("post", session.id), translations(session.language))
        await self._change_post(session.tenant, "chat.update", post, **message)

    async def delete_post(self, outgoing: OutgoingMessage, post: CardRef) -> None:
        """Delete the message."""
        try:
            await self._change_post(outgoing.session.tenant, "chat.delete", post)
        except PermanentFailure as failure:
            if failure.reason != "gone":
                raise

    async def _change_post(self, tenant: str, method: str, post: CardRef, **message: object) -> None:
        try:
            await self.api.call(tenant, method, channel=post.get("channel"), ts=post.get("ts"), **message)
        except SlackError as error:
            raise PermanentFailure("gone" if error.error == "message_not_found" else DEFAULT_REASON) from None
        except OutcomeUnknown:
            raise RetryLater from None

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> CardRef | None:
        """Update the card or send it again. An expired private card is left as it is: nobody sees it anymore."""
        card = outgoing.card or {}
        if isinstance(view, Notice) and view.id == Status.EXPIRED and "ts" not in card:
            return card
        try:
            return await self.show(outgoing.session, card, view, outgoing.session.tenant)
        except SlackError as error:
            raise _permanent_failure(error) from None
        except OutcomeUnknown:
            raise RetryLater from None  # showing a card twice is harmless

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Send the owner the reason, with a button to try again."""
        session = outgoing.session
        t = translations(session.language)
        id = f"slack.refused.{reason}"
        text = t(
            id if id in t else f"slack.refused.{DEFAULT_REASON}",
            channel=f"<#{outgoing.destination}>",
            bot=f"<@{await self.api.bot_user(session.tenant)}>",
        )
        blocks = [block_kit.section(text)]
        if reason not in UNCHANGED_REASONS:
            retry = Button("retry_post", t("label.retry_post"), option=outgoing.destination, primary=True)
            blocks.append(block_kit.actions([retry], ButtonContext("notice", session.id, session.revision)))
        message = {"text": text, "blocks": blocks}
        try:
            if not await self._add_by_url(outgoing.card or {}, message):
                await self.api.call(session.tenant, "chat.postMessage", channel=session.owner, **message)
        except SlackError as error:
            raise _permanent_failure(error) from None
        except OutcomeUnknown:
            raise RetryLater from None

    # --- For the listeners ----------------------------------------------------------------------------------------

    async def show(self, session: Session, card: CardRef, view: View, workspace: Workspace) -> CardRef:
        """Show a session's card at `card`, or send it again if it cannot be updated. Return where it is now.

        Cards of one session are shown one after the other, so that the last one stays.
        """
        async with self._locks.setdefault(session.id, asyncio.Lock()):
            message = self.card_message(session, view, card)
            return await self.update_or_send(workspace, session.owner, card, message, session.language)

    def card_message(self, session: Session, view: View, card: CardRef) -> block_kit.Message:
        """Return a session's card as a message."""
        button_context, t = ButtonContext("card", session.id, session.revision), translations(session.language)
        view = _in_public(view, session, t) if is_public(card) else view
        return block_kit.render(view, button_context, t, str(card.get("channel", "")))

    async def update_or_send(
        self, workspace: Workspace, person: str, card: CardRef, message: block_kit.Message, language: str
    ) -> CardRef:
        """Update the message at `card`; send a new one if there is none or it cannot be updated. Return where it is."""
        if "ts" in card:
            try:
                await self.api.call(workspace, "chat.update", channel=card["channel"], ts=card["ts"], **message)
                return card
            except SlackError as error:
                if error.error not in NOT_EDITABLE_ERRORS:
                    raise
        elif "url" in card and not card.get("adds"):
            if _url_usable(card) and await self.api.respond(str(card["url"]), {"replace_original": True, **message}):
                return card
        elif await self._add_by_url(card, message):
            return card
        return await self._send_new(workspace, person, card, message, language)

    async def send_private(
        self, workspace: Workspace, person: str, card: CardRef, message: block_kit.Message, language: str
    ) -> None:
        """Send a message that only `person` sees into the conversation of `card`."""
        if not await self._add_to_thread(workspace, person, card, message) and not await self._add_by_url(
            card, message
        ):
            channel = str(card.get("channel", ""))
            target = {name: card[name] for name in ("channel", "thread") if name in card}
            if channel and not channel.startswith("D"):
                target["user"] = person
            await self._send_new(workspace, person, target, message, language)

    async def collapse(self, workspace: Workspace, card: CardRef, passed: PassedCard, *, earlier: bool = False) -> None:
        """Replace a card that continues elsewhere: no buttons, what was answered stays. Ignores failures.

        `earlier`: delete the messages above it that were cards of the same dialog.
        """
        message = block_kit.passed_card(passed)
        with suppress(RetryLater, OutcomeUnknown, SlackError):
            await self.api.call(workspace, "chat.update", channel=card["channel"], ts=card["ts"], **message)
        for ts in earlier_cards(card) if earlier else ():
            await self.delete(workspace, {"channel": card["channel"], "ts": ts})

    async def delete(self, workspace: Workspace, card: CardRef) -> None:
        """Delete a message. Ignores failures."""
        with suppress(RetryLater, OutcomeUnknown, SlackError):
            if "ts" in card:
                await self.api.call(workspace, "chat.delete", channel=card["channel"], ts=card["ts"])
            elif "url" in card and not card.get("adds"):
                await self.api.respond(str(card["url"]), {"delete_original": True})

    async def _add_to_thread(
        self, workspace: Workspace, person: str, card: CardRef, message: block_kit.Message
    ) -> bool:
        """Send a private message into a thread. A response URL would send it to the channel, outside the thread.

        Return False for a card that is not in the thread of a channel, or if Slack refuses.
        """
        channel, thread = str(card.get("channel", "")), card.get("thread")
        if not thread or channel.startswith("D"):
            return False
        try:
            await self.api.call(
                workspace, "chat.postEphemeral", channel=channel, user=person, thread_ts=thread, **message
            )
        except (RetryLater, SlackError):
            return False
        return True

    async def _add_by_url(self, card: CardRef, message: block_kit.Message) -> bool:
        if "url" not in card or not _url_usable(card):
            return False
        return await self.api.respond(
            str(card["url"]), {"response_type": "ephemeral", "replace_original": False, **message}
        )

    async def _send_new(
        self, workspace: Workspace, person: str, card: CardRef, message: block_kit.Message, language: str
    ) -> CardRef:
        """Send into the channel of `card`; into a direct message if there is no channel or the bot cannot write."""
        channel, thread = str(card.get("channel", "")), card.get("thread")
        ref = {"channel": channel} | {name: card[name] for name in ("thread", "earlier") if card.get(name)}
        try:
            if "user" in card and not channel.startswith("D"):
                target = {"channel": channel, "user": person, "thread_ts": thread}
                await self.api.call(workspace, "chat.postEphemeral", **target, **message)
                return ref | {"user": person}
            if channel:
                response = await self._post_message(workspace, channel, thread, message)
                return ref | {"ts": response["ts"]}
        except SlackError as error:
            if error.error in INVALID_TOKEN_ERRORS or error.error == "missing_scope":
                raise
        moved = [block_kit.context(translations(language)("slack.moved_here"))] if channel else []
        message = message | {"blocks": [*moved, *message["blocks"]]}
        response = await self._post_message(workspace, person, None, message)
        return {"channel": response["channel"], "ts": response["ts"]}

    async def _post_message(
        self, workspace: Workspace, channel: str, thread: object, message: block_kit.Message
    ) -> Json:
        response = await self.api.call(
            workspace, "chat.postMessage", channel=channel, thread_ts=thread, unfurl_links=False, **message
        )
        if not response.get("ts") or not response.get("channel"):
            raise OutcomeUnknown
        return response

    async def _post_ref(self, tenant: str, channel: object, ts: object) -> CardRef:
        try:
            response = await self.api.get(tenant, "chat.getPermalink", channel=channel, message_ts=ts)
        except (RetryLater, OutcomeUnknown, SlackError):
            response = {}
        return {"channel": channel, "ts": ts, "link": response.get("permalink")}


def _permanent_failure(error: SlackError) -> PermanentFailure:
    return PermanentFailure(REFUSAL_REASONS.get(error.error, DEFAULT_REASON))


def _marker(message: object) -> object:
    """Return the marker in a message's metadata; None when there is none."""
    metadata = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA_EVENT_TYPE:
        return None
    payload = metadata.get("event_payload")
    return payload.get("key") if isinstance(payload, dict) else None


def _in_public(view: View, session: Session, t: Translations) -> View:
    """Return the view for a thread that all members of a channel can read.

    It says so on questions and answers, folds once the post is in the channel, and shows nothing that is kept private.
    """
    match view:
        case QuestionCard():
            private = Button("go_private", t("label.go_private"))
            # Slack delivers words in a thread only if they mention the app.
            audience = f"{t('slack.public_thread')} {t('slack.how_to_answer')}"
            return replace(view, audience=audience, buttons=(*view.buttons, private))
        case ReviewCard():
            return replace(view, intro=f"{view.intro} {t('slack.public_thread')}")
        case RecommendationCard() | PartialResultCard() if session.status is Status.POSTED:
            return presenter.folded(view, t)
        case RecommendationCard() | PartialResultCard() | DetailsCard() if session.status is Status.KEPT:
            return Notice("kept", t("slack.kept"), (Button("run_own", t("label.run_own")),))
        case RecommendationCard() | PartialResultCard() if view.share:
            return replace(view, share=f"{t('slack.public_thread')} {view.share}")
    return view


def earlier_cards(card: CardRef) -> list[str]:
    """Return the messages above a card that were cards of the same dialog, by ``ts``."""
    earlier = card.get("earlier")
    return [ts for ts in earlier if isinstance(ts, str)] if isinstance(earlier, list) else []


def is_public(card: CardRef) -> bool:
    """Return whether everybody in the channel can read the card: it is neither ephemeral nor a direct message."""
    return "user" not in card and not str(card.get("channel", "")).startswith("D")


def _url_usable(card: CardRef) -> bool:
    until = card.get("till")
    return isinstance(until, int | float) and time.time() < until
