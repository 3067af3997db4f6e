"""Slack: whatever is pressed with another's ids, by a colleague or from another workspace, nothing of theirs moves."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.playground.slack.models import Channel, Message, User, Workspace
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.walk import walk
from tests.scenarios.conftest import no_platform_settings, no_unexpected_errors
from tests.scenarios.scene import SHORT
from tests.scenarios.slack.conftest import MakeScene, Scene, make_scene
from tests.scenarios.slack.test_hostile_input import _install
from tests.security.ownership import Forged, belongings, forged

__all__ = ["make_scene", "no_platform_settings", "no_unexpected_errors"]


async def press(scene: Scene, team: Workspace, user: User, on: Message | Channel, forgery: Forged) -> int:
    """Press a button that says this, in the name of a person of a workspace; Slack's signature is true."""
    channel = on if isinstance(on, Channel) else on.channel
    revision = "" if forgery.revision is None else forgery.revision
    value = f"card|{forgery.session}|{revision}|{forgery.question}|{forgery.option}"
    payload = {
        "type": "block_actions",
        "team": {"id": team.id},
        "user": {"id": user.id, "team_id": team.id},
        "trigger_id": scene.slack.state.new_trigger(user.id, team).id,
        "container": {"type": "message", "message_ts": "1.1", "channel_id": channel.id, "is_ephemeral": True},
        "channel": {"id": channel.id, "name": channel.name},
        "response_url": scene.slack.response_url(scene.slack.state.new_response_url(user.id, channel)),
        "actions": [{"type": "button", "action_id": forgery.action, "block_id": "b", "value": value}],
    }
    return await deliver(scene, payload)


async def deliver(scene: Scene, payload: dict[str, Any]) -> int:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    headers = scene.user_actions.signed(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{scene.server.url}/slack/events"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as answer:
        return answer.status


async def two_dialogs(scene: Scene) -> list[tuple[str, int]]:
    """Anna's: one kept for herself, one that waits for her word to post it. Return their ids and revisions."""
    found = []
    for keep in (True, False):
        await scene.tell(scene.anna, "start")
        card = scene.card(scene.anna, scene.team.im(scene.anna))
        await scene.answer_all(scene.anna, card, SHORT)
        value = card.buttons()[scene.label("post")]["value"].split("|")
        found.append((value[1], int(value[2])))
        if keep:
            await scene.press(scene.anna, card, "keep_private")
    return found


def outcome(scene: Scene) -> str:
    """The words that only Anna may read."""
    found = recommend(FLOW, walk(FLOW, SHORT))
    assert found
    return scene.t(f"outcome.{found.outcome.id}.title")


def everything(scene: Scene, user: User, team: Workspace) -> str:
    """All that the app ever wrote where this person reads."""
    return json.dumps(
        [[each.blocks, each.text] for room in team.channels.values() for each in scene.slack.visible_to(user, room)],
        ensure_ascii=False,
    )


async def test_a_colleague(make_scene: MakeScene, tmp_path: Path) -> None:
    scene = await make_scene("fr")
    sessions = await two_dialogs(scene)
    tenant = f"slack:{scene.team.id}"
    await scene.settle()
    before = belongings(tmp_path / "0.db", tenant, scene.anna.id)
    assert before.count("'kept'") == 1
    for forgery in forged(sessions):
        assert await press(scene, scene.team, scene.ben, scene.marketing, forgery) == 200, forgery
    await scene.settle()
    assert belongings(tmp_path / "0.db", tenant, scene.anna.id) == before
    assert outcome(scene) not in everything(scene, scene.ben, scene.team)
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
    there = scene.slack.add_workspace("Ailleurs")
    eve = there.add_user("eve", locale="fr-FR")
    plaza = there.add_channel("plaza", members=[eve])
    scene.slack.oauth.workspace = there
    await _install(scene)
    await scene.settle()
    del there.users[eve.id]
    eve.id = scene.anna.id
    there.users[eve.id] = eve
    before = belongings(tmp_path / "0.db", tenant, scene.anna.id)
    for forgery in forged(sessions):
        assert await press(scene, there, eve, plaza, forgery) == 200, forgery
    await scene.settle()
    assert belongings(tmp_path / "0.db", tenant, scene.anna.id) == before
    assert outcome(scene) not in everything(scene, eve, there)


@pytest.mark.parametrize("kind", ["form", "picker"])
async def test_modals_about_anothers_dialog(make_scene: MakeScene, tmp_path: Path, kind: str) -> None:
    scene = await make_scene("fr")
    sessions = await two_dialogs(scene)
    await scene.settle()
    before = belongings(tmp_path / "0.db", f"slack:{scene.team.id}", scene.anna.id)
    values: dict[str, Any] = {
        question: {question: {"type": "radio_buttons", "selected_option": {"value": option}}}
        for question, option in {**SHORT, "brand": "no"}.items()
    }
    values["where"] = {"where": {"type": "conversations_select", "selected_conversation": scene.marketing.id}}
    for id, now in sessions:
        for revision in (now, 0, None, "0"):
            about = {
                "session": id,
                "revision": revision,
                "card": {"channel": scene.team.im(scene.anna).id},
                "language": "fr",
            }
            view = {"id": "V1", "hash": "h", "callback_id": kind, "private_metadata": json.dumps(about), "blocks": []}
            payload = {
                "type": "view_submission",
                "team": {"id": scene.team.id},
                "user": {"id": scene.ben.id, "team_id": scene.team.id},
                "trigger_id": scene.slack.state.new_trigger(scene.ben.id, scene.team).id,
                "view": view | {"type": "modal", "state": {"values": values}},
            }
            assert await deliver(scene, payload) == 200
    await scene.settle()
    assert belongings(tmp_path / "0.db", f"slack:{scene.team.id}", scene.anna.id) == before
    assert scene.marketing.messages == []
