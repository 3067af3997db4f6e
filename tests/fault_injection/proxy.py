"""A TCP proxy in front of a database: it cuts what goes through it, and refuses for a while, on demand."""

import asyncio
from contextlib import suppress
from typing import Self

CHUNK = 1 << 16


class Proxy:
    """Listens on 127.0.0.1 and passes on to a socket in the file system, or to a host and port."""

    def __init__(self, upstream: str | tuple[str, int]) -> None:
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._refuses = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server
        self._server.close()
        self.cut()

    def up(self) -> None:
        """Let everybody through again."""
        self._refuses = False

    def down(self) -> None:
        """Cut what is open and turn away what comes. The port stays ours, or somebody else might be given it."""
        self._refuses = True
        self.cut()

    def cut(self) -> int:
        """Close every connection that is open, in the middle of whatever it says; return how many those were."""
        cut = list(self._open)
        for writer in cut:
            writer.transport.abort()
        return len(cut) // 2

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            if isinstance(self._upstream, str):
                there = await asyncio.open_unix_connection(self._upstream)
            else:
                there = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there[1]}
        await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))
        self._open -= {writer, there[1]}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    # Whoever has died has died for the other side, too: a database must learn that its client is gone.
    with suppress(OSError, RuntimeError):
        writer.close()
