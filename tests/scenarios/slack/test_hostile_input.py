"""Forged and repeated requests, presses of others, refused posts, lost responses, restarts."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, CookieJar

from adapters.playground.slack import methods, state
from adapters.playground.slack.models import Channel, Message, User
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.ports import Json, ServiceUnavailable, Turn, TurnResult
from adapters.slack import OPTIONAL_SCOPES, SCOPES, block_kit, http, installations
from adapters.slack.button_value import ButtonContext
from adapters.slack.oauth import OAuth
from bot.core import service
from bot.storage.database import Database
from bot.storage.schema import adapter_data
from dialogs.views import Button
from tests.scenarios.slack.conftest import MakeScene, Scene

GARBAGE = [
    (b"", "application/x-www-form-urlencoded"),
    (b"payload=", "application/x-www-form-urlencoded"),
    (b"payload={", "application/x-www-form-urlencoded"),
    (b"payload=%5B1%5D", "application/x-www-form-urlencoded"),
    (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
    (b"not json", "application/json"),
    (b"[1,2]", "application/json"),
    (b'"text"', "application/json"),
    (b"null", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"type":"event_callback","team_id":"T","event":[1]}', "application/json"),
    (b'{"type":"event_callback","team_id":"T","event":{"type":["message"]}}', "application/json"),
    (b'{"type":"event_callback","team_id":"T","event":{"type":"message"},"authorizations":[1]}', "application/json"),
    (b'{"type":"view_submission","team":{"id":"T"},"view":{"callback_id":[1]}}', "application/json"),
    (b'{"type":"block_actions","team":{"id":"T"},"actions":{}}', "application/json"),
    (b'{"type":"shortcut","team":["T"],"callback_id":"open_form"}', "application/json"),
    (b'{"team_id":"T","command":["/cm"]}', "application/json"),
]


async def post(scene: Scene, body: bytes, headers: dict[str, str], kind: str = "application/json") -> int:
    url = f"{scene.server.url}/slack/events"
    async with (
        ClientSession() as http,
        http.post(url, data=body, headers={**headers, "Content-Type": kind}) as response,
    ):
        return response.status


async def finished(scene: Scene, answers: dict[str, str], channel: Channel | None = None) -> Message:
    card = await scene.slash(scene.anna, channel or scene.marketing)
    return await scene.answer_all(scene.anna, card, answers)


async def retry(scene: Scene, user: User) -> Message:
    """Return the private notice with the button to try again."""
    label = scene.label("retry_post")

    def notices() -> list[Message]:
        return [
            message
            for channel in scene.team.channels.values()
            for message in scene.sees(user, channel)
            if label in message.buttons()
        ]

    messages: list[Message] = await scene.slack.wait_for(notices, what="a notice with a button to try again")
    assert len(messages) == 1
    return messages[0]


# --- Verification -------------------------------------------------------------------------------------------------


async def test_only_requests_signed_by_slack_are_accepted(french: Scene) -> None:
    body = b'{"type":"url_verification","challenge":"c"}'
    valid = french.user_actions.signed(body)
    timestamp, signature = "X-Slack-Request-Timestamp", "X-Slack-Signature"
    invalid: list[dict[str, str]] = [
        {},
        {timestamp: valid[timestamp]},
        {signature: valid[signature]},
        valid | {signature: "v0=00"},
        valid | {signature: "v0=é".encode().decode("latin-1")},
        valid | {timestamp: "soon"},
        valid | {timestamp: "-1"},
        valid | {timestamp: "9" * 30},
        french.user_actions.signed(body, secret="another"),
        french.user_actions.signed(body, timestamp=time.time() - 400),
        french.user_actions.signed(body, timestamp=time.time() + 400),
        french.user_actions.signed(b"other bytes"),
    ]
    for headers in invalid:
        assert await post(french, body, headers) == 401, headers
    assert await post(french, body, valid) == 200
    checked = await french.user_actions.verify_url()
    assert checked.answer == {"challenge": "ch4llenge"}


@pytest.mark.parametrize(("body", "kind"), GARBAGE)
async def test_garbage_is_answered_400_or_401(french: Scene, body: bytes, kind: str) -> None:
    assert await post(french, body, {}, kind) in {400, 401}
    assert await post(french, body, french.user_actions.signed(body), kind) == 400


async def test_command_may_contain_the_word_payload(french: Scene) -> None:
    answer = await french.slash(french.anna, french.marketing, "payload")
    assert french.label("start") in answer.buttons()


@pytest.mark.parametrize(
    "event",
    [
        {"type": "team_join", "user": {"id": "U1", "team_id": "T1", "profile": {"team": "T1"}}},
        {"type": "user_change", "user": {"id": "U1", "enterprise_user": {"id": "W1"}}, "cache_ts": 1},
        {"type": "channel_rename", "channel": {"id": "C1", "name": "new", "created": 1}},
        {"type": "channel_created", "channel": {"id": "C1", "creator": "U1"}},
        {"type": "im_created", "user": "U1", "channel": {"id": "D1", "user": "U2"}},
        {"type": "subteam_updated", "subteam": {"id": "S1", "users": ["U1"]}},
        {"type": "file_shared", "file_id": "F1", "file": {"id": "F1"}, "user": 7, "channel": ["C1"]},
        {"type": "team_rename", "name": {"new": "x"}, "team": [1], "event_ts": 7},
    ],
)
async def test_events_that_nobody_asked_for_are_acknowledged(french: Scene, event: dict[str, object]) -> None:
    team = {"team_id": french.team.id, "api_app_id": "A1", "event_id": "Ev1", "event_time": 1, "type": "event_callback"}
    raw = json.dumps(team | {"event": event}).encode()
    assert await post(french, raw, french.user_actions.signed(raw)) == 200
    assert {call.operation for call in french.slack.calls} <= {"auth.test"}


async def test_presses_without_an_action_are_harmless(french: Scene) -> None:
    actor: dict[str, object] = {"user": {"id": french.anna.id}, "team": {"id": french.team.id}, "channel": {"id": "C1"}}
    for kind in ("interactive_message", "block_actions", "message_action", "dialog_submission", "unknown"):
        for actions in cast(list[object], [[], [{}], [[]], "x", None]):
            payload = actor | {"actions": actions, "type": kind, "callback_id": "x", "trigger_id": "1.2.x"}
            assert await _interact(french, payload) in {200, 400}, payload


async def test_other_events_are_acknowledged(french: Scene) -> None:
    for kind in ("team_join", "channel_rename", "reaction_added", "member_joined_channel", "app_mentionx"):
        ack = await french.user_actions.event({"type": kind, "user": french.anna.id, "event_ts": "1.0"})
        assert ack.status == 200


async def test_messages_of_bots_edits_and_subtypes_are_ignored(french: Scene) -> None:
    direct = french.team.im(french.anna)
    base = {
        "type": "message",
        "channel": direct.id,
        "channel_type": "im",
        "ts": "1.0",
        "text": "oui",
        "event_ts": "1.0",
    }
    for fields in (
        {"user": french.team.bot.id, "bot_id": french.team.bot_id},
        {"user": french.anna.id, "subtype": "message_changed", "hidden": True},
        {"user": french.anna.id, "subtype": "channel_topic"},
        {"user": french.anna.id, "edited": {"user": french.anna.id, "ts": "1.0"}},
        {"user": "USLACKBOT", "bot_id": "B01"},
        {"subtype": "bot_message", "bot_id": "B02"},
        {},
    ):
        assert (await french.user_actions.event(base | fields)).status == 200
    await french.settle()
    assert french.sees(french.anna, direct) == []


# --- Duplicates ---------------------------------------------------------------------------------------------------


async def test_redelivered_event_changes_nothing_on_any_replica(french: Scene) -> None:
    direct = french.team.im(french.anna)
    for text in ("start", "aide"):
        ack = await french.user_actions.direct_message(french.anna, text)
        await french.settle()
        before = len(french.sees(french.anna, direct))
        await french.user_actions.redeliver(ack)
        french.user_actions.app_url = (await french.another_server()).url
        await french.user_actions.redeliver(ack, 2)
        await french.settle()
        assert len(french.sees(french.anna, direct)) == before


async def test_text_delivered_after_a_later_press_changes_nothing(french: Scene) -> None:
    card = await french.tell(french.anna, "commencer")
    url, french.user_actions.app_url = french.user_actions.app_url, "http://127.0.0.1:1"
    message = await french.user_actions.direct_message(french.anna, "orientation=seo")
    assert message.error
    french.user_actions.app_url = url
    await french.press(french.anna, card, french.option("orientation", "key"))
    await french.user_actions.redeliver(message)
    await french.settle()
    direct = french.team.im(french.anna)
    assert french.reads(french.anna, direct, french.t("notice.stale"))
    newer = await french.user_actions.direct_message(french.anna, "oui")
    assert newer.ok
    await french.settle()
    assert french.reads(french.anna, direct, french.t("question.transformation.text"))


async def test_press_redelivered_or_repeated_counts_once(french: Scene) -> None:
    card = await french.slash(french.anna, french.marketing)
    old = card.snapshot()
    ack = await french.press(french.anna, card, french.option("orientation", "key"))
    await french.user_actions.redeliver(ack)
    await french.press(french.anna, old, french.option("orientation", "key"))
    assert french.t("question.brand.text") in " ".join(card.texts())
    assert not french.reads(french.anna, french.marketing, french.t("notice.stale")), "the same button needs no notice"


async def test_stale_press_gets_a_notice_and_the_current_card(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    old = card.snapshot()
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    await scene.press(scene.anna, old, scene.option("orientation", "seo"))
    assert scene.reads(scene.anna, scene.marketing, scene.t("notice.stale"))
    assert scene.t("question.brand.text") in " ".join(card.texts())


async def test_repeated_presses_post_once(french: Scene, answers: dict[str, str]) -> None:
    card = await finished(french, answers)
    old = card.snapshot()
    await asyncio.gather(*(french.user_actions.press(french.anna, old, french.label("post")) for _ in range(4)))
    await french.posted(french.marketing)
    again = await french.another_server()
    french.user_actions.app_url = again.url
    await french.press(french.anna, old, "post")
    await french.posted(french.marketing)


# --- Authorization ------------------------------------------------------------------------------------------------


async def test_forged_button_value_gets_a_notice(french: Scene) -> None:
    card = await french.slash(french.anna, french.marketing)
    session = card.buttons()[french.option("orientation", "key")]["value"].split("|")[1]
    for value in (
        "",
        "garbage",
        "card|x",
        "card|../..|1|q|o",
        "x" * 1999,
        "card|" + "é" * 20 + "|||",
        f"card|{session}|99|brand|yes",
    ):
        payload = _press(french, french.anna, card, "answer:x:y", value)
        assert await _interact(french, payload) == 200
    await french.settle()
    assert french.reads(french.anna, french.marketing, french.t("notice.unknown"))
    assert french.t("question.orientation.text") in " ".join(card.texts())

    foreign = _press(french, french.ben, card, "answer:orientation:key", f"card|{session}|0|orientation|key")
    assert await _interact(french, foreign) == 200
    await french.settle()
    assert french.t("question.orientation.text") in " ".join(card.texts()), "the dialog is Anna's"


async def test_dialog_is_not_reachable_from_another_workspace(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", oauth=True)
    await _install(scene)
    card = await scene.slash(scene.anna, scene.marketing)
    there = scene.slack.add_workspace("Ailleurs")
    eve = there.add_user("eve", locale="fr-FR")
    there.add_channel("plaza", members=[eve])
    scene.slack.oauth.workspace = there
    await _install(scene)
    session = card.buttons()[scene.option("orientation", "key")]["value"].split("|")[1]
    user_actions = SlackUserActions(scene.slack, scene.server.url, there)
    own = (await user_actions.slash(eve, there.channel("plaza"))).message
    assert own
    forged = own.snapshot()
    forged.blocks = json.loads(
        json.dumps(own.blocks).replace(own.blocks[-1]["elements"][0]["value"].split("|")[1], session)
    )
    await user_actions.press(eve, forged, scene.option("orientation", "key"))
    await scene.settle()
    assert any(
        scene.t("notice.gone") in message.texts() for message in scene.slack.visible_to(eve, there.channel("plaza"))
    )
    assert scene.t("question.orientation.text") in " ".join(card.texts())


async def test_typed_text_is_escaped(french: Scene) -> None:
    answer = await french.slash(french.anna, french.marketing, "mode=<!channel>&boom")
    text = json.dumps([answer.blocks, answer.text])
    assert "<!channel>" not in text
    assert "&lt;" in text


# --- Refused and lost posts ---------------------------------------------------------------------------------------


async def test_post_to_a_channel_without_the_bot_works_after_an_invitation(
    scene: Scene, answers: dict[str, str]
) -> None:
    card = await finished(scene, answers, scene.secret)
    await scene.press(scene.anna, card, "post")
    notice = await retry(scene, scene.anna)
    text = " ".join(notice.texts())
    assert "/invite" in text
    assert f"<@{scene.team.bot.id}>" in text
    assert scene.secret.messages == []
    await scene.user_actions.invite(scene.anna, scene.secret)
    await scene.press(scene.anna, notice, "retry_post")
    await scene.posted(scene.secret)


async def test_post_from_a_direct_message_to_a_private_channel(french: Scene, answers: dict[str, str]) -> None:
    await french.tell(french.anna, "start")
    card = french.card(french.anna, french.team.im(french.anna))
    await french.answer_all(french.anna, card, answers)
    await french.press(french.anna, card, "post")
    picker = french.user_actions.modal(french.anna)
    assert picker
    await french.user_actions.submit_view(french.anna, picker, {"where": french.secret.id})
    notice = await retry(french, french.anna)
    assert "secret" not in json.dumps(notice.blocks), "Slack shows the name to those who may know it"
    await french.user_actions.invite(french.anna, french.secret)
    await french.press(french.anna, notice, "retry_post")
    await french.posted(french.secret)


@pytest.mark.parametrize(
    ("trouble", "reason"), [("archived", "archived"), ("restricted", "forbidden"), ("scope", "missing_scope")]
)
async def test_refused_post_is_reported_with_its_reason(
    scene: Scene, answers: dict[str, str], trouble: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    card = await finished(scene, answers)
    scene.marketing.archived = trouble == "archived"
    scene.marketing.restricted = trouble == "restricted"
    there = scene.marketing.id
    fault = scene.slack.fail("chat.postMessage", error="missing_scope", match=lambda args: args["channel"] == there)
    if trouble != "scope":
        fault.cancel()
    await scene.press(scene.anna, card, "post")
    notice = await retry(scene, scene.anna)
    assert (
        scene.t(f"slack.refused.{reason}", channel=f"<#{scene.marketing.id}>", bot=f"<@{scene.team.bot.id}>")
        in notice.texts()
    )
    scene.marketing.archived = scene.marketing.restricted = False
    if trouble == "scope":
        assert "scope" in caplog.text
        caplog.clear()
    await scene.press(scene.anna, notice, "retry_post")
    await scene.posted(scene.marketing)


async def test_lost_response_is_not_posted_again_without_asking(french: Scene, answers: dict[str, str]) -> None:
    card = await finished(french, answers)
    french.slack.fail("chat.postMessage", drop="after")
    await french.press(french.anna, card, "post")
    notice = await retry(french, french.anna)
    assert any("peut-être" in line for line in notice.texts())
    assert len(french.marketing.messages) == 1


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 502, "effect": True}])
@pytest.mark.parametrize("private", [False, True])
async def test_lost_response_is_resolved_by_reading_the_channel(
    make_scene: MakeScene, answers: dict[str, str], fault: dict[str, Any], private: bool
) -> None:
    scene = await make_scene("fr", scopes=(*SCOPES, *OPTIONAL_SCOPES))
    channel = scene.secret if private else scene.marketing
    await scene.user_actions.invite(scene.anna, channel)
    if private:
        channel.members.add(scene.ben.id)
    for number in range(40):
        await scene.user_actions.say(scene.ben, channel, f"{number}")
    card = await finished(scene, answers, channel)
    scene.slack.fail("chat.postMessage", **fault)
    await scene.press(scene.anna, card, "post")
    for number in range(40):
        await scene.user_actions.say(scene.ben, channel, f"{number}")
    label = scene.label("details")
    await scene.slack.wait_for(lambda: any(label in m.buttons() for m in channel.messages), timeout=20)
    await scene.slack.wait_for(
        lambda: any(call.ok for call in scene.slack.calls_to("conversations.history")), timeout=20
    )
    await scene.posted(channel)
    asked = scene.t("slack.refused.lost", channel=f"<#{channel.id}>")
    assert not any(asked in m.texts() for m in scene.sees(scene.anna, channel))


@pytest.mark.parametrize("fault", [{"retry_after": 1}, {"status": 503}])
async def test_429_and_5xx_are_retried(french: Scene, answers: dict[str, str], fault: dict[str, int]) -> None:
    card = await finished(french, answers)
    french.slack.fail("chat.postMessage", **fault)
    await french.press(french.anna, card, "post")
    label = french.label("details")
    await french.slack.wait_for(lambda: any(label in m.buttons() for m in french.marketing.messages), timeout=20)
    await french.posted(french.marketing)


# --- Cards that cannot be updated ---------------------------------------------------------------------------------


async def test_expired_response_url_sends_a_new_card(french: Scene) -> None:
    await french.user_actions.invite(french.anna, french.marketing)
    card = await french.slash(french.anna, french.marketing)
    french.slack.fail("response_url", status=404, match=lambda args: args.get("replace_original") is True)
    await french.press(french.anna, card, french.option("orientation", "key"))
    fresh = french.card(french.anna, french.marketing)
    assert fresh.ts != card.ts
    assert fresh.ephemeral_to == french.anna.id
    assert french.t("question.brand.text") in " ".join(fresh.texts())


async def test_card_moves_to_a_direct_message_if_the_bot_cannot_write(french: Scene) -> None:
    card = await french.slash(french.anna, french.secret)
    french.slack.fail("response_url", status=404)
    await french.press(french.anna, card, french.option("orientation", "key"))
    moved = french.card(french.anna, french.team.im(french.anna))
    assert french.t("slack.moved_here") in moved.texts()
    await french.press(french.anna, moved, french.option("brand", "yes"))
    assert french.t("question.transformation.text") in " ".join(moved.texts())


async def test_deleted_card_is_sent_again_in_its_thread(french: Scene) -> None:
    await french.user_actions.invite(french.anna, french.marketing)
    asked = await french.user_actions.mention(french.anna, french.marketing)
    await french.settle()
    card = french.card(french.anna, french.marketing)
    old = card.snapshot()
    french.slack.fail("chat.update", error="message_not_found")
    await french.press(french.anna, old, french.option("orientation", "key"))
    fresh = french.card(french.anna, french.marketing)
    assert asked.message
    assert fresh.ts != card.ts
    assert fresh.thread_ts == asked.message.ts


async def test_deleted_thread_moves_the_dialog_to_a_direct_message(french: Scene) -> None:
    await french.user_actions.invite(french.anna, french.marketing)
    asked = await french.user_actions.mention(french.anna, french.marketing)
    await french.settle()
    assert asked.message
    card = french.card(french.anna, french.marketing)
    french.slack.delete(asked.message)
    french.slack.fail("chat.update", error="message_not_found")
    await french.press(french.anna, card, french.option("orientation", "key"))
    moved = french.card(french.anna, french.team.im(french.anna))
    assert french.t("slack.moved_here") in moved.texts()
    assert french.t("question.brand.text") in " ".join(moved.texts())


async def test_expired_trigger_offers_the_form_again(scene: Scene) -> None:
    scene.slack.fail("views.open", error="expired_trigger_id")
    await scene.user_actions.slash(scene.anna, scene.marketing, "form")
    await scene.settle()
    notice = scene.sees(scene.anna, scene.marketing)[-1]
    assert scene.t("slack.form_late") in notice.texts()
    await scene.press(scene.anna, notice, "open_form")
    assert scene.user_actions.modal(scene.anna)


# --- Installation -------------------------------------------------------------------------------------------------


async def _install(scene: Scene, *, follow: bool = True) -> tuple[int, str]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        async with http.get(f"{scene.server.url}/slack/install", allow_redirects=False) as response:
            assert response.status == 302
            cookie = response.cookies["slack_install"]
            assert cookie["httponly"]
            assert cookie["samesite"] == "Lax"
            target = response.headers["Location"]
        assert target.startswith(scene.slack.url)
        if not follow:
            return 0, target
        async with http.get(target, headers={"Accept-Language": "en;q=0.9, fr"}) as page:
            return page.status, await page.text()


async def _oauth(make_scene: MakeScene) -> Scene:
    return await make_scene("fr", oauth=True, public_url=None)


async def test_installation_sends_one_welcome(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    status, page = await _install(scene)
    assert status == 200
    assert "/cm" in page
    await scene.settle()
    direct = scene.team.im(scene.anna)
    assert scene.reads(scene.anna, direct, scene.t("slack.welcome"))
    count = len(scene.sees(scene.anna, direct))
    await _install(scene)
    await scene.settle()
    assert len(scene.sees(scene.anna, direct)) == count
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.slack.calls_to("auth.test") == []


async def test_oauth_state_is_bound_to_the_browser_and_single_use(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    _, target = await _install(scene, follow=False)
    async with ClientSession() as other, other.get(target) as page:
        assert page.status == 400, "another browser has no cookie"
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        async with http.get(f"{scene.server.url}/slack/install", allow_redirects=False) as response:
            target = response.headers["Location"]
            cookies = {"slack_install": response.cookies["slack_install"].value}
        async with http.get(target) as page:
            assert page.status == 200
        async with http.get(target, cookies=cookies) as page:
            assert page.status == 400, "the state was used"
        for query in ("", "?state=x&code=y", "?error=access_denied"):
            async with http.get(
                f"{scene.server.url}/slack/oauth_redirect{query}", cookies={"slack_install": "x"}
            ) as page:
                assert page.status == 400
    scene.slack.oauth.allow = False
    assert (await _install(scene))[0] == 400
    scene.slack.oauth.allow = True
    scene.slack.fail("oauth.v2.access", error="invalid_code")
    assert (await _install(scene))[0] == 400


async def test_installation_below_a_path_that_a_proxy_strips(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", oauth=True, public_url="https://bot.example.org/advisor/")
    async with ClientSession() as http:
        async with http.get(f"{scene.server.url}/slack/install", allow_redirects=False) as response:
            assert response.cookies["slack_install"]["path"] == "/advisor/slack"
            query = parse_qs(urlsplit(response.headers["Location"]).query)
            assert query["redirect_uri"] == ["https://bot.example.org/advisor/slack/oauth_redirect"]
        async with http.get(f"{scene.server.url}/slack/oauth_redirect?state=x&code=y") as page:
            assert page.status == 400
            assert 'href="https://bot.example.org/advisor/slack/install"' in await page.text()


async def test_installation_that_slack_begins_has_no_state(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    url = f"{scene.server.url}/slack/oauth_redirect?code=of-slack"
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http, http.get(url) as page:
        assert page.status == 200, "the installation starts again, with a state"
    assert [call.ok for call in scene.slack.calls_to("oauth.v2.access")] == [True], "the first code is not used"
    card = await scene.slash(scene.anna, scene.marketing)
    assert scene.t("question.orientation.text") in " ".join(card.texts())


async def test_uninstalling_deletes_the_token(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    await _install(scene)
    await scene.slash(scene.anna, scene.marketing)
    await scene.user_actions.uninstall()
    await scene.settle()
    before = len(scene.slack.calls)
    ack = await scene.user_actions.slash(scene.anna, scene.marketing)
    assert "installée" in str(ack.answer or (scene.sees(scene.anna, scene.marketing)[-1].text))
    assert all(call.operation == "response_url" for call in scene.slack.calls[before:])


async def test_a_removal_delivered_after_a_new_installation_changes_nothing(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    await _install(scene)
    removals = await scene.user_actions.uninstall()
    for removal in removals:
        removal.payload["event_time"] = int(time.time()) - 60
    await _install(scene)
    for removal in removals:
        for again in (removal.payload, removal.payload | {"event_id": "EvAnother"}):
            assert (await scene.user_actions.deliver(Exchange("event", again))).status == 200
    await scene.settle()
    card = await scene.slash(scene.anna, scene.marketing)
    assert scene.t("question.orientation.text") in " ".join(card.texts())


async def test_concurrent_requests_refresh_a_token_once(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await _oauth(make_scene)
    scene.slack.app.rotation = True
    with monkeypatch.context() as soon:
        for module in (methods, state):
            soon.setattr(module, "TOKEN_SECONDS", 60)
        await _install(scene)
    another = await scene.another_server()
    user_actions = [scene.user_actions, SlackUserActions(scene.slack, another.url, scene.team)]
    acks = await asyncio.gather(*(user_actions[n % 2].slash(scene.anna, scene.marketing, "aide") for n in range(8)))
    assert all(ack.message and scene.label("start") in ack.message.buttons() for ack in acks)
    refreshes = [call for call in scene.slack.calls_to("oauth.v2.access") if call.args.get("grant_type")]
    assert sum(call.ok for call in refreshes) == 1
    assert len(refreshes) <= 2, "one a replica at most; the one that lost takes what the other stored"
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    assert not [call for call in scene.slack.failed_calls if call.error in {"token_expired", "invalid_auth"}]


@pytest.mark.parametrize("seconds", [0.0, 1.5])
async def test_replicas_refresh_a_token_that_expired_overnight(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    """The one that loses waits until the other one has stored the token, however slow Slack's response is."""
    scene = await _oauth(make_scene)
    scene.slack.app.rotation = True
    with monkeypatch.context() as soon:
        for module in (methods, state):
            soon.setattr(module, "TOKEN_SECONDS", 0)
        await _install(scene)
    another = await scene.another_server()
    refresh = OAuth.refresh

    async def slow(oauth: OAuth, token: str) -> Json:
        response = await refresh(oauth, token)
        await asyncio.sleep(seconds)  # the response is on its way
        return response

    monkeypatch.setattr(OAuth, "refresh", slow)
    user_actions = [scene.user_actions, SlackUserActions(scene.slack, another.url, scene.team)]
    await asyncio.gather(*(user_actions[n % 2].slash(scene.anna, scene.marketing, "aide") for n in range(6)))
    await scene.settle()
    shown = [
        message for message in scene.sees(scene.anna, scene.marketing) if scene.label("start") in message.buttons()
    ]
    assert len(shown) == 6
    refreshes = [call for call in scene.slack.calls_to("oauth.v2.access") if call.args.get("grant_type")]
    assert [call.ok for call in refreshes].count(True) == 1
    assert len(refreshes) <= 2
    assert "cannot be refreshed" not in caplog.text


@pytest.mark.parametrize(
    ("error", "text"), [("invalid_refresh_token", "slack.not_installed"), ("bad_client_secret", "notice.error")]
)
async def test_a_token_that_cannot_be_refreshed_is_logged_and_stored(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: str, text: str
) -> None:
    monkeypatch.setattr(installations, "WAIT_SECONDS", 0.5)
    scene = await _oauth(make_scene)
    scene.slack.app.rotation = True
    with monkeypatch.context() as soon:
        for module in (methods, state):
            soon.setattr(module, "TOKEN_SECONDS", 0)
        await _install(scene)
    scene.slack.fail("oauth.v2.access", error=error)
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    assert ack.message
    assert scene.t(text) in " ".join(ack.message.texts()), "only Slack can say that the app is not installed"
    assert [record.levelname for record in caplog.records if error in record.getMessage()] == ["ERROR"]
    caplog.clear()
    database = Database(scene.settings.sqlalchemy_url)
    query = sa.select(adapter_data.c.value).where(adapter_data.c.key == "token_refresh")
    assert await database.run(lambda transaction: transaction.execute(query).scalars().all()) == [{"error": error}]
    await _install(scene)
    await scene.slash(scene.anna, scene.marketing, "aide")
    assert await database.run(lambda transaction: transaction.execute(query).scalars().all()) == []
    database.close()


async def test_organization_wide_installation(make_scene: MakeScene) -> None:
    scene = await _oauth(make_scene)
    big = scene.slack.add_workspace("Siège", enterprise="E0BIG")
    branch = scene.slack.add_workspace("Agence", enterprise="E0BIG")
    carl = big.add_user("carl", locale="fr-FR")
    dora = branch.add_user("dora", locale="fr-FR")
    hall = branch.add_channel("hall", members=[dora])
    scene.slack.oauth.workspace, scene.slack.oauth.user = big, carl
    scene.slack.oauth.enterprise_install = True
    assert (await _install(scene))[0] == 200
    user_actions = SlackUserActions(scene.slack, scene.server.url, branch)
    card = (await user_actions.slash(dora, hall)).message
    assert card
    await user_actions.press(dora, card, scene.option("orientation", "key"))
    await scene.settle()
    assert scene.t("question.brand.text") in " ".join(card.texts())


# --- The process --------------------------------------------------------------------------------------------------


async def test_shutdown_finishes_acknowledged_work(french: Scene) -> None:
    card = await french.slash(french.anna, french.marketing)
    french.slack.fail("response_url", delay=0.3)
    await french.user_actions.press(french.anna, card, french.option("orientation", "key"))
    await french.server.stop()
    assert french.t("question.brand.text") in " ".join(card.texts())


async def test_failed_card_update_is_repeated_by_the_worker(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "GRACE", timedelta(seconds=0.1))
    await french.user_actions.invite(french.anna, french.marketing)
    await french.user_actions.mention(french.anna, french.marketing)
    await french.settle()
    card = french.card(french.anna, french.marketing)
    french.slack.fail("chat.update", status=503)
    await french.press(french.anna, card, french.option("orientation", "key"))
    assert french.t("question.orientation.text") in " ".join(card.texts())
    waiting = french.t("question.brand.text")
    await french.slack.wait_for(lambda: waiting in " ".join(card.texts()), timeout=25, what="the worker's update")


async def test_event_is_redelivered_when_the_database_is_unavailable(
    french: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object, **__: object) -> None:
        raise ServiceUnavailable

    card = await french.slash(french.anna, french.marketing)

    with monkeypatch.context() as broken:
        broken.setattr(service.Service, "turn", unavailable)
        ack = await french.user_actions.direct_message(french.anna, "start")
        assert ack.status == 503
        pressed = await french.user_actions.slash(french.anna, french.marketing)
        assert pressed.status == 200
        assert french.t("notice.error") in pressed.answer["text"]
        await french.press(french.anna, card, french.option("orientation", "key"))
        assert any(french.t("notice.error") in message.text for message in french.sees(french.anna, french.marketing))
    await french.user_actions.redeliver(ack)
    await french.settle()
    assert french.t("question.orientation.text") in " ".join(
        french.card(french.anna, french.team.im(french.anna)).texts()
    )


async def test_slow_request_is_acknowledged_in_time_and_finished(
    french: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = service.Service.turn

    async def slow(self: service.Service, event: Turn) -> TurnResult:
        await asyncio.sleep(0.3)
        return await turn(self, event)

    with monkeypatch.context() as loaded:
        loaded.setattr(http, "RESPONSE_SECONDS", 0.1)
        loaded.setattr(service.Service, "turn", slow)
        ack = await french.user_actions.slash(french.anna, french.marketing)
        assert ack.status == 200
        assert ack.answer is None
        card = await french.slack.wait_for(lambda: french.sees(french.anna, french.marketing), what="the answer")
        event = await french.user_actions.direct_message(french.anna, "start")
        assert event.status == 503, "Slack delivers it again"
        await french.settle()
        await french.user_actions.redeliver(event)
        await french.settle()
    assert french.t("question.orientation.text") in " ".join(card[0].texts())
    assert len(french.sees(french.anna, french.team.im(french.anna))) == 1


def _press(scene: Scene, user: User, card: Message, action: str, value: str) -> dict[str, object]:
    url = scene.slack.response_url(scene.slack.new_response_url(user.id, card.channel, card))
    return {
        "type": "block_actions",
        "team": {"id": scene.team.id},
        "user": {"id": user.id, "team_id": scene.team.id},
        "trigger_id": scene.slack.new_trigger(user.id, scene.team).id,
        "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel.id, "is_ephemeral": True},
        "channel": {"id": card.channel.id, "name": card.channel.name},
        "response_url": url,
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
    }


async def _interact(scene: Scene, payload: dict[str, object]) -> int:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return await post(scene, body, scene.user_actions.signed(body), "application/x-www-form-urlencoded")


def test_button_value_contains_only_ids() -> None:
    button = block_kit.button(Button("answer", "Oui", "brand", "yes"), ButtonContext("card", "s1", 3))
    assert (button["action_id"], button["value"]) == ("answer:brand:yes", "card|s1|3|brand|yes")
