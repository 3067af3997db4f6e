"""Fails when aiohttp changes a private name that `bot.aiohttp_internals` relies on."""

import asyncio
import inspect

from aiohttp import web
from aiohttp.test_utils import unused_port
from aiohttp.web_protocol import RequestHandler

from bot.aiohttp_internals import get_messages, get_waiter
from bot.http_limits import HANDLER_ARGS, Connection, LimitedAppRunner, LimitedServer

CHANGED = "aiohttp has changed: adapt bot/aiohttp_internals.py and bot/http_limits.py"


async def test_the_private_names_exist() -> None:
    assert {"_messages", "_waiter"} <= set(RequestHandler.__slots__), CHANGED
    assert inspect.iscoroutinefunction(web.AppRunner._make_server), CHANGED
    assert web.Server(lambda _: None, keepalive_timeout=1.0)._kwargs == {"keepalive_timeout": 1.0}, CHANGED  # type: ignore[arg-type, return-value]


def test_the_overridden_methods_have_the_same_parameters() -> None:
    for name in ("connection_made", "connection_lost", "data_received", "handle_error", "log_access"):
        original, overridden = (
            inspect.signature(getattr(handler, name)).parameters for handler in (RequestHandler, Connection)
        )
        assert list(overridden) == list(original), f"{name}: {CHANGED}"


async def test_a_connection_is_idle_before_and_after_a_request() -> None:
    answering, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        answering.set()
        await go_on.wait()
        return web.Response()

    app = web.Application(handler_args=HANDLER_ARGS)
    app.add_routes([web.get("/", answer)])
    runner = LimitedAppRunner(app)
    await runner.setup()
    assert isinstance(runner.server, LimitedServer), CHANGED
    port = unused_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.sleep(0.05)
        [connection] = runner.server.connections
        assert isinstance(connection, Connection), CHANGED
        assert connection._keepalive_timeout == HANDLER_ARGS["keepalive_timeout"], CHANGED
        waiter = get_waiter(connection)
        assert waiter is not None, CHANGED
        assert not waiter.done(), CHANGED
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await answering.wait()
        busy = get_waiter(connection)
        assert busy is None or busy.done(), CHANGED
        assert len(get_messages(connection)) == 0, CHANGED
        go_on.set()
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        waiter = get_waiter(connection)
        assert waiter is not None, CHANGED
        assert not waiter.done(), CHANGED
    finally:
        writer.close()
        await runner.cleanup()
