"""HTTP over plain sockets, for requests that no client library sends."""

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple


class Address(NamedTuple):
    host: str
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)


class RawResponse(NamedTuple):
    """All bytes until the server closed the connection, and the seconds until then."""

    raw: bytes
    seconds: float

    @property
    def status(self) -> int:
        """The status of the first response, 0 if there is none."""
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/1.") else 0

    @property
    def responses(self) -> int:
        """The number of responses."""
        return self.raw.count(b"HTTP/1.1 ")


async def send_raw(
    address: Address, *parts: bytes, pause: float = 0.0, within: float = 20.0, end: bool = False
) -> RawResponse:
    """Send the parts, with a pause after each, and read until the server closes or `within` seconds have passed.

    `end` closes the sending half of the connection after the last part.
    """
    reader, writer = await address.connect()
    started, received = time.monotonic(), bytearray()
    reading = asyncio.create_task(_read_into(received, reader))
    try:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(within):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    if pause and not reading.done():
                        await asyncio.wait({reading}, timeout=pause)
                if end:
                    writer.write_eof()
                await asyncio.shield(reading)
        return RawResponse(bytes(received), time.monotonic() - started)
    finally:
        reading.cancel()
        writer.transport.abort()


async def _read_into(received: bytearray, reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            received += data


def make_request(
    method: str = "POST", path: str = "/slack/events", body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """Return a well-formed request with ``Connection: close``."""
    lines = {"Host": "here", "Connection": "close", "Content-Length": str(len(body))} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
