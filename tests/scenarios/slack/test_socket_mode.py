"""Socket Mode: the same dialogs and checks as over HTTP."""

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
REFUSED: dict[str, Any] = {
    "half a surrogate pair": {"command": "/cm", "text": "\ud800"},
    "NUL character": {"command": "/cm", "text": "\0"},
    "in a key": {"type": "block_actions", "\udfff": {}},
    "NaN": {"type": "block_actions", "n": float("nan")},
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


async def test_dialog_works_as_over_http(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)


async def test_requests_have_a_metric_and_an_id_in_the_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def responses(status: int) -> float:
        return REGISTRY.get_sample_value("cm_advisor_ack_seconds_count", {"route": ROUTE, "status": str(status)}) or 0

    caplog.handler.setFormatter(formatter("json"))
    accepted, refused = responses(200), responses(400)
    await scene.slash(scene.anna, scene.marketing)
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await send(scene, REFUSED["NUL character"], SOON)
    assert (responses(200) - accepted, responses(400) - refused) == (1, 2)
    lines = [json.loads(line) for line in caplog.text.splitlines() if "malformed request" in line]
    assert len({line["request"] for line in lines}) == 2


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED)
async def test_refused_request_is_not_acknowledged(scene: Scene, payload: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise AssertionError("the application was called")

    if isinstance(payload, dict) and payload:
        payload = payload | {"team_id": scene.team.id, "user_id": scene.anna.id, "channel_id": scene.marketing.id}
    with monkeypatch.context() as patched:
        for name in ("turn", "find_running", "get_language", "is_duplicate"):
            patched.setattr(service.Service, name, fail)
        with pytest.raises(TimeoutError):
            await send(scene, payload, SOON)
    card = await scene.slash(scene.anna, scene.marketing)
    assert scene.option("orientation", "key") in card.buttons(), "the connection still works"


async def test_text_that_cannot_be_stored_starts_nothing(scene: Scene) -> None:
    scene.user_actions.timeout_seconds = SOON
    ack = await scene.user_actions.direct_message(scene.anna, "start \ud800")
    assert ack.error == "operation_timeout"
    await scene.settle()
    assert scene.sees(scene.anna, scene.team.im(scene.anna)) == []


async def test_other_events_are_acknowledged(scene: Scene) -> None:
    assert (await scene.user_actions.event({"type": "tokens_revoked", "tokens": {}})).status == 200
    assert await send(scene, {"type": "something_new", "team": {"id": scene.team.id}}) == {}


async def test_slow_request_is_acknowledged_in_time_and_finished(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_rate_limit_notice(make_scene: MakeScene) -> None:
    scene = await make_scene("en", socket=True, rate_person=0.2)
    for _ in range(2):
        await scene.slash(scene.anna, scene.marketing, "help")
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert ack.message
    assert ack.message.text == scene.t("notice.too_fast")


async def test_shutdown_acknowledges_accepted_requests_and_accepts_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    slow(monkeypatch, 0.3)
    pressing = asyncio.create_task(scene.user_actions.press(scene.anna, card, scene.option("orientation", "key")))
    await asyncio.sleep(0.1)
    await scene.server.stop()
    ack = await pressing
    assert ack.status == 200
    assert scene.option("brand", "yes") in card.buttons(), "and its card is updated"
    assert scene.slack.sockets == []


async def test_reconnects_when_slack_asks_for_it(scene: Scene) -> None:
    first = list(scene.slack.sockets)
    await scene.slack.refresh_sockets()
    scene.user_actions.timeout_seconds = SOON
    async with asyncio.timeout(5):  # a command may get lost while connections change
        while not (await scene.user_actions.slash(scene.anna, scene.marketing)).ok:  # noqa: ASYNC110 - people repeat it as well
            await asyncio.sleep(0.1)
    assert not set(map(id, first)) & set(map(id, scene.slack.sockets))


async def test_refused_app_token_is_logged_and_does_not_block_start_or_stop(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(5):
        scene = await make_scene("en", slack_app_token="xapp-of-somebody-else")
        await scene.slack.wait_for(lambda: "SLACK_APP_TOKEN: invalid_auth" in caplog.text, what="the log message")
        await scene.server.stop()
    assert scene.slack.sockets == []
    caplog.clear()


async def test_connects_later_if_slack_is_unreachable_at_start(
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


async def test_stops_at_once_while_slack_is_unreachable(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Docker kills a process after ten seconds."""
    scene = await make_scene("en", socket=True)
    for change in ({"slack_app_token": None}, {}):
        for fault in ({"drop": "before"}, {"delay": 30}, {"status": 503}):
            scene.slack.fail("*", **fault)
            scene.slack.fail("*", **fault)
            server = await scene.another_server(**change)
            await asyncio.sleep(0.3)
            async with asyncio.timeout(3):
                await server.stop()
            scene.slack.faults.clear()
    caplog.clear()


@pytest.mark.parametrize(
    ("no_proxy", "url", "proxy"),
    [
        ("", "wss://wss-primary.slack.com/link", "http://proxy:3128"),
        ("slack.com", "wss://wss-primary.slack.com/link", None),
        ("*", "wss://wss-primary.slack.com/link", None),
        ("example.org", "ws://slack.test/link", "http://plain:3128"),
        ("slack.test", "ws://slack.test:8080/link", None),
    ],
)
def test_no_proxy_is_respected(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, proxy: str | None) -> None:
    for name in ("ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://plain:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert socket_mode.proxy_for(url) == proxy


async def test_a_proxy_that_is_not_for_slack_is_not_used(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    scene = await make_scene("en", socket=True)
    assert (await scene.user_actions.slash(scene.anna, scene.marketing)).status == 200
