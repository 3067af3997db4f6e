"""What Slack stores: workspaces, users, channels, messages, views and tokens, in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adapters.playground.simulator import Json
from adapters.playground.slack.cards import BlockElement, HasBlocks

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
CODE_SECONDS = 10 * 60.0
TOKEN_SECONDS = 12 * 3600

DEFAULT_SCOPES = (
    "app_mentions:read,channels:read,chat:write,chat:write.public,commands,groups:read,im:history,im:read,"
    "im:write,users:read"
)
DEFAULT_EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked")


@dataclass
class AppSettings:
    """The app's settings at api.slack.com."""

    app_id: str = "A0CMADVISOR"
    name: str = "cm-advisor"
    client_id: str = "111.222"
    client_secret: str = "client-secret"
    signing_secret: str = "8f742231b10e8888abcd99eeefff85a5"
    app_token: str = "xapp-1-A0CMADVISOR-1-abc"
    verification_token: str = "legacy-verification-token"
    rotation: bool = False
    events: frozenset[str] = frozenset(DEFAULT_EVENTS)
    """Event subscriptions, such as `message.im`."""


@dataclass(eq=False)
class User:
    id: str
    name: str
    workspace: Workspace = field(repr=False)
    locale: str = "en-US"
    is_bot: bool = False
    real_name: str = ""

    def to_json(self, with_locale: bool = False) -> Json:
        real_name = self.real_name or self.name.title()
        shown: Json = {
            "id": self.id,
            "team_id": self.workspace.id,
            "name": self.name,
            "real_name": real_name,
            "tz": "Europe/Paris",
            "is_bot": self.is_bot,
            "profile": {"display_name": self.name, "real_name": real_name},
        }
        return {**shown, "locale": self.locale} if with_locale else shown


@dataclass(eq=False)
class Message(HasBlocks):
    channel: Channel = field(repr=False)
    ts: str
    user: User
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    """The user who sees an ephemeral message."""
    edited: bool = False
    deleted: bool = False
    metadata: Json | None = None
    """`event_type` and `event_payload`; in the history only if asked for."""

    @property
    def ephemeral(self) -> bool:
        return self.ephemeral_to is not None

    @property
    def bot_id(self) -> str | None:
        """The id of the app's bot; None for a person's message."""
        return self.channel.workspace.bot_id if self.user is self.channel.workspace.bot else None

    def snapshot(self) -> Message:
        """Return a copy as it is now; press its buttons later to simulate a screen that was not refreshed."""
        return copy.copy(self)

    def to_json(self, with_metadata: bool = False) -> Json:
        shown: Json = {"type": "message", "user": self.user.id, "ts": self.ts, "text": self.text}
        if self.bot_id:
            shown |= {"bot_id": self.bot_id, "app_id": self.channel.workspace.app.app_id}
        shown["team"] = self.channel.workspace.id
        if self.blocks:
            shown["blocks"] = copy.deepcopy(self.blocks)
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.edited:
            shown["edited"] = {"user": self.user.id, "ts": self.ts}
        if with_metadata and self.metadata:
            shown["metadata"] = copy.deepcopy(self.metadata)
        return shown


@dataclass(eq=False)
class Channel:
    id: str
    name: str
    workspace: Workspace = field(repr=False)
    private: bool = False
    archived: bool = False
    is_im: bool = False
    restricted: bool = False
    """Only administrators may post: `restricted_action`."""
    members: set[str] = field(default_factory=set)
    log: list[Message] = field(default_factory=list, repr=False)
    """All messages, also deleted and ephemeral ones."""

    @property
    def messages(self) -> list[Message]:
        """Messages that everybody sees, oldest first."""
        return [message for message in self.log if not message.deleted and not message.ephemeral]

    def message(self, ts: str) -> Message | None:
        return next((message for message in self.messages if message.ts == ts), None)

    @property
    def has_bot(self) -> bool:
        return self.workspace.bot.id in self.members

    @property
    def payload_name(self) -> str:
        """The name in interaction payloads and commands."""
        return "directmessage" if self.is_im else "privategroup" if self.private else self.name


@dataclass(eq=False)
class View(HasBlocks):
    id: str
    workspace: Workspace = field(repr=False)
    user_id: str
    definition: Json = field(default_factory=lambda: {"blocks": []})
    hash: str = ""
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    """block_id -> text, after a `response_action: errors`."""
    state: Json = field(default_factory=dict)
    text: str = ""

    @property
    def blocks(self) -> list[Json]:  # type: ignore[override]
        blocks: list[Json] = self.definition["blocks"]
        return blocks

    @property
    def type(self) -> str:
        return str(self.definition["type"])

    def inputs(self) -> list[BlockElement]:
        return [item for item in self.elements() if item.block["type"] == "input"]

    def state_of(self, item: BlockElement) -> Json:
        block_id, action_id = item.ids
        state: Json = self.state[block_id][action_id]
        return state

    def to_json(self) -> Json:
        return {
            "private_metadata": "",
            "callback_id": "",
            **dict.fromkeys(("title", "submit", "close")),
            **copy.deepcopy(self.definition),
            "id": self.id,
            "team_id": self.workspace.id,
            "hash": self.hash,
            "state": {"values": copy.deepcopy(self.state)},
            "root_view_id": self.id,
            "previous_view_id": None,
            "app_id": self.workspace.app.app_id,
            "app_installed_team_id": self.workspace.id,
            "bot_id": self.workspace.bot_id,
        }


@dataclass(eq=False)
class Workspace:
    """A workspace; it begins with #general, without members."""

    id: str
    name: str
    app: AppSettings = field(repr=False)
    new_id: Callable[[str], str] = field(repr=False)
    enterprise_id: str | None = None
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    """user id -> home tab."""
    bot_id: str = ""

    def __post_init__(self) -> None:
        self.add_channel("general")

    @cached_property
    def bot(self) -> User:
        """The app's bot user, added on first use."""
        bot = self.add_user(self.app.name, is_bot=True)
        self.bot_id = self.new_id("B")
        return bot

    @property
    def domain(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def enterprise(self) -> dict[str, str] | None:
        return {"id": self.enterprise_id, "name": f"{self.name} Group"} if self.enterprise_id else None

    def add_user(self, name: str, **more: Any) -> User:
        user = User(self.new_id("U"), name, self, **more)
        self.users[user.id] = user
        for channel in self.channels.values():
            if channel.name == "general" and not user.is_bot:
                channel.members.add(user.id)
        return user

    def add_channel(self, name: str, members: Iterable[User] = (), **more: Any) -> Channel:
        channel = Channel(self.new_id("C"), name, self, **more)
        channel.members = {user.id for user in members}
        self.channels[channel.id] = channel
        return channel

    def im(self, user: User) -> Channel:
        """Return the direct message channel of a user and the app; open it if needed."""
        pair = {user.id, self.bot.id}
        for channel in self.channels.values():
            if channel.is_im and channel.members == pair:
                return channel
        channel = Channel(self.new_id("D"), "", self, is_im=True, members=pair)
        self.channels[channel.id] = channel
        return channel

    def user(self, name: str) -> User:
        return next(user for user in self.users.values() if name in (user.id, user.name))

    def channel(self, name: str) -> Channel:
        return next(channel for channel in self.channels.values() if name in (channel.id, channel.name))


@dataclass(eq=False)
class Token:
    value: str
    scopes: frozenset[str]
    bot: User
    enterprise_install: bool = False
    expires_at: float | None = None
    state: str = "active"
    """`active`, or the error code for its use: `account_inactive`."""
    refresh: str | None = None

    @property
    def workspace(self) -> Workspace:
        return self.bot.workspace


@dataclass(eq=False)
class Trigger:
    id: str
    user_id: str
    workspace: Workspace
    created: float
    used: bool = False


@dataclass(eq=False)
class ResponseUrl:
    id: str
    user_id: str
    channel: Channel
    created: float
    original: Message | None = None
    """The message with the button; None for a command, whose URL only adds messages (slackapi/bolt-js#2287)."""
    uses: int = 0


@dataclass(eq=False)
class Grant:
    """An OAuth authorization code."""

    workspace: Workspace
    user: User
    scopes: frozenset[str]
    redirect_uri: str
    created: float
    enterprise_install: bool = False
    used: bool = False
