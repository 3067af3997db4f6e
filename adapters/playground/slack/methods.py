"""Slack's Web API methods. Checks run in Slack's order."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from adapters.playground.simulator import Json
from adapters.playground.slack.calls import Call
from adapters.playground.slack.errors import SlackError
from adapters.playground.slack.models import (
    CODE_SECONDS,
    TOKEN_SECONDS,
    TRIGGER_SECONDS,
    Channel,
    Message,
    Token,
    Trigger,
)
from adapters.playground.slack.rules import validate_view
from adapters.playground.slack.state import SlackState

MAX_HISTORY = 15
"""Messages per call for an app outside the Slack Marketplace."""
MAX_LIMIT = 999
"""The highest value of `limit`."""
END = 10**18
"""Microseconds since 1970, later than any message."""


def auth_test(call: Call) -> Json:
    token = call.token
    workspace = token.workspace
    body = {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.name,
        "user": call.state.app.name,
        "team_id": workspace.id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": token.enterprise_install,
    }
    return body | ({"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {})


def oauth_v2_access(call: Call) -> Json:
    if call.args.get("client_id") != call.state.app.client_id:
        raise SlackError("invalid_client_id")
    if call.args.get("client_secret") != call.state.app.client_secret:
        raise SlackError("bad_client_secret")
    grant_type = call.args.get("grant_type") or "authorization_code"
    if grant_type == "refresh_token":
        old = call.state.refresh_tokens.pop(str(call.args.get("refresh_token")), None)
        if old is None:
            raise SlackError("invalid_refresh_token")
        token = call.state.new_token(old.workspace, old.scopes, old.enterprise_install)
        return _installation(call.state, token, None)
    if grant_type != "authorization_code":
        raise SlackError("invalid_grant_type")
    grant = call.state.grants.get(str(call.args.get("code")))
    if grant is None or call.state.clock() - grant.created > CODE_SECONDS:
        raise SlackError("invalid_code")
    if grant.used:
        raise SlackError("code_already_used")
    if call.args.get("redirect_uri") != grant.redirect_uri:
        raise SlackError("bad_redirect_uri")
    grant.used = True
    token = call.state.install(grant.workspace, grant.scopes, enterprise_install=grant.enterprise_install)
    return _installation(call.state, token, grant.user.id)


def _installation(state: SlackState, token: Token, user_id: str | None) -> Json:
    workspace = token.workspace
    body: Json = {
        "access_token": token.value,
        "token_type": "bot",
        "scope": ",".join(sorted(token.scopes)),
        "bot_user_id": workspace.bot.id,
        "app_id": state.app.app_id,
        "team": None if token.enterprise_install else {"id": workspace.id, "name": workspace.name},
        "enterprise": workspace.enterprise,
        "is_enterprise_install": token.enterprise_install,
    }
    if user_id:
        body["authed_user"] = {"id": user_id}
    if token.refresh:
        body |= {"refresh_token": token.refresh, "expires_in": TOKEN_SECONDS}
    return body


def chat_post_message(call: Call) -> Json:
    channel = call.channel(allow_user_id=True)
    call.require_postable(channel)
    thread_ts = call.thread(channel)
    text, blocks = call.content()
    metadata = call.metadata()
    call.state.limits.message(channel.id)
    message = call.state.post(channel, channel.workspace.bot, text, blocks, thread_ts=thread_ts)
    message.metadata = metadata
    return {"channel": channel.id, "ts": message.ts, "message": message.to_json()}


def chat_post_ephemeral(call: Call) -> Json:
    # Stricter than documented: also in a public channel the bot must be a member, whatever its scopes.
    channel = call.channel(allow_user_id=True)
    call.require_postable(channel, public=False)
    if call.args["user"] not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = call.thread(channel)
    text, blocks = call.content()
    user_id = str(call.args["user"])
    message = call.state.post(channel, channel.workspace.bot, text, blocks, thread_ts=thread_ts, ephemeral_to=user_id)
    return {"message_ts": message.ts}


def _own_message(call: Call, error: str) -> Message:
    channel = call.channel()
    message = channel.message(call.args["ts"])  # never an ephemeral one
    if message is None:
        raise SlackError("message_not_found")
    if message.user is not channel.workspace.bot:
        raise SlackError(error)
    return message


def chat_update(call: Call) -> Json:
    message = _own_message(call, "cant_update_message")
    if message.channel.archived:
        raise SlackError("is_inactive")
    text, blocks = call.content()
    message.metadata = call.metadata() or message.metadata
    call.state.change(message, text, message.blocks if blocks is None else blocks)
    return {"channel": message.channel.id, "ts": message.ts, "text": message.text, "message": message.to_json()}


def chat_delete(call: Call) -> Json:
    message = _own_message(call, "cant_delete_message")
    call.state.delete(message)
    return {"channel": message.channel.id, "ts": message.ts}


def chat_get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = channel.message(call.args["message_ts"])
    if message is None:
        raise SlackError("message_not_found")
    path = f"archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://{channel.workspace.domain}.slack.com/{path}"}


def _scope(channel: Channel, may: str) -> str:
    return f"{'im' if channel.is_im else 'groups' if channel.private else 'channels'}:{may}"


def conversations_open(call: Call) -> Json:
    """Open the direct messages with one user. Group direct messages are not simulated."""
    user = call.user(call.args["users"])
    return {"channel": {"id": user.workspace.im(user).id}}


def conversations_members(call: Call) -> Json:
    channel = call.channel()
    call.scope(_scope(channel, "read"))
    start, size = _number(call, "cursor", 0), _limit(call, 100)
    members = sorted(channel.members)
    next_cursor = str(start + size) if start + size < len(members) else ""
    return {"members": members[start : start + size], "response_metadata": {"next_cursor": next_cursor}}


def users_conversations(call: Call) -> Json:
    """The channels of a user. Private ones only where the bot is as well."""
    user = call.user(call.args["user"])
    kinds = str(call.args.get("types") or "public_channel").split(",")
    for kind, scope in (("public_channel", "channels:read"), ("private_channel", "groups:read")):
        if kind in kinds:
            call.scope(scope)
    listed = sorted(
        channel.id
        for channel in user.workspace.channels.values()
        if user.id in channel.members
        and not channel.is_im
        and ("private_channel" if channel.private else "public_channel") in kinds
        and (channel.has_bot or not channel.private)
    )
    start, size = _number(call, "cursor", 0), _limit(call, 100)
    next_cursor = str(start + size) if start + size < len(listed) else ""
    channels = [{"id": id} for id in listed[start : start + size]]
    return {"channels": channels, "response_metadata": {"next_cursor": next_cursor}}


def conversations_history(call: Call) -> Json:
    """Newest messages first, without replies in threads."""
    channel = call.channel()
    call.scope(_scope(channel, "history"))
    if not channel.has_bot:
        raise SlackError("not_in_channel")
    oldest = _number(call, "oldest", 0, _micros, "invalid_ts_oldest")
    before = _number(call, "cursor", END)
    messages = [
        message
        for message in reversed(channel.messages)
        if message.thread_ts in (None, message.ts) and oldest < _micros(message.ts) < before
    ]
    page, metadata = messages[: min(_limit(call, MAX_HISTORY), MAX_HISTORY)], call.flag("include_all_metadata")
    body: Json = {"messages": [message.to_json(metadata) for message in page], "has_more": len(page) < len(messages)}
    if body["has_more"]:
        body["response_metadata"] = {"next_cursor": str(_micros(page[-1].ts))}
    return body


def _number(call: Call, name: str, default: int, parse: Callable[[str], int] = int, error: str = "") -> int:
    value = call.args.get(name)
    try:
        return parse(str(value)) if value else default
    except (ValueError, ArithmeticError):
        raise SlackError(error or f"invalid_{name}") from None


def _limit(call: Call, default: int) -> int:
    limit = _number(call, "limit", default)
    if not 1 <= limit <= MAX_LIMIT:
        raise SlackError("invalid_limit")
    return limit


def _micros(ts: str) -> int:
    """Microseconds since 1970."""
    return int(Decimal(ts) * 1_000_000)


def users_info(call: Call) -> Json:
    user = call.user(call.args["user"])
    return {"user": user.to_json(with_locale=call.flag("include_locale"))}


def _trigger(call: Call) -> Trigger:
    """Return the `trigger_id` argument and mark it as used."""
    trigger = call.state.triggers.get(str(call.args["trigger_id"]))
    if trigger is None or trigger.workspace not in call.workspaces:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if call.state.clock() - trigger.created > TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger


def views_open(call: Call) -> Json:
    definition = validate_view(call.args["view"], "modal")
    trigger = _trigger(call)
    return {"view": call.state.open_modal(trigger.workspace, trigger.user_id, definition).to_json()}


def views_update(call: Call) -> Json:
    view = call.state.views.get(str(call.args["view_id"]))
    if view is None or not view.open or view.workspace not in call.workspaces:
        raise SlackError("not_found")
    definition = validate_view(call.args["view"], view.type)
    if call.args.get("hash") not in (None, view.hash):
        raise SlackError("hash_conflict")
    call.state.set_view(view, definition)
    return {"view": view.to_json()}


def views_publish(call: Call) -> Json:
    user = call.user(call.args["user_id"])
    definition = validate_view(call.args["view"], "home")
    homes = user.workspace.homes
    view = homes.get(user.id)
    if view is None:
        view = homes[user.id] = call.state.new_view(user.workspace, user.id, definition)
    else:
        call.state.set_view(view, definition)
    return {"view": view.to_json()}


@dataclass(frozen=True)
class Method:
    run: Callable[[Call], Json]
    required: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """Scopes that the method always needs; the method checks those that depend on the channel."""
    needs_token: bool = True


WRITE = ("chat:write",)
METHODS = {
    "auth.test": Method(auth_test),
    "oauth.v2.access": Method(oauth_v2_access, needs_token=False),
    "chat.postMessage": Method(chat_post_message, ("channel",), WRITE),
    "chat.postEphemeral": Method(chat_post_ephemeral, ("channel", "user"), WRITE),
    "chat.update": Method(chat_update, ("channel", "ts"), WRITE),
    "chat.delete": Method(chat_delete, ("channel", "ts"), WRITE),
    "chat.getPermalink": Method(chat_get_permalink, ("channel", "message_ts")),
    "conversations.open": Method(conversations_open, ("users",), ("im:write",)),
    "conversations.members": Method(conversations_members, ("channel",)),
    "conversations.history": Method(conversations_history, ("channel",)),
    "users.conversations": Method(users_conversations, ("user",)),
    "users.info": Method(users_info, ("user",), ("users:read",)),
    "views.open": Method(views_open, ("trigger_id", "view")),
    "views.update": Method(views_update, ("view_id", "view")),
    "views.publish": Method(views_publish, ("user_id", "view")),
}


def run(call: Call) -> Json:
    """Check and run a call. Raises SlackError."""
    method = METHODS.get(call.operation)
    if method is None:
        raise SlackError("unknown_method")
    if method.needs_token:
        call.scope(*method.scopes)
    if missing := [name for name in method.required if call.args.get(name) in (None, "")]:
        messages = [f"[ERROR] missing required field: {name}" for name in missing]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    return method.run(call)
