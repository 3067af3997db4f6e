"""The way in: ``POST /api/messages``. Nothing is believed before the token is checked, and nothing answers 500."""

import asyncio
import logging

import aiohttp
from aiohttp import web
from botbuilder.core import TurnContext
from botbuilder.schema import Activity, ActivityTypes

from adapters.ports import Application, Gateway, OutcomeUnknown, PermanentFailure, RetryLater, ServiceUnavailable
from adapters.shared.json_codec import to_json
from adapters.teams import rate_limit
from adapters.teams.activity import MalformedActivity, parse_activity, tenants_of
from adapters.teams.auth import KeysUnavailable, TokenVerifier, Unauthorized
from adapters.teams.card_sender import CardSender
from adapters.teams.connector import Connector
from adapters.teams.gateway import TeamsGateway
from adapters.teams.listeners import ANSWER, ActivityListener, OutgoingAdapter, typing_activity
from adapters.teams.settings import TeamsSettings

TYPING_AFTER = 1.5
ANSWER_WITHIN = 12.0
"""Seconds: beyond 15 Teams gives up and delivers again, though the work goes on."""

log = logging.getLogger(__name__)


class TeamsAdapter:
    """Teams, whole. The application gives the routes to its server and calls `start` and `stop`."""

    def __init__(self, settings: TeamsSettings, application: Application, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._application = application
        self._check = TokenVerifier(settings, session)
        self._connector = Connector(settings, session)
        self._sender = CardSender(application, self._connector)
        self._turns = OutgoingAdapter(self._connector)
        self._handler = ActivityListener(application, self._sender)
        self._tasks: set[asyncio.Task[object]] = set()
        self.gateway: Gateway = TeamsGateway(self._sender, f"28:{settings.app_id}")

    def routes(self) -> list[web.RouteDef]:
        """Return what the server is to route to us."""
        return [web.post("/api/messages", self._receive)]

    async def start(self) -> None:
        """Say what an administrator should know."""
        if self._settings.unauthenticated:
            log.warning("DANGEROUS: requests in the name of Teams are let in without a token")
        elif self._settings.allow_unauthenticated:
            log.warning("There is an app id, so that every request needs a token after all")

    async def stop(self) -> None:
        """Finish what has been begun."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._sender.drain()
        await self._connector.credentials.stop()

    async def _receive(self, request: web.Request) -> web.Response:
        try:
            token = await self._check.verify(request.headers.get("Authorization"))
            activity = parse_activity(await request.read())
            self._check.match(token, activity.channel_id, activity.service_url)
            self._admit(activity)
        except Unauthorized as error:
            log.warning("A request is refused: %s", error)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        except KeysUnavailable:
            return web.Response(status=503, headers={"Retry-After": "5"})
        except MalformedActivity as error:
            log.info("A request is malformed: %s", error)
            return web.Response(status=400, text=str(error))
        try:
            return rate_limit.rate_limit_answer(self._application, self._sender, activity) or await self._serve(
                activity
            )
        except ServiceUnavailable:
            return web.Response(status=503, headers={"Retry-After": "2"})

    def _admit(self, activity: Activity) -> None:
        """Let in only those we may answer. Raises `Unauthorized`."""
        if not self._connector.trusts(activity.service_url):
            raise Unauthorized("the service URL is not on the list of hosts")
        allowed, named = self._settings.tenants, tenants_of(activity)
        if allowed and not (named and named <= allowed):
            raise Unauthorized("the tenant is not on the list")

    async def _serve(self, activity: Activity) -> web.Response:
        """Run the turn as a task of its own: it goes on when the sender hangs up."""
        context = TurnContext(self._turns, activity)
        task: asyncio.Task[object] = asyncio.create_task(self._handler.on_turn(context))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if activity.type == ActivityTypes.message:
            done, _ = await asyncio.wait({task}, timeout=TYPING_AFTER)
            if not done:
                self._sender.later(self._typing(context))
        await asyncio.wait({task}, timeout=ANSWER_WITHIN)
        if task.done():
            task.result()
        if activity.type != ActivityTypes.invoke:
            return web.Response()
        answer = context.turn_state.get(ANSWER)
        return web.json_response(answer, dumps=to_json) if answer is not None else web.Response(status=404)

    async def _typing(self, context: TurnContext) -> None:
        try:
            await context.send_activity(typing_activity())
        except (RetryLater, OutcomeUnknown, PermanentFailure) as error:
            log.debug("No sign of typing: %r", error)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, ServiceUnavailable):
            log.error("An activity failed", exc_info=error)
