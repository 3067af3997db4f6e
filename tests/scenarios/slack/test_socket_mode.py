"""Socket Mode: the same dialog, and the same door, through a connection that the server opens itself."""

import asyncio
import json
import logging
from typing import Any

import pytest
from prometheus_client import REGISTRY

from adapters.ports import Turn, TurnResult
from adapters.slack import http, socket_mode
from adapters.slack.socket_mode import ROUTE
from bot.core import service
from bot.telemetry.logging import formatter
from tests.scenarios.slack.conftest import MakeScene, Scene

SOON = 0.3
"""Seconds to wait for an acknowledgement that must not come."""
NOT_TAKEN: dict[str, Any] = {
    "half a pair": {"command": "/cm", "text": "\ud800"},
    "a zero character": {"command": "/cm", "text": "\0"},
    "in a key": {"type": "block_actions", "\udfff": {}},
    "no number": {"type": "block_actions", "n": float("nan")},
    "a list": [1, 2],
    "a text": "start",
    "nothing": {},
    "not shaped like Slack's": {"type": "event_callback", "team_id": "T", "event": [1]},
}


@pytest.fixture
async def scene(make_scene: MakeScene) -> Scene:
    return await make_scene("en", socket=True)


async def send(scene: Scene, payload: Any, seconds: float = 3, kind: str = "interactive") -> Any:
    return await scene.slack.send_envelope(kind, payload, seconds, accepts_response_payload=True)


async def test_it_does_the_same(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)


async def test_what_comes_is_timed_and_has_an_id_in_the_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def taken(status: int) -> float:
        return REGISTRY.get_sample_value("cm_advisor_ack_seconds_count", {"route": ROUTE, "status": str(status)}) or 0

    caplog.handler.setFormatter(formatter("json"))
    good, bad = taken(200), taken(400)
    await scene.slash(scene.anna, scene.marketing)
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await send(scene, NOT_TAKEN["a zero character"], SOON)
    assert (taken(200) - good, taken(400) - bad) == (1, 2)
    lines = [json.loads(line) for line in caplog.text.splitlines() if "cannot be stored" in line]
    assert len({line["request"] for line in lines}) == 2


@pytest.mark.parametrize("payload", NOT_TAKEN.values(), ids=NOT_TAKEN)
async def test_what_the_door_refuses_is_not_acknowledged(
    scene: Scene, payload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(*_: object) -> None:
        raise AssertionError("the application was asked")

    if isinstance(payload, dict) and payload:
        payload = payload | {"team_id": scene.team.id, "user_id": scene.anna.id, "channel_id": scene.marketing.id}
    with monkeypatch.context() as at_rest:
        for name in ("turn", "find_running", "get_language", "is_duplicate"):
            at_rest.setattr(service.Service, name, asked)
        with pytest.raises(TimeoutError):
            await send(scene, payload, SOON)
    card = await scene.slash(scene.anna, scene.marketing)
    assert scene.option("orientation", "key") in card.buttons(), "the connection goes on"


async def test_what_somebody_typed_that_no_database_takes_begins_nothing(scene: Scene) -> None:
    scene.user_actions.timeout_seconds = SOON
    ack = await scene.user_actions.direct_message(scene.anna, "start \ud800")
    assert ack.error == "operation_timeout"
    await scene.settle()
    assert scene.sees(scene.anna, scene.team.im(scene.anna)) == []


async def test_an_event_that_is_nothing_to_us_is_acknowledged(scene: Scene) -> None:
    assert (await scene.user_actions.event({"type": "tokens_revoked", "tokens": {}})).status == 200
    assert await send(scene, {"type": "something_new", "team": {"id": scene.team.id}}) == {}


async def test_what_takes_too_long_is_acknowledged_in_time_and_done_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as loaded:
        loaded.setattr(http, "RESPONSE_SECONDS", 0.1)
        slow(loaded, 0.3)
        ack = await scene.user_actions.slash(scene.anna, scene.marketing)
        assert ack.status == 200
        assert ack.answer is None
        card = await scene.slack.wait_for(lambda: scene.sees(scene.anna, scene.marketing), what="the answer")
        scene.user_actions.timeout_seconds = 0.5
        event = await scene.user_actions.direct_message(scene.anna, "start")
        assert event.error == "operation_timeout", "Slack delivers it again"
        await scene.settle()
        await scene.user_actions.redeliver(event)
        await scene.settle()
    assert scene.t("question.orientation.text") in " ".join(card[0].texts())
    assert len(scene.sees(scene.anna, scene.team.im(scene.anna))) == 1


async def test_who_asks_too_much_is_told_so(make_scene: MakeScene) -> None:
    scene = await make_scene("en", socket=True, rate_person=0.2)
    for _ in range(2):
        await scene.slash(scene.anna, scene.marketing, "help")
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert ack.message
    assert ack.message.text == scene.t("notice.too_fast")


async def test_at_the_end_what_was_taken_is_acknowledged_and_nothing_more_is_taken(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    slow(monkeypatch, 0.3)
    pressing = asyncio.create_task(scene.user_actions.press(scene.anna, card, scene.option("orientation", "key")))
    await asyncio.sleep(0.1)
    await scene.server.stop()
    ack = await pressing
    assert ack.status == 200
    assert scene.option("brand", "yes") in card.buttons(), "and drawn"
    assert scene.slack.sockets == []


async def test_it_comes_back_when_slack_asks_for_that(scene: Scene) -> None:
    first = list(scene.slack.sockets)
    await scene.slack.refresh_sockets()
    scene.user_actions.timeout_seconds = SOON
    async with asyncio.timeout(5):  # a word said while connections change may be lost, and is said again
        while not (await scene.user_actions.slash(scene.anna, scene.marketing)).ok:  # noqa: ASYNC110 - as people do
            await asyncio.sleep(0.1)
    assert not set(map(id, first)) & set(map(id, scene.slack.sockets))


async def test_a_token_that_slack_refuses_is_named_and_keeps_nobody_from_starting_or_ending(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(5):
        scene = await make_scene("en", slack_app_token="xapp-of-somebody-else")
        await scene.slack.wait_for(lambda: "SLACK_APP_TOKEN: invalid_auth" in caplog.text, what="a word in the log")
        await scene.server.stop()
    assert scene.slack.sockets == []
    caplog.clear()


async def test_slack_away_at_the_start_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.server.stop()
    monkeypatch.setattr(socket_mode, "PING_SECONDS", 0.2)
    scene.slack.fail("apps.connections.open", drop="before")
    with caplog.at_level(logging.WARNING):
        await scene.another_server()
        await scene.slack.wait_for(lambda: scene.slack.sockets, what="a connection")
    assert "Slack cannot be reached" in caplog.text
    assert (await scene.user_actions.slash(scene.anna, scene.marketing)).status == 200


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    turn = service.Service.turn

    async def slowly(self: service.Service, event: Turn) -> TurnResult:
        await asyncio.sleep(seconds)
        return await turn(self, event)

    monkeypatch.setattr(service.Service, "turn", slowly)
