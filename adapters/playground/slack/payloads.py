"""The payloads Slack sends to an app, and their signature."""

import hashlib
import hmac
import secrets

from adapters.playground.slack.cards import BlockElement
from adapters.playground.slack.models import Channel, Message, Trigger, User, View, Workspace
from adapters.playground.slack.rules import Json


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature of a body at a time."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def escaped(text: str) -> str:
    """As Slack sends what people type."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def event(workspace: Workspace, inner: Json) -> Json:
    """The envelope of the Events API."""
    state = workspace.state
    bot = workspace.bot.id if workspace.bot else None
    return {
        "token": state.app.verification_token,
        "team_id": workspace.id,
        "context_team_id": workspace.id,
        "context_enterprise_id": workspace.enterprise_id,
        **({"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {}),
        "api_app_id": state.app.app_id,
        "event": inner,
        "type": "event_callback",
        "event_id": state.new_id("Ev"),
        "event_time": int(state.clock()),
        "authorizations": [
            {
                "enterprise_id": workspace.enterprise_id,
                "team_id": workspace.id,
                "user_id": bot,
                "is_bot": True,
                "is_enterprise_install": _org(workspace),
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(24)}",
    }


def message_event(message: Message, kind: str = "message") -> Json:
    """A person's or the bot's message, as `message` or `app_mention`."""
    channel = message.channel
    inner: Json = {**message.to_json(), "type": kind, "channel": channel.id, "event_ts": message.ts}
    if kind == "message":
        inner["channel_type"] = "im" if channel.is_im else "group" if channel.private else "channel"
    if not message.bot_id:
        inner["client_msg_id"] = secrets.token_hex(16)
        leaf = {"type": "text", "text": message.text}
        section = {"type": "rich_text_section", "elements": [leaf]}
        inner["blocks"] = [{"type": "rich_text", "block_id": "typed", "elements": [section]}]
    return inner


def command(
    workspace: Workspace, user: User, channel: Channel, name: str, text: str, trigger: Trigger, url: str
) -> Json:
    """The form of a slash command."""
    state = workspace.state
    form = {
        "token": state.app.verification_token,
        "team_id": workspace.id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": channel.payload_name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": escaped(text),
        "api_app_id": state.app.app_id,
        "is_enterprise_install": "true" if _org(workspace) else "false",
        "response_url": url,
        "trigger_id": trigger.id,
    }
    return form | _enterprise(workspace)


def _interaction(kind: str, workspace: Workspace, user: User, trigger: Trigger) -> Json:
    state = workspace.state
    return {
        "type": kind,
        "team": {"id": workspace.id, "domain": workspace.domain} | _enterprise(workspace),
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": state.app.app_id,
        "token": state.app.verification_token,
        "enterprise": workspace.enterprise,
        "is_enterprise_install": _org(workspace),
        "trigger_id": trigger.id,
    }


def block_actions(
    workspace: Workspace, user: User, trigger: Trigger, where: Message | View, action: Json, url: str | None
) -> Json:
    """A press. `message` is absent for an ephemeral one, `response_url` for a view."""
    payload = _interaction("block_actions", workspace, user, trigger)
    if isinstance(where, View):
        container: Json = {"type": "view", "view_id": where.id}
        return payload | {"container": container, "view": where.to_json(), "actions": [action]}
    channel = where.channel
    container = {
        "type": "message",
        "message_ts": where.ts,
        "channel_id": channel.id,
        "is_ephemeral": where.ephemeral,
        **({"thread_ts": where.thread_ts} if where.thread_ts else {}),
    }
    return payload | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.payload_name},
        "state": {"values": {}},
        "response_url": url,
        **({} if where.ephemeral else {"message": where.to_json()}),
        "actions": [action],
    }


def action(workspace: Workspace, found: BlockElement, choice: Json) -> Json:
    """What was pressed. `choice`: the new state of an element that keeps one."""
    block_id, action_id = found.ids
    shown = {name: found.element[name] for name in ("text", "value", "style", "placeholder") if name in found.element}
    ids = {"action_id": action_id, "block_id": block_id, "type": found.element["type"]}
    return ids | shown | choice | {"action_ts": workspace.state.now_ts()}


def view_submission(workspace: Workspace, user: User, trigger: Trigger, view: View) -> Json:
    payload = _interaction("view_submission", workspace, user, trigger)
    return payload | {"view": view.to_json(), "response_urls": []}


def shortcut(workspace: Workspace, user: User, trigger: Trigger, callback_id: str) -> Json:
    payload = _interaction("shortcut", workspace, user, trigger)
    return payload | {"callback_id": callback_id, "action_ts": workspace.state.now_ts()}


def _org(workspace: Workspace) -> bool:
    return any(
        token.enterprise_install
        and token.state == "active"
        and token.workspace.enterprise_id == workspace.enterprise_id
        for token in workspace.state.tokens.values()
    )


def _enterprise(workspace: Workspace) -> dict[str, str]:
    return {f"enterprise_{name}": value for name, value in (workspace.enterprise or {}).items()}
