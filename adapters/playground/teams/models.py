"""What Teams stores: users, teams, chats and messages, in memory."""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from adapters.playground.simulator import Clock, Json
from adapters.playground.teams.rules import CARD_TYPE

TARGETED_SECONDS = 24 * 3600.0
"""After this time a targeted message is gone."""


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
    archived: bool = False

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
    """A channel. A standard one has the members and the app of its team, and every one has its tenant.

    `people`: of a private or shared channel. A shared one also has the members of the teams in `shared_with`, which
    may be of other tenants. `app_added`: to a private or shared channel, for which the app of the team is not enough.
    """

    name: str
    team: Team
    id: str = field(default_factory=lambda: f"19:{uuid.uuid4().hex}@thread.tacv2")
    kind: Literal["channel"] = "channel"
    membership: Literal["standard", "private", "shared"] = "standard"
    people: list[User] = field(default_factory=list)
    shared_with: list[Team] = field(default_factory=list)
    app_added: bool = True

    @property
    def members(self) -> list[User]:
        if self.membership == "standard":
            return self.team.members
        return list(dict.fromkeys([*self.people, *(user for team in self.shared_with for user in team.members)]))

    @property
    def tenant(self) -> str:
        return self.team.tenant

    @property
    def installed(self) -> bool:
        return self.team.installed and (self.membership == "standard" or self.app_added)


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
    """A message. `views`: user id -> the card that only this user sees in its place.

    `targeted_to`: the only person who sees a targeted message, also one that they sent to the bot. `prompt`: their
    message that is shown above it. `sent_at`: by the clock of the simulator.
    """

    id: str
    where: Conversation
    root: str | None  # in a channel: the id of the first message in the thread
    activity: Json
    by: User | None = None  # None: the bot
    edits: int = 0
    deleted: bool = False
    views: dict[str, Json] = field(default_factory=dict)
    targeted_to: User | None = None
    prompt: "Message | None" = None
    sent_at: float = 0.0

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


class TeamsState:
    """One tenant, or more, and everything in them. `conversations`: conversation id -> conversation."""

    clock: Clock

    def __init__(self) -> None:
        self.tenant = str(uuid.uuid4())
        self.users: list[User] = []
        self.teams: list[Team] = []
        self.conversations: dict[str, Conversation] = {}
        self.log: dict[str, Message] = {}
        self._personal: dict[User, Chat] = {}
        self._last_id = 1_790_000_000_000

    def add_user(self, name: str, locale: str = "en-US", tenant: str | None = None) -> User:
        self.users.append(User(name, locale, tenant or self.tenant))
        return self.users[-1]

    def add_team(
        self,
        name: str,
        members: Iterable[User],
        channels: Sequence[str] = (),
        installed: bool = True,
        tenant: str | None = None,
    ) -> Team:
        team = Team(name, tenant or self.tenant, list(members), installed)
        team.channels = [Channel(channel, team) for channel in ("General", *channels)]
        self.conversations |= {channel.id: channel for channel in team.channels}
        self.teams.append(team)
        return team

    def add_channel(
        self,
        team: Team,
        name: str,
        membership: Literal["private", "shared"],
        people: Iterable[User],
        *,
        app: bool = True,
    ) -> Channel:
        """Add a private or shared channel. `app`: whether the app was added to it."""
        channel = Channel(name, team, membership=membership, people=list(people), app_added=app)
        assert membership == "shared" or set(channel.people) <= set(team.members), "only members of the team"
        team.channels.append(channel)
        self.conversations[channel.id] = channel
        return channel

    def add_group_chat(self, name: str, members: Iterable[User], tenant: str | None = None) -> Chat:
        chat = Chat(name, "groupChat", tenant or self.tenant, list(members), True, f"19:{uuid.uuid4().hex}@thread.v2")
        self.conversations[chat.id] = chat
        return chat

    def personal(self, user: User, installed: bool = True) -> Chat:
        """Return the user's chat with the bot; `installed` applies when it is created."""
        if user not in self._personal:
            chat = Chat("", "personal", user.tenant, [user], installed, f"a:1{secrets.token_urlsafe(48)}")
            self._personal[user] = self.conversations[chat.id] = chat
        return self._personal[user]

    def delete_channel(self, channel: Channel) -> None:
        channel.team.channels.remove(channel)
        del self.conversations[channel.id]

    def new_id(self) -> str:
        """Return a message id, greater than those before."""
        self._last_id += 1 + secrets.randbelow(1000)
        return str(self._last_id)

    def record(self, message: Message) -> Message:
        message.sent_at = self.clock()
        self.log[message.id] = message
        return message

    def exists(self, message: Message) -> bool:
        """Whether the message is neither deleted nor, if it is targeted, too old."""
        return not (message.deleted or (message.targeted_to and self.clock() >= message.sent_at + TARGETED_SECONDS))

    def sees(self, user: User, message: Message) -> bool:
        """Whether the message exists and is not targeted to somebody else."""
        return self.exists(message) and message.targeted_to in (None, user)

    def messages(
        self, where: Conversation | None = None, *, by_bot: bool = True, seen_by: User | None = None
    ) -> list[Message]:
        """Return messages that exist, oldest first: all or one conversation's, the bot's or everybody's.

        `seen_by`: without those that are targeted to somebody else.
        """
        return [
            message
            for message in self.log.values()
            if (self.sees(seen_by, message) if seen_by else self.exists(message))
            and (where is None or message.where is where)
            and (not by_bot or message.by is None)
        ]

    def posts(self, channel: Channel) -> list[Message]:
        """Return the bot's posts in a channel, without replies and targeted messages."""
        return [message for message in self.messages(channel) if message.root == message.id and not message.targeted_to]

    def last(self, where: Conversation, seen_by: User | None = None) -> Message:
        return self.messages(where, seen_by=seen_by)[-1]

    def find(self, message_id: str | None) -> Message | None:
        return self.log.get(message_id or "")
