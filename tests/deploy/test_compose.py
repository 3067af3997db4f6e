"""The compose file: what Docker makes of it, and that nothing in it is too loose. Its schema: `test_schemas.py`."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def test_ours_run_read_only_and_only_after_the_migration(services: dict[str, Any]) -> None:
    for name in ("advisor", "migrate"):
        assert services[name]["read_only"] is True
        assert "cap_add" not in services[name]
    assert services["migrate"]["command"] == ["cm-advisor", "db", "upgrade"]
    assert services["advisor"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in services["database"]


def test_nobody_may_do_more_than_it_must(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(services["database"]["cap_add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert "ports" not in services["database"]
    assert services["advisor"]["ports"] == ["127.0.0.1:3978:3978"], "plain HTTP is for whoever ends TLS alone"
    assert services["database"]["image"].partition(":")[2].count("."), "pinned by its minor version"


def test_docker_can_read_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    home = tmp_path / "deploy"
    home.mkdir()
    shutil.copy(COMPOSE, home)
    (tmp_path / ".env").write_text("SLACK_SIGNING_SECRET=x\n")
    command = [docker, "compose", "-f", str(home / "compose.yaml"), "config", "--quiet"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
