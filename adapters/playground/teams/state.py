"""What there is in the stand-in of Teams: people, teams and chats, and the messages everybody sees."""

import asyncio
import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from adapters.playground.teams.rules import CARD_TYPE, Json

T = TypeVar("T")


@dataclass(eq=False)
class User:
    """A person: `id` is what the bot sees (29:…), `aad` the directory's object id."""

    name: str
    locale: str
    tenant: str
    aad: str = field(default_factory=lambda: str(uuid.uuid4()))
    id: str = field(default_factory=lambda: f"29:1{secrets.token_urlsafe(48)}")

    def member(self) -> Json:
        """As the connector writes a member: `objectId`, not `aadObjectId`."""
        return {"id": self.id, "objectId": self.aad, "name": self.name, "tenantId": self.tenant, "userRole": "user"}


@dataclass(eq=False)
class Team:
    """Its first channel is General, which shares its id with the team, as in Teams."""

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
    """Everybody in the team is in each of its channels, and so is the app."""

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
    """A message as everybody sees it, and `views`: the cards that took its place for one person each, by their id."""

    id: str
    where: Conversation
    root: str | None  # in a channel: the id of the post that began the thread, its own if there is none before it
    activity: Json
    by: User | None = None  # None is the bot
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
        return [each["content"] for each in attachments if each.get("contentType") == CARD_TYPE]

    @property
    def card(self) -> Json:
        """The card of a message that holds exactly one."""
        (card,) = self.cards
        return card

    def card_for(self, user: User) -> Json:
        """The card `user` sees now."""
        return self.views.get(user.id) or self.card

    @property
    def thread_id(self) -> str:
        """The conversation id of the thread: with `;messageid=` in a channel, else the chat's."""
        return f"{self.where.id};messageid={self.root}" if self.root else self.where.id


class TeamsState:
    """Everybody and everything. What is shown or done is told to whoever `wait`s for it."""

    def __init__(self) -> None:
        self.tenant = str(uuid.uuid4())
        self.users: list[User] = []
        self.teams: list[Team] = []
        self.places: dict[str, Conversation] = {}
        self.log: dict[str, Message] = {}
        self._personal: dict[User, Chat] = {}
        self._last_id = 1_790_000_000_000
        self._changed = asyncio.Event()

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
        team.channels = [Channel(each, team) for each in ("General", *channels)]
        self.places |= {channel.id: channel for channel in team.channels}
        self.teams.append(team)
        return team

    def add_group_chat(self, name: str, members: Iterable[User], tenant: str | None = None) -> Chat:
        chat = Chat(name, "groupChat", tenant or self.tenant, list(members), True, f"19:{uuid.uuid4().hex}@thread.v2")
        self.places[chat.id] = chat
        return chat

    def personal(self, user: User, installed: bool = True) -> Chat:
        """The person's chat with the bot, the same each time; `installed` counts when it is made."""
        if user not in self._personal:
            chat = Chat("", "personal", user.tenant, [user], installed, f"a:1{secrets.token_urlsafe(48)}")
            self._personal[user] = self.places[chat.id] = chat
        return self._personal[user]

    def new_id(self) -> str:
        """Return an id for a message, greater than those before."""
        self._last_id += 1 + secrets.randbelow(1000)
        return str(self._last_id)

    def record(self, message: Message) -> Message:
        self.log[message.id] = message
        self._changed.set()
        return message

    def messages(self, where: Conversation | None = None, *, by_bot: bool = True) -> list[Message]:
        """Messages not deleted, oldest first: of the bot (or all), of a conversation."""
        return [
            message
            for message in self.log.values()
            if not message.deleted and (where is None or message.where is where) and (not by_bot or message.by is None)
        ]

    def posts(self, channel: Channel) -> list[Message]:
        """The bot's posts of their own in a channel: not replies."""
        return [message for message in self.messages(channel) if message.root == message.id]

    def last(self, where: Conversation) -> Message:
        return self.messages(where)[-1]

    def find(self, message_id: str | None) -> Message | None:
        return self.log.get(message_id or "")

    async def wait_for(self, seen: Callable[[], T], timeout: float = 5.0) -> T:  # noqa: ASYNC109 - as asyncio names it
        """`seen()` as soon as it is true; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while not (value := seen()):
                self._changed.clear()
                with suppress(TimeoutError):  # what is looked at may lie outside the stand-in
                    await asyncio.wait_for(self._changed.wait(), 0.02)
        return value
