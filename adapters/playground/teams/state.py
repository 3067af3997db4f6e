"""The state of Teams and the changes to it."""

import secrets
import uuid
from collections.abc import Iterable, Sequence

from adapters.playground.teams.models import Channel, Chat, Conversation, Message, Team, User


class TeamsState:
    """One tenant, or more, and everything in them. `conversations`: conversation id -> conversation."""

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

    def new_id(self) -> str:
        """Return a message id, greater than those before."""
        self._last_id += 1 + secrets.randbelow(1000)
        return str(self._last_id)

    def record(self, message: Message) -> Message:
        self.log[message.id] = message
        return message

    def messages(self, where: Conversation | None = None, *, by_bot: bool = True) -> list[Message]:
        """Return messages that are not deleted, oldest first: all or one conversation's, the bot's or everybody's."""
        return [
            message
            for message in self.log.values()
            if not message.deleted and (where is None or message.where is where) and (not by_bot or message.by is None)
        ]

    def posts(self, channel: Channel) -> list[Message]:
        """Return the bot's posts in a channel, without replies."""
        return [message for message in self.messages(channel) if message.root == message.id]

    def last(self, where: Conversation) -> Message:
        return self.messages(where)[-1]

    def find(self, message_id: str | None) -> Message | None:
        return self.log.get(message_id or "")
