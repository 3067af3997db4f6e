"""POST /api/messages: authenticate and check an activity, then answer within the time that Teams waits."""

import asyncio
import logging

from aiohttp import web

from adapters.ports import Application, Decision, ServiceUnavailable
from adapters.shared.background import BackgroundTasks
from adapters.shared.json_codec import to_json
from adapters.teams.auth import KeysUnavailable, Token, TokenVerifier, Unauthorized
from adapters.teams.bot_framework import ActivityTypes, TurnContext
from adapters.teams.connector import Connector
from adapters.teams.listeners import TeamsBot, message_response
from adapters.teams.request import IncomingRequest, Json, MalformedActivity, parse_request
from adapters.teams.settings import TeamsSettings

TYPING_AFTER = 1.5
"""Seconds until the person sees that the bot is typing."""
MAX_RESPONSE_SECONDS = 12.0
"""Teams waits for 15 seconds and then delivers again. The work goes on after the response."""

log = logging.getLogger(__name__)


class MessagesEndpoint:
    """The endpoint that Teams sends activities to."""

    def __init__(
        self,
        settings: TeamsSettings,
        application: Application,
        verifier: TokenVerifier,
        connector: Connector,
        bot: TeamsBot,
        tasks: BackgroundTasks,
    ) -> None:
        self._tenants = settings.tenants
        self._application = application
        self._verifier = verifier
        self._connector = connector
        self._bot = bot
        self._tasks = tasks

    async def receive(self, http_request: web.Request) -> web.Response:
        """Handle an HTTP request."""
        try:
            token = await self._verifier.verify(http_request.headers.get("Authorization"))
            request = parse_request(await http_request.read())
            self._authorize(request, token)
        except Unauthorized as error:
            log.warning("request rejected: %s", error)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        except KeysUnavailable:
            return web.Response(status=503, headers={"Retry-After": "5"})
        except MalformedActivity as error:
            log.info("malformed activity: %s", error)
            return web.Response(status=400, text=str(error))
        try:
            answer = self._rejected(request) or await self._answer(request)
        except ServiceUnavailable:
            return web.Response(status=503, headers={"Retry-After": "2"})
        if request.type != ActivityTypes.invoke:
            return web.Response()
        return web.json_response(answer, dumps=to_json) if answer is not None else web.Response(status=404)

    def _authorize(self, request: IncomingRequest, token: Token | None) -> None:
        """Check the token against the activity, and whether we may answer. Raises `Unauthorized`."""
        if token and request.channel_id not in token.endorsements:
            raise Unauthorized("key not endorsed for this channel")
        if token and token.service_url != request.ref.service:
            raise Unauthorized("token for another service URL")
        if not self._connector.trusts(request.ref.service):
            raise Unauthorized(f"service URL not in TEAMS_SERVICE_URL_HOSTS: {request.ref.service:.100}")
        if self._tenants and not (request.tenants and request.tenants <= self._tenants):
            raise Unauthorized("tenant not allowed")

    def _rejected(self, request: IncomingRequest) -> Json | None:
        """Apply the rate limit. Return the answer to a rejected request, None for an allowed one.

        Installations are not limited: they must not get lost.
        """
        if request.type not in {ActivityTypes.message, ActivityTypes.invoke}:
            return None
        decision = self._application.check_rate_limit(request.actor.tenant, request.actor.person)
        if decision is Decision.ALLOW:
            return None
        text = request.t("notice.too_fast")
        if request.type == ActivityTypes.message and decision is Decision.REJECT:
            self._tasks.start(self._connector.send(request.ref.at(None), {"type": "message", "text": text}))
        return message_response(request, text)

    async def _answer(self, request: IncomingRequest) -> Json | None:
        """Call the bot in a task, which continues after a timeout. Return the response body of an invoke."""
        context = TurnContext(self._connector, request)
        invoke = request.type == ActivityTypes.invoke
        # The SDK's `on_turn` would send the answer of an invoke as a message.
        handle = self._bot.on_invoke_activity if invoke else self._bot.on_turn
        task: asyncio.Task[Json | None] = self._tasks.start(handle(context))
        if request.type == ActivityTypes.message:
            await asyncio.wait({task}, timeout=TYPING_AFTER)
            if not task.done() and request.ref.only is None:  # typing is for everybody
                self._tasks.start(self._connector.send(request.ref.at(None), {"type": ActivityTypes.typing.value}))
        await asyncio.wait({task}, timeout=MAX_RESPONSE_SECONDS)
        if task.done():
            return task.result()
        return message_response(request, request.t("notice.error")) if invoke else None
