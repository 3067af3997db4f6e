"""HTTP as thin as it gets, for the two ends that are not measured: who presses, and the platform that is called.

Both live in one process beside the server under test and must never be what it waits for; a usual client and server
would be.
"""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_JSON = b"HTTP/1.1 %d OK\r\nContent-Type: application/json; charset=utf-8\r\n%sContent-Length: %d\r\n\r\n"


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: bytes


class Request(NamedTuple):
    """What a stand-in is asked. `path` with its query, as it was sent."""

    method: bytes
    path: bytes
    body: bytes


Handler = Callable[[Request], bytes]
"""A request -> the whole answer, made by `answer`."""


def answer(body: bytes, status: int = 200, headers: bytes = b"") -> bytes:
    """Return a whole answer with a JSON body. `headers`: more of them, each with its line end."""
    return _JSON % (status, headers, len(body)) + body


def post(path: str, headers: dict[str, str]) -> bytes:
    """Return the head of a POST, but for its length and what differs from one to the next."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def whole(head: bytes, body: bytes) -> bytes:
    """Return the request of a head (every line ended) and a body."""
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


class _Stream(asyncio.Protocol):
    """Messages with a Content-Length, one after the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[: end + 2])
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            body = bytes(self._buffer[end + 4 : whole])
            del self._buffer[:whole]
            self.received(head, body)

    def received(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class Connection(_Stream):
    """A client's: one request at a time, kept alive."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def send(self, request: bytes) -> Answer:
        """Return the answer. Raises `ConnectionError` when the server hangs up."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def received(self, head: bytes, body: bytes) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(Answer(int(head[9:12]), body))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server hung up"))

    def close(self) -> None:
        self.transport.close()


class _Served(_Stream):
    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def received(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if not self.transport.is_closing():
            self.transport.write(self._handler(Request(method, path, body)))


async def listen(handler: Handler) -> tuple[asyncio.Server, int]:
    """Serve on a free port of the loopback; return the server and its port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Served(handler), "127.0.0.1", 0, backlog=2048)
    return server, server.sockets[0].getsockname()[1]


async def until(there: Callable[[], bool], within: float = 60.0) -> None:
    """Wait for something to be there. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while not there():  # noqa: ASYNC110 - what is waited for is another process's doing
            await asyncio.sleep(0.02)
