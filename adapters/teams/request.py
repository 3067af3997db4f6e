"""IncomingRequest: an activity, read and checked in one pass.

The SDK's own deserializer takes 0.5 ms per activity and accepts numbers as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from adapters.ports import CardRef, Turn
from adapters.shared.json_codec import parse_json
from adapters.teams.button_value import MAX_LENGTH, ButtonValue
from adapters.teams.conversation import KINDS, ConversationRef
from adapters.teams.message_text import has_files, typed_text
from dialogs.events import Event
from dialogs.session import Actor
from dialogs.translations import Translations, default_language, language_for_locale, translations

MAX_ID_LENGTH = 1_000

Json = dict[str, Any]

_TEAM_DELETED = ("teamDeleted", "teamHardDeleted")
_TEAM_EVENTS = frozenset({"teamArchived", "teamRenamed", "teamRestored", "teamUnarchived", "add-upgrade"})
_CHANNEL_EVENTS = ("channelMemberAdded", "channelMemberRemoved")
"""With the app among the members: a shared channel admits it, or does so no longer. It stays in the team."""


PRIVATE = "private"
"""Marks the data of a button on a card that only one person sees."""


class MalformedActivity(ValueError):
    """The body is not a valid activity. The message tells which field."""


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """An activity.

    `name`: of an invoke. `bot`: the account id of the bot. `ref`: the conversation; for a button, its message.
    `card`: the same as JSON, to compare it with a stored card. `text`: what was typed, without mentions.
    `has_files`: whether files came with it. `button`: None for typed text. `data`: what a button or a form carries,
    not checked. `tenants`: all tenants that the activity names. `team`: its id and its name, which may be empty.
    `team_event`: what happened to it, as Teams calls it; empty if nothing of interest. `installed`: True if the app was
    added, False if it was removed, otherwise None. `time_zone`: the person's.
    """

    type: str
    name: str | None
    channel_id: str
    actor: Actor
    person_name: str
    ref: ConversationRef
    card: CardRef
    bot: str
    idempotency_key: str
    text: str = ""
    has_files: bool = False
    occurred_at: datetime | None = None
    button: ButtonValue | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    tenants: frozenset[str] = frozenset()
    team: tuple[str, str] | None = None
    team_event: str = ""
    installed: bool | None = None
    time_zone: tzinfo = UTC

    @property
    def t(self) -> Translations:
        """The texts in the person's language."""
        return translations(self.actor.language)

    def with_language(self, language: str | None) -> "IncomingRequest":
        """Return the request of a person who chose `language`; None: the language of the client stays."""
        return replace(self, actor=self.actor._replace(language=language)) if language else self

    def turn(self, event: Event, session: str | None, card: ConversationRef | None = None) -> Turn:
        """Return the turn of an event of this request. `card`: the new card."""
        card_ref = card.to_json() if card else None
        conversation = self.ref.conversation if self.ref.only is None else self.ref.key
        return Turn(event, session, conversation, card_ref, self.idempotency_key, self.occurred_at)


def parse_request(raw: bytes) -> IncomingRequest:
    """Return the activity in a request body. Raises `MalformedActivity`."""
    body = _parse_object(raw)
    activity_type, channel_id, service = (_required_text(body, key) for key in ("type", "channelId", "serviceUrl"))
    id, name, locale = (_text(body, key) for key in ("id", "name", "locale"))
    if activity_type in {"message", "invoke"} and not id:
        raise MalformedActivity("id is missing")
    person, bot = _object(body, "from"), _required_text(_object(body, "recipient"), "id")
    channel_data, conversation = _object(body, "channelData"), _object(body, "conversation")
    conversation_id = _required_text(conversation, "id")
    tenants = [_text(conversation, "tenantId"), _inner(channel_data, "tenant")]
    tenant = tenants[0] or tenants[1] or ""
    team = _inner(channel_data, "team")
    card: Json = {
        "service": service,
        "conversation": conversation_id,
        "kind": _kind(conversation, channel_data),
        "tenant": tenant,
        "activity": _text(body, "replyToId"),
    }
    data = _data(activity_type, name, body.get("value"))
    person_id = _required_text(person, "id")
    # A slash command is a targeted message. On a press Teams may say nothing of the kind: our buttons do.
    is_targeted = _object(body, "recipient").get("isTargeted") is True or bool(data and data.get(PRIVATE) is True)
    only = person_id if is_targeted and card["kind"] != "personal" else None
    return IncomingRequest(
        type=activity_type,
        name=name,
        channel_id=channel_id,
        actor=Actor(f"teams:{tenant}", person_id, _language(locale) or default_language()),
        person_name=_text(person, "name") or "",
        ref=ConversationRef(**card, only=only),
        card=card | ({"only": only} if only else {}),
        bot=bot,
        idempotency_key=f"teams:{conversation_id}:{id}",
        text=typed_text(_text(body, "text", None) or "", body, bot) if activity_type == "message" else "",
        has_files=activity_type == "message" and has_files(body),
        occurred_at=_time(_text(body, "timestamp")),
        button=None if data is None else _button(data),
        data=data or {},
        tenants=frozenset(filter(None, tenants)),
        team=(team, _inner(channel_data, "team", "name") or "") if team else None,
        team_event=_team_event(activity_type, body, channel_data),
        installed=_installed(activity_type, body, channel_data, bot),
        time_zone=_time_zone(_text(body, "localTimezone"), _text(body, "localTimestamp")),
    )


def _parse_object(raw: bytes) -> Json:
    try:
        body = parse_json(raw.decode())
    except ValueError as error:
        raise MalformedActivity("not JSON") from error
    if not isinstance(body, dict):
        raise MalformedActivity("not an object")
    return body


@lru_cache(maxsize=256)
def _language(locale: str | None) -> str | None:
    return language_for_locale(locale)


def _kind(conversation: Json, channel_data: Json) -> str:
    kind = _text(conversation, "conversationType")
    if kind in KINDS:
        return kind
    # Some events do not have it.
    return "channel" if "team" in channel_data else "groupChat" if conversation.get("isGroup") is True else "personal"


def _data(activity_type: str, name: str | None, value: object) -> Json | None:
    if activity_type == "invoke":
        if not isinstance(value, dict | None):
            raise MalformedActivity("value is not an object")
        data = value or {}
        if name == "adaptiveCard/action":
            action = data.get("action")
            data = action if isinstance(action, dict) else {}
        value = data.get("data")
        return value if isinstance(value, dict) else {}
    return value if isinstance(value, dict) else None


def _button(data: Json) -> ButtonValue:
    action, session, question, option, change, check, channel, person = (
        read_text(data, key)
        for key in ("action", "session", "question", "option", "change", "check", "channel", "person")
    )
    if action == "change" and change:  # the question chosen on the card
        question = change
    revision, page, picker = _number(data, "revision", -1), _number(data, "page", 0), data.get("picker") is True
    return ButtonValue(action or "", session, question, option, revision, check, channel, person, page, picker)


def _number(data: Mapping[str, object], key: str, default: int) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def read_text(data: Mapping[str, object], key: str) -> str | None:
    """Return a printable text of at most `MAX_LENGTH` characters; None for any other value."""
    value = data.get(key)
    return value if isinstance(value, str) and len(value) <= MAX_LENGTH and value.isprintable() else None


def _team_event(activity_type: str, body: Json, channel_data: Json) -> str:
    """Return the name of an event that changes what is stored about a team; empty for any other."""
    names: Json = {"conversationUpdate": channel_data.get("eventType"), "installationUpdate": body.get("action")}
    name = names.get(activity_type)
    return name if isinstance(name, str) and name in _TEAM_EVENTS else ""


def _installed(activity_type: str, body: Json, channel_data: Json, bot: str) -> bool | None:
    added, removed = _ids(body, "membersAdded"), _ids(body, "membersRemoved")
    if activity_type == "installationUpdate":
        return {"add": True, "remove": False}.get(_text(body, "action") or "")
    event = channel_data.get("eventType")
    if activity_type != "conversationUpdate" or event in _CHANNEL_EVENTS:
        return None
    if bot in added:
        return True
    return False if bot in removed or event in _TEAM_DELETED else None


def _text(body: Mapping[str, object], key: str, max_length: int | None = MAX_ID_LENGTH) -> str | None:
    value = body.get(key)
    if not isinstance(value, str | None):
        raise MalformedActivity(f"{key} is not text")
    if value and max_length and len(value) > max_length:
        raise MalformedActivity(f"{key} is too long")
    return value


def _required_text(body: Mapping[str, object], key: str) -> str:
    value = _text(body, key)
    if not value:
        raise MalformedActivity(f"{key} is missing")
    return value


def _object(body: Json, key: str) -> Json:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedActivity(f"{key} is not an object")
    return value


def _inner(body: Json, key: str, inner: str = "id") -> str | None:
    value = body.get(key)
    text = value.get(inner) if isinstance(value, dict) else None
    return text if isinstance(text, str) and len(text) <= MAX_ID_LENGTH else None


def _ids(body: Json, key: str) -> list[str | None]:
    accounts = body.get(key)
    if accounts is None:
        return []
    if not isinstance(accounts, list) or not all(isinstance(account, dict) for account in accounts):
        raise MalformedActivity(f"{key} is not a list of accounts")
    return [_text(account, "id") for account in accounts]


def _time(text: str | None) -> datetime | None:
    """Return a time with a time zone; None for any other text."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def _time_zone(name: str | None, local_time: str | None) -> tzinfo:
    """Return the time zone with this name, else the one of a local time, else UTC."""
    time = _time(local_time)
    return _named_zone(name or "") or (time.tzinfo if time else None) or UTC


@lru_cache(maxsize=256)
def _named_zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # an unknown name, a forbidden path, a folder
        return None
