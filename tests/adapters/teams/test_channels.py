"""Which teams are stored."""

import json
from typing import Any, cast

from adapters.ports import Application
from adapters.teams.channels import Channels
from adapters.teams.connector import Connector
from adapters.teams.request import IncomingRequest, parse_request


class FakeApplication:
    """Stores data in memory."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], Any] = {}
        self.writes = 0

    async def load_adapter_data(self, _tenant: str, _prefix: str) -> dict[str, Any]:
        return {}

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


async def test_a_team_is_stored_once_for_each_tenant() -> None:
    application = FakeApplication()
    channels = Channels(cast(Application, application), cast(Connector, None))
    for tenant in ("one", "two", "one"):
        await channels.add_team(request(tenant))
    assert set(application.data) == {("teams:one", "team:19:team"), ("teams:two", "team:19:team")}
    assert application.writes == 2
    await channels.remove_team(request("one"))
    await channels.add_team(request("two"))
    assert application.data["teams:one", "team:19:team"] is None
    assert application.data["teams:two", "team:19:team"]
