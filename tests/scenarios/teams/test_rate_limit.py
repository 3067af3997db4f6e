"""Requests over the rate limit: one notice, no query and no change."""

import pytest

from bot.core import rate_limit
from bot.core.service import Service
from tests.scenarios.teams.conftest import Scene, visible


def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every person be over the rate limit. From now on the application must not be called."""

    async def fail(*_: object) -> None:
        raise AssertionError("the application was called")

    monkeypatch.setattr(rate_limit._Buckets, "has_token", lambda *_: False)
    for name in ("turn", "find_running", "get_language", "is_duplicate", "list_checks"):
        monkeypatch.setattr(Service, name, fail)


async def test_buttons(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    card = await scene.start_dialog("channel")
    await scene.wait_until_idle()
    before = visible(card.card)
    limit(monkeypatch)
    for _ in range(3):
        answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
        assert answer.message == scene.t("notice.too_fast")
    assert visible(card.card) == before
    monkeypatch.undo()


async def test_messages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)
    chat = scene.teams.personal(scene.anna)
    for _ in range(3):
        assert (await scene.user_actions.personal(scene.anna, "aide")).status == 200
    await scene.wait_until_idle()
    texts = [message.text for message in scene.teams.messages(chat) if message.by is None]
    assert texts == [scene.t("notice.too_fast")]
    monkeypatch.undo()


async def test_forms(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)
    answer = await scene.user_actions.fetch_task(scene.anna, scene.channel, "check")
    assert answer.message == scene.t("notice.too_fast")
    monkeypatch.undo()


async def test_installations_are_not_limited(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit._Buckets, "has_token", lambda *_: False)
    before = len(french.teams.messages(french.group))
    for answer in await french.user_actions.install(french.anna, french.group):
        assert answer.status == 200
    await french.wait_until_idle()
    assert len(french.teams.messages(french.group)) > before
