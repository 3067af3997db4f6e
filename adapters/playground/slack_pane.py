"""The Slack half of the page: its state as JSON, and a person's actions."""

from adapters.playground.sandbox import ActionError, Person, Sandbox
from adapters.playground.simulator import Json
from adapters.playground.slack.models import Channel, Message, View
from adapters.playground.slack.user_actions import Exchange, Incomplete
from adapters.playground.traffic_log import APP


def state(sandbox: Sandbox, person: Person, features: Json) -> Json:
    """Return what the person sees. `features`: those of the app manifest."""
    workspace, user = sandbox.workspace, person.slack
    names = {other.id: other.real_name or other.name for other in workspace.users.values()}
    channels = [channel for channel in workspace.channels.values() if user.id in channel.members]
    home, modal = sandbox.slack_user_actions.home(user), sandbox.slack_user_actions.modal(user)
    return {
        "app": {"id": workspace.bot.id, "name": APP},
        "commands": [
            {"command": command["command"], "hint": command["usage_hint"], "description": command["description"]}
            for command in features["slash_commands"]
        ],
        "shortcuts": [{"id": shortcut["callback_id"], "name": shortcut["name"]} for shortcut in features["shortcuts"]],
        "users": [{"id": id, "name": name} for id, name in names.items()],
        "conversations": [
            {"id": channel.id, "kind": "dm" if channel.is_im else "channel", "name": channel.name}
            for channel in channels
        ],
        "messages": {
            channel.id: [_message(message, names) for message in sandbox.slack.visible_to(user, channel)]
            for channel in channels
        },
        "home": {"blocks": home.blocks} if home else None,
        "modal": modal and {"id": modal.id, "view": modal.definition, "state": modal.state, "errors": modal.errors},
    }


def _message(message: Message, names: dict[str, str]) -> Json:
    return {
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "author": names.get(message.user.id, APP),
        "bot": message.bot_id is not None,
        "ephemeral": message.ephemeral,
        "edited": message.edited,
        "text": message.text,
        "blocks": message.blocks,
    }


async def act(sandbox: Sandbox, person: Person, action: str, args: Json) -> None:
    """Carry out an action.

    Raises `ActionError`; and `LookupError` or `ValueError` for what Slack does not allow.
    """
    user_actions, user = sandbox.slack_user_actions, person.slack
    exchange: Exchange | None = None
    match action:
        case "type":
            exchange = await _type(sandbox, person, _channel(sandbox, args), str(args["text"]), args.get("thread"))
        case "press":
            ids = {name: str(args[name]) for name in ("action_id", "block_id")}
            where = _message_or_view(sandbox, person, args)
            exchange = await user_actions.press(user, where, value=args.get("value"), **ids)
        case "submit":
            view = _open_modal(sandbox, person)
            try:
                exchange = await user_actions.submit_view(user, view, args.get("values") or {})
            except Incomplete as incomplete:
                view.errors = dict.fromkeys(incomplete.block_ids, person.t("playground.complete"))
        case "close":
            await user_actions.close_view(user, _open_modal(sandbox, person))
        case "home":
            exchange = await user_actions.open_home(user)
        case "shortcut":
            exchange = await user_actions.shortcut(user, str(args["id"]))
        case _:
            raise LookupError(action)
    # Slack shows no error for an event.
    if exchange and exchange.error and exchange.kind != "event":
        raise ActionError(person.t("playground.slack.failed", error=exchange.error))


async def _type(sandbox: Sandbox, person: Person, channel: Channel, text: str, thread: str | None) -> Exchange:
    user_actions, user = sandbox.slack_user_actions, person.slack
    if text.startswith("/"):
        command, _, rest = text.partition(" ")
        if command not in sandbox.commands:
            raise ActionError(person.t("playground.slack.no_command", command=command))
        if thread:
            raise ActionError(person.t("playground.slack.not_in_thread", command=command))
        return await user_actions.slash(user, channel, rest.strip(), command)
    if channel.is_im:
        return await user_actions.direct_message(user, text, thread)
    mention = f"@{APP}".lower()
    if mention in text.lower():
        start = text.lower().index(mention)
        rest = f"{text[:start]} {text[start + len(mention) :]}"
        return await user_actions.mention(user, channel, " ".join(rest.split()), thread)
    return await user_actions.say(user, channel, text, thread)


def _channel(sandbox: Sandbox, args: Json) -> Channel:
    return sandbox.workspace.channels[str(args["conversation"])]


def _message_or_view(sandbox: Sandbox, person: Person, args: Json) -> Message | View:
    if args["in"] == "modal":
        return _open_modal(sandbox, person)
    if args["in"] == "home":
        return sandbox.workspace.homes[person.slack.id]
    messages = sandbox.slack.visible_to(person.slack, _channel(sandbox, args))
    return {message.ts: message for message in messages}[args["ts"]]


def _open_modal(sandbox: Sandbox, person: Person) -> View:
    view = sandbox.slack_user_actions.modal(person.slack)
    if view is None:
        raise LookupError("modal")
    return view
