"""A simulator with two people in a channel, a client of its connector, and an app that records requests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from tests.adapters.playground.teams.connector_client import Bot, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def teams(clock: Clock) -> AsyncIterator[TeamsSimulator]:
    async with TeamsSimulator(clock=clock) as teams:
        yield teams


@pytest.fixture
async def bot(teams: TeamsSimulator) -> Bot:
    bot = Bot(teams)
    assert (await bot.login())[0] == 200
    return bot


@pytest.fixture
def anna(teams: TeamsSimulator):
    return teams.add_user("Anna Martin", "fr-FR")


@pytest.fixture
def ben(teams: TeamsSimulator):
    return teams.add_user("Ben Okri", "en-GB")


@pytest.fixture
def channel(teams: TeamsSimulator, anna, ben):
    return teams.add_team("Marketing", [anna, ben], ["Campaigns"]).channel("Campaigns")


@pytest.fixture
async def app() -> AsyncIterator[Any]:
    """An app that records requests and responds with `response` and `status`."""

    async def handle(request: web.Request) -> web.Response:
        server["requests"].append((request.headers.get("Authorization"), await request.json()))
        return web.json_response(server["response"], status=server["status"])

    server: dict[str, Any] = {"requests": [], "response": {}, "status": 200}
    application = web.Application()
    application.router.add_post("/api/messages", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
    yield server
    await runner.cleanup()


@pytest.fixture
def user_actions(teams, app) -> TeamsUserActions:
    return TeamsUserActions(teams, app["url"])
