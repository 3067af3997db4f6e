"""PostgreSQL after a failover, behind a pooler, with other encodings and rights."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from adapters.ports import ServiceUnavailable, Turn
from bot.core.service import Service
from bot.server import build
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.schema_version import SchemaMismatch
from bot.storage.statements import NewJob
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Start
from tests.bot.fakes import ANNA
from tests.postgres_server import clear, sqlalchemy_url

pytestmark = pytest.mark.postgres

Execute = Callable[..., None]


@pytest.fixture
def execute(postgres: str) -> Iterator[Execute]:
    """Run statements as the owner, in a session that may write."""
    clear(postgres)
    with psycopg.connect(postgres, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        name = connection.info.dbname

        def run(*statements: str) -> None:
            for statement in statements:
                connection.execute(statement.replace("THIS", name).encode())

        yield run
        run("ALTER DATABASE THIS RESET default_transaction_read_only")


READ_ONLY = (
    "ALTER DATABASE THIS SET default_transaction_read_only = on",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'THIS' AND pid <> pg_backend_pid()",
)
READ_WRITE = ("ALTER DATABASE THIS RESET default_transaction_read_only",)
TERMINATE = READ_ONLY[1:]


async def test_a_session_that_began_read_only_is_replaced(postgres: str, execute: Execute) -> None:
    database = Database(sqlalchemy_url(postgres))
    database.upgrade()
    service = Service(FLOW, database)
    await asyncio.gather(*(service.turn(Turn(Start(ANNA, f"s{number}"))) for number in range(20)))
    execute(*READ_ONLY)
    for work in (database.ping(), service.turn(Turn(Start(ANNA, "late"))), service.set_language(ANNA, "fr")):
        with pytest.raises(ServiceUnavailable, match="the database is read-only"):
            await work
    execute(*READ_WRITE)
    await database.ping()
    result = await service.turn(Turn(Answer(ANNA, "orientation", "key", revision=0), "s1"))
    assert result.session
    assert result.session.answers == {"orientation": "key"}
    await asyncio.gather(*(service.turn(Turn(Start(ANNA, f"t{number}"))) for number in range(20)))
    database.close()


async def test_closed_connections_are_replaced(postgres: str, execute: Execute) -> None:
    database = Database(sqlalchemy_url(postgres))
    database.upgrade()
    for number in range(3):
        await asyncio.gather(*(database.ping() for _ in range(20)))
        execute(*TERMINATE)
        await asyncio.gather(*(database.run(lambda t, n=number: t.record_key(f"k{n}")) for _ in range(20)))  # type: ignore[misc]
    database.close()


async def test_the_server_goes_on_after_a_failover(postgres: str, execute: Execute) -> None:
    database = Database(sqlalchemy_url(postgres))
    database.upgrade()
    database.close()
    settings = Settings(_env_file=None, database_url=sqlalchemy_url(postgres))
    async with TestClient(TestServer(await build(settings))) as client:

        async def becomes(status: int, within: float = 5) -> None:
            end = time.monotonic() + within
            while (await client.get("/readyz")).status != status:
                assert time.monotonic() < end, await (await client.get("/readyz")).text()
                await asyncio.sleep(0.1)

        await becomes(200)
        execute(*READ_ONLY)
        await becomes(503)
        assert (await (await client.get("/readyz")).json())["database"] == "unavailable"
        assert (await client.get("/healthz")).status == 200, "a restart would not help"
        execute(*READ_WRITE)
        await becomes(200)
        execute(*TERMINATE)
        await becomes(200)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_store_every_text(postgres: str, execute: Execute, encoding: str) -> None:
    name = f"other_{encoding.lower()}"
    execute(
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    database = Database(sqlalchemy_url(postgres.replace(urlsplit(postgres).path, f"/{name}", 1)))
    for attempt in (database.open, database.upgrade):
        with pytest.raises(SchemaMismatch, match=f"has the encoding {encoding}, but UTF8 is needed"):
            attempt()
    database.close()
    execute(f"DROP DATABASE {name}")


def test_a_user_without_rights_is_told_which(postgres: str, execute: Execute) -> None:
    execute(
        "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 'guest'", "GRANT USAGE ON SCHEMA public TO guest"
    )
    guest = Database(sqlalchemy_url(postgres.replace("postgres:@", "guest:guest@").replace("//postgres@", "//guest@")))
    with pytest.raises(ServiceUnavailable, match="GRANT USAGE, CREATE ON SCHEMA public TO guest;") as caught:
        guest.upgrade()
    assert "CREATE on the schema public" in str(caught.value)
    owner = Database(sqlalchemy_url(postgres))
    owner.upgrade()
    with pytest.raises(ServiceUnavailable, match="GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"):
        guest.check()
    guest.close()
    owner.close()
    clear(postgres)
    execute("DROP OWNED BY guest", "DROP ROLE guest")


# --- Poolers ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def pooler(socket_path: str, *, refuse_options: bool) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Forward connections as pgbouncer does in transaction mode. Yields its port and the statements that were prepared.

    pgbouncer itself is not there: this refuses `options` as pgbouncer does by default, and forgets prepared statements.
    """
    prepared: list[bytes] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client: bool) -> None:
        try:
            while head := await reader.readexactly(5):
                body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
                if client and head[:1] == b"P" and not body.startswith(b"\0"):
                    prepared.append(body)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = struct.unpack("!I", await reader.readexactly(4))[0]
        startup = await reader.readexactly(size - 4)
        while startup[:4] in {struct.pack("!I", 80877103), struct.pack("!I", 80877104)}:  # SSL, GSSAPI
            writer.write(b"N")
            size = struct.unpack("!I", await reader.readexactly(4))[0]
            startup = await reader.readexactly(size - 4)
        if refuse_options and b"options\0" in startup:
            fields = b"SFATAL\0C08P01\0Munsupported startup parameter in options: statement_timeout\0\0"
            writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
            writer.close()
            return
        from_server, to_server = await asyncio.open_unix_connection(socket_path)
        to_server.write(struct.pack("!I", size) + startup)
        await asyncio.gather(forward(reader, to_server, client=True), forward(from_server, writer, client=False))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], prepared
    finally:
        server.close()


async def test_behind_a_pooler(postgres: str, execute: Execute, caplog: pytest.LogCaptureFixture) -> None:
    del execute
    parts = urlsplit(postgres)
    folder = parse_qs(parts.query)["host"][0]
    async with pooler(f"{folder}/.s.PGSQL.5432", refuse_options=True) as (port, prepared):
        database = Database(f"postgresql+psycopg://postgres@127.0.0.1:{port}{parts.path}")
        await asyncio.to_thread(database.upgrade)
        service = Service(FLOW, database)
        for number in range(30):
            await service.turn(Turn(Start(ANNA, f"s{number}")))
        await database.run(lambda transaction: transaction.add_job(NewJob("purge", if_absent=True)))
        await asyncio.to_thread(database.close)
    assert prepared == [], "the next transaction may have another session"
    assert "ALTER ROLE" in caplog.text
