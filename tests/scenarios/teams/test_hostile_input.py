"""Authentication, malformed input and untrusted data: no response is 500, and nothing changes."""

import asyncio
import json
import logging
import time
from typing import Any

import aiohttp
import pytest

from adapters.playground.teams.rules import walk as nodes
from adapters.teams import auth, http
from bot.core.service import Service
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene
from tests.scenarios.teams.forged_tokens import FORGERIES, token


@pytest.mark.parametrize("case", FORGERIES)
async def test_forged_tokens(french: Scene, case: str) -> None:
    activity = french.user_actions.make_personal(french.anna, "hello")
    answer = await french.user_actions.send_activity(activity, authorization=FORGERIES[case](french.teams))
    assert answer.status == 401
    assert french.teams.messages() == []


@pytest.mark.parametrize(("minutes", "status"), [(-4, 200), (4, 200), (-6, 401), (6, 401)])
async def test_tokens_of_another_clock(french: Scene, minutes: int, status: int) -> None:
    end = int(time.time()) + minutes * 60
    times = {"nbf": end, "exp": end + 3600} if minutes > 0 else {"nbf": end - 3600, "exp": end}
    activity = french.user_actions.make_personal(french.anna, "hello")
    authorization = f"Bearer {token(french.teams, **times)}"
    for _ in range(2):  # decoded, then from the cache
        answer = await french.user_actions.send_activity(activity, authorization=authorization)
        assert answer.status == status


async def test_a_token_is_checked_before_the_body(french: Scene) -> None:
    answer = await french.user_actions.send_activity({}, authorization=None, raw=b"[")
    assert answer.status == 401


async def test_other_tenants(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    stranger = scene.teams.add_user("Eve", tenant="11111111-2222-3333-4444-555555555555")
    assert (await scene.user_actions.personal(stranger, "hello")).status == 401
    both_tenants = await scene.another_server(allowed_tenants=(scene.teams.tenant, stranger.tenant))
    scene.use(both_tenants)
    assert (await scene.user_actions.personal(stranger, "hello")).status == 200
    without_tenant = scene.user_actions.make_personal(scene.anna, "hello")
    del without_tenant["channelData"], without_tenant["conversation"]["tenantId"]
    assert (await scene.user_actions.send_activity(without_tenant)).status == 401


@pytest.mark.parametrize("url", ["https://evil.example/", "http://127.0.0.1.evil.example/", "https://u@127.0.0.1/", ""])
async def test_service_urls_that_are_not_allowed(french: Scene, url: str) -> None:
    activity = french.user_actions.make_personal(french.anna, "hello") | {"serviceUrl": url}
    token = french.user_actions.token(serviceurl=url)
    answer = await french.user_actions.send_activity(activity, authorization=f"Bearer {token}")
    assert answer.status in (400, 401)


MALFORMED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"5",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"type":"message"}',
]


@pytest.mark.parametrize("raw", MALFORMED)
async def test_malformed_bodies(french: Scene, raw: bytes) -> None:
    assert (await french.user_actions.send_activity({"type": "x"}, raw=raw)).status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"from": None},
        {"from": "Anna"},
        {"from": {"id": 5}},
        {"conversation": None},
        {"conversation": []},
        {"conversation": {"id": ""}},
        {"recipient": None},
        {"text": 5},
        {"text": "a\x00b"},
        {"text": "\ud800"},
        {"id": None},
        {"channelData": []},
        {"membersAdded": {"id": "x"}},
        {"locale": ["fr"]},
        {"type": None},
    ],
    ids=str,
)
async def test_malformed_activities(french: Scene, change) -> None:
    activity = french.user_actions.make_personal(french.anna, "hello") | change
    raw = json.dumps(activity).encode()
    assert (await french.user_actions.send_activity(activity, raw=raw)).status == 400


@pytest.mark.parametrize("value", [None, [], "x", {}, {"action": None}, {"action": {"data": []}}, {"action": {}}])
async def test_buttons_without_valid_data(french: Scene, value) -> None:
    card = await french.start_dialog("channel")
    invoke = french.user_actions.make_press(french.anna, card, french.option("orientation", "key")) | {"value": value}
    answer = await french.user_actions.send_activity(invoke, raw=json.dumps(invoke).encode())
    assert answer.status in (200, 400)
    assert french.shows(card.card, "question.orientation.text")


async def test_the_data_of_a_button_is_not_trusted(french: Scene) -> None:
    scene = french
    card = await scene.start_dialog("channel")
    press = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    data = press["value"]["action"]["data"]
    changes: list[dict[str, Any]] = [
        {"session": "nonsense"},
        {"session": 5},
        {"question": "mode", "option": "agency"},
        {"option": "<script>"},
        {"option": {"a": 1}},
        {"revision": "0"},
        {"revision": 10**30},
        {"revision": -1},
        {"action": "post"},
        {"action": "toString"},
        {"action": None},
        {"action": "post", "channel": "x y"},
        {"action": "change", "change": "mode"},
        {"action": "quick", "option": "DROP TABLE"},
        {"action": "open_check", "check": "x" * 5000},
        {"action": "forget_confirm", "person": scene.ben.id},
    ]
    for number, change in enumerate(changes):
        value = {"action": {"type": "Action.Execute", "data": {**data, **change}}}
        answer = await scene.user_actions.send_activity({**press, "id": f"f:{number}", "value": value})
        assert answer.ok, change
        assert answer.message or answer.card, change
    await scene.wait_until_idle()
    assert scene.shows(card.card, "question.orientation.text")
    assert scene.posts(scene.channel) == []


async def test_another_tenants_dialog_cannot_be_reached(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", allowed_tenants=())
    other = "11111111-2222-3333-4444-555555555555"
    scene.use(await scene.another_server(allowed_tenants=(scene.teams.tenant, other)))
    card = await scene.start_dialog("personal")
    eve = scene.teams.add_user("Eve", locale="fr-FR", tenant=other)
    await scene.user_actions.personal(eve, "commencer")
    her_card = scene.teams.last(scene.teams.personal(eve))
    press = scene.user_actions.make_press(eve, her_card, scene.option("orientation", "key"))
    other_press = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    press["value"] = other_press["value"]
    answer = await scene.user_actions.send_activity(press)
    assert scene.shows(answer.card, "notice.gone")


async def test_new_keys_are_fetched_at_once_but_rarely(french: Scene) -> None:
    scene = french
    assert (await scene.user_actions.personal(scene.anna, "hello")).ok
    scene.teams.rotate_keys()
    assert (await scene.user_actions.personal(scene.anna, "hello")).ok
    before = len(scene.teams.calls_to("keys"))
    tokens = [scene.user_actions.token(header={"kid": f"made-up-{n}"}) for n in range(20)]
    activity = scene.user_actions.make_personal(scene.anna, "hello")
    requests = [scene.user_actions.send_activity(activity, authorization=f"Bearer {token}") for token in tokens]
    assert {answer.status for answer in await asyncio.gather(*requests)} == {401}
    assert len(scene.teams.calls_to("keys")) == before
    assert before <= 2


async def test_a_forged_key_id_does_not_keep_a_new_key_out(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "UNKNOWN_KEY_INTERVAL", 0.3)
    scene = french
    assert (await scene.user_actions.personal(scene.anna, "hello")).ok
    forged = scene.user_actions.token(header={"kid": "made-up"})
    activity = scene.user_actions.make_personal(scene.anna, "hello")
    answer = await scene.user_actions.send_activity(activity, authorization=f"Bearer {forged}")
    assert answer.status == 401
    scene.teams.rotate_keys()
    await asyncio.sleep(0.4)
    assert (await scene.user_actions.personal(scene.anna, "hello")).ok


async def test_requests_are_rejected_without_signing_keys(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = french
    scene.teams.fail("openid", 500, times=1)
    activity = scene.user_actions.make_personal(scene.anna, "hello")
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {scene.user_actions.token()}"}
        async with session.post(scene.user_actions.endpoint, json=activity, headers=headers) as answer:
            assert answer.status == 503
    monkeypatch.setattr(auth, "PAUSE_AFTER_FAILURE", 0.0)
    assert (await scene.user_actions.send_activity(activity)).ok


async def test_cached_tokens_expire(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    authorization = f"Bearer {french.user_actions.token()}"
    activity = french.user_actions.make_personal(french.anna, "hello")
    assert (await french.user_actions.send_activity(activity, authorization=authorization)).ok
    later = time.time() + 3600 + auth.LEEWAY + 1
    monkeypatch.setattr("adapters.teams.auth.time.time", lambda: later)
    assert (await french.user_actions.send_activity(activity, authorization=authorization)).status == 401


async def test_unauthenticated_mode_needs_an_empty_app_id(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await make_scene("fr")
    activity = scene.user_actions.make_personal(scene.anna, "hello")
    scene.use(await scene.another_server(dangerously_allow_unauthenticated_teams=True))
    assert (await scene.user_actions.send_activity(activity, authorization=None)).status == 401
    with caplog.at_level(logging.WARNING):
        unauthenticated = {"dangerously_allow_unauthenticated_teams": True, "teams_service_url_hosts": ()}
        scene.use(await scene.another_server(microsoft_app_id="", **unauthenticated))
    assert "DANGEROUS" in caplog.text
    assert (await scene.user_actions.send_activity(activity, authorization=None)).ok
    scene.use(await scene.another_server(microsoft_app_id=""))
    assert (await scene.user_actions.send_activity(activity, authorization=None)).status == 401


async def test_an_unexpected_error_is_answered_with_a_text(
    french: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    card = await french.start_dialog("channel")

    async def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(Service, "turn", broken)
    answer = await french.user_actions.press(french.anna, card, french.option("orientation", "key"))
    assert answer.message == french.t("notice.error")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    caplog.clear()


async def test_slow_answers_show_typing(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TYPING_AFTER", 0.05)
    french.teams.fail("send", delay=0.3)
    await french.user_actions.personal(french.anna, "hello")
    await french.wait_until_idle()
    assert french.teams.typing


async def test_names_are_shown_unchanged(french: Scene) -> None:
    scene = french
    await scene.user_actions.mention(scene.ben, scene.channel, "check")
    card = scene.teams.last(scene.channel)
    for question, option in SHORT.items():
        await scene.user_actions.press(scene.ben, card, scene.option(question, option))
    await scene.user_actions.press(scene.ben, card, scene.label("post"))
    post = await scene.post()
    runs = [node["text"] for node in nodes(post.card) if node.get("type") == "TextRun"]
    assert [text for text in runs if "Ben" in text] == [scene.t("announcement.by", person="Ben *Stark* [x](y)")]
    blocks = [node["text"] for node in nodes(post.card) if node.get("type") == "TextBlock"]
    assert not any("Stark" in text for text in blocks), "a text block would read it as Markdown"
