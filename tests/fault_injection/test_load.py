"""Two hundred people at once while everything goes wrong: nothing lost, nothing twice, nobody mixed up.

The same with ten thousand, and with longer outages: ``make soak``.
"""

import json
import os
from pathlib import Path

import psycopg
import pytest

from tests.fault_injection.faults import FaultRates
from tests.fault_injection.history import Json
from tests.fault_injection.invariants import Report
from tests.fault_injection.load_test import SETTLE_TIME, Plan, one_on_sqlite, two_on_postgres

SEED = int(os.environ.get("STORM_SEED", "7"))
TOGETHER = Plan(dialogs=140, seed=SEED, lasts=12.0)
# One replica that is down is all of them: fewer people, and it is less often.
ALONE = Plan(dialogs=60, seed=SEED, lasts=12.0, climate=FaultRates(every=5.0, outage=6.0))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.postgres
async def test_two_replicas_on_postgresql(postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    verdict, report = await two_on_postgres(TOGETHER, tmp_path, postgres)
    passed(verdict, report)
    for fault in ("database connections cut", "slack: answer lost", "teams: answer lost", "press by the wrong person"):
        assert report["faults"].get(fault, 0) > 0, fault


async def test_one_replica_on_sqlite(tmp_path: Path) -> None:
    passed(*await one_on_sqlite(ALONE, tmp_path))


def passed(verdict: Report, report: Json) -> None:
    """All went well, although everything went wrong; the report is printed where it did not."""
    print(json.dumps(report, indent=2, ensure_ascii=False))
    assert verdict.good, verdict.faults()
    assert report["drained_after"] is not None
    assert report["drained_after"] < SETTLE_TIME
    assert verdict.posted + verdict.kept == verdict.dialogs
    assert report["faults"].get("kill -9", 0) > 0
