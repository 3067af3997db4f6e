"""Socket Mode: deliveries come through a connection that we open, and go in by the same door as those over HTTP."""

import asyncio
import json
import logging
from contextlib import suppress

from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.ports import Json, TrackRequest
from adapters.shared.json_codec import parse_json
from adapters.slack.http import ANSWER_WITHIN, RequestHandler

PING_EVERY = 10.0
"""Seconds; also between two tries to connect."""

ROUTE = "slack socket"
"""Under which deliveries are timed."""

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.sdk")
_quiet.setLevel(logging.CRITICAL)  # it logs bodies; what goes wrong is logged here


class SocketMode:
    """The connection of one process. Slack spreads deliveries over those of all. Make it in a running loop."""

    def __init__(self, front: RequestHandler, client: AsyncWebClient, app_token: str, watch: TrackRequest) -> None:
        self._front = front
        self._watch = watch
        self._client = _Client(app_token, logger=_quiet, web_client=client, ping_interval=PING_EVERY)
        self._client.message_listeners.append(self._heard)
        self._answering: set[asyncio.Task[object]] = set()
        # Slack may be away when we start, and the other platform's people are not to wait for it.
        self._connecting = asyncio.ensure_future(self._client.connect())  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Take nothing more; what was taken is acknowledged first."""
        self._client.closed = True  # which ends its loops, so that it does not connect again meanwhile
        self._connecting.cancel()
        if self._answering:
            await asyncio.wait(set(self._answering), timeout=ANSWER_WITHIN)
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _heard(self, _client: AsyncBaseSocketModeClient, envelope: Json, raw: str | None) -> None:
        """Acknowledge what would be answered 200. All else Slack takes for not delivered, as it does over HTTP."""
        task = asyncio.current_task()
        id = envelope.get("envelope_id")
        if not isinstance(id, str) or task is None:
            return  # "hello"
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        with self._watch(ROUTE) as watched:
            answer = await self._answer(raw or "")
            watched.status = answer.status
        if answer.status == 200:
            given = json.loads(answer.body) if answer.content_type == "application/json" else None  # type: ignore[arg-type]
            with suppress(ConnectionError):  # Slack delivers it again; what is done is not done twice
                await self._client.send_socket_mode_response(SocketModeResponse(id, given))

    async def _answer(self, raw: str) -> web.Response:
        try:
            body = parse_json(raw).get("payload")
        except ValueError as error:
            log.info("a delivery cannot be stored: %s", type(error).__name__)
            return web.Response(status=400)
        if not isinstance(body, dict) or not body:
            return web.Response(status=400)
        return await self._front.answer(body)


class _Client(SocketModeClient):
    """Slack's own, which tries for ever, and would tell nobody why."""

    async def issue_new_wss_url(self) -> str:
        try:
            return await super().issue_new_wss_url()
        except SlackApiError as error:
            log.error("Slack does not accept SLACK_APP_TOKEN: %s", error.response["error"])
            raise
        except Exception as error:
            log.warning("Socket Mode: Slack cannot be reached: %s", type(error).__name__)
            raise
