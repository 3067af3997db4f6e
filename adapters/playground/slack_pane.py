"""What one person sees of Slack, as JSON, and what they do there."""

from typing import Any

from adapters.playground.company import APP, Company, NotPossible, Person
from adapters.playground.slack.state import Channel, Message, View
from adapters.playground.slack.user import Ack, Incomplete

Json = dict[str, Any]


def state(world: Company, person: Person, features: Json) -> Json:
    """Return the pane. `features`: those of the app's manifest."""
    workspace, user = world.workspace, person.slack
    names = {each.id: each.real_name or each.name for each in workspace.users.values()}
    places = [channel for channel in workspace.channels.values() if user.id in channel.members]
    home, modal = world.hands.home(user), world.hands.modal(user)
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
            each.id: [_message(message, names) for message in world.slack.visible_to(user, each)] for each in places
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


async def act(world: Company, person: Person, do: str, given: Json) -> None:
    """Do what the person does.

    Raises `NotPossible`, and `LookupError` or `ValueError` for what Slack itself would not let them do.
    """
    hands, user = world.hands, person.slack
    ack: Ack | None = None
    match do:
        case "type":
            ack = await _type(world, person, _place(world, given), str(given["text"]), given.get("thread"))
        case "press":
            ids = {name: str(given[name]) for name in ("action_id", "block_id")}
            ack = await hands.press(user, _surface(world, person, given), value=given.get("value"), **ids)
        case "submit":
            view = _open(world, person)
            try:
                ack = await hands.submit_view(user, view, given.get("values") or {})
            except Incomplete as incomplete:
                view.errors = dict.fromkeys(incomplete.block_ids, person.t("playground.complete"))
        case "close":
            await hands.close_view(user, _open(world, person))
        case "home":
            ack = await hands.open_home(user)
        case "shortcut":
            ack = await hands.shortcut(user, str(given["id"]))
        case _:
            raise LookupError(do)
    # Of an event that fails Slack tells nobody; of all else, whoever waits for it.
    if ack and ack.error and ack.kind != "event":
        raise NotPossible(person.t("playground.slack.failed", error=ack.error))


async def _type(world: Company, person: Person, place: Channel, text: str, thread: str | None) -> Ack:
    hands, user = world.hands, person.slack
    if text.startswith("/"):
        command, _, rest = text.partition(" ")
        if command not in world.commands:
            raise NotPossible(person.t("playground.slack.no_command", command=command))
        if thread:
            raise NotPossible(person.t("playground.slack.not_in_thread", command=command))
        return await hands.slash(user, place, rest.strip(), command)
    if place.is_im:
        return await hands.direct_message(user, text, thread)
    if f"@{APP}".lower() in text.lower():
        at = text.lower().index(f"@{APP}".lower())
        said = f"{text[:at]} {text[at + len(APP) + 1 :]}"
        return await hands.mention(user, place, " ".join(said.split()), thread)
    return await hands.say(user, place, text, thread)


def _place(world: Company, given: Json) -> Channel:
    return world.workspace.channels[str(given["place"])]


def _surface(world: Company, person: Person, given: Json) -> Message | View:
    if given["in"] == "modal":
        return _open(world, person)
    if given["in"] == "home":
        return world.workspace.homes[person.slack.id]
    seen = world.slack.visible_to(person.slack, _place(world, given))
    return {each.ts: each for each in seen}[given["ts"]]


def _open(world: Company, person: Person) -> View:
    view = world.hands.modal(person.slack)
    if view is None:
        raise LookupError("modal")
    return view
