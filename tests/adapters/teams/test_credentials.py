"""The token for Microsoft's connector: from a password, or from the machine we run on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.ports import RetryLater
from adapters.teams import credentials
from adapters.teams.credentials import Credentials
from adapters.teams.settings import TeamsSettings


class Identity:
    """What gives tokens; `answer` is the next one."""

    def __init__(self) -> None:
        self.asked_when: list[web.Request] = []
        self.answer: Any = {"access_token": "t1", "expires_in": "3599"}
        self.url = ""

    async def give(self, request: web.Request) -> web.Response:
        self.asked_when.append(request)
        await asyncio.sleep(0.02)
        return web.json_response(self.answer, status=200 if self.answer else 500)


@pytest.fixture
async def identity() -> AsyncIterator[Identity]:
    found = Identity()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


MANAGED = TeamsSettings(app_id="app", app_type="UserAssignedMSI", tenant_id="tenant")


async def test_a_managed_identity_of_a_machine(identity, http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    monkeypatch.setattr(credentials, "IMDS", f"{identity.url}/imds")
    assert await Credentials(MANAGED, http).bearer() == "t1"
    (asked,) = identity.asked_when
    assert asked.headers["Metadata"] == "true"
    assert asked.query["client_id"] == "app"
    assert asked.query["resource"] == "https://api.botframework.com"


async def test_a_managed_identity_of_app_service(identity, http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity.url}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    identity.answer = {"access_token": "t2", "expires_on": "99999999999"}
    assert await Credentials(MANAGED, http).bearer() == "t2"
    assert identity.asked_when[0].headers["X-IDENTITY-HEADER"] == "secret"


async def test_many_wait_for_one(identity, http) -> None:
    own = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=identity.url), http)
    assert set(await asyncio.gather(*(own.bearer() for _ in range(20)))) == {"t1"}
    assert len(identity.asked_when) == 1
    assert identity.asked_when[0].path == "/t/oauth2/v2.0/token"


async def test_renewed_beside_the_requests(identity, http) -> None:
    own = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=identity.url), http)
    identity.answer = {"access_token": "old", "expires_in": "200"}
    assert await own.bearer() == "old"
    identity.answer = {"access_token": "new", "expires_in": "3599"}
    assert await own.bearer() == "old", "still good, and nobody waits"
    await asyncio.sleep(0.1)
    assert await own.bearer() == "new"
    assert len(identity.asked_when) == 2


async def test_no_token_is_later_not_never(identity, http) -> None:
    own = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=identity.url), http)
    identity.answer = None
    with pytest.raises(RetryLater):
        await own.bearer()
    identity.answer = {"access_token": "t", "expires_in": "3599"}
    assert await own.bearer() == "t"


async def test_no_id_no_token(http) -> None:
    assert await Credentials(TeamsSettings(), http).bearer() is None
