"""The front door of the HTTP server: what is slow, large, or no HTTP at all ends here, before anything of ours runs.

aiohttp waits an hour for the headers of a request and for ever for its body, unpacks what comes packed, and logs a
traceback for every line that is not HTTP. Neither platform needs any of that.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

HEADERS_WITHIN = 10.0
"""Seconds from the first byte of a request, or from the connection, to the end of its headers."""
BODY_WITHIN = 10.0
"""Seconds for a body; the platforms themselves give us less than that for the whole answer."""
MAX_CONNECTIONS = 4_000
"""At once. A thousand people who press at the same moment need a quarter; one idle connection makes room for a new."""
HANDLER_ARGS = {
    # Longer than proxies keep a connection, so that it is they who close it, and no request meets a closing door.
    "keepalive_timeout": 620.0,
    "lingering_time": 2.0,  # seconds to go on reading what is answered already
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "auto_decompress": False,
}
"""For aiohttp's own part: `web.Application(handler_args=LIMITS)`."""
NOT_HTTP = web.ResponseKey("not http", bool)
COMMON_HEADERS = {"Server": "cm-advisor", "X-Content-Type-Options": "nosniff"}

log = logging.getLogger(__name__)


@web.middleware
async def limit_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have the whole body in memory before anything is done: in time, no longer than it may be, and as it was sent."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise _last(web.HTTPUnsupportedMediaType())  # a signature is over the bytes, and a bomb is a bomb
    if (request.content_length or 0) > request.client_max_size:
        raise _last(web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length or 0))
    if request.can_read_body:
        try:
            async with asyncio.timeout(BODY_WITHIN):
                await request.read()
        except TimeoutError:
            raise _last(web.HTTPRequestTimeout()) from None
        except web.HTTPRequestEntityTooLarge as answer:
            raise _last(answer) from None
        except (RequestPayloadError, ConnectionError):  # not what it said it was, or cut short
            raise _last(web.HTTPBadRequest()) from None
    return await handler(request)


def _last(answer: web.HTTPException) -> web.HTTPException:
    """What is left of the request is nobody's to read."""
    answer.force_close()
    return answer


async def set_common_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Tell nobody which versions run here, and let no browser guess what an answer is. For ``on_response_prepare``."""
    response.headers.update(COMMON_HEADERS)


class Connection(RequestHandler):
    """One connection. Cut when the headers of a request take too long; what is not HTTP gets 400 and no traceback."""

    __slots__ = ("_hurry",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._hurry: asyncio.TimerHandle | None = None
        door = self._manager
        if isinstance(door, LimitedServer) and not door.has_room() and isinstance(transport, asyncio.Transport):
            transport.abort()
            return
        super().connection_made(transport)
        self._hurry = self._loop.call_later(HEADERS_WITHIN, self.force_close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.idle and self._hurry is None:
            self._hurry = self._loop.call_later(HEADERS_WITHIN, self.force_close)
        elif self._hurry is not None and not self.idle:
            self._calm()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._calm()
        super().connection_lost(exc)

    @property
    def idle(self) -> bool:
        """Whether no whole request is there or being answered."""
        return not self._messages and self._waiter is not None and not self._waiter.done()

    def _calm(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP. Its bytes are neither logged nor sent back."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        answer = web.Response(status=status, headers=COMMON_HEADERS)
        answer[NOT_HTTP] = True
        answer.force_close()
        return answer

    def log_access(self, request: web.BaseRequest, response: web.StreamResponse, time: float | None) -> None:
        if NOT_HTTP not in response:  # there is no route to name
            super().log_access(request, response, time)


class LimitedServer(web.Server):
    """Makes connections, so many and no more."""

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)

    def has_room(self) -> bool:
        """Return whether one more connection may come, letting go of an idle one for it if need be."""
        if len(self._connections) < MAX_CONNECTIONS:
            return True
        idle = next((each for each in self._connections if isinstance(each, Connection) and each.idle), None)
        if idle is not None:
            idle.force_close()
        return idle is not None


class LimitedAppRunner(web.AppRunner):
    """An `AppRunner` with this door."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return LimitedServer(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )


def run_app(
    app: Awaitable[web.Application],
    *,
    host: str,
    port: int,
    **how: Any,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish. `how`: as for `AppRunner`. Raises what `app` raises, `OSError`."""
    asyncio.run(_run(app, host, port, **how))


async def _run(making: Awaitable[web.Application], host: str, port: int, **how: Any) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = LimitedAppRunner(await making, **how)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024).start()
        log.info("Listening on %s", runner.addresses[0])
        await ended.wait()
    finally:
        await runner.cleanup()
