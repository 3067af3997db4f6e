"""The state of Slack and the changes to it."""

import itertools
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from adapters.playground.simulator import Clock, Json
from adapters.playground.slack.cards import initial_state, with_defaults
from adapters.playground.slack.errors import SlackError
from adapters.playground.slack.models import (
    DEFAULT_SCOPES,
    RESPONSE_URL_SECONDS,
    RESPONSE_URL_USES,
    TOKEN_SECONDS,
    AppSettings,
    Channel,
    Grant,
    Message,
    ResponseUrl,
    Token,
    Trigger,
    User,
    View,
    Workspace,
)
from adapters.playground.slack.rate_limits import RateLimits
from adapters.playground.slack.rules import validate_message


class SlackState:
    """The workspaces and everything issued for them."""

    def __init__(self, clock: Clock, app: AppSettings | None, limits: RateLimits) -> None:
        self.clock, self.limits = clock, limits
        self.app = app or AppSettings()
        self.workspaces: dict[str, Workspace] = {}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, Token] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.grants: dict[str, Grant] = {}
        self.views: dict[str, View] = {}
        self.modals: dict[str, View] = {}
        """user id -> the open modal."""
        self.on_message: list[Callable[[str, Message], None]] = []
        """Called with `posted`, `changed` or `deleted`, and the message."""
        self._ids = itertools.count(1)
        self._last_ts = 0

    def new_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._ids):08X}"

    def short_id(self) -> str:
        return secrets.token_urlsafe(4)[:5]

    def new_ts(self) -> str:
        """Return a unique timestamp, later than those before."""
        self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def now_ts(self) -> str:
        return f"{self.clock():.6f}"

    def add_workspace(self, name: str = "Fabrique", enterprise: str | None = None) -> Workspace:
        workspace = Workspace(self.new_id("T"), name, self.app, self.new_id, enterprise)
        self.workspaces[workspace.id] = workspace
        return workspace

    def install(
        self, workspace: Workspace, scopes: Iterable[str] | str = DEFAULT_SCOPES, enterprise_install: bool = False
    ) -> Token:
        """Install the app without OAuth; `.value` is the bot token."""
        names = scopes.split(",") if isinstance(scopes, str) else scopes
        return self.new_token(workspace, frozenset(filter(None, names)), enterprise_install)

    def new_token(self, workspace: Workspace, scopes: frozenset[str], enterprise_install: bool) -> Token:
        prefix = "xoxe.xoxb-1-" if self.app.rotation else "xoxb-"
        token = Token(prefix + secrets.token_hex(16), scopes, workspace.bot, enterprise_install)
        if self.app.rotation:
            token.expires_at = self.clock() + TOKEN_SECONDS
            token.refresh = "xoxe-1-" + secrets.token_hex(16)
            self.refresh_tokens[token.refresh] = token
        self.tokens[token.value] = token
        return token

    def uninstall(self, workspace: Workspace) -> None:
        """Deactivate the tokens of the workspace; the bot leaves its channels."""
        for token in self.tokens.values():
            if token.workspace is workspace:
                token.state = "account_inactive"
        self.refresh_tokens = {k: t for k, t in self.refresh_tokens.items() if t.workspace is not workspace}
        for channel in workspace.channels.values():
            if not channel.is_im:
                channel.members.discard(workspace.bot.id)

    def post(
        self,
        channel: Channel,
        user: User,
        text: str = "",
        blocks: Any = None,
        *,
        thread_ts: str | None = None,
        ephemeral_to: str | None = None,
    ) -> Message:
        blocks = with_defaults(blocks or [], self.short_id)
        message = Message(channel, self.new_ts(), user, text, blocks, thread_ts, ephemeral_to)
        channel.log.append(message)
        self._notify("posted", message)
        return message

    def change(self, message: Message, text: str, blocks: Any) -> None:
        message.text, message.blocks, message.edited = text, with_defaults(blocks or [], self.short_id), True
        self._notify("changed", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        self._notify("deleted", message)

    def _notify(self, change: str, message: Message) -> None:
        for listener in self.on_message:
            listener(change, message)

    def new_trigger(self, user_id: str, workspace: Workspace) -> Trigger:
        name = f"{next(self._ids)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        trigger = self.triggers[name] = Trigger(name, user_id, workspace, self.clock())
        return trigger

    def new_response_url(self, user_id: str, channel: Channel, original: Message | None = None) -> ResponseUrl:
        url = ResponseUrl(secrets.token_urlsafe(18), user_id, channel, self.clock(), original)
        self.response_urls[url.id] = url
        return url

    def respond(self, url_id: str, payload: Any) -> None:
        """Carry out a POST to a response URL. Raises SlackError."""
        url = self.response_urls.get(url_id)
        if url is None or self.clock() - url.created > RESPONSE_URL_SECONDS:
            raise SlackError("expired_url", 404)
        if url.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url", 404)
        self.apply_response(url, payload)
        url.uses += 1

    def apply_response(self, url: ResponseUrl, payload: Any) -> Message | None:
        """Post, replace or delete a message, as the payload of a response URL or a command says. Raises SlackError."""
        if not isinstance(payload, dict) or payload.get("response_type", "ephemeral") != "ephemeral":
            raise SlackError("invalid_payload")  # `in_channel` is not simulated
        original = url.original
        if payload.get("delete_original") is True:
            if original and not original.deleted:
                self.delete(original)
            return None
        text, blocks = validate_message(payload.get("text"), payload.get("blocks")), payload.get("blocks")
        if payload.get("replace_original") is True and original:
            if not original.deleted:
                self.change(original, text, blocks)
            return original
        bot = url.channel.workspace.bot
        return self.post(url.channel, bot, text, blocks, ephemeral_to=url.user_id)

    def new_view(self, workspace: Workspace, user_id: str, definition: Json) -> View:
        view = View(self.new_id("V"), workspace, user_id)
        self.views[view.id] = view
        self.set_view(view, definition)
        return view

    def set_view(self, view: View, definition: Json) -> None:
        """Replace the content. Choices stay where block_id and action_id stay."""
        view.definition = {**definition, "blocks": with_defaults(definition["blocks"], self.short_id)}
        view.hash = f"{self.new_ts()}.{secrets.token_hex(4)}"
        view.errors = {}
        old_state, view.state = view.state, initial_state(view.blocks)
        for block_id, values in view.state.items():
            for action_id in values:
                old = old_state.get(block_id, {}).get(action_id)
                if old and old["type"] == values[action_id]["type"]:
                    values[action_id] = old

    def open_modal(self, workspace: Workspace, user_id: str, definition: Json) -> View:
        """Open a modal; it replaces the user's open modal."""
        self.close_modal(user_id)
        view = self.modals[user_id] = self.new_view(workspace, user_id, definition)
        return view

    def close_modal(self, user_id: str) -> None:
        if view := self.modals.pop(user_id, None):
            view.open = False
