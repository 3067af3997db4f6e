"""An operator reads sentences, whatever is wrong with the database."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.ports import ServiceUnavailable
from bot.storage.database import Database
from bot.storage.problems import describe


def damaged(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)


def text(path: Path) -> None:
    path.write_text("no database" * 1000)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [(damaged, "is damaged|is not an SQLite"), (text, "is not an SQLite database"), (folder, "cannot be opened")],
)
def test_a_file_that_is_no_database(make, sentence: str, tmp_path: Path) -> None:
    make(tmp_path / "x.db")
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(ServiceUnavailable, match=sentence):
        database.open()
    database.close()


async def test_a_full_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    database.upgrade()
    await database.ping()
    with database._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count = {pages}")
    big = sa.text("INSERT INTO adapter_data (tenant, key, value) VALUES ('t', 'k', zeroblob(1000000))")
    with pytest.raises(ServiceUnavailable, match="the disk of the database file is full"):
        await database.run(lambda transaction: transaction.execute(big))
    database.close()


async def test_a_file_that_is_restored_is_opened_again(tmp_path: Path) -> None:
    """Also without a restart: the connection to the old file would stay read-only."""
    path = tmp_path / "x.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    await database.ping()
    backup = tmp_path / "backup.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"VACUUM INTO '{backup}'")
    for ending in ("", "-wal", "-shm"):
        path.with_name(f"x.db{ending}").unlink(missing_ok=True)
    backup.replace(path)
    results = await asyncio.gather(*(database.ping() for _ in range(3)), return_exceptions=True)
    await database.ping()
    database.close()
    assert all(result is None or isinstance(result, ServiceUnavailable) for result in results)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ('FATAL: password authentication failed for user "u"', "refuses the user or the password"),
        ('FATAL: database "x" does not exist', "does not exist. Create it"),
        ("[Errno -2] Name or service not known", "The host that DATABASE_URL names is unknown"),
        ("connection refused", "Nothing listens"),
        ("timeout expired", "does not answer"),
        ('invalid sslmode value: "s3cret"', "DATABASE_URL has an option"),
        ("s3cret", r"unavailable \(OperationalError\)"),
    ],
)
def test_what_happens_while_connecting(message: str, sentence: str) -> None:
    error = sa.exc.OperationalError("", {}, Exception(message))
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(describe(error, sa.make_url("postgresql://u:p@db/x")))
    assert "s3cret" not in describe(error, sa.make_url("postgresql://u:p@db/x"))
