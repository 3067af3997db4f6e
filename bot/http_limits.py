"""Limits of the HTTP server: slow, large and malformed requests end here, before any handler runs.

By default aiohttp waits an hour for the headers of a request and without limit for its body, decompresses bodies, and
logs a traceback for every malformed request.
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import Awaitable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from bot.aiohttp_internals import CustomAppRunner, get_messages, get_waiter

HEADERS_TIMEOUT = 10.0
"""Seconds from the first byte of a request, or from the connection, to the end of its headers."""
BODY_TIMEOUT = 10.0
"""Seconds for a body. The platforms wait less than that for the whole response."""
MAX_CONNECTIONS = 4_000
"""Concurrent connections: four times what a thousand people need who press at the same moment."""
HANDLER_ARGS = {
    # Longer than that of proxies, so that the proxy closes a connection and no request meets a closed one.
    "keepalive_timeout": 620.0,
    "lingering_time": 2.0,  # seconds to read the rest of a request after its response
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "auto_decompress": False,
}
"""Limits that aiohttp has itself: for `web.Application(handler_args=...)`."""
MALFORMED = web.ResponseKey("malformed request", bool)
COMMON_HEADERS = {"Server": "cm-advisor", "X-Content-Type-Options": "nosniff"}
"""Headers of every response. They hide the versions in use and keep browsers from guessing content types."""

_HOSTS = "Give 127.0.0.1 for this machine alone, 0.0.0.0 or :: for all."

log = logging.getLogger(__name__)


@web.middleware
async def limit_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the whole body before the handler runs, within its limits of size and time. Reject compressed bodies."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise _closing(web.HTTPUnsupportedMediaType())  # signatures are over the bytes as sent
    if (request.content_length or 0) > request.client_max_size:
        raise _closing(web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length or 0))
    if request.can_read_body:
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                await request.read()
        except TimeoutError:
            raise _closing(web.HTTPRequestTimeout()) from None
        except web.HTTPRequestEntityTooLarge as response:
            raise _closing(response) from None
        except (RequestPayloadError, ConnectionError):  # malformed or cut short
            raise _closing(web.HTTPBadRequest()) from None
    return await handler(request)


def _closing(response: web.HTTPException) -> web.HTTPException:
    """Close the connection after the response, because the rest of the request is not read."""
    response.force_close()
    return response


async def set_common_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add `COMMON_HEADERS`. For ``on_response_prepare``."""
    response.headers.update(COMMON_HEADERS)


def _is_idle(connection: RequestHandler) -> bool:
    """Return whether no request of a connection is complete or being answered."""
    waiter = get_waiter(connection)
    return waiter is not None and not waiter.done() and not get_messages(connection)


class Connection(RequestHandler):
    """One connection. It is closed when headers take too long. Malformed requests get 400 and no traceback."""

    __slots__ = ("_header_timer", "_server")

    def __init__(self, server: "LimitedServer", **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._server.has_room() and isinstance(transport, asyncio.Transport):
            transport.abort()
            return
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not _is_idle(self):
            self._stop_timer()
        elif self._header_timer is None:
            self._start_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._header_timer = asyncio.get_running_loop().call_later(HEADERS_TIMEOUT, self.force_close)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request without logging its bytes or sending them back."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, headers=COMMON_HEADERS)
        response[MALFORMED] = True
        response.force_close()
        return response

    def log_access(self, request: web.BaseRequest, response: web.StreamResponse, time: float | None) -> None:
        """Log a request, unless it is malformed and has no route."""
        if MALFORMED not in response:
            super().log_access(request, response, time)


class LimitedServer(web.Server):
    """Accepts up to `MAX_CONNECTIONS` connections."""

    def __init__(self, handler: Any, *, request_factory: Any, **options: Any) -> None:
        super().__init__(handler, request_factory=request_factory, **options)
        self._options = options

    def __call__(self) -> RequestHandler:
        return Connection(self, **self._options)

    def has_room(self) -> bool:
        """Return whether one more connection is possible, after closing an idle one if necessary."""
        connections = self.connections
        if len(connections) < MAX_CONNECTIONS:
            return True
        idle = next(filter(_is_idle, connections), None)
        if idle is not None:
            idle.force_close()
        return idle is not None


class CannotListen(Exception):
    """The server cannot listen on its address. The message names the setting."""


class LimitedAppRunner(CustomAppRunner):
    """An `AppRunner` with these limits."""

    __slots__ = ()
    server_class = LimitedServer


async def listen(runner: web.AppRunner, host: str, port: int, port_setting: str = "PORT") -> None:
    """Accept connections. Raises `CannotListen`."""
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except (socket.gaierror, UnicodeError):
        message = f"HOST: {host:.100} is not an address of this machine."
        raise CannotListen(f"{message} {_HOSTS} Conda sets HOST, too: unset it there.") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise CannotListen(f"{port_setting}: port {port} of {host} is not available ({reason}).") from None
        raise CannotListen(f"HOST: {host} cannot be listened on ({reason}). {_HOSTS}") from None


async def run_app(app: Awaitable[web.Application], *, host: str, port: int, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT. `options`: those of `AppRunner`. Raises `CannotListen`, and what `app` raises."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = LimitedAppRunner(await app, **options)
    try:
        await runner.setup()
        await listen(runner, host, port)
        log.info("listening on %s", runner.addresses[0])
        await stopped.wait()
    finally:
        await runner.cleanup()
