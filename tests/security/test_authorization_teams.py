"""Teams: whatever is pressed with another's ids, by a colleague or from another tenant, nothing of theirs moves."""

import json
from pathlib import Path
from typing import Any

import pytest

from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.walk import walk
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, make_scene
from tests.security.ownership import Forged, belongings, forged

__all__ = ["make_scene"]
OTHER = "11111111-2222-3333-4444-555555555555"
WAYS = ("adaptiveCard/action", "message", "task/fetch", "task/submit", "composeExtension/submitAction")


async def press(scene: Scene, made: dict[str, Any], forgery: Forged, way: str, number: int) -> str:
    """Send a true press changed to say this, in one of the ways there are; return what was answered."""
    data: dict[str, Any] = {
        **{"action": forgery.action, "session": forgery.session, "revision": forgery.revision},
        **{"question": forgery.question, "option": forgery.option, "change": forgery.question},
        **{"check": forgery.session, "ticket": forgery.session, "person": scene.anna.id, "channel": scene.channel.id},
        **{"given": {}, "sure": True},
    }
    if way == "message":
        activity = {key: one for key, one in made.items() if key != "name"} | {"type": "message", "value": data}
    elif way == "adaptiveCard/action":
        activity = made | {"value": {"action": {"type": "Action.Execute", "data": data}, "trigger": "manual"}}
    else:
        activity = made | {"name": way, "value": {"data": data, "commandId": "check"}}
    answer = await scene.user_actions.send_activity(activity | {"id": f"f:{way}:{number}"})
    assert answer.status == 200, (forgery, way, answer.raw)
    return answer.raw.decode()


async def two_dialogs(scene: Scene) -> list[tuple[str, int]]:
    """Anna's: one kept for herself, one that waits for her word to post it. Return their ids and revisions."""
    found = []
    for keep in (True, False):
        card = await scene.begin("personal")
        await scene.answer_all(card, SHORT)
        data = scene.user_actions.make_press(scene.anna, card, scene.label("keep_private"))["value"]["action"]["data"]
        found.append((data["session"], data["revision"]))
        if keep:
            await scene.press(card, "keep_private")
    return found


def outcome(scene: Scene) -> str:
    found = recommend(FLOW, walk(FLOW, SHORT))
    assert found
    return scene.t(f"outcome.{found.outcome.id}.title")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("whose", ["a colleague", "the same person id in another tenant"])
async def test_with_anothers_ids(make_scene: MakeScene, tmp_path: Path, whose: str) -> None:
    database = tmp_path / "0.db"
    scene = await make_scene("fr")
    scene.use(await scene.another_server(allowed_tenants=(scene.teams.tenant, OTHER)))
    sessions = await two_dialogs(scene)
    await scene.settled()
    if whose == "a colleague":
        thief = scene.ben
    else:
        thief = scene.teams.add_user("Eve", locale="fr-FR", tenant=OTHER)
        thief.id = scene.anna.id
    await scene.user_actions.personal(thief, "commencer")
    await scene.settled()
    chat = scene.teams.personal(thief)
    made = scene.user_actions.make_press(thief, scene.teams.last(chat), scene.label("why"))
    tenant = f"teams:{scene.teams.tenant}"
    before = belongings(database, tenant, scene.anna.id)
    assert before.count("'kept'") == 1
    answered = []
    for number, forgery in enumerate(forged(sessions)):
        way = WAYS[number % len(WAYS)] if forgery.action != "submit" else WAYS[3 + number % 2]
        answered.append(await press(scene, made, forgery, way, number))
        if number % len(WAYS):
            answered.append(await press(scene, made, forgery, WAYS[0], number))
    await scene.settled()
    assert belongings(database, tenant, scene.anna.id) == before
    told = "".join(answered) + json.dumps([each.activity for each in scene.teams.messages(chat)], ensure_ascii=False)
    assert outcome(scene) not in told
    assert scene.posts(scene.channel) == []
