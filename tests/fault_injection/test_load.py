"""Two hundred users at once under faults: nothing is lost, posted twice, or given to the wrong user.

``make soak`` does the same with ten thousand dialogs and longer outages.
"""

import json
import os
from pathlib import Path

import pytest

from tests.fault_injection.faults import FaultRates
from tests.fault_injection.history import Json
from tests.fault_injection.invariants import Report
from tests.fault_injection.load_test import DRAIN_TIMEOUT, Plan, one_on_sqlite, two_on_postgres
from tests.postgres_server import clear

SEED = int(os.environ.get("LOAD_TEST_SEED", "7"))
TWO_REPLICAS = Plan(dialogs=140, seed=SEED, ramp_seconds=12.0)
# A single replica that is down stops everything: fewer users and fewer faults.
ONE_REPLICA = Plan(dialogs=60, seed=SEED, ramp_seconds=12.0, rates=FaultRates(interval=5.0, outage=6.0))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.postgres
async def test_two_replicas_on_postgresql(postgres: str, tmp_path: Path) -> None:
    clear(postgres)
    report, summary = await two_on_postgres(TWO_REPLICAS, tmp_path, postgres)
    assert_ok(report, summary)
    for fault in (
        "database connections cut",
        "database read-only",
        "database backends terminated",
        "slack: response lost",
        "teams: response lost",
        "press by the wrong user",
    ):
        assert summary["faults"].get(fault, 0) > 0, fault


async def test_one_replica_on_sqlite(tmp_path: Path) -> None:
    report, summary = await one_on_sqlite(ONE_REPLICA, tmp_path)
    assert_ok(report, summary)
    assert summary["faults"].get("clock set back while posts wait", 0) > 0


def assert_ok(report: Report, summary: Json) -> None:
    """All invariants hold, and faults were injected; pytest shows the summary on failure."""
    print(json.dumps(summary, indent=2, ensure_ascii=False))
    assert report.ok, report.problems()
    assert summary["drained_after"] is not None
    assert summary["drained_after"] < DRAIN_TIMEOUT
    assert report.posted + report.kept == report.dialogs
    assert summary["faults"].get("kill -9", 0) > 0
