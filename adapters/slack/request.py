"""What every listener starts from: one delivery from Slack, read without trusting its shape."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.ports import Json
from adapters.slack.gateway import private_card
from adapters.slack.installations import tenant_of

COMMAND_PLACE = "command"
"""The place of dialogs begun by the command: one a person, whichever channel it was typed in."""


_TS = re.compile(r"\d{10}\.\d{1,9}", re.ASCII)


class MalformedRequest(ValueError):
    """A delivery that is not shaped like anything Slack sends."""


@dataclass(frozen=True)
class IncomingRequest:
    """One delivery. `once`: what Slack keeps the same when it delivers again. `trigger` opens a modal for 3 seconds."""

    body: Json
    tenant: str
    person: str
    idempotency_key: str
    channel: str = ""
    thread: str | None = None
    url: str | None = None
    trigger: str | None = None

    @property
    def occurred_at(self) -> datetime | None:
        """When a message was written, or a button or shortcut pressed, by Slack's clock; None for everything else."""
        pressed = self.body.get("actions")
        first = pressed[0] if isinstance(pressed, list) and pressed and isinstance(pressed[0], dict) else {}
        ts = (
            get_text(get_object(self.body, "event"), "ts")
            or get_text(first, "action_ts")
            or get_text(self.body, "action_ts")
        )
        return datetime.fromtimestamp(float(ts), UTC) if _TS.fullmatch(ts) else None

    @property
    def here(self) -> Json:
        """The message that was pressed, as a card; empty for a press on the home tab or in a modal."""
        container = get_object(self.body, "container")
        if not self.channel or get_text(container, "type") != "message":
            return {}
        if container.get("is_ephemeral") or "message" not in self.body:
            return private_card(self.channel, self.person, self.url or "", thread=self.thread)
        card = {"channel": self.channel, "ts": get_text(container, "message_ts")}
        return card | ({"thread": self.thread} if self.thread else {})

    @property
    def aside(self) -> Json:
        """Where to say something to that person alone, beside what is there."""
        card: dict[str, object] = {"channel": self.channel} if self.channel else {}
        if self.url:
            card |= private_card(self.channel, self.person, self.url, adds=True)
        return card | ({"thread": self.thread} if self.thread else {})

    @property
    def room(self) -> Json:
        """The conversation, as the card of a message to be sent there."""
        return {"channel": self.channel} | ({"thread": self.thread} if self.thread else {})


def conversation_of(card: Json) -> str:
    """Return where typed words belong to the dialog of that card: a direct conversation, a thread, or the command."""
    channel, thread = str(card.get("channel", "")), card.get("thread")
    if channel.startswith("D"):
        return channel
    return f"{channel}:{thread}" if thread and "user" not in card else COMMAND_PLACE


def read_request(body: Json, tenant: str) -> IncomingRequest:
    """Read an interaction, a command or an event. Raises `MalformedRequest`."""
    event = get_object(body, "event")
    container = get_object(body, "container")
    channel = get_text(body, "channel_id") or get_text(get_object(body, "channel"), "id") or get_text(event, "channel")
    person = get_text(body, "user_id") or get_text(get_object(body, "user"), "id") or get_text(event, "user")
    return IncomingRequest(
        body,
        tenant,
        person,
        idempotency_key=get_text(body, "event_id") or get_text(body, "trigger_id"),
        channel=channel or get_text(container, "channel_id"),
        thread=get_text(container, "thread_ts") or get_text(event, "thread_ts") or None,
        url=get_text(body, "response_url") or None,
        trigger=get_text(body, "trigger_id") or None,
    )


def candidate_tenants(body: Json) -> Iterator[str]:
    """Yield where the installation may be, the likeliest first.

    For an organisation-wide installation that is the organisation. In a Slack Connect channel the person's own
    workspace is another than the one where we are installed: what names the latter comes first.
    """
    granted = body.get("authorizations")
    grants = [each for each in granted if isinstance(each, dict)] if isinstance(granted, list) else []
    wide = any(each.get("is_enterprise_install") is True for each in (*grants, body))
    ids = [each.get("enterprise_id") for each in grants]
    ids += [_id(body.get("enterprise")), body.get("enterprise_id"), get_object(body, "team").get("enterprise_id")]
    ids = ids if wide or body.get("is_enterprise_install") == "true" else []
    ids += [get_object(body, "view").get("app_installed_team_id"), *(each.get("team_id") for each in grants)]
    ids += [
        body.get("context_team_id"),
        get_object(body, "message").get("team"),
        body.get("team_id"),
        _id(body.get("team")),
    ]
    ids += [get_object(body, "user").get("team_id")]
    yield from dict.fromkeys(tenant_of(id) for id in ids if isinstance(id, str) and id)


def get_object(body: Mapping[str, Any], name: str) -> Json:
    """Return an object in an object, empty where there is none. Raises `MalformedRequest` for anything else."""
    found = body.get(name)
    if found is None or isinstance(found, str):
        return {}
    if not isinstance(found, dict):
        raise MalformedRequest(name)
    return found


def get_text(body: Mapping[str, Any], name: str) -> str:
    """Return a text in an object, empty where there is none. Raises `MalformedRequest` for anything else."""
    found = body.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise MalformedRequest(name)
    return found


def unescape(said: str) -> str:
    """Return what a person typed, from what Slack made of it."""
    return html.unescape(said).replace("\u00a0", " ").strip()


def _id(owner: object) -> object:
    return owner.get("id") if isinstance(owner, dict) else owner
