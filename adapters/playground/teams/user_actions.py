"""What people do in Teams. Each action sends the signed activity that Teams would send and applies the response.

    user_actions = TeamsUserActions(teams, "http://127.0.0.1:3978/api/messages")
    await user_actions.mention(anna, team.channel("Campaigns"), "check")
    await user_actions.press(anna, teams.last(team.channel("Campaigns")), "Oui")
    assert not teams.violations

`make_…` methods build the activity and do not send it, for tests of late, duplicate and unordered requests.
"""

import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from adapters.playground import simulator
from adapters.playground.simulator import Json
from adapters.playground.teams import rules
from adapters.playground.teams.cards import CannotPress, CardPath, find_action, gather
from adapters.playground.teams.models import Channel, Conversation, Message, Team, User
from adapters.playground.teams.server import ISSUER, SigningKey, TeamsSimulator

TIMEOUT_SECONDS = 15.0
"""After this time Teams shows an error to the user and sends a message again."""


class Exchange(simulator.Exchange):
    """A request and its response. `kind`: the name of an invoke, else the type of the activity."""

    @property
    def card(self) -> Json | None:
        """The card that replaces the message's card for this user."""
        match self.answer:
            case {"type": rules.CARD_TYPE, "value": dict(card)}:
                return card
        return None

    @property
    def message(self) -> str | None:
        """The text that only this user sees, on the card or at the end of a task module."""
        match self.answer:
            case {"type": rules.MESSAGE_TYPE, "value": str(text)} | {"task": {"type": "message", "value": str(text)}}:
                return text
        return None

    @property
    def task_card(self) -> Json | None:
        """The form of a task module."""
        match self.answer:
            case {"task": {"type": "continue", "value": {"card": {"content": dict(card)}}}}:
                return card
        return None

    @property
    def attachments(self) -> list[Json]:
        """The attachments that a message extension puts into the compose box."""
        match self.answer:
            case {"composeExtension": {"attachments": list(attachments)}}:
                return attachments
        return []


class TeamsUserActions(simulator.UserActions[Exchange]):
    """The actions of all users. `endpoint`: the app's messaging endpoint."""

    def __init__(self, teams: TeamsSimulator, endpoint: str, *, timeout_seconds: float = TIMEOUT_SECONDS):
        super().__init__(teams, timeout_seconds)
        self.teams, self.endpoint = teams, endpoint

    def token(self, *, key: SigningKey | None = None, header: Json | None = None, **claims: Any) -> str:
        """Return a token as Microsoft signs it. `claims` and `header` replace its own; None removes one."""
        key, now = key or self.teams.signing, int(time.time())
        defaults: Json = {"serviceurl": self.teams.service_url, "iss": ISSUER, "aud": self.teams.app_id}
        defaults |= {"iat": now, "nbf": now, "exp": now + 3600}
        head = {"kid": key.kid, "x5t": key.kid}
        return jwt.encode(_merged(defaults, claims), key.private, algorithm="RS256", headers=_merged(head, header))

    async def send_activity(
        self, activity: Json, *, authorization: str | None = "", raw: bytes | None = None
    ) -> Exchange:
        """Send the signed activity and apply the response.

        `authorization` replaces the header, None removes it; `raw` replaces the body, for malformed requests.
        """
        exchange = Exchange(str(activity.get("name") or activity.get("type")), activity)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if authorization is not None:
            headers["Authorization"] = authorization or f"Bearer {self.token()}"
        body = raw if raw is not None else json.dumps(activity, ensure_ascii=False).encode()
        await self.send(exchange, self.post(exchange, self.endpoint, body, headers))
        if (exchange.status or 0) >= 500:
            self.teams.violations.append(f"{exchange.kind} answered {exchange.status}")
        elif raw is None and exchange.ok and activity.get("type") == "invoke":
            self._apply_response(exchange)
        return exchange

    def _apply_response(self, exchange: Exchange) -> None:
        """Show the card in the response to an invoke; record violations."""
        self.teams.violations += rules.check_invoke_response(exchange.kind, exchange.status, exchange.answer)
        message = self.teams.find(exchange.payload.get("replyToId"))
        if message and exchange.card:
            message.views[exchange.payload["from"]["id"]] = exchange.card

    async def redeliver(self, exchange: Exchange) -> Exchange:
        return await self.send_activity(exchange.payload)

    async def mention(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Exchange:
        """Mention the bot: in the thread of the message `thread`, else in a new post."""
        return await self.send_activity(self.make_mention(user, where, text, thread=thread))

    async def personal(self, user: User, text: str) -> Exchange:
        return await self.send_activity(self.make_personal(user, text))

    async def slash(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Exchange:
        """Send a slash command, as `make_slash` builds it."""
        return await self.send_activity(self.make_slash(user, where, text, thread=thread))

    def make_slash(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Json:
        """Build a targeted message to the bot. Teams removes the slash, and the bot's name, from `text`."""
        if where.kind == "personal":
            raise CannotPress("no slash commands of agents in a personal chat")
        activity = self._message(user, where, text, thread, targeted_to=user)
        activity["recipient"]["isTargeted"] = True
        return activity

    def make_mention(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Json:
        """Build a message that begins with a mention of the bot."""
        name = self.teams.bot_name
        activity = self._message(user, where, f"<at>{name}</at> {text}\n", thread)
        mentioned = {"id": self.teams.bot_id, "name": name}
        activity["entities"].insert(0, {"type": "mention", "mentioned": mentioned, "text": f"<at>{name}</at>"})
        html = f'<p><span itemtype="http://schema.skype.com/Mention">{name}</span> {text}</p>'
        activity["attachments"] = [{"contentType": "text/html", "content": html}]
        return activity

    def make_personal(self, user: User, text: str) -> Json:
        return self._message(user, self.teams.personal(user), text, None)

    def _message(
        self, user: User, where: Conversation, text: str, thread: Message | None, *, targeted_to: User | None = None
    ) -> Json:
        if thread and thread.targeted_to:
            raise CannotPress("a targeted message has no replies")
        root = thread.root if thread else None
        message = Message(self.teams.new_id(), where, root, {}, by=user, targeted_to=targeted_to)
        message.activity = self._activity("message", user, where, message.root, id=message.id)
        message.activity |= {"text": text, "textFormat": "plain"}
        self.teams.record(message)
        return message.activity

    async def press(
        self, user: User, message: Message, label: str | CardPath, inputs: Json | None = None, **more: Any
    ) -> Exchange:
        return await self.send_activity(self.make_press(user, message, label, inputs, **more))

    def make_press(
        self,
        user: User,
        message: Message,
        label: str | CardPath,
        inputs: Json | None = None,
        *,
        old_client: bool = False,
    ) -> Json:
        """Build the activity for a press on the card that the user sees; `label` is a title or a path.

        `old_client`: the client does not support Action.Execute and falls back to Action.Submit.
        """
        self._require_visible(user, message)
        card = message.card_for(user)
        action = find_action(card, label)
        if old_client and action["type"] == "Action.Execute":
            action = action["fallback"]
        data = gather(card, action, inputs)
        if action["type"] == "Action.Execute":
            return self._execute(user, message, action, data, "manual")
        if command := data.get("msteams"):
            if command != {"type": "task/fetch"}:
                raise CannotPress(f"{label!r} has the unknown Teams command {command}")
            return self._task("task/fetch", user, message, data)
        activity = self._activity("message", user, message.where, message.root, id=self.teams.new_id())
        activity["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{message.id}"}}
        return activity | {"replyToId": message.id, "value": data}

    def _require_visible(self, user: User, message: Message) -> None:
        """Raise CannotPress for a targeted message that the user does not see, or no longer."""
        if message.targeted_to and not self.teams.sees(user, message):
            raise CannotPress(f"{user.name} does not see this message")

    async def refresh(self, user: User, message: Message) -> Exchange | None:
        """Show the card to the user. Return None if Teams does not refresh it automatically for them."""
        self._require_visible(user, message)
        refresh = message.card_for(user).get("refresh")
        if not refresh or user.id not in refresh["userIds"]:
            return None
        action = refresh["action"]
        return await self.send_activity(self._execute(user, message, action, action["data"], "automatic"))

    def _execute(self, user: User, message: Message, action: Json, data: Json, trigger: str) -> Json:
        copy: Json = {key: action[key] for key in ("type", "title", "verb")}
        value: Json = {"action": {**copy, "data": data}, "trigger": trigger}
        return self._invoke("adaptiveCard/action", user, message.where, message.root, value, message.id)

    async def submit_task(self, user: User, message: Message, data: Json) -> Exchange:
        """Submit the form that a button of `message` opened; `data` as for `submit_action`."""
        return await self.send_activity(self._task("task/submit", user, message, data))

    def _task(self, name: str, user: User, message: Message, data: Json) -> Json:
        value = {"data": data, "context": {"theme": "default"}, "tabContext": None}
        return self._invoke(name, user, message.where, message.root, value, message.id)

    async def fetch_task(
        self, user: User, where: Conversation, command_id: str, *, context: str = "compose"
    ) -> Exchange:
        """Open the form of a command; `context` is `compose` or `commandBox`."""
        value = self._command(command_id, context)
        return await self.send_activity(self._invoke("composeExtension/fetchTask", user, where, None, value))

    async def submit_action(
        self, user: User, where: Conversation, command_id: str, data: Json, *, send: bool = True
    ) -> Exchange:
        """Submit the form of a command. With `send` the user posts the card in the response.

        `data` is what the form's button sends: `fill(exchange.task_card, "Check", {"goal": "lead"})`.
        """
        value = {**self._command(command_id, "compose"), "data": data}
        exchange = await self.send_activity(self._invoke("composeExtension/submitAction", user, where, None, value))
        for attachment in exchange.attachments if send else ():
            content = {key: value for key, value in attachment.items() if key != "preview"}
            activity = {"type": "message", "attachments": [content]}
            self.teams.record(Message(self.teams.new_id(), where, None, activity, by=user))
        return exchange

    def _command(self, command_id: str, context: str) -> Json:
        theme = {"theme": "default"}
        return {"commandId": command_id, "commandContext": context, "requestId": uuid.uuid4().hex, "context": theme}

    async def install(self, user: User, where: Team | Conversation, *, upgrade: bool = False) -> list[Exchange]:
        """Install the bot: send conversationUpdate and installationUpdate, both without a locale.

        A private or shared channel, to which the app of the team is added, sends the first alone.
        """
        conversation = _set_installed(where, True)
        events = [self._members_changed(user, conversation, "membersAdded", [{"id": self.teams.bot_id}])]
        if not _has_own_members(conversation):
            events.append(self._installation(user, conversation, "add-upgrade" if upgrade else "add"))
        return [await self.send_activity(event) for event in events]

    async def uninstall(self, user: User, where: Team | Conversation) -> list[Exchange]:
        """Remove the bot. For a personal chat Teams sends no conversationUpdate."""
        conversation = _set_installed(where, False)
        events = [] if _has_own_members(conversation) else [self._installation(user, conversation, "remove")]
        if conversation.kind != "personal":
            events.insert(0, self._members_changed(user, conversation, "membersRemoved", [{"id": self.teams.bot_id}]))
        return [await self.send_activity(event) for event in events]

    async def add_members(self, by: User, where: Team | Channel, people: Sequence[User]) -> Exchange:
        """Add people to a team, or to a private or shared channel alone."""
        (where.members if isinstance(where, Team) else where.people).extend(people)
        added = [{"id": user.id, "aadObjectId": user.aad} for user in people]
        channel = where.general if isinstance(where, Team) else where
        return await self.send_activity(self._members_changed(by, channel, "membersAdded", added))

    async def share(self, by: User, channel: Channel, team: Team) -> Exchange:
        """Share a shared channel with a team, whose members then are members of the channel."""
        assert channel.membership == "shared", f"{channel.name} is {channel.membership}"
        channel.shared_with.append(team)
        return await self._sharing_changed(by, channel, "channelShared", "sharedWithTeams", team)

    async def unshare(self, by: User, channel: Channel, team: Team) -> Exchange:
        channel.shared_with.remove(team)
        return await self._sharing_changed(by, channel, "channelUnshared", "unsharedFromTeams", team)

    async def _sharing_changed(self, by: User, channel: Channel, event: str, key: str, team: Team) -> Exchange:
        activity = self._event("conversationUpdate", by, channel)
        teams = [{"id": team.id, "name": team.name, "tenantId": team.tenant}]
        activity["channelData"] |= {"eventType": event, key: teams}
        return await self.send_activity(activity)

    def _members_changed(self, by: User, where: Conversation, key: str, people: list[Json]) -> Json:
        activity = self._event("conversationUpdate", by, where)
        if isinstance(where, Channel):
            group = "team" if where.membership == "standard" else "channel"
            activity["channelData"]["eventType"] = f"{group}Member{key.removeprefix('members')}"
        return activity | {key: people}

    async def team_event(self, by: User, team: Team, event: str, **more: Any) -> Exchange:
        """Send what Teams reports of a team or channel. `more` replaces fields of the activity."""
        activity = self._event("conversationUpdate", by, team.general)
        activity["channelData"]["eventType"] = event
        return await self.send_activity(activity | more)

    def make_installation(self, user: User, team: Team) -> Json:
        """Build the activity that tells of an installation in a team, and install the bot there."""
        return self._installation(user, _set_installed(team, True), "add")

    def _installation(self, user: User, where: Conversation, action: str) -> Json:
        activity = {**self._event("installationUpdate", user, where), "action": action}
        activity["channelData"] |= {"source": {"name": "message"}, "settings": {"selectedChannel": {"id": where.id}}}
        return activity

    def _event(self, kind: str, user: User, where: Conversation) -> Json:
        activity = self._activity(kind, user, where, None)
        if isinstance(where, Channel):
            activity["channelData"]["team"]["name"] = where.team.name
        del activity["locale"], activity["entities"], activity["from"]["name"]
        return activity

    def _invoke(
        self, name: str, user: User, where: Conversation, root: str | None, value: Json, reply_to: str | None = None
    ) -> Json:
        activity = self._activity("invoke", user, where, root, strict=name not in rules.TASKS)
        activity["channelData"]["source"] = {"name": "message" if reply_to else "compose"}
        activity |= {"name": name, "value": value}
        return activity | ({"replyToId": reply_to} if reply_to else {})

    def _activity(
        self, kind: str, user: User, where: Conversation, root: str | None, *, id: str = "", strict: bool = True
    ) -> Json:
        """Build what all activities of a user have in common.

        `strict`: the user must be a member; a message extension works anywhere. Messages need the bot to be installed.
        """
        if strict and kind in ("message", "invoke"):
            assert user in where.members, f"{user.name} is not in {where.name or where.id}"
        assert kind != "message" or where.installed, f"{where.name}: the bot is not installed"
        conversation: Json = {"conversationType": where.kind, "tenantId": where.tenant, "id": where.id}
        channel_data: Json = {"tenant": {"id": user.tenant}}
        if isinstance(where, Channel):
            channel_data |= {"teamsChannelId": where.id, "teamsTeamId": where.team.id}
            channel_data |= {"channel": {"id": where.id}, "team": {"id": where.team.id}}
            if where.membership != "standard":
                channel_data["channel"]["type"] = where.membership
            conversation["id"] += f";messageid={root}" if root else ""
        if where.kind != "personal":
            conversation["isGroup"] = True
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        country = user.locale.partition("-")[2] or "US"
        client = {"type": "clientInfo", "locale": user.locale, "country": country, "platform": "Windows"}
        return {
            "type": kind,
            "id": id or f"f:{uuid.uuid4()}",
            "timestamp": now,
            "localTimestamp": now,
            "localTimezone": "Europe/Paris",
            "channelId": "msteams",
            "serviceUrl": self.teams.service_url,
            "from": {"id": user.id, "name": user.name, "aadObjectId": user.aad},
            "conversation": conversation,
            "recipient": {"id": self.teams.bot_id, "name": self.teams.bot_name},
            "entities": [{**client, "timezone": "Europe/Paris"}],
            "channelData": channel_data,
            "locale": user.locale,
        }


def _set_installed(where: Team | Conversation, installed: bool) -> Conversation:
    """Return the conversation of the update: General for a team."""
    if isinstance(where, Channel) and where.membership != "standard":
        where.app_added = installed
        return where
    target = where.team if isinstance(where, Channel) else where
    target.installed = installed
    return target.general if isinstance(target, Team) else target


def _has_own_members(where: Conversation) -> bool:
    return isinstance(where, Channel) and where.membership != "standard"


def _merged(defaults: Json, changes: Json | None) -> Json:
    return {name: value for name, value in {**defaults, **(changes or {})}.items() if value is not None}
