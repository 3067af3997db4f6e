"""What Teams stores: users, teams, chats and messages, in memory."""

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Literal

from adapters.playground.simulator import Json
from adapters.playground.teams.rules import CARD_TYPE


@dataclass(eq=False)
class User:
    """A person. `id`: the id for the bot (29:…); `aad`: the object id in Microsoft Entra."""

    name: str
    locale: str
    tenant: str
    aad: str = field(default_factory=lambda: str(uuid.uuid4()))
    id: str = field(default_factory=lambda: f"29:1{secrets.token_urlsafe(48)}")

    def member(self) -> Json:
        """Return the member as the connector does: `objectId`, not `aadObjectId`."""
        return {"id": self.id, "objectId": self.aad, "name": self.name, "tenantId": self.tenant, "userRole": "user"}


@dataclass(eq=False)
class Team:
    """The first channel is General, whose id is also the id of the team."""

    name: str
    tenant: str
    members: list[User]
    installed: bool
    channels: list["Channel"] = field(default_factory=list, repr=False)

    @property
    def id(self) -> str:
        return self.general.id

    @property
    def general(self) -> "Channel":
        return self.channels[0]

    def channel(self, name: str) -> "Channel":
        return next(channel for channel in self.channels if channel.name == name)


@dataclass(eq=False)
class Channel:
    """A channel has the members, the tenant and the app of its team."""

    name: str
    team: Team
    id: str = field(default_factory=lambda: f"19:{uuid.uuid4().hex}@thread.tacv2")
    kind: Literal["channel"] = "channel"

    @property
    def members(self) -> list[User]:
        return self.team.members

    @property
    def tenant(self) -> str:
        return self.team.tenant

    @property
    def installed(self) -> bool:
        return self.team.installed


@dataclass(eq=False)
class Chat:
    """A group chat, or the personal chat of one person with the bot."""

    name: str
    kind: Literal["personal", "groupChat"]
    tenant: str
    members: list[User]
    installed: bool
    id: str


Conversation = Channel | Chat


@dataclass(eq=False)
class Message:
    """A message. `views`: user id -> the card that only this user sees in its place."""

    id: str
    where: Conversation
    root: str | None  # in a channel: the id of the first message in the thread
    activity: Json
    by: User | None = None  # None: the bot
    edits: int = 0
    deleted: bool = False
    views: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.where.kind == "channel":
            self.root = self.root or self.id

    @property
    def text(self) -> str:
        return self.activity.get("text") or ""

    @property
    def cards(self) -> list[Json]:
        attachments = self.activity.get("attachments") or ()
        return [item["content"] for item in attachments if item.get("contentType") == CARD_TYPE]

    @property
    def card(self) -> Json:
        """The card of a message with exactly one."""
        (card,) = self.cards
        return card

    def card_for(self, user: User) -> Json:
        """Return the card that this user sees."""
        return self.views.get(user.id) or self.card

    @property
    def thread_id(self) -> str:
        """The conversation id of the thread; in a channel with `;messageid=`."""
        return f"{self.where.id};messageid={self.root}" if self.root else self.where.id
