"""The private names of aiohttp that `bot.http_limits` needs. tests/bot/test_aiohttp_internals.py checks them."""

import asyncio
from collections.abc import Callable, Sized
from operator import attrgetter
from typing import ClassVar

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

get_messages: Callable[[RequestHandler], Sized] = attrgetter("_messages")
"""Returns the requests of a connection that are complete and not being answered yet."""
get_waiter: Callable[[RequestHandler], "asyncio.Future[None] | None"] = attrgetter("_waiter")
"""Returns the future on which a connection waits for a request; None or done while it answers one."""


class CustomAppRunner(web.AppRunner):
    """An `AppRunner` with another class of server."""

    __slots__ = ()
    server_class: ClassVar[type[web.Server]] = web.Server

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return self.server_class(
            server.request_handler,
            request_factory=server.request_factory,
            loop=asyncio.get_running_loop(),
            **server._kwargs,
        )
