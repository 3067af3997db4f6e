"""The access token for Microsoft's connector: from a password or a managed identity."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.ports import RetryLater
from adapters.teams import credentials as module
from adapters.teams.credentials import Credentials
from adapters.teams.settings import TeamsSettings


class TokenServer:
    """A server for tokens. `answer`: the body of its next response; None: it fails."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.answer: Any = {"access_token": "t1", "expires_in": "3599"}
        self.url = ""

    async def respond(self, request: web.Request) -> web.Response:
        await request.post()
        self.requests.append(request)
        await asyncio.sleep(0.02)
        return web.json_response(self.answer, status=200 if self.answer else 500)


@pytest.fixture
async def token_server() -> AsyncIterator[TokenServer]:
    server = TokenServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


MANAGED = TeamsSettings(app_id="app", app_type="UserAssignedMSI", tenant_id="tenant")


async def test_managed_identity_of_a_virtual_machine(token_server, http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    monkeypatch.setattr(module, "IMDS", f"{token_server.url}/imds")
    assert await Credentials(MANAGED, http).bearer() == "t1"
    (request,) = token_server.requests
    assert request.headers["Metadata"] == "true"
    assert request.query["client_id"] == "app"
    assert request.query["resource"] == "https://api.botframework.com"


async def test_managed_identity_of_app_service(token_server, http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{token_server.url}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    token_server.answer = {"access_token": "t2", "expires_on": "99999999999"}
    assert await Credentials(MANAGED, http).bearer() == "t2"
    assert token_server.requests[0].headers["X-IDENTITY-HEADER"] == "secret"


async def test_concurrent_calls_share_one_request(token_server, http) -> None:
    credentials = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=token_server.url), http)
    assert set(await asyncio.gather(*(credentials.bearer() for _ in range(20)))) == {"t1"}
    assert len(token_server.requests) == 1
    assert token_server.requests[0].path == "/t/oauth2/v2.0/token"


@pytest.mark.parametrize("app_type", ["SingleTenant", "UserAssignedMSI"])
async def test_the_token_is_for_the_resource_of_the_cloud(
    token_server, http, monkeypatch: pytest.MonkeyPatch, app_type: str
) -> None:
    monkeypatch.setattr(module, "IMDS", f"{token_server.url}/imds")
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    resource = "https://api.botframework.us"
    settings = TeamsSettings(
        app_id="app", app_type=app_type, tenant_id="t", login_url=token_server.url, resource=resource
    )
    assert await Credentials(settings, http).bearer() == "t1"
    (request,) = token_server.requests
    asked = request.query.get("resource") or (await request.post())["scope"]
    assert str(asked).removesuffix("/.default") == resource


async def test_renewal_in_the_background(token_server, http) -> None:
    credentials = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=token_server.url), http)
    token_server.answer = {"access_token": "old", "expires_in": "200"}
    assert await credentials.bearer() == "old"
    token_server.answer = {"access_token": "new", "expires_in": "3599"}
    assert await credentials.bearer() == "old", "still valid, so that no call waits"
    await asyncio.sleep(0.1)
    assert await credentials.bearer() == "new"
    assert len(token_server.requests) == 2


async def test_a_failed_request_is_repeated(token_server, http) -> None:
    credentials = Credentials(TeamsSettings(app_id="app", tenant_id="t", login_url=token_server.url), http)
    token_server.answer = None
    with pytest.raises(RetryLater):
        await credentials.bearer()
    token_server.answer = {"access_token": "t", "expires_in": "3599"}
    assert await credentials.bearer() == "t"


async def test_no_token_without_an_app_id(http) -> None:
    assert await Credentials(TeamsSettings(), http).bearer() is None
