"""A request from Slack, read in one pass without trusting its shape."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.ports import CardRef, Json
from adapters.slack.button_value import ButtonContext, ButtonValue, Surface
from adapters.slack.installations import TENANT_PREFIX, Installation

COMMAND_CONVERSATION = "command"
"""The conversation of dialogs started by the slash command: one for each person, in whichever channel it was typed."""
RESPONSE_URL_SECONDS = 29 * 60.0
"""How long a response URL is used. Slack ends it after 30 minutes."""

BUTTON_VALUE = re.compile(
    r"(card|notice|post|home)\|([\w-]{0,64})\|(\d{0,9})\|([\w-]{0,64})\|([\w=,-]{0,1000})", re.ASCII
)
_TS = re.compile(r"\d{10}\.\d{1,9}", re.ASCII)


class MalformedRequest(ValueError):
    """The request does not have the shape of any request from Slack."""


@dataclass(frozen=True)
class IncomingRequest:
    """A request from Slack.

    `idempotency_key`: the same when Slack delivers the request again. `trigger_id`: opens a modal, for 3 seconds.
    `event`, `view`, `action`: the event, the modal or home tab, and the first pressed element; empty if there is none.
    `button`: the pressed element, if it is a button of ours. `pressed_card`: the message with it; empty on the home
    tab and in modals. `occurred_at`: when a message was written or a button pressed, by Slack's clock.
    """

    body: Json
    installation: Installation
    person: str
    idempotency_key: str = ""
    channel: str = ""
    thread: str | None = None
    response_url: str | None = None
    trigger_id: str | None = None
    event: Json = field(default_factory=dict)
    view: Json = field(default_factory=dict)
    action: Json = field(default_factory=dict)
    button: ButtonValue | None = None
    occurred_at: datetime | None = None
    pressed_card: CardRef = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        return self.installation.tenant

    @property
    def reply_ref(self) -> CardRef:
        """Where to send a message that all can read."""
        return {"channel": self.channel} | ({"thread": self.thread} if self.thread else {})

    @property
    def private_reply_ref(self) -> CardRef:
        """Where to send a message that only this person sees."""
        card: dict[str, object] = {"channel": self.channel} if self.channel else {}
        if self.response_url:
            card |= private_card(self.channel, self.person, self.response_url, adds=True)
        return card | ({"thread": self.thread} if self.thread else {})


def read_request(body: Json, installation: Installation) -> IncomingRequest:
    """Read an interaction, a slash command or an event. Raises `MalformedRequest`."""
    event, container, view = get_object(body, "event"), get_object(body, "container"), get_object(body, "view")
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    channel = get_text(body, "channel_id") or _id(body.get("channel")) or _id(event.get("channel"))
    channel = channel or get_text(container, "channel_id")
    person = get_text(body, "user_id") or _id(body.get("user")) or _id(event.get("user"))
    thread = get_text(container, "thread_ts") or get_text(event, "thread_ts") or None
    response_url = get_text(body, "response_url") or None
    ts = get_text(event, "ts") or get_text(action, "action_ts") or get_text(body, "action_ts")
    pressed_card: CardRef = {}
    if channel and container.get("type") == "message":
        if container.get("is_ephemeral") or "message" not in body:
            pressed_card = private_card(channel, person, response_url or "", thread=thread)
        else:
            pressed_card = {"channel": channel, "ts": get_text(container, "message_ts")}
            pressed_card |= {"thread": thread} if thread else {}
    return IncomingRequest(
        body,
        installation,
        person,
        idempotency_key=_message_key(event, channel) or get_text(body, "event_id") or get_text(body, "trigger_id"),
        channel=channel,
        thread=thread,
        response_url=response_url,
        trigger_id=get_text(body, "trigger_id") or None,
        event=event,
        view=view,
        action=action,
        button=parse_button(action) if action else None,
        occurred_at=datetime.fromtimestamp(float(ts), UTC) if _TS.fullmatch(ts) else None,
        pressed_card=pressed_card,
    )


def _message_key(event: Json, channel: str) -> str:
    """Return a key of a message: whatever events tell of it, it is answered once. Empty for other events."""
    ts = event.get("ts")
    is_message = event.get("type") in ("message", "app_mention") and isinstance(ts, str)
    return f"slack:{channel}:{ts}" if is_message and channel and ts else ""


def parse_button(action: Mapping[str, object]) -> ButtonValue | None:
    """Read an element of ``actions``. Return None when it is not one of our buttons or menus.

    The chosen option of a menu has the value of a button.
    """
    option = action.get("selected_option")
    action_id, value = action.get("action_id"), (option if isinstance(option, dict) else action).get("value")
    match = BUTTON_VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not isinstance(action_id, str):
        return None
    surface: Surface = match[1]  # type: ignore[assignment]  # the pattern allows nothing else
    button_context = ButtonContext(surface, match[2], int(match[3]) if match[3] else None)
    return ButtonValue(action_id.partition(":")[0], button_context, match[4], match[5])


def candidate_tenants(body: Json) -> list[str]:
    """Return the tenants whose installation the request may belong to, the likeliest first.

    For an organization-wide installation that is the organization. In a Slack Connect channel the person may be in
    another workspace than the one with the installation: ids that name the latter come first.
    """
    authorizations = body.get("authorizations")
    authorizations = authorizations if isinstance(authorizations, list) else []
    authorizations = [entry for entry in authorizations if isinstance(entry, dict)]
    team, enterprise = (
        owner.get("id") if isinstance(owner, dict) else owner for owner in (body.get("team"), body.get("enterprise"))
    )
    ids: list[object] = []
    if body.get("is_enterprise_install") == "true" or any(
        entry.get("is_enterprise_install") is True for entry in (*authorizations, body)
    ):
        ids += [entry.get("enterprise_id") for entry in authorizations]
        ids += [enterprise, body.get("enterprise_id"), get_object(body, "team").get("enterprise_id")]
    ids.append(get_object(body, "view").get("app_installed_team_id"))
    ids += [entry.get("team_id") for entry in authorizations]
    ids += [body.get("context_team_id"), get_object(body, "message").get("team"), body.get("team_id"), team]
    ids.append(get_object(body, "user").get("team_id"))
    return [f"{TENANT_PREFIX}{id}" for id in dict.fromkeys(id for id in ids if isinstance(id, str) and id)]


def private_card(
    channel: str, person: str, response_url: str, *, thread: str | None = None, adds: bool = False
) -> CardRef:
    """Return the reference of a message that one person sees. `adds`: the URL adds messages and cannot change one."""
    until = time.time() + RESPONSE_URL_SECONDS
    card: dict[str, object] = {"channel": channel, "user": person, "url": response_url, "till": until}
    return card | ({"thread": thread} if thread else {}) | ({"adds": True} if adds else {})


def conversation_of(card: CardRef) -> str:
    """Return the conversation of a card: a direct message, a thread, or that of the slash command."""
    channel, thread = str(card.get("channel", "")), card.get("thread")
    if channel.startswith("D"):
        return channel
    return f"{channel}:{thread}" if thread and "user" not in card else COMMAND_CONVERSATION


def get_object(body: Mapping[str, Any], name: str) -> Json:
    """Return an object in an object, empty if missing or a string. Raises `MalformedRequest` for anything else."""
    value = body.get(name)
    if value is None or isinstance(value, str):
        return {}
    if not isinstance(value, dict):
        raise MalformedRequest(name)
    return value


def get_text(body: Mapping[str, Any], name: str) -> str:
    """Return a string in an object, empty if missing. Raises `MalformedRequest` for anything else."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedRequest(name)
    return value


def _id(value: object) -> str:
    """Return the id in a field that is an id or an object with one; empty if missing. Raises `MalformedRequest`."""
    id = value.get("id") if isinstance(value, dict) else value
    if id is not None and not isinstance(id, str):
        raise MalformedRequest("id")
    return id or ""
