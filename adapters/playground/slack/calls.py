"""One call of the Web API: its token, the channels it can access, and its checked arguments."""

import json
import re
from dataclasses import KW_ONLY, dataclass
from typing import Any

from adapters.playground.simulator import Call as RecordedCall
from adapters.playground.simulator import Json
from adapters.playground.slack.errors import SlackError
from adapters.playground.slack.models import Channel, Token, User, Workspace
from adapters.playground.slack.rules import validate_message
from adapters.playground.slack.state import SlackState

EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]{1,255}")
METADATA_MAX = 8_000
"""Characters of JSON; not documented."""


@dataclass
class Call(RecordedCall):
    """A call of a Web API method or response URL."""

    _: KW_ONLY
    state: SlackState
    bearer: str | None = None

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
        """Return the workspace of the token, or all workspaces of its organization."""
        home = self.token.workspace
        if not self.token.enterprise_install:
            return [home]
        return [w for w in self.state.workspaces.values() if w.enterprise_id == home.enterprise_id]

    def scope(self, *needed: str) -> None:
        held = self.token.scopes
        if missing := [scope for scope in needed if scope not in held]:
            raise SlackError("missing_scope", needed=",".join(missing), provided=",".join(sorted(held)))

    def flag(self, name: str) -> bool:
        return self.args.get(name) in (True, "true", "True", "1", 1)

    def user(self, user_id: Any) -> User:
        for workspace in self.workspaces:
            if user_id in workspace.users:
                return workspace.users[user_id]
        raise SlackError("user_not_found")

    def channel(self, *, allow_user_id: bool = False) -> Channel:
        """Return the channel argument if the bot can see it. `allow_user_id`: a user id means direct messages."""
        wanted = str(self.args["channel"])
        for workspace in self.workspaces:
            if allow_user_id and wanted in workspace.users:
                return workspace.im(workspace.users[wanted])
            channel = workspace.channels.get(wanted)
            if channel and (channel.has_bot or not (channel.private or channel.is_im)):
                return channel
        raise SlackError("channel_not_found")

    def require_postable(self, channel: Channel, *, public: bool = True) -> None:
        if channel.archived:
            raise SlackError("is_archived")
        if not channel.has_bot and not (public and "chat:write.public" in self.token.scopes):
            raise SlackError("not_in_channel")
        if channel.restricted:
            raise SlackError("restricted_action")

    def content(self) -> tuple[str, list[Json] | None]:
        """Return the valid text and blocks; None for no blocks."""
        if self.args.get("attachments"):
            raise SlackError("invalid_attachments")  # legacy, not simulated
        blocks = self.args.get("blocks")
        return validate_message(self.args.get("text"), blocks), blocks

    def metadata(self) -> Json | None:
        """Return the valid metadata of a message, or None.

        Stricter than Slack: for an invalid event type Slack drops the metadata and only warns.
        """
        metadata: Any = self.args.get("metadata")
        match metadata:
            case None:
                return None
            case {"event_type": str(kind), "event_payload": dict(payload), **more} if not more:
                # Slack also accepts flat objects and lists of them.
                simple = all(isinstance(value, str | int | float) for value in payload.values())
                if not simple or not EVENT_TYPE.fullmatch(kind):
                    raise SlackError("invalid_metadata_schema")
            case _:
                raise SlackError("invalid_metadata_format")
        if len(json.dumps(metadata)) > METADATA_MAX:
            raise SlackError("metadata_too_large")
        return {"event_type": kind, "event_payload": payload}

    def thread(self, channel: Channel) -> str | None:
        """Return `thread_ts`, which must be a message that is not a reply."""
        ts = self.args.get("thread_ts")
        if ts is None:
            return None
        parent = channel.message(ts)
        if parent is None or parent.thread_ts not in (None, parent.ts):
            raise SlackError("thread_not_found")
        return str(ts)
