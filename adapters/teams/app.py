"""TeamsAdapter: the parts of the Teams adapter, put together. `listeners.TeamsBot` lists what handles each activity."""

import logging

import aiohttp
from aiohttp import web

from adapters.ports import Application, Gateway
from adapters.shared.background import BackgroundTasks
from adapters.teams.auth import TokenVerifier
from adapters.teams.channels import Channels
from adapters.teams.connector import Connector
from adapters.teams.gateway import TeamsGateway
from adapters.teams.http import MessagesEndpoint
from adapters.teams.listeners import TeamsBot
from adapters.teams.settings import TeamsSettings
from adapters.teams.task_modules import TaskModules

log = logging.getLogger(__name__)


class TeamsAdapter:
    """The application adds `routes` to its server, and calls `start` and `stop`."""

    def __init__(self, settings: TeamsSettings, application: Application, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._tasks = BackgroundTasks(log)
        self._connector = Connector(settings, session)
        self._verifier = TokenVerifier(settings, session)
        gateway = TeamsGateway(application, self._connector, self._tasks, f"28:{settings.app_id}")
        channels = Channels(application, self._connector, self._tasks)
        forms = TaskModules(application, gateway)
        bot = TeamsBot(application, gateway, channels, forms, self._tasks)
        self._endpoint = MessagesEndpoint(settings, application, self._verifier, self._connector, bot, self._tasks)
        self.gateway: Gateway = gateway

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the application's server."""
        return [web.post("/api/messages", self._endpoint.receive)]

    async def start(self) -> None:
        """Log what an administrator should know."""
        if self._settings.unauthenticated:
            log.warning("DANGEROUS: requests are accepted without a token, in the name of Teams")
        elif self._settings.allow_unauthenticated:
            log.warning("requests need a token, because an app id is set")

    async def stop(self) -> None:
        """Wait for the work under way."""
        await self._tasks.drain()
        await self._connector.credentials.stop()
