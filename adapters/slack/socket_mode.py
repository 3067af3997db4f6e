"""Socket Mode: requests come through a WebSocket that the adapter opens, and are handled like those over HTTP."""

import asyncio
import json
import logging
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.ports import Json, TrackRequest
from adapters.shared.background import BackgroundTasks
from adapters.shared.json_codec import parse_json
from adapters.slack.http import RESPONSE_SECONDS, RequestHandler

PING_SECONDS = 10.0
"""Between two pings, and between two attempts to connect."""

ROUTE = "slack socket"
"""The route name in metrics and traces."""

log = logging.getLogger(__name__)
_sdk_log = logging.getLogger(f"{__name__}.sdk")
_sdk_log.setLevel(logging.CRITICAL)  # the SDK logs bodies


class SocketMode:
    """The WebSocket of one process. Slack distributes requests over those of all processes. Create it in a running
    event loop: it connects in the background.
    """

    def __init__(
        self, handler: RequestHandler, client: AsyncWebClient, app_token: str, track_request: TrackRequest
    ) -> None:
        self._handler = handler
        self._track_request = track_request
        self._client = _Client(app_token, logger=_sdk_log, web_client=client, ping_interval=PING_SECONDS)
        self._client.message_listeners.append(self._receive)
        self._tasks = BackgroundTasks(log)
        # In the background: an unreachable Slack must not keep the other platform from starting.
        self._connecting = asyncio.ensure_future(self._client.connect())  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Accept nothing more, acknowledge what was accepted, and disconnect."""
        self._client.closed = True  # ends the client's loops, so that it does not reconnect
        self._connecting.cancel()
        await self._tasks.drain(RESPONSE_SECONDS)
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _receive(self, _client: AsyncBaseSocketModeClient, envelope: Json, raw: str | None) -> None:
        id = envelope.get("envelope_id")
        if isinstance(id, str):  # all messages but "hello" and "disconnect"
            self._tasks.start(self._handle(id, raw or ""))

    async def _handle(self, id: str, raw: str) -> None:
        """Handle an envelope. Acknowledge it if the HTTP status would be 200; else Slack delivers it again."""
        with self._track_request(ROUTE) as tracked:
            response = await self._respond(raw)
            tracked.status = response.status
        if response.status == 200:
            is_json = response.content_type == "application/json"
            payload = json.loads(response.body) if is_json else None  # type: ignore[arg-type]
            with suppress(ConnectionError):  # Slack delivers it again, and it is not processed twice
                await self._client.send_socket_mode_response(SocketModeResponse(id, payload))

    async def _respond(self, raw: str) -> web.Response:
        try:
            body = parse_json(raw).get("payload")
        except ValueError as error:
            log.info("malformed request: %s", type(error).__name__)
            return web.Response(status=400)
        if not isinstance(body, dict) or not body:
            return web.Response(status=400)
        return await self._handler.respond_in_time(body)


def proxy_for(url: str) -> str | None:
    """Return the proxy for a WebSocket URL: the same as for the Web API, unless NO_PROXY has its host."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(scheme)


class _Client(SocketModeClient):
    """The SDK's client, which retries forever, with a log message for each failure."""

    async def issue_new_wss_url(self) -> str:
        try:
            url = await super().issue_new_wss_url()
            self.proxy = proxy_for(url)
            return url
        except SlackApiError as error:
            log.error("Slack does not accept SLACK_APP_TOKEN: %s", error.response["error"])
            raise
        except Exception as error:
            log.warning("Socket Mode: Slack cannot be reached: %s", type(error).__name__)
            raise
