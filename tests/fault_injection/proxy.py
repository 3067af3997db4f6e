"""A TCP proxy before a database. It can cut open connections and refuse new ones."""

import asyncio
from contextlib import suppress
from typing import Self

CHUNK_BYTES = 1 << 16


class Proxy:
    """Listens on 127.0.0.1 and forwards to a Unix socket, or to a host and port."""

    def __init__(self, upstream: str | tuple[str, int]) -> None:
        self._upstream = upstream
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._refusing = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server
        self._server.close()
        self.cut()

    def up(self) -> None:
        """Accept connections again."""
        self._refusing = False

    def down(self) -> None:
        """Cut open connections and refuse new ones. The port stays in use, so that no other program gets it."""
        self._refusing = True
        self.cut()

    def cut(self) -> int:
        """Abort every open connection; return how many there were."""
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            if isinstance(self._upstream, str):
                upstream = await asyncio.open_unix_connection(self._upstream)
            else:
                upstream = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream[1]}
        await asyncio.gather(_pipe(reader, upstream[1]), _pipe(upstream[0], writer))
        self._writers -= {writer, upstream[1]}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    # When one side is gone, close the other: a database must learn that its client died.
    with suppress(OSError, RuntimeError):
        writer.close()
