"""A minimal HTTP client and server, for the simulated users and platforms.

Both run in one process beside the server under test. A usual client and server would be slower than that server.
"""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_JSON = b"HTTP/1.1 %d OK\r\nContent-Type: application/json; charset=utf-8\r\n%sContent-Length: %d\r\n\r\n"


class Response(NamedTuple):
    status: int
    body: bytes


class Request(NamedTuple):
    """`path` includes the query."""

    method: bytes
    path: bytes
    body: bytes


Handler = Callable[[Request], bytes]
"""A request -> the bytes of the response, made by `response`."""


def response(body: bytes, status: int = 200, headers: bytes = b"") -> bytes:
    """Return a response with a JSON body. `headers`: further lines, each with its line end."""
    return _JSON % (status, headers, len(body)) + body


def post_head(path: str, headers: dict[str, str]) -> bytes:
    """Return the head of a POST without Content-Length and without the last empty line."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def with_body(head: bytes, body: bytes) -> bytes:
    """Return the request of a head and a body."""
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


class _Stream(asyncio.Protocol):
    """Parses messages with a Content-Length."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[: end + 2])
            match = _LENGTH.search(head)
            length = end + 4 + (int(match[1]) if match else 0)
            if len(self._buffer) < length:
                return
            body = bytes(self._buffer[end + 4 : length])
            del self._buffer[:length]
            self.received(head, body)

    def received(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class Connection(_Stream):
    """A keep-alive client connection; one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Future[Response] | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def send(self, request: bytes) -> Response:
        """Return the response. Raises `ConnectionError` when the server disconnects."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def received(self, head: bytes, body: bytes) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(Response(int(head[9:12]), body))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server disconnected"))

    def close(self) -> None:
        self.transport.close()


class _ServerConnection(_Stream):
    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def received(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if not self.transport.is_closing():
            self.transport.write(self._handler(Request(method, path, body)))


async def listen(handler: Handler) -> tuple[asyncio.Server, int]:
    """Serve on a free port of the loopback; return the server and its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: _ServerConnection(handler), "127.0.0.1", 0, backlog=2048
    )
    return server, server.sockets[0].getsockname()[1]


async def wait_until(condition: Callable[[], bool], within: float = 60.0) -> None:
    """Poll a condition. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)
