"""One call of the Web API: its token, what it may see, and whether its text and blocks may be posted."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from adapters.playground.slack.models import Channel, Token, User, Workspace
from adapters.playground.slack.rate_limits import RateLimits
from adapters.playground.slack.rules import Json, SlackError, good_message
from adapters.playground.slack.state import SlackState

EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]{1,255}")
METADATA_MAX = 8_000
"""Characters of JSON; the documentation names no number."""


@dataclass
class Call:
    """One call of a method, with what came of it."""

    method: str
    state: SlackState
    limits: RateLimits
    args: Json = field(default_factory=dict)
    bearer: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def token(self) -> Token:
        if not self.bearer:
            raise SlackError("not_authed")
        token = self.state.tokens.get(self.bearer)
        if token is None:
            raise SlackError("invalid_auth")
        if token.state != "active":
            raise SlackError(token.state)
        if token.expires_at is not None and self.state.clock() >= token.expires_at:
            raise SlackError("token_expired")
        return token

    @property
    def workspaces(self) -> list[Workspace]:
        """Where the token may act: its workspace, or all of the organisation."""
        home = self.token.workspace
        if not self.token.enterprise_install:
            return [home]
        return [w for w in self.state.workspaces.values() if w.enterprise_id == home.enterprise_id]

    def scope(self, *needed: str) -> None:
        if missing := [each for each in needed if each not in self.token.scopes]:
            provided = ",".join(sorted(self.token.scopes))
            raise SlackError("missing_scope", needed=",".join(missing), provided=provided)

    def flag(self, name: str) -> bool:
        return self.args.get(name) in (True, "true", "True", "1", 1)

    def bot(self, workspace: Workspace) -> User:
        assert workspace.bot
        return workspace.bot

    def user(self, user_id: Any) -> tuple[Workspace, User]:
        for workspace in self.workspaces:
            if user_id in workspace.users:
                return workspace, workspace.users[user_id]
        raise SlackError("user_not_found")

    def channel(self, *, also_people: bool = False) -> tuple[Workspace, Channel]:
        """The channel of the arguments, if the bot may know that it exists. A person stands for their direct one."""
        wanted = str(self.args["channel"])
        for workspace in self.workspaces:
            if also_people and wanted in workspace.users:
                return workspace, workspace.im(workspace.users[wanted])
            channel = workspace.channels.get(wanted)
            if channel and (self.inside(workspace, channel) or not (channel.private or channel.is_im)):
                return workspace, channel
        raise SlackError("channel_not_found")

    def inside(self, workspace: Workspace, channel: Channel) -> bool:
        return self.bot(workspace).id in channel.members

    def postable(self, workspace: Workspace, channel: Channel, *, public: bool = True) -> None:
        if channel.archived:
            raise SlackError("is_archived")
        if not self.inside(workspace, channel) and not (public and "chat:write.public" in self.token.scopes):
            raise SlackError("not_in_channel")
        if channel.restricted:
            raise SlackError("restricted_action")

    def content(self) -> tuple[str, list[Json] | None]:
        """The checked text and blocks; None for blocks not given."""
        if self.args.get("attachments"):
            raise SlackError("invalid_attachments")  # legacy, and unknown here
        blocks = self.args.get("blocks")
        return good_message(self.args.get("text"), blocks), blocks

    def metadata(self) -> Json | None:
        """The checked metadata of a message, None where none is given.

        Stricter than Slack, which posts a message without its metadata, and a warning, where the event type is not one.
        """
        given: Any = self.args.get("metadata")
        match given:
            case None:
                return None
            case {"event_type": str(kind), "event_payload": dict(payload), **more} if not more:
                # Slack takes flat objects and lists of them, too.
                simple = all(isinstance(value, str | int | float) for value in payload.values())
                if not simple or not EVENT_TYPE.fullmatch(kind):
                    raise SlackError("invalid_metadata_schema")
            case _:
                raise SlackError("invalid_metadata_format")
        if len(json.dumps(given)) > METADATA_MAX:
            raise SlackError("metadata_too_large")
        return {"event_type": kind, "event_payload": payload}

    def thread(self, channel: Channel) -> str | None:
        """A thread's first message must be there; a reply's ts does not do."""
        ts = self.args.get("thread_ts")
        if ts is None:
            return None
        parent = channel.message(ts)
        if parent is None or parent.thread_ts not in (None, parent.ts):
            raise SlackError("thread_not_found")
        return str(ts)
