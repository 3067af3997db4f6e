"""Slack: presses and submissions with another user's ids neither change nor show that user's dialogs."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.playground.slack.models import Channel, Message, User, Workspace
from tests.scenarios.conftest import no_platform_settings, no_unexpected_errors
from tests.scenarios.scene import SHORT
from tests.scenarios.slack.conftest import MakeScene, Scene, make_scene
from tests.scenarios.slack.test_hostile_input import _install
from tests.security.ownership import ForgedPress, forged_presses, outcome_text, stored_data

__all__ = ["make_scene", "no_platform_settings", "no_unexpected_errors"]


async def press(
    scene: Scene, team: Workspace, user: User, on: Message | Channel, forged: ForgedPress, *, menu: bool = False
) -> int:
    """Press a button, or choose in a menu, with these ids as a user of a workspace; return the status.

    The signature is valid.
    """
    channel = on if isinstance(on, Channel) else on.channel
    revision = "" if forged.revision is None else forged.revision
    value = f"card|{forged.session}|{revision}|{forged.question}|{forged.option}"
    element: dict[str, Any] = {"type": "button", "value": value}
    if menu:
        element = {"type": "static_select", "selected_option": {"value": value}}
    payload = {
        "type": "block_actions",
        "team": {"id": team.id},
        "user": {"id": user.id, "team_id": team.id},
        "trigger_id": scene.slack.new_trigger(user.id, team).id,
        "container": {"type": "message", "message_ts": "1.1", "channel_id": channel.id, "is_ephemeral": True},
        "channel": {"id": channel.id, "name": channel.name},
        "response_url": scene.slack.response_url(scene.slack.new_response_url(user.id, channel)),
        "actions": [{"action_id": forged.action, "block_id": "b", **element}],
    }
    return await send_interaction(scene, payload)


async def send_interaction(scene: Scene, payload: dict[str, Any]) -> int:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    headers = scene.user_actions.signed(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{scene.server.url}/slack/events"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as response:
        return response.status


async def two_dialogs(scene: Scene) -> list[tuple[str, int]]:
    """Create two dialogs of Anna, one kept private and one in review; return their ids and revisions."""
    sessions = []
    for keep in (True, False):
        await scene.tell(scene.anna, "start")
        card = scene.card(scene.anna, scene.team.im(scene.anna))
        await scene.answer_all(scene.anna, card, SHORT)
        value = card.buttons()[scene.label("post")]["value"].split("|")
        sessions.append((value[1], int(value[2])))
        if keep:
            await scene.press(scene.anna, card, "keep_private")
    return sessions


def visible_messages(scene: Scene, user: User, team: Workspace) -> str:
    """Return all messages this user can read, as JSON."""
    messages = (m for channel in team.channels.values() for m in scene.slack.visible_to(user, channel))
    return json.dumps([[message.blocks, message.text] for message in messages], ensure_ascii=False)


async def test_another_user_of_the_workspace(make_scene: MakeScene, tmp_path: Path) -> None:
    scene = await make_scene("fr")
    sessions = await two_dialogs(scene)
    tenant = f"slack:{scene.team.id}"
    await scene.settle()
    before = stored_data(tmp_path / "0.db", tenant, scene.anna.id)
    assert before.count("'kept'") == 1
    for forged in forged_presses(sessions):
        assert await press(scene, scene.team, scene.ben, scene.marketing, forged) == 200, forged
        if forged.action == "change":
            assert await press(scene, scene.team, scene.ben, scene.marketing, forged, menu=True) == 200, forged
    await scene.settle()
    assert stored_data(tmp_path / "0.db", tenant, scene.anna.id) == before
    assert outcome_text(scene.t) not in visible_messages(scene, scene.ben, scene.team)
    assert scene.marketing.messages == []
    modal = scene.user_actions.modal(scene.ben)
    view = modal.definition if modal else {}
    assert not any(id in json.dumps(view) and "state" in view for id, _ in sessions)


@pytest.mark.timeout(180)
async def test_the_same_person_id_in_another_workspace(make_scene: MakeScene, tmp_path: Path) -> None:
    scene = await make_scene("fr", oauth=True)
    await _install(scene)
    sessions = await two_dialogs(scene)
    tenant = f"slack:{scene.team.id}"
    other = scene.slack.add_workspace("Ailleurs")
    eve = other.add_user("eve", locale="fr-FR")
    plaza = other.add_channel("plaza", members=[eve])
    scene.slack.oauth.workspace = other
    await _install(scene)
    await scene.settle()
    del other.users[eve.id]
    eve.id = scene.anna.id
    other.users[eve.id] = eve
    before = stored_data(tmp_path / "0.db", tenant, scene.anna.id)
    for forged in forged_presses(sessions):
        assert await press(scene, other, eve, plaza, forged) == 200, forged
        if forged.action == "change":
            assert await press(scene, other, eve, plaza, forged, menu=True) == 200, forged
    await scene.settle()
    assert stored_data(tmp_path / "0.db", tenant, scene.anna.id) == before
    assert outcome_text(scene.t) not in visible_messages(scene, eve, other)


@pytest.mark.parametrize("kind", ["form", "picker"])
async def test_modals_with_the_ids_of_anothers_dialog(make_scene: MakeScene, tmp_path: Path, kind: str) -> None:
    scene = await make_scene("fr")
    sessions = await two_dialogs(scene)
    await scene.settle()
    before = stored_data(tmp_path / "0.db", f"slack:{scene.team.id}", scene.anna.id)
    values: dict[str, Any] = {
        question: {question: {"type": "radio_buttons", "selected_option": {"value": option}}}
        for question, option in {**SHORT, "brand": "no"}.items()
    }
    values["where"] = {"where": {"type": "conversations_select", "selected_conversation": scene.marketing.id}}
    card = {"channel": scene.team.im(scene.anna).id}
    for id, current in sessions:
        for revision in (current, 0, None, "0"):
            metadata = json.dumps({"session": id, "revision": revision, "card": card, "language": "fr"})
            view = {"id": "V1", "hash": "h", "callback_id": kind, "private_metadata": metadata, "blocks": []}
            payload = {
                "type": "view_submission",
                "team": {"id": scene.team.id},
                "user": {"id": scene.ben.id, "team_id": scene.team.id},
                "trigger_id": scene.slack.new_trigger(scene.ben.id, scene.team).id,
                "view": view | {"type": "modal", "state": {"values": values}},
            }
            assert await send_interaction(scene, payload) == 200
    await scene.settle()
    assert stored_data(tmp_path / "0.db", f"slack:{scene.team.id}", scene.anna.id) == before
    assert scene.marketing.messages == []
