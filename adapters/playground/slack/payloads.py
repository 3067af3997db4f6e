"""The payloads that Slack sends to an app, and their signature."""

import hashlib
import hmac
import secrets

from adapters.playground.simulator import Json
from adapters.playground.slack.cards import BlockElement
from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.state import SlackState


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the `v0=` signature of a body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def escaped(text: str) -> str:
    """Return typed text as Slack sends it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def event(state: SlackState, workspace: Workspace, inner: Json) -> Json:
    """Return an Events API envelope."""
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
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": _is_org_install(state, workspace),
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(24)}",
    }


def message_event(message: Message, kind: str = "message") -> Json:
    """Return the inner event for a message; `kind` is `message` or `app_mention`."""
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
    state: SlackState, user: User, workspace: Workspace, channel: Channel, name: str, text: str, url: str
) -> Json:
    """Return the form of a slash command."""
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
        "is_enterprise_install": "true" if _is_org_install(state, workspace) else "false",
        "response_url": url,
        "trigger_id": state.new_trigger(user.id, workspace).id,
    }
    return form | _enterprise_fields(workspace)


def interaction(state: SlackState, kind: str, user: User, workspace: Workspace) -> Json:
    """Return what all interactions have in common, with a new trigger."""
    return {
        "type": kind,
        "team": {"id": workspace.id, "domain": workspace.domain} | _enterprise_fields(workspace),
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.workspace.id},
        "api_app_id": state.app.app_id,
        "token": state.app.verification_token,
        "enterprise": workspace.enterprise,
        "is_enterprise_install": _is_org_install(state, workspace),
        "trigger_id": state.new_trigger(user.id, workspace).id,
    }


def pressed_in(where: Message | View, url: str | None, action: Json) -> Json:
    """Return where `action` was and the action. An ephemeral message has no `message` key, a view no `response_url`."""
    if isinstance(where, View):
        return {"container": {"type": "view", "view_id": where.id}, "view": where.to_json(), "actions": [action]}
    channel = where.channel
    container = {
        "type": "message",
        "message_ts": where.ts,
        "channel_id": channel.id,
        "is_ephemeral": where.ephemeral,
        **({"thread_ts": where.thread_ts} if where.thread_ts else {}),
    }
    return {
        "container": container,
        "channel": {"id": channel.id, "name": channel.payload_name},
        "state": {"values": _chosen(action)},
        "response_url": url,
        "actions": [action],
        **({} if where.ephemeral else {"message": where.to_json()}),
    }


def action(state: SlackState, item: BlockElement, choice: Json) -> Json:
    """Return the pressed action. `choice`: the new state of an input."""
    block_id, action_id = item.ids
    visible = {name: item.element[name] for name in ("text", "value", "style", "placeholder") if name in item.element}
    ids = {"action_id": action_id, "block_id": block_id, "type": item.element["type"]}
    return ids | visible | choice | {"action_ts": state.now_ts()}


def _chosen(action: Json) -> Json:
    """Return block_id -> action_id -> state of a menu in a message; empty for a button."""
    if "selected_option" not in action:
        return {}
    state = {name: action[name] for name in ("type", "selected_option")}
    return {action["block_id"]: {action["action_id"]: state}}


def _is_org_install(state: SlackState, workspace: Workspace) -> bool:
    return any(
        token.enterprise_install
        and token.state == "active"
        and token.workspace.enterprise_id == workspace.enterprise_id
        for token in state.tokens.values()
    )


def _enterprise_fields(workspace: Workspace) -> dict[str, str]:
    return {f"enterprise_{name}": value for name, value in (workspace.enterprise or {}).items()}
