"""Alerts and dashboard ask only for what the server really exports."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

from bot.telemetry import metrics

MONITORING = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
NAME = re.compile(r"\bcm_advisor_\w+")


def exported() -> set[str]:
    assert metrics.AGE.collect()
    names: set[str] = set()
    for metric in REGISTRY.collect():
        kinds = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
        names |= {metric.name + ending for ending in kinds.get(metric.type, ("",))}
    return names


@pytest.mark.parametrize("name", ["alerts.yaml", "dashboard.json"])
def test_every_metric_asked_for_is_exported(name: str) -> None:
    asked = set(NAME.findall((MONITORING / name).read_text(encoding="utf-8")))
    assert len(asked) >= 3
    assert asked <= exported()


def test_every_metric_has_its_place_on_the_dashboard() -> None:
    shown = (MONITORING / "dashboard.json").read_text(encoding="utf-8")
    ours = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("cm_advisor_")}
    assert not [name for name in ours if name not in shown]
    assert len({panel["id"] for panel in json.loads(shown)["panels"]}) == len(json.loads(shown)["panels"])


def test_every_alert_is_for_a_person_and_says_what_is_wrong() -> None:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    readme = (MONITORING.parent / "README.md").read_text(encoding="utf-8")
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["alert"].removeprefix("CmAdvisor") in readme


def test_prometheus_can_read_them() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool (Debian: prometheus) is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(MONITORING / "alerts.yaml")], check=False)
    assert checked.returncode == 0
