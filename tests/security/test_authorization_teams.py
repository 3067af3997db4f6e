"""Teams: presses and forms with another user's ids neither change nor show that user's dialogs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, make_scene
from tests.security.ownership import ForgedPress, forged_presses, outcome_text, stored_data

__all__ = ["make_scene"]
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"
ACTIVITIES = ("adaptiveCard/action", "message", "task/fetch", "task/submit", "composeExtension/submitAction")


async def press(scene: Scene, activity: dict[str, Any], forged: ForgedPress, name: str, number: int) -> str:
    """Send a real press with its data replaced, as one of `ACTIVITIES`; return the body of the response."""
    data: dict[str, Any] = {
        **{"action": forged.action, "session": forged.session, "revision": forged.revision},
        **{"question": forged.question, "option": forged.option, "change": forged.question},
        **{"check": forged.session, "ticket": forged.session, "person": scene.anna.id, "channel": scene.channel.id},
        **{"given": {}, "sure": True},
    }
    if name == "message":
        activity = {key: item for key, item in activity.items() if key != "name"} | {"type": "message", "value": data}
    elif name == "adaptiveCard/action":
        activity = activity | {"value": {"action": {"type": "Action.Execute", "data": data}, "trigger": "manual"}}
    else:
        activity = activity | {"name": name, "value": {"data": data, "commandId": "check"}}
    exchange = await scene.user_actions.send_activity(activity | {"id": f"f:{name}:{number}"})
    assert exchange.status == 200, (forged, name, exchange.answer)
    return json.dumps(exchange.answer, ensure_ascii=False)


async def two_dialogs(scene: Scene) -> list[tuple[str, int]]:
    """Create two dialogs of Anna, one kept private and one in review; return their ids and revisions."""
    sessions = []
    for keep in (True, False):
        card = await scene.start_dialog("personal")
        await scene.answer_all(card, SHORT)
        data = scene.user_actions.make_press(scene.anna, card, scene.label("keep_private"))["value"]["action"]["data"]
        sessions.append((data["session"], data["revision"]))
        if keep:
            await scene.press(card, "keep_private")
    return sessions


@pytest.mark.timeout(240)
@pytest.mark.parametrize("attacker", ["another user", "the same user id in another tenant"])
async def test_presses_with_the_ids_of_anothers_dialogs(make_scene: MakeScene, tmp_path: Path, attacker: str) -> None:
    database = tmp_path / "0.db"
    scene = await make_scene("fr")
    scene.use(await scene.another_server(allowed_tenants=(scene.teams.tenant, OTHER_TENANT)))
    sessions = await two_dialogs(scene)
    await scene.wait_until_idle()
    if attacker == "another user":
        eve = scene.ben
    else:
        eve = scene.teams.add_user("Eve", locale="fr-FR", tenant=OTHER_TENANT)
        eve.id = scene.anna.id
    await scene.user_actions.personal(eve, "commencer")
    await scene.wait_until_idle()
    chat = scene.teams.personal(eve)
    sample = scene.user_actions.make_press(eve, scene.teams.last(chat), scene.label("why"))
    tenant = f"teams:{scene.teams.tenant}"
    before = stored_data(database, tenant, scene.anna.id)
    assert before.count("'kept'") == 1
    bodies = []
    for number, forged in enumerate(forged_presses(sessions)):
        name = ACTIVITIES[number % len(ACTIVITIES)] if forged.action != "submit" else ACTIVITIES[3 + number % 2]
        bodies.append(await press(scene, sample, forged, name, number))
        if number % len(ACTIVITIES):
            bodies.append(await press(scene, sample, forged, ACTIVITIES[0], number))
    await scene.wait_until_idle()
    assert stored_data(database, tenant, scene.anna.id) == before
    messages = [message.activity for message in scene.teams.messages(chat)]
    assert outcome_text(scene.t) not in "".join(bodies) + json.dumps(messages, ensure_ascii=False)
    assert scene.posts(scene.channel) == []
