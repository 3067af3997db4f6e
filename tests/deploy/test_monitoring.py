"""Alerts and dashboard use only metrics that the server exports."""

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
def test_every_metric_used_is_exported(name: str) -> None:
    used = set(NAME.findall((MONITORING / name).read_text(encoding="utf-8")))
    assert len(used) >= 3
    assert used <= exported()


def test_every_metric_is_on_the_dashboard() -> None:
    dashboard = (MONITORING / "dashboard.json").read_text(encoding="utf-8")
    names = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("cm_advisor_")}
    assert not [name for name in names if name not in dashboard]
    assert len({panel["id"] for panel in json.loads(dashboard)["panels"]}) == len(json.loads(dashboard)["panels"])


def test_every_alert_has_a_severity_a_summary_and_a_section_in_the_readme() -> None:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    readme = (MONITORING.parent / "README.md").read_text(encoding="utf-8")
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["alert"].removeprefix("CmAdvisor") in readme


def test_prometheus_accepts_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool (Debian: prometheus) is not installed")
    result = subprocess.run([promtool, "check", "rules", str(MONITORING / "alerts.yaml")], check=False)
    assert result.returncode == 0
