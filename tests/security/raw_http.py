"""HTTP by hand, to say what no client library would."""

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple


class Address(NamedTuple):
    host: str
    port: int

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)


class Heard(NamedTuple):
    """What came back until the other side closed. `status`: of the first answer, 0 for none."""

    raw: bytes
    seconds: float

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/1.") else 0

    @property
    def answers(self) -> int:
        return self.raw.count(b"HTTP/1.1 ")


async def say(address: Address, *parts: bytes, pause: float = 0.0, patience: float = 20.0, end: bool = False) -> Heard:
    """Send the parts, a pause after each, and listen until the other side closes. `end`: close our half after that."""
    reader, writer = await address.open()
    began, heard = time.monotonic(), bytearray()
    hearing = asyncio.create_task(_hear(reader, heard))
    try:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    if pause and not hearing.done():
                        await asyncio.wait({hearing}, timeout=pause)
                if end:
                    writer.write_eof()
                await asyncio.shield(hearing)
        return Heard(bytes(heard), time.monotonic() - began)
    finally:
        hearing.cancel()
        writer.transport.abort()


async def _hear(reader: asyncio.StreamReader, heard: bytearray) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            heard += data


def request(
    method: str = "POST", path: str = "/slack/events", body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """A well-formed request that asks to close."""
    lines = {"Host": "here", "Connection": "close", "Content-Length": str(len(body))} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
