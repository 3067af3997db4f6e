"""The compose file: privileges, order of start, and that Docker reads it. Its schema: `test_schemas.py`."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"


@pytest.fixture
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


def test_the_server_is_read_only_and_starts_after_the_migration(services: dict[str, Any]) -> None:
    for name in ("advisor", "migrate"):
        assert services[name]["read_only"] is True
        assert "cap_add" not in services[name]
    assert services["migrate"]["command"] == ["cm-advisor", "db", "upgrade"]
    assert services["advisor"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in services["database"]


def test_services_have_only_the_privileges_they_need(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(services["database"]["cap_add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert "ports" not in services["database"]
    assert services["advisor"]["ports"] == ["127.0.0.1:3978:3978"], "plain HTTP is for the reverse proxy only"
    assert services["database"]["image"].partition(":")[2].count("."), "pinned to a minor version"


def test_docker_reads_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    folder = tmp_path / "deploy"
    folder.mkdir()
    shutil.copy(COMPOSE, folder)
    (tmp_path / ".env").write_text("SLACK_SIGNING_SECRET=x\n")
    command = [docker, "compose", "-f", str(folder / "compose.yaml"), "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
