"""What one person sees of Slack, as JSON, and what they do there."""

from typing import Any

from adapters.playground.sandbox import APP, ActionError, Person, Sandbox
from adapters.playground.slack.models import Channel, Message, View
from adapters.playground.slack.user_actions import Exchange, Incomplete

Json = dict[str, Any]


def state(sandbox: Sandbox, person: Person, features: Json) -> Json:
    """Return the pane. `features`: those of the app's manifest."""
    workspace, user = sandbox.workspace, person.slack
    names = {each.id: each.real_name or each.name for each in workspace.users.values()}
    places = [channel for channel in workspace.channels.values() if user.id in channel.members]
    home, modal = sandbox.slack_user_actions.home(user), sandbox.slack_user_actions.modal(user)
    return {
        "app": {"id": workspace.bot.id if workspace.bot else "", "name": APP},
        "commands": [
            {"command": each["command"], "hint": each["usage_hint"], "description": each["description"]}
            for each in features["slash_commands"]
        ],
        "shortcuts": [{"id": each["callback_id"], "name": each["name"]} for each in features["shortcuts"]],
        "users": [{"id": id, "name": name} for id, name in names.items()],
        "places": [{"id": each.id, "kind": "dm" if each.is_im else "channel", "name": each.name} for each in places],
        "messages": {
            each.id: [_message(message, names) for message in sandbox.slack.visible_to(user, each)] for each in places
        },
        "home": {"blocks": home.blocks} if home else None,
        "modal": _modal(modal) if modal else None,
    }


def _message(message: Message, names: dict[str, str]) -> Json:
    return {
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "author": names.get(message.user_id, APP),
        "bot": message.bot_id is not None,
        "ephemeral": message.ephemeral,
        "edited": message.edited,
        "text": message.text,
        "blocks": message.blocks,
    }


def _modal(view: View) -> Json:
    return {"id": view.id, "view": view.definition, "state": view.state, "errors": view.errors}


async def act(sandbox: Sandbox, person: Person, do: str, given: Json) -> None:
    """Do what the person does.

    Raises `ActionError`, and `LookupError` or `ValueError` for what Slack itself would not let them do.
    """
    user_actions, user = sandbox.slack_user_actions, person.slack
    ack: Exchange | None = None
    match do:
        case "type":
            ack = await _type(sandbox, person, _place(sandbox, given), str(given["text"]), given.get("thread"))
        case "press":
            ids = {name: str(given[name]) for name in ("action_id", "block_id")}
            ack = await user_actions.press(user, _surface(sandbox, person, given), value=given.get("value"), **ids)
        case "submit":
            view = _open(sandbox, person)
            try:
                ack = await user_actions.submit_view(user, view, given.get("values") or {})
            except Incomplete as incomplete:
                view.errors = dict.fromkeys(incomplete.block_ids, person.t("playground.complete"))
        case "close":
            await user_actions.close_view(user, _open(sandbox, person))
        case "home":
            ack = await user_actions.open_home(user)
        case "shortcut":
            ack = await user_actions.shortcut(user, str(given["id"]))
        case _:
            raise LookupError(do)
    # Of an event that fails Slack tells nobody; of all else, whoever waits for it.
    if ack and ack.error and ack.kind != "event":
        raise ActionError(person.t("playground.slack.failed", error=ack.error))


async def _type(sandbox: Sandbox, person: Person, place: Channel, text: str, thread: str | None) -> Exchange:
    user_actions, user = sandbox.slack_user_actions, person.slack
    if text.startswith("/"):
        command, _, rest = text.partition(" ")
        if command not in sandbox.commands:
            raise ActionError(person.t("playground.slack.no_command", command=command))
        if thread:
            raise ActionError(person.t("playground.slack.not_in_thread", command=command))
        return await user_actions.slash(user, place, rest.strip(), command)
    if place.is_im:
        return await user_actions.direct_message(user, text, thread)
    if f"@{APP}".lower() in text.lower():
        at = text.lower().index(f"@{APP}".lower())
        said = f"{text[:at]} {text[at + len(APP) + 1 :]}"
        return await user_actions.mention(user, place, " ".join(said.split()), thread)
    return await user_actions.say(user, place, text, thread)


def _place(sandbox: Sandbox, given: Json) -> Channel:
    return sandbox.workspace.channels[str(given["place"])]


def _surface(sandbox: Sandbox, person: Person, given: Json) -> Message | View:
    if given["in"] == "modal":
        return _open(sandbox, person)
    if given["in"] == "home":
        return sandbox.workspace.homes[person.slack.id]
    seen = sandbox.slack.visible_to(person.slack, _place(sandbox, given))
    return {each.ts: each for each in seen}[given["ts"]]


def _open(sandbox: Sandbox, person: Person) -> View:
    view = sandbox.slack_user_actions.modal(person.slack)
    if view is None:
        raise LookupError("modal")
    return view
