"""Somebody who asks more than anybody can mean: a kind word now and then, no query, and nothing changes."""

import pytest

from bot.core.rate_limit import RateLimiter
from bot.core.service import Service
from tests.scenarios.teams.conftest import Scene, visible

TWICE = 0.2


def limit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anna has had all that she may; from now on the application must not be asked."""

    async def asked(*_: object) -> None:
        raise AssertionError("the application was asked")

    limits = RateLimiter(TWICE, 0)
    tenant = f"teams:{scene.teams.tenant}"
    for _ in range(2):
        limits.check_rate_limit(tenant, scene.anna.id)
    monkeypatch.setattr(RateLimiter, "check_rate_limit", limits.check_rate_limit)
    for name in ("turn", "find_running", "get_language", "is_duplicate", "list_checks"):
        monkeypatch.setattr(Service, name, asked)


async def test_presses(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    card = await scene.begin("channel")
    await scene.settled()
    before = visible(card.card)
    limit(scene, monkeypatch)
    for _ in range(3):
        answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
        assert answer.message == scene.t("notice.too_fast")
    assert visible(card.card) == before
    monkeypatch.undo()


async def test_messages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(scene, monkeypatch)
    chat = scene.teams.personal(scene.anna)
    for _ in range(3):
        assert (await scene.user_actions.personal(scene.anna, "aide")).status == 200
    await scene.settled()
    found = [each.text for each in scene.teams.messages(chat) if each.by is None]
    assert found == [scene.t("notice.too_fast")]
    monkeypatch.undo()


async def test_forms(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(scene, monkeypatch)
    answer = await scene.user_actions.fetch_task(scene.anna, scene.channel, "check")
    assert answer.task_message == scene.t("notice.too_fast")
    monkeypatch.undo()


async def test_an_installation_is_heard_whatever_came_before(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RateLimiter(0.0001, 0.0001)
    limits.check_rate_limit(f"teams:{french.teams.tenant}", french.anna.id)
    monkeypatch.setattr(RateLimiter, "check_rate_limit", limits.check_rate_limit)
    before = len(french.teams.messages(french.group))
    for answer in await french.user_actions.install(french.anna, french.group):
        assert answer.status == 200
    await french.settled()
    assert len(french.teams.messages(french.group)) > before
