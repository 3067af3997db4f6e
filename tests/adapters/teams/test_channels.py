"""Which teams are stored, and what of them."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.ports import Application
from adapters.shared.background import BackgroundTasks
from adapters.teams.channels import Channels
from adapters.teams.connector import Connector
from adapters.teams.request import IncomingRequest, parse_request


class FakeApplication:
    """Stores data in memory."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], Any] = {}
        self.writes = 0

    async def load_adapter_data(self, tenant: str, prefix: str) -> dict[str, Any]:
        return {key: value for (owner, key), value in self.data.items() if owner == tenant and key.startswith(prefix)}

    async def save_adapter_data(self, tenant: str, key: str, value: Any) -> None:
        self.data[tenant, key] = value
        self.writes += 1


def request(tenant: str) -> IncomingRequest:
    activity = {
        "type": "message",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": {"id": "29:a"},
        "recipient": {"id": "28:bot"},
        "conversation": {"id": "19:c@thread.tacv2", "conversationType": "channel", "tenantId": tenant},
        "channelData": {"team": {"id": "19:team", "name": "Marketing"}},
    }
    return parse_request(json.dumps(activity).encode())


def channels_of(application: FakeApplication) -> Channels:
    return Channels(cast(Application, application), cast(Connector, None), BackgroundTasks(logging.getLogger()))


async def test_a_team_is_stored_once_for_each_tenant() -> None:
    application = FakeApplication()
    channels = channels_of(application)
    for tenant in ("one", "two", "one"):
        await channels.add_team(request(tenant))
    assert set(application.data) == {("teams:one", "team:19:team"), ("teams:two", "team:19:team")}
    assert application.writes == 2
    await channels.update_team(replace(request("one"), installed=False))
    await channels.add_team(request("two"))
    assert application.data["teams:one", "team:19:team"] == {"removed": True}
    assert application.data["teams:two", "team:19:team"]["name"] == "Marketing"
    await channels.add_team(request("one"))
    assert application.data["teams:one", "team:19:team"]["name"] == "Marketing", "it has the app again"


async def test_another_process_removed_the_team() -> None:
    application = FakeApplication()
    one, other = channels_of(application), channels_of(application)
    await one.add_team(request("one"))
    await other.update_team(replace(request("one"), installed=False))
    assert await one.update_team(replace(request("one"), installed=True)), "the team is new again"
    assert "removed" not in application.data["teams:one", "team:19:team"]


async def test_a_team_moves_to_another_service() -> None:
    application = FakeApplication()
    channels = channels_of(application)
    await channels.add_team(request("one"))
    moved = replace(request("one"), ref=replace(request("one").ref, service="https://smba.trafficmanager.net/fr/"))
    await channels.add_team(moved)
    assert application.data["teams:one", "team:19:team"]["service"] == moved.ref.service


EARLY, LATE = (datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (8, 9))
EVENTS: dict[str, dict[str, Any]] = {
    "installed": {"installed": True},
    "removed": {"installed": False},
    "renamed": {"team_event": "teamRenamed", "team": ("19:team", "Sales")},
    "renamed again": {"team_event": "teamRenamed", "team": ("19:team", "Events")},
    "archived": {"team_event": "teamArchived"},
    "unarchived": {"team_event": "teamUnarchived"},
    "restored": {"team_event": "teamRestored"},
    "upgraded": {"team_event": "add-upgrade"},
}


@pytest.mark.parametrize(
    ("late", "early"),
    [
        ("installed", "removed"),
        ("removed", "installed"),
        ("removed", "renamed"),
        ("removed", "archived"),
        ("removed", "upgraded"),
        ("removed", "restored"),
        ("restored", "removed"),
        ("upgraded", "removed"),
        ("renamed again", "renamed"),
        ("archived", "unarchived"),
        ("unarchived", "archived"),
    ],
)
async def test_an_older_event_delivered_late_changes_nothing(late: str, early: str) -> None:
    application = FakeApplication()
    channels = channels_of(application)
    await channels.update_team(replace(request("one"), occurred_at=EARLY, installed=True))
    await channels.update_team(replace(request("one"), occurred_at=LATE, **EVENTS[late]))
    stored = application.data["teams:one", "team:19:team"]
    early_one = replace(request("one"), occurred_at=EARLY + timedelta(minutes=1), **EVENTS[early])
    assert not await channels.update_team(early_one)
    assert application.data["teams:one", "team:19:team"] == stored
    later_one = replace(request("one"), occurred_at=LATE + timedelta(minutes=1), **EVENTS[early])
    await channels.update_team(later_one)
    assert application.data["teams:one", "team:19:team"] != stored


async def test_events_of_different_kinds_do_not_hide_each_other() -> None:
    application = FakeApplication()
    channels = channels_of(application)
    await channels.update_team(replace(request("one"), occurred_at=LATE, **EVENTS["renamed"]))
    await channels.update_team(replace(request("one"), occurred_at=EARLY, **EVENTS["archived"]))
    stored = application.data["teams:one", "team:19:team"]
    assert (stored["name"], stored["archived"]) == ("Sales", True)
